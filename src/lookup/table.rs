//! The table of all functions for scripts.

#[cfg(not(feature = "full"))]
use super::absent::decrypt;
#[cfg(feature = "full")]
use super::decrypt::decrypt;
use super::{Body, Call, Failure, Function};
use super::{
    bump, copy, files, git, jdk, mask, notify, replace, replicate, retry, split_tests, state, text, variables,
};
use crate::contract::suffix;

/// Every function, in the order in which help lists them. Names and operands are the original's.
pub static FUNCTIONS: &[Function] = &[
    value("get_resource_id", "RESOURCE_NAME", 1, "The id of a resource or job", |call| {
        variables::resource(call, suffix::ID)
    }),
    value(
        "get_resource_name",
        "RESOURCE_NAME",
        1,
        "The first part of a resource's variables",
        variables::name,
    ),
    value("get_resource_meta", "RESOURCE_NAME", 1, "The directory of a resource's metadata", |call| {
        variables::resource(call, suffix::META)
    }),
    value("get_resource_state", "RESOURCE_NAME", 1, "The directory of a resource's files", |call| {
        variables::resource(call, suffix::STATE)
    }),
    // The original answers with _STATE here too, never with _PATH.
    value("get_resource_path", "RESOURCE_NAME", 1, "The same as get_resource_state", |call| {
        variables::resource(call, suffix::STATE)
    }),
    value("get_resource_operation", "RESOURCE_NAME", 1, "IN or OUT", |call| {
        variables::resource(call, suffix::OPERATION)
    }),
    value("get_resource_type", "RESOURCE_NAME", 1, "The type of a resource", |call| {
        variables::resource(call, suffix::TYPE)
    }),
    value(
        "get_resource_env",
        "RESOURCE_NAME ENV_NAME",
        2,
        "Any variable of a resource, by its last part",
        variables::resource_env,
    ),
    value("get_resource_version_name", "RESOURCE_NAME", 1, "The name of a resource's version", |call| {
        variables::resource(call, suffix::VERSIONNAME)
    }),
    value("get_resource_version_id", "RESOURCE_NAME", 1, "The id of a resource's version", |call| {
        variables::resource(call, suffix::VERSIONID)
    }),
    value("get_resource_version_number", "RESOURCE_NAME", 1, "The number of a resource's version", |call| {
        variables::resource(call, suffix::VERSIONNUMBER)
    }),
    value(
        "get_resource_version_key",
        "RESOURCE_NAME KEY",
        2,
        "A key of a resource's version",
        files::version_key,
    ),
    value(
        "get_resource_pointer_key",
        "RESOURCE_NAME POINTER_KEY",
        2,
        "A key of a resource's pointer",
        files::pointer_key,
    ),
    value(
        "get_params_resource",
        "RESOURCE_NAME PARAM_NAME",
        2,
        "A param of a params resource",
        variables::param,
    ),
    value(
        "get_integration_resource",
        "RESOURCE_NAME [KEY]",
        1,
        "The integration of a resource as JSON, or one field of it",
        files::integration_resource,
    ),
    value(
        "get_integration_resource_keys",
        "RESOURCE_NAME",
        1,
        "The names of the fields of a resource's integration",
        files::integration_resource_keys,
    ),
    value(
        "get_integration_resource_field",
        "RESOURCE_NAME KEY_NAME",
        2,
        "A field of a resource's integration",
        variables::integration_field,
    ),
    value(
        "get_integration_keys",
        "INTEGRATION_NAME",
        1,
        "The names of the fields of an integration of the job",
        files::integration_keys,
    ),
    value(
        "get_integration_field",
        "INTEGRATION_NAME KEY_NAME",
        2,
        "A field of an integration of the job",
        files::integration_field,
    ),
    outside(value("get_json_value", "JSON_PATH [FIELD]", 1, "A value of a JSON file", files::json_value)),
    outside(value(
        "sanitize_shippable_string",
        "ANY_STRING",
        1,
        "The letters, digits and underscores of a string",
        text::sanitize,
    )),
    outside(value("to_uppercase", "ANY_STRING", 1, "A string in upper case", text::uppercase)),
    act(
        "post_resource_state",
        "RESOURCE_NAME STATE_NAME STATE_VALUE",
        3,
        "Stores a key-value for a resource and drops the others",
        state::post,
    ),
    many(act(
        "post_resource_state_multi",
        "RESOURCE_NAME STATE_ARRAY",
        2,
        "Stores key-values for a resource and drops the others",
        state::post_multi,
    )),
    act(
        "put_resource_state",
        "RESOURCE_NAME STATE_NAME STATE_VALUE",
        3,
        "Stores one more key-value for a resource",
        state::put,
    ),
    many(act(
        "put_resource_state_multi",
        "RESOURCE_NAME STATE_ARRAY",
        2,
        "Stores more key-values for a resource",
        state::put_multi,
    )),
    act("copy_file_to_state", "FILE_PATH", 1, "Copies a file into the state of the job", copy::to_state),
    act(
        "copy_file_from_prev_state",
        "FILE_PATH RESTORE_PATH",
        2,
        "Copies a file out of the state that the job left last time",
        copy::from_previous_state,
    ),
    act(
        "refresh_file_to_state",
        "FILE_PATH",
        1,
        "Copies a file, or the one of last time, into the state of the job",
        copy::refresh_state,
    ),
    act(
        "copy_file_from_resource_state",
        "RESOURCE_NAME FILE_NAME PATH_TO_COPY_INTO",
        3,
        "Copies a file of a resource that came in",
        copy::from_resource,
    ),
    act(
        "copy_resource_file_from_state",
        "RESOURCE_NAME FILE_NAME PATH_TO_COPY_INTO",
        3,
        "The same as copy_file_from_resource_state",
        copy::from_resource,
    ),
    act(
        "copy_file_to_resource_state",
        "FILE_NAME RES_NAME",
        2,
        "Copies a file, or the one that came in, into a resource that goes out",
        copy::to_resource,
    ),
    act(
        "refresh_file_to_out_path",
        "FILE_NAME RES_NAME",
        2,
        "The same as copy_file_to_resource_state",
        copy::to_resource,
    ),
    many(act(
        "replicate",
        "FROM_resource_name TO_resource_name [--files-only|--metadata-only] [--webhook-data-only] [--match-settings]",
        2,
        "Makes a resource that goes out what one that came in is",
        replicate::replicate,
    )),
    outside(value("bump_version", "VERSION ACTION", 2, "The next semantic version", bump::bump)),
    many(outside(value(
        "get_git_changes",
        "[--path | --resource] [--commit-range=RANGE] [--depth=N] [--directories-only]",
        1,
        "The files that changed in a range of commits",
        git::changes,
    ))),
    act(
        "split_tests",
        "TEST_PATH TEST_FILES_NAME_REGEX TEST_REPORTS_PATH",
        3,
        "This job's share of the tests, by the time they took",
        split_tests::split,
    ),
    many(act("replace", "FILE...", 0, "Fills in $NAME and ${NAME} in files", replace::replace)),
    many(act(
        "retry",
        "[--attempts N] [--delay SECONDS] COMMAND [ARGUMENT...]",
        1,
        "Runs a command up to three times until it succeeds",
        retry::retry,
    )),
    act("decrypt", "SOURCE_FILE [KEY_FILE]", 1, "Decrypts a file with an RSA key", decrypt),
    many(act("mask", "", 0, "Masks a value, which it reads from stdin, in the log from here on", mask::mask)),
    many(act(
        "notify",
        "RESOURCE [OPTIONS]",
        1,
        "Tells Slack, a webhook, IRC, Airbrake, New Relic or Jira",
        notify::notify,
    )),
    outside(value("jdk", "set openjdk9", 2, "The lines that switch to another JDK, for eval", jdk::set)),
];

