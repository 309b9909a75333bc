//! What the environment says of the way to AWS, in the variables that the AWS CLI has for it, and what a profile of the
//! AWS CLI adds.

use super::Profiles;
use super::endpoint::Service;

/// The way to AWS.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Where all services answer: `AWS_ENDPOINT_URL`.
    endpoint: Option<String>,
    /// Where one of them does: `AWS_ENDPOINT_URL_STS` and its like.
    endpoints: Vec<(Service, String)>,
    /// Whether these do not count: `AWS_IGNORE_CONFIGURED_ENDPOINT_URLS`.
    ignored: Option<bool>,
    /// Certificates to trust instead of those of the machine.
    pub(super) ca_bundle: Option<Bundle>,
    /// The proxy for `http:` and the one for `https:`.
    http_proxy: Option<String>,
    https_proxy: Option<String>,
    /// Hosts that are asked without a proxy.
    pub(super) no_proxy: Option<String>,
}

/// A file of certificates.
#[derive(Clone, Debug)]
pub(super) struct Bundle {
    pub(super) path: String,
    /// How messages name it: `AWS_CA_BUNDLE=ca.pem`.
    pub(super) named: String,
}

impl Settings {
    /// Picks them out of an environment. An empty variable is as good as none.
    pub fn new(variable: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        let either = |name: &str| set(&name.to_ascii_lowercase()).or_else(|| set(name));
        let proxy = |name: &str| either(name).or_else(|| either("ALL_PROXY"));
        let endpoint = |service: Service| set(&format!("AWS_ENDPOINT_URL_{}", service.variable()));
        Settings {
            endpoint: set("AWS_ENDPOINT_URL"),
            endpoints: Service::ALL.into_iter().filter_map(|it| Some((it, endpoint(it)?))).collect(),
            ignored: set("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS").map(|value| is_true(&value)),
            ca_bundle: set("AWS_CA_BUNDLE")
                .map(|path| Bundle { named: format!("AWS_CA_BUNDLE={path}"), path }),
            http_proxy: proxy("HTTP_PROXY"),
            https_proxy: proxy("HTTPS_PROXY"),
            no_proxy: either("NO_PROXY"),
        }
    }

    /// Adds what a profile says, where the environment says nothing: its own `endpoint_url` comes after those of its
    /// `services`, and these after both variables.
    #[must_use]
    pub fn with_profile(mut self, profiles: &Profiles, profile: &str) -> Self {
        let text = |key: &str| profiles.text(profile, key).filter(|value| !value.is_empty());
        if self.endpoint.is_none() {
            for service in Service::ALL {
                let of_service = profiles.endpoint(profile, service.name());
                if let Some(url) = of_service.filter(|_| self.endpoint_of(service).is_none()) {
                    self.endpoints.push((service, url));
                }
            }
            self.endpoint = text("endpoint_url");
        }
        self.ignored =
            self.ignored.or_else(|| text("ignore_configured_endpoint_urls").map(|value| is_true(&value)));
        let bundle =
            |path: String| Bundle { named: format!("ca_bundle={path} of AWS profile `{profile}`"), path };
        self.ca_bundle = self.ca_bundle.or_else(|| text("ca_bundle").map(bundle));
        self
    }

    /// The same, but for an endpoint of STS and certificates that were settled on before.
    #[must_use]
    pub(super) fn settled(mut self, sts: Option<String>, ca_bundle: Option<String>) -> Self {
        if let Some(url) = sts {
            self.endpoints = vec![(Service::Sts, url)];
            self.ignored = None;
        }
        if let Some(path) = ca_bundle {
            self.ca_bundle = Some(Bundle { named: path.clone(), path });
        }
        self
    }

    /// Where STS is asked, if that is not where AWS answers, and the file of certificates to trust: for another
    /// process, which has neither the profile nor the directory of this one.
    pub fn to_settle(&self) -> (Option<String>, Option<String>) {
        let bundle = self.ca_bundle.as_ref().map(|bundle| {
            let path = std::path::absolute(&bundle.path)
                .ok()
                .and_then(|path| path.into_os_string().into_string().ok());
            path.unwrap_or_else(|| bundle.path.clone())
        });
        (self.endpoint(Service::Sts).map(str::to_owned), bundle)
    }

    fn endpoint_of(&self, service: Service) -> Option<&String> {
        self.endpoints.iter().find(|(known, _)| *known == service).map(|(_, url)| url)
    }

    /// The endpoint of a service, if it is another than that of AWS.
    pub(super) fn endpoint(&self, service: Service) -> Option<&str> {
        let url = self.endpoint_of(service).or(self.endpoint.as_ref());
        url.filter(|_| self.ignored != Some(true)).map(String::as_str)
    }

    /// Where a service answers for a region.
    pub(super) fn url(&self, service: Service, region: &str) -> String {
        let url = self.endpoint(service);
        let mut url = url.map_or_else(|| service.url(region), |url| url.trim_end_matches('/').to_owned());
        url.push('/');
        url
    }

    /// The proxy on the way to a URL, hosts without one left aside.
    pub(super) fn proxy(&self, url: &str) -> Option<&str> {
        if url.starts_with("https:") { self.https_proxy.as_deref() } else { self.http_proxy.as_deref() }
    }
}

fn is_true(value: &str) -> bool {
    value.eq_ignore_ascii_case("true")
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

    #[test]
    fn an_endpoint_of_a_profile_comes_after_the_environment() {
        const CONFIG: &str = "\
[profile local]
endpoint_url = http://profile:1
services = here
[profile all]
endpoint_url = http://profile:1
[profile ignores]
endpoint_url = http://profile:1
ignore_configured_endpoint_urls = true
[profile lost]
services = elsewhere
[services here]
sts =
  endpoint_url = http://services:1
s3 =
  endpoint_url = http://not-this:1
";
        let profiles = Profiles::parse(CONFIG, "");
        let (all, sts) = (("AWS_ENDPOINT_URL", "http://all:1"), ("AWS_ENDPOINT_URL_STS", "http://sts:1"));
        let ignore = ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true");
        let heed = ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "false");
        for (profile, variables, of_sts, of_ecr) in [
            ("local", &[][..], Some("http://services:1"), Some("http://profile:1")),
            ("local", &[all], Some("http://all:1"), Some("http://all:1")),
            ("local", &[sts], Some("http://sts:1"), Some("http://profile:1")),
            ("local", &[all, sts], Some("http://sts:1"), Some("http://all:1")),
            ("local", &[sts, ignore], None, None),
            ("all", &[], Some("http://profile:1"), Some("http://profile:1")),
            ("ignores", &[all], None, None),
            ("ignores", &[heed], Some("http://profile:1"), Some("http://profile:1")),
            ("lost", &[], None, None),
            ("nobody", &[], None, None),
        ] {
            let settings = settings(variables).with_profile(&profiles, profile);
            let found = (settings.endpoint(Service::Sts), settings.endpoint(Service::Ecr));
            assert_eq!(found, (of_sts, of_ecr), "{profile} {variables:?}");
        }
    }
}
