//! ECR: the registry of an account, and the login to it.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use regex::Regex;
use serde_json::Value as Json;
use zeroize::Zeroizing;

use super::call::{Call, Client};
use super::{Error, Keys, Problem, Service};
use crate::secret::Secret;

/// `123456789012.dkr.ecr.us-east-1.amazonaws.com`; with `dkr.ecr-fips` for some, or `dkr-ecr` and another end for those who
/// come by IPv6.
static HOST: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^([0-9]{12})\.dkr[.-]ecr(?:-fips)?\.([a-z0-9-]+)\.[a-z0-9.-]+$").expect("a valid pattern")
});

/// A repository of images in the registry of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repository<'a> {
    /// The number of the account.
    pub account: &'a str,
    /// The region of the registry.
    pub region: &'a str,
    /// The repository: `shop/web`.
    pub name: &'a str,
}

impl<'a> Repository<'a> {
    /// Where an image is, by its name as docker has it, with or without a tag; `None` if it is not in ECR.
    pub fn of_image(image: &'a str) -> Option<Repository<'a>> {
        let (host, path) = image.split_once('/')?;
        let (_, [account, region]) = HOST.captures(host)?.extract();
        let name = path.split([':', '@']).next().filter(|name| !name.is_empty())?;
        Some(Repository { account, region, name })
    }
}

/// The login to a registry; it is good for twelve hours.
#[derive(Clone, Debug)]
pub struct Login {
    /// The registry: `123456789012.dkr.ecr.us-east-1.amazonaws.com`.
    pub host: String,
    /// `user:password` in base64, as the configuration of docker has it.
    pub auth: Secret,
    /// The password in it.
    pub password: Secret,
}

/// Asks for the login to the registry of the account that keys belong to.
///
/// # Errors
///
/// When AWS refuses or cannot be asked.
pub fn login(client: &Client, region: &str, keys: &Keys) -> Result<Login, Error> {
    const CALL: &str = "ecr:GetAuthorizationToken";
    let headers = [
        ("content-type", "application/x-amz-json-1.1"),
        ("x-amz-target", "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken"),
    ];
    let call = Call { name: CALL, service: Service::Ecr, region, headers: &headers, body: b"{}" };
    let answer = client.send(&call, keys)?;
    let lacks = || Error::new(CALL, Problem::Refused, "the answer has no login");
    let json: Json = serde_json::from_str(&answer).map_err(|_| lacks())?;
    let of = |name: &str| json["authorizationData"][0][name].as_str();
    let auth = of("authorizationToken").ok_or_else(lacks)?;
    let endpoint = of("proxyEndpoint").ok_or_else(lacks)?;
    let host = endpoint.split_once("://").map_or(endpoint, |(_, host)| host).trim_end_matches('/');
    let pair = STANDARD.decode(auth).ok().map(Zeroizing::new).ok_or_else(lacks)?;
    let pair = std::str::from_utf8(&pair).map_err(|_| lacks())?;
    let (_, password) = pair.split_once(':').ok_or_else(lacks)?;
    Ok(Login {
        host: host.to_owned(),
        auth: Secret::new(auth.to_owned()),
        password: Secret::new(password.to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_in_ecr_says_where_it_is() {
        for (image, region, name) in [
            ("123456789012.dkr.ecr.us-east-1.amazonaws.com/shop/web", "us-east-1", "shop/web"),
            ("123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn/web:1.0", "cn-north-1", "web"),
            ("123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com/web@sha256:0", "us-gov-west-1", "web"),
            ("123456789012.dkr-ecr.eu-west-1.on.aws/web", "eu-west-1", "web"),
        ] {
            let account = "123456789012";
            assert_eq!(Repository::of_image(image), Some(Repository { account, region, name }), "{image}");
        }
        for image in ["nginx", "shop/web:1.0", "ghcr.io/shop/web", "1.dkr.ecr.us-east-1.amazonaws.com/web"] {
            assert_eq!(Repository::of_image(image), None, "{image}");
        }
    }
}
