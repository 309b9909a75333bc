//! IAM: what keys may do, without doing it.

use roxmltree::Document;

use super::call::{Call, Client, FORM};
use super::sts::form;
use super::{Arn, Error, Keys, Problem, Service, xml};

/// Asks of some actions whether a user or a role may do them to these resources.
///
/// # Errors
///
/// When AWS refuses, which it does unless the keys are allowed `iam:SimulatePrincipalPolicy`, or cannot be asked.
pub fn simulate(
    client: &Client,
    region: &str,
    keys: &Keys,
    principal: &str,
    actions: &[&str],
    resources: &[&str],
) -> Result<Vec<bool>, Error> {
    const CALL: &str = "iam:SimulatePrincipalPolicy";
    let mut pairs = vec![
        ("Action".to_owned(), "SimulatePrincipalPolicy"),
        ("Version".to_owned(), "2010-05-08"),
        ("PolicySourceArn".to_owned(), principal),
    ];
    let numbered = |name: &'static str| move |(n, value)| (format!("{name}.member.{}", n + 1), value);
    pairs.extend(actions.iter().copied().enumerate().map(numbered("ActionNames")));
    pairs.extend(resources.iter().copied().enumerate().map(numbered("ResourceArns")));
    let pairs: Vec<_> = pairs.iter().map(|(name, value)| (name.as_str(), *value)).collect();
    let body = form(&pairs);
    let call = Call { name: CALL, service: Service::Iam, region, headers: FORM, body: body.as_bytes() };
    let answer = client.send(&call, keys)?;
    let document =
        Document::parse(&answer).map_err(|_| Error::new(CALL, Problem::Refused, "the answer is no XML"))?;
    Ok(xml::elements(&document, "EvalActionName")
        .filter_map(|name| {
            let decision = name.parent()?.children().find(|node| node.tag_name().name() == "EvalDecision")?;
            Some(decision.text() == Some("allowed"))
        })
        .collect())
}

/// The user or role behind whom STS names: a session is one of a role.
pub fn principal(arn: &str) -> String {
    let role_of = |arn: &Arn| {
        let session = arn.resource.strip_prefix("assumed-role/")?;
        let role = session.rsplit_once('/').map_or(session, |(role, _)| role);
        Some(arn.in_iam(&format!("role/{role}")))
    };
    Arn::parse(arn).as_ref().and_then(role_of).unwrap_or_else(|| arn.to_owned())
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_session_is_one_of_a_role() {
        for (arn, principal) in [
            ("arn:aws:sts::1:assumed-role/deploy/night", "arn:aws:iam::1:role/deploy"),
            ("arn:aws:iam::1:user/ci", "arn:aws:iam::1:user/ci"),
        ] {
            assert_eq!(super::principal(arn), principal);
        }
    }
}