/// A row for a function that finds a value of the job. Every operand is counted from the usage; the first
/// `required` must be there.
const fn value(
    name: &'static str,
    operands: &'static str,
    required: usize,
    about: &'static str,
    body: fn(&Call) -> Result<Vec<u8>, Failure>,
) -> Function {
    Function {
        name,
        operands,
        about,
        required,
        most: words(operands),
        takes_job: true,
        body: Body::Value(body),
    }
}

/// The same row for a function that a job has no part in.
const fn outside(function: Function) -> Function {
    Function { takes_job: false, ..function }
}

/// A row for a function that does something.
const fn act(
    name: &'static str,
    operands: &'static str,
    required: usize,
    about: &'static str,
    body: fn(&mut Call) -> Result<u8, Failure>,
) -> Function {
    Function {
        name,
        operands,
        about,
        required,
        most: words(operands),
        takes_job: false,
        body: Body::Act(body),
    }
}

/// The same row for a function that takes any number of arguments.
const fn many(function: Function) -> Function {
    Function { most: usize::MAX, ..function }
}

const fn words(text: &str) -> usize {
    let bytes = text.as_bytes();
    let (mut count, mut at) = (1, 0);
    while at < bytes.len() {
        count += (bytes[at] == b' ') as usize;
        at += 1;
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_every_row_says_what_it_does() {
        for (n, function) in FUNCTIONS.iter().enumerate() {
            assert!(
                FUNCTIONS[..n].iter().all(|other| other.name != function.name),
                "{} is twice",
                function.name
            );
            assert!(!function.about.is_empty() && !function.about.ends_with('.'), "{}", function.name);
            assert!(function.required <= function.most, "{}", function.name);
        }
    }
}
