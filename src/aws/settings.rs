//! What the environment says of the way to AWS, in the variables that the AWS CLI has for it.

use super::endpoint::Service;

/// The way to AWS.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// `AWS_ENDPOINT_URL`.
    endpoint: Option<String>,
    /// `AWS_ENDPOINT_URL_STS` and its like.
    endpoints: Vec<(&'static str, String)>,
    /// A file of certificates to trust instead of those of the machine: `AWS_CA_BUNDLE`.
    pub(super) ca_bundle: Option<String>,
    /// The proxy for `http:` and the one for `https:`.
    http_proxy: Option<String>,
    https_proxy: Option<String>,
    /// Hosts that are asked without a proxy.
    pub(super) no_proxy: Option<String>,
}

impl Settings {
    /// Picks them out of an environment. An empty variable is as good as none.
    pub fn new(variable: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        let either = |name: &str| set(&name.to_ascii_lowercase()).or_else(|| set(name));
        let proxy = |name: &str| either(name).or_else(|| either("ALL_PROXY"));
        let ignored = set("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")
            .is_some_and(|value| value.eq_ignore_ascii_case("true"));
        let endpoint = |name: &str| if ignored { None } else { set(name) };
        Settings {
            endpoint: endpoint("AWS_ENDPOINT_URL"),
            endpoints: [Service::Sts, Service::Iam, Service::Ecr]
                .into_iter()
                .filter_map(|service| {
                    let name = service.variable();
                    Some((name, endpoint(&format!("AWS_ENDPOINT_URL_{name}"))?))
                })
                .collect(),
            ca_bundle: set("AWS_CA_BUNDLE"),
            http_proxy: proxy("HTTP_PROXY"),
            https_proxy: proxy("HTTPS_PROXY"),
            no_proxy: either("NO_PROXY"),
        }
    }

    /// Where a service answers for a region.
    pub(super) fn url(&self, service: Service, region: &str) -> String {
        let named = self.endpoints.iter().find(|(name, _)| *name == service.variable());
        let url = named.map(|(_, url)| url).or(self.endpoint.as_ref());
        let mut url = url.map_or_else(|| service.url(region), |url| url.trim_end_matches('/').to_owned());
        url.push('/');
        url
    }

    /// The proxy on the way to a URL, hosts without one left aside.
    pub(super) fn proxy(&self, url: &str) -> Option<&str> {
        if url.starts_with("https:") { self.https_proxy.as_deref() } else { self.http_proxy.as_deref() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(variables: &[(&str, &str)]) -> Settings {
        Settings::new(|name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn the_endpoint_of_a_service_goes_before_that_of_all() {
        let settings = settings(&[
            ("AWS_ENDPOINT_URL", "http://localhost:1/"),
            ("AWS_ENDPOINT_URL_STS", "http://localhost:2"),
            ("AWS_ENDPOINT_URL_IAM", ""),
        ]);
        assert_eq!(settings.url(Service::Sts, "eu-west-1"), "http://localhost:2/");
        assert_eq!(settings.url(Service::Ecr, "eu-west-1"), "http://localhost:1/");
        assert_eq!(settings.url(Service::Iam, "eu-west-1"), "http://localhost:1/");
    }

    #[test]
    fn endpoints_of_the_environment_can_be_ignored() {
        let settings = settings(&[
            ("AWS_ENDPOINT_URL", "http://localhost:1"),
            ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true"),
        ]);
        assert_eq!(settings.url(Service::Sts, "eu-west-1"), "https://sts.eu-west-1.amazonaws.com/");
    }

    #[test]
    fn a_proxy_is_that_of_the_scheme() {
        let settings = settings(&[
            ("https_proxy", "http://s:1"),
            ("HTTPS_PROXY", "http://other:1"),
            ("ALL_PROXY", "http://a:1"),
        ]);
        assert_eq!(settings.proxy("https://x"), Some("http://s:1"));
        assert_eq!(settings.proxy("http://x"), Some("http://a:1"));
    }
}
