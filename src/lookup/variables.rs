//! Functions that answer with a variable of the environment.

use std::borrow::Cow;
use std::os::unix::ffi::OsStrExt;

use super::missing;
use super::{Call, Failure};
use crate::contract::{self, suffix};

/// `get_resource_name`: the first part of the variables of a resource.
///
/// The original kept leading digits here while its runner dropped them; both are one function now.
pub(super) fn name(call: &Call) -> Result<Vec<u8>, Failure> {
    Ok((prefix(&call.text(0))? + "\n").into_bytes())
}

/// `<NAME>_<SUFFIX>` of the resource, job or integration that the first argument names.
pub(super) fn resource(call: &Call, suffix: &str) -> Result<Vec<u8>, Failure> {
    let name = call.text(0);
    let prefix = prefix(&name)?;
    value(call, &format!("{prefix}_{suffix}"))
        .ok_or_else(|| missing::variable(call.context, &name, &prefix, "", suffix))
}

/// `get_resource_env`: `<NAME>_<ENV_NAME>`, whatever that is.
pub(super) fn resource_env(call: &Call) -> Result<Vec<u8>, Failure> {
    resource(call, &contract::key_name(&call.text(1)))
}

/// `get_params_resource`: `<NAME>_PARAMS_<KEY>`.
pub(super) fn param(call: &Call) -> Result<Vec<u8>, Failure> {
    keyed(call, suffix::PARAMS)
}

/// `get_integration_resource_field`: `<NAME>_INTEGRATION_<FIELD>`.
pub(super) fn integration_field(call: &Call) -> Result<Vec<u8>, Failure> {
    keyed(call, suffix::INTEGRATION)
}

/// `<NAME>_<GROUP>_<KEY>`, with the key from the second argument.
fn keyed(call: &Call, group: &str) -> Result<Vec<u8>, Failure> {
    let (name, key) = (call.text(0), contract::key_name(&call.text(1)));
    let prefix = prefix(&name)?;
    value(call, &format!("{prefix}_{group}_{key}"))
        .ok_or_else(|| missing::variable(call.context, &name, &prefix, group, &key))
}

/// The first part of the variables of what is called `name`; an error if nothing is left of the name.
pub(super) fn prefix(name: &str) -> Result<String, Failure> {
    contract::env_name(name).ok_or_else(|| {
        Failure::Failed(format!(
            "`{name}` cannot be the name of a resource: no letter or `_` is left of it for its variables"
        ))
    })
}

/// The variable's value and a newline: byte for byte, nothing trimmed, split or expanded as the original did.
pub(super) fn value(call: &Call, variable: &str) -> Option<Vec<u8>> {
    let value = call.context.var(variable)?;
    let mut answer = match value {
        Cow::Borrowed(value) => value.as_bytes().to_vec(),
        Cow::Owned(value) => value.into_encoded_bytes(),
    };
    answer.push(b'\n');
    Some(answer)
}
