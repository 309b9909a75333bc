//! ARNs: the names that AWS has for what is in its accounts.

use std::sync::LazyLock;

use regex::Regex;

/// `arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE`; some have no region, and some no account.
static ARN: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new("^arn:(aws[a-z-]*):([a-z0-9-]+):([a-z0-9-]*):([0-9]*|aws):(.+)$").expect("a valid pattern")
});

/// The parts of an ARN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arn<'a> {
    /// The part of AWS: `aws`, `aws-cn` ….
    pub partition: &'a str,
    /// The service: `iam`.
    pub service: &'a str,
    /// The region; empty where the service has none.
    pub region: &'a str,
    /// The number of the account.
    pub account: &'a str,
    /// What it is there: `role/deploy`.
    pub resource: &'a str,
}

impl<'a> Arn<'a> {
    /// Takes an ARN apart; `None` if it is none.
    pub fn parse(text: &'a str) -> Option<Arn<'a>> {
        let (_, [partition, service, region, account, resource]) = ARN.captures(text)?.extract();
        Some(Arn { partition, service, region, account, resource })
    }

    /// Whether it is a role that can be assumed.
    pub fn is_role(&self) -> bool {
        self.service == "iam" && self.resource.starts_with("role/")
    }

    /// Something in IAM of the same account.
    pub fn in_iam(&self, resource: &str) -> String {
        format!("arn:{}:iam::{}:{resource}", self.partition, self.account)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_has_six_parts() {
        let role = Arn::parse("arn:aws-cn:iam::123456789012:role/team/deploy").unwrap();
        assert_eq!(
            role,
            Arn {
                partition: "aws-cn",
                service: "iam",
                region: "",
                account: "123456789012",
                resource: "role/team/deploy"
            }
        );
        assert!(role.is_role());
        assert_eq!(role.in_iam("mfa/me"), "arn:aws-cn:iam::123456789012:mfa/me");
        let balancer = Arn::parse("arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/front/0123").unwrap();
        assert_eq!((balancer.region, balancer.is_role()), ("eu-west-1", false));
        for text in
            ["", "deploy", "arn:aws:iam:role/deploy", "arn:aws:iam::me:role/deploy", "x arn:aws:iam::1:r"]
        {
            assert_eq!(Arn::parse(text), None, "{text}");
        }
    }
}
