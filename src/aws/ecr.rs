//! ECR: the login to an account's registry.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value as Json;
use zeroize::Zeroizing;

use super::call::{Call, Client};
use super::{Error, Keys, Problem, Service};
use crate::secret::Secret;

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
