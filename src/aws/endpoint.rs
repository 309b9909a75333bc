//! Where a service answers, and for which region a request to it is signed.

use super::Arn;

/// A service of AWS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// Keys and roles.
    Sts,
    /// Users, roles and policies.
    Iam,
    /// Registries of images.
    Ecr,
    /// Clusters that run images.
    Ecs,
    /// What changes how many run.
    Autoscaling,
    /// Metrics and alarms.
    CloudWatch,
    /// Objects in buckets.
    S3,
}

/// A part of AWS that shares nothing with the others: neither accounts nor names of hosts.
#[derive(Debug, PartialEq, Eq)]
pub struct Partition {
    /// The second part of its ARNs.
    pub name: &'static str,
    /// What the names of its hosts end in.
    suffix: &'static str,
    /// What the names of its regions begin with.
    regions: &'static str,
    /// The region to ask where none is set; the services that have no region sign for it too.
    pub home: &'static str,
    /// Where IAM answers.
    iam: &'static str,
}

const COMMERCIAL: Partition = Partition {
    name: "aws",
    suffix: "amazonaws.com",
    regions: "",
    home: "us-east-1",
    iam: "iam.amazonaws.com",
};

/// The partitions but for the commercial one, which has all other regions.
const PARTITIONS: &[Partition] = &[
    Partition {
        name: "aws-cn",
        suffix: "amazonaws.com.cn",
        regions: "cn-",
        home: "cn-north-1",
        iam: "iam.cn-north-1.amazonaws.com.cn",
    },
    Partition {
        name: "aws-us-gov",
        suffix: "amazonaws.com",
        regions: "us-gov-",
        home: "us-gov-west-1",
        iam: "iam.us-gov.amazonaws.com",
    },
    Partition {
        name: "aws-iso",
        suffix: "c2s.ic.gov",
        regions: "us-iso-",
        home: "us-iso-east-1",
        iam: "iam.us-iso-east-1.c2s.ic.gov",
    },
    Partition {
        name: "aws-iso-b",
        suffix: "sc2s.sgov.gov",
        regions: "us-isob-",
        home: "us-isob-east-1",
        iam: "iam.us-isob-east-1.sc2s.sgov.gov",
    },
    Partition {
        name: "aws-eusc",
        suffix: "amazonaws.eu",
        regions: "eusc-",
        home: "eusc-de-east-1",
        iam: "iam.eusc-de-east-1.amazonaws.eu",
    },
];

impl Partition {
    /// The partition of a region.
    pub fn of_region(region: &str) -> &'static Partition {
        PARTITIONS.iter().find(|partition| region.starts_with(partition.regions)).unwrap_or(&COMMERCIAL)
    }

    /// The partition of an ARN.
    pub fn of_arn(arn: &str) -> &'static Partition {
        let name = Arn::parse(arn).map(|arn| arn.partition);
        PARTITIONS.iter().find(|partition| name == Some(partition.name)).unwrap_or(&COMMERCIAL)
    }
}

impl Service {
    /// Those that shipctl calls.
    pub(super) const ALL: [Service; 7] = [
        Service::Sts,
        Service::Iam,
        Service::Ecr,
        Service::Ecs,
        Service::Autoscaling,
        Service::CloudWatch,
        Service::S3,
    ];

    /// The name that requests are signed for, and that the `services` of a profile have.
    pub(super) fn name(self) -> &'static str {
        match self {
            Service::Sts => "sts",
            Service::Iam => "iam",
            Service::Ecr => "ecr",
            Service::Ecs => "ecs",
            Service::Autoscaling => "application-autoscaling",
            Service::CloudWatch => "monitoring",
            Service::S3 => "s3",
        }
    }

    /// The end of the variable that names another endpoint: `AWS_ENDPOINT_URL_STS`.
    pub(super) fn variable(self) -> &'static str {
        match self {
            Service::Sts => "STS",
            Service::Iam => "IAM",
            Service::Ecr => "ECR",
            Service::Ecs => "ECS",
            Service::Autoscaling => "APPLICATION_AUTO_SCALING",
            Service::CloudWatch => "CLOUDWATCH",
            Service::S3 => "S3",
        }
    }

    /// Where the service answers for a region.
    pub(super) fn url(self, region: &str) -> String {
        let partition = Partition::of_region(region);
        match self {
            Service::Sts => format!("https://sts.{region}.{}", partition.suffix),
            Service::Iam => format!("https://{}", partition.iam),
            Service::Ecr => format!("https://api.ecr.{region}.{}", partition.suffix),
            Service::Ecs | Service::Autoscaling | Service::CloudWatch | Service::S3 => {
                format!("https://{}.{region}.{}", self.name(), partition.suffix)
            }
        }
    }

    /// The region that a request is signed for: IAM has one for each partition.
    pub(super) fn signing_region(self, region: &str) -> &str {
        match self {
            Service::Iam => Partition::of_region(region).home,
            _ => region,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_region_has_its_endpoints() {
        for (service, region, url, signed_for) in [
            (Service::Sts, "us-east-1", "https://sts.us-east-1.amazonaws.com", "us-east-1"),
            (Service::Sts, "cn-north-1", "https://sts.cn-north-1.amazonaws.com.cn", "cn-north-1"),
            (Service::Sts, "us-gov-east-1", "https://sts.us-gov-east-1.amazonaws.com", "us-gov-east-1"),
            (Service::Ecr, "eu-west-1", "https://api.ecr.eu-west-1.amazonaws.com", "eu-west-1"),
            (
                Service::Ecr,
                "cn-northwest-1",
                "https://api.ecr.cn-northwest-1.amazonaws.com.cn",
                "cn-northwest-1",
            ),
            (Service::Iam, "eu-west-1", "https://iam.amazonaws.com", "us-east-1"),
            (Service::Iam, "us-gov-east-1", "https://iam.us-gov.amazonaws.com", "us-gov-west-1"),
        ] {
            assert_eq!((service.url(region).as_str(), service.signing_region(region)), (url, signed_for));
        }
        assert_eq!(Partition::of_arn("arn:aws-cn:iam::1:role/r").home, "cn-north-1");
        assert_eq!(Partition::of_arn("arn:aws:iam::1:role/r").home, "us-east-1");
    }
}
