//! What the help of a utility function says of its arguments, and an example for each.

use std::fmt::Write as _;

use crate::lookup::Function;

/// Arguments of functions, by the names that usages give them.
const OPERANDS: &[(&str, &str)] = &[
    ("RESOURCE_NAME", "A resource or job that goes IN or OUT, as a step names it"),
    ("RESOURCE", "A resource that goes IN and names where to send to"),
    ("RES_NAME", "A resource that goes OUT, as a step names it"),
    ("FROM_resource_name", "A resource that goes IN"),
    ("TO_resource_name", "A resource that goes OUT, of the same type"),
    ("INTEGRATION_NAME", "An integration under `integrations:` of the job"),
    ("ENV_NAME", "The end of the variable's name, such as VERSIONNAME for <RESOURCE>_VERSIONNAME"),
    ("KEY", "A key: everything is printed without one where it may be left out"),
    ("POINTER_KEY", "A key of the pointer, in capitals"),
    ("PARAM_NAME", "A key under `params:`"),
    ("KEY_NAME", "A field of the integration, such as accessKey"),
    ("JSON_PATH", "The JSON file"),
    ("FIELD", "The way to the value in the file, such as version.versionName; all of it without one"),
    ("ANY_STRING", "The string"),
    ("STATE_NAME", "The key"),
    ("STATE_VALUE", "The value"),
    ("STATE_ARRAY", "Keys and values: NAME=VALUE, any number"),
    ("FILE_PATH", "The file, relative to the current directory"),
    ("RESTORE_PATH", "Where the copy goes"),
    ("FILE_NAME", "The file, by its name in the state"),
    ("PATH_TO_COPY_INTO", "The directory or file that the copy goes to"),
    ("VERSION", "A semantic version, such as 1.4.2 or v1.4.2-rc.1"),
    ("ACTION", "major, minor, patch, alpha, beta, rc or final"),
    ("TEST_PATH", "The directory of the tests"),
    ("TEST_FILES_NAME_REGEX", "A regular expression for the names of test files"),
    ("TEST_REPORTS_PATH", "The directory of reports in JUnit's format of an earlier run"),
    ("FILE...", "The files, which are changed in place"),
    ("COMMAND", "The command"),
    ("ARGUMENT...", "Its arguments"),
    ("SOURCE_FILE", "The encrypted file"),
    ("KEY_FILE", "The private key, in PEM"),
    ("OPTIONS", "What to say and to whom: --text=TEXT, --recipient=NAME, --color=COLOR and others"),
    ("set", "The only action"),
    ("openjdk9", "The JDK: openjdk7 to openjdk11, or oraclejdk8 to oraclejdk11"),
    ("--path", "The directory of a clone: --path=DIR"),
    ("--resource", "A gitRepo that goes IN: --resource=NAME"),
    ("--commit-range=RANGE", "The commits, such as a1b2c3..HEAD"),
    ("--depth=N", "How many directories deep paths are cut off"),
    ("--directories-only", "Directories instead of files"),
    ("--files-only", "The files alone"),
    ("--metadata-only", "The key-values alone"),
    ("--webhook-data-only", "What a webhook told of a commit alone"),
    ("--match-settings", "Only where the settings of the resource fit the commit"),
    ("--attempts", "How often it is tried: --attempts 5 (3 by default)"),
    ("--delay", "How long to wait between two attempts, in seconds"),
];

