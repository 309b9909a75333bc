//! A part of the keys that a profile of the AWS CLI leads to.

use super::program::RUN_IT;
use super::{FetchContext, Misread, NoValue, Prerequisite, Reference, Requirement, SourceKind, Written};
use crate::aws::Keys;
use crate::secret::Secret;

#[derive(Debug)]
pub(super) struct AwsProfile;

impl SourceKind for AwsProfile {
    fn key(&self) -> &'static str {
        "aws_profile"
    }

    fn example(&self) -> String {
        "{aws_profile: NAME}".to_owned()
    }

    fn description(&self) -> String {
        "Keys of a profile of the AWS CLI, single sign-on included: for the fields of AWS Keys.".to_owned()
    }

    fn read(&'static self, written: &mut Written) -> Result<Box<dyn Reference>, Misread> {
        let profile = written.text()?;
        match PARTS.iter().find(|part| part.field == written.field) {
            Some(part) => Ok(Box::new(OfProfile { profile, part })),
            None => Err(Misread(format!("{written} cannot come from a profile of AWS: keys alone do"))),
        }
    }
}

/// A part of keys.
#[derive(Debug)]
struct Part {
    /// The field of AWS Keys that holds it.
    field: &'static str,
    of: fn(&Keys) -> Option<&Secret>,
}

static PARTS: [Part; 3] = [
    Part { field: "accessKey", of: |keys| Some(&keys.access_key) },
    Part { field: "secretKey", of: |keys| Some(&keys.secret_key) },
    // Keys that last have none, which only the profile knows.
    Part { field: "sessionToken", of: |keys| keys.session_token.as_ref().filter(|token| !token.is_empty()) },
];

#[derive(Debug)]
struct OfProfile {
    profile: String,
    part: &'static Part,
}

impl Reference for OfProfile {
    fn origin(&self) -> String {
        format!("AWS profile {}", self.profile)
    }

    fn requirement(&self) -> Requirement<'_> {
        Requirement::Other("a profile of AWS, which has to be there".to_owned())
    }

    fn prerequisite(&self) -> Option<Prerequisite<'_>> {
        Some(Prerequisite::AwsProfile(&self.profile))
    }

    fn fetch(&self, context: &FetchContext) -> Result<Option<Secret>, NoValue> {
        match &context.keys {
            Some(Ok(keys)) => Ok((self.part.of)(keys).cloned()),
            Some(Err(NoValue { message, hint })) => Err(NoValue::new(message, hint)),
            None => Err(NoValue::new(format!("the AWS profile `{}` was not asked", self.profile), RUN_IT)),
        }
    }

    fn other_fields(&self) -> Vec<(&'static str, Box<dyn Reference>)> {
        let of_part = |part: &'static Part| -> (&'static str, Box<dyn Reference>) {
            (part.field, Box::new(OfProfile { profile: self.profile.clone(), part }))
        };
        PARTS.iter().map(of_part).collect()
    }
}