/// One call for each function that may need more than its arguments by their names.
const EXAMPLES: &[(&str, &str)] = &[
    ("get_resource_id", "my_image"),
    ("get_resource_name", "my_image"),
    ("get_resource_meta", "my_image"),
    ("get_resource_state", "my_files"),
    ("get_resource_path", "my_files"),
    ("get_resource_operation", "my_image"),
    ("get_resource_type", "my_image"),
    ("get_resource_env", "my_image VERSIONNAME"),
    ("get_resource_version_name", "my_image"),
    ("get_resource_version_id", "my_image"),
    ("get_resource_version_number", "my_image"),
    ("get_resource_version_key", "my_image commit"),
    ("get_resource_pointer_key", "my_image SOURCENAME"),
    ("get_params_resource", "my_params REGION"),
    ("get_integration_resource", "my_aws accessKey"),
    ("get_integration_resource_keys", "my_aws"),
    ("get_integration_resource_field", "my_aws accessKey"),
    ("get_integration_keys", "my_aws"),
    ("get_integration_field", "my_aws accessKey"),
    ("get_json_value", "\"$JOB_MESSAGE\" name"),
    ("sanitize_shippable_string", "my-image_1"),
    ("to_uppercase", "my_image"),
    ("post_resource_state", "my_image versionName 1.4.2"),
    ("post_resource_state_multi", "my_image versionName=1.4.2 commit=a1b2c3"),
    ("put_resource_state", "my_image commit a1b2c3"),
    ("put_resource_state_multi", "my_image commit=a1b2c3 branch=main"),
    ("copy_file_to_state", "report.txt"),
    ("copy_file_from_prev_state", "report.txt ."),
    ("refresh_file_to_state", "report.txt"),
    ("copy_file_from_resource_state", "my_files report.txt ."),
    ("copy_resource_file_from_state", "my_files report.txt ."),
    ("copy_file_to_resource_state", "report.txt my_files"),
    ("refresh_file_to_out_path", "report.txt my_files"),
    ("replicate", "my_image image_in_production"),
    ("bump_version", "1.4.2 minor"),
    ("get_git_changes", "--resource=my_repo --directories-only"),
    ("split_tests", "tests '.*_test.py' reports"),
    ("replace", "config.yml deployment.yml"),
    ("retry", "--attempts 5 curl -fsS https://example.com/health"),
    ("decrypt", "key.pem.enc private.pem"),
    ("mask", "<<< \"$token\""),
    ("notify", "my_slack --text=\"deployed 1.4.2\""),
    ("jdk", "set openjdk9"),
];

/// The help of a function before its usage: what it does, its arguments, an example.
pub(super) fn about(function: &Function) -> String {
    let mut text = format!("{}.\n", function.about);
    let described: Vec<_> =
        words(function.operands).filter_map(|word| Some((word, description(word)?))).collect();
    let width = described.iter().map(|(word, _)| word.len()).max().unwrap_or_default();
    for (index, (word, description)) in described.iter().enumerate() {
        let head = if index == 0 { "\n" } else { "" };
        let _ = writeln!(text, "{head}  {word:width$}  {description}");
    }
    if let Some((name, arguments)) = EXAMPLES.iter().find(|(name, _)| *name == function.name) {
        let _ = write!(text, "\nExample: shipctl {name} {arguments}");
    }
    text
}

fn description(word: &str) -> Option<&'static str> {
    OPERANDS.iter().find(|(name, _)| *name == word).map(|(_, description)| *description)
}

/// The arguments in a usage, options without the names of their values.
fn words(operands: &str) -> impl Iterator<Item = &str> {
    let mut after_option = false;
    let bare =
        operands.split([' ', '|']).map(|word| word.trim_matches(['[', ']'])).filter(|word| !word.is_empty());
    bare.filter(move |word| {
        let is_value = std::mem::take(&mut after_option) && ["N", "SECONDS"].contains(word);
        after_option = word.starts_with("--");
        !is_value
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lookup::FUNCTIONS;

    #[test]
    fn every_argument_is_described_and_every_function_has_an_example() {
        for function in FUNCTIONS {
            for word in words(function.operands) {
                assert!(description(word).is_some(), "{word} of {}", function.name);
            }
            assert!(about(function).contains("\nExample: shipctl "), "{}", function.name);
        }
        assert_eq!(EXAMPLES.len(), FUNCTIONS.len());
    }
}
