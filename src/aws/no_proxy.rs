//! `NO_PROXY`, as curl and botocore read it.

use std::net::IpAddr;

/// Whether a list of hosts has this one, whose port is `port`: by its name, by a domain that it lies in (`example.com`,
/// `.example.com`), with its port (`example.com:8443`), by its address or network (`10.0.0.0/8`), or by `*`.
pub(super) fn covers(list: &str, host: &str, port: u16) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches([']', '.']).to_ascii_lowercase();
    list.split([',', ' ', '\t']).filter(|entry| !entry.is_empty()).any(|entry| {
        let entry = entry.to_ascii_lowercase();
        entry == "*" || is_network(&entry, &host) || {
            let (name, only) = with_port(&entry);
            only.is_none_or(|only| only == port) && is_or_lies_in(&host, name)
        }
    })
}

/// An entry without its port, and that.
fn with_port(entry: &str) -> (&str, Option<u16>) {
    let split = entry.rsplit_once(':').filter(|(name, _)| !name.contains(':') || name.ends_with(']'));
    match split.and_then(|(name, port)| Some((name, port.parse().ok()?))) {
        Some((name, port)) => (name, Some(port)),
        None => (entry, None),
    }
}

fn is_or_lies_in(host: &str, name: &str) -> bool {
    let name = name.trim_start_matches("*.").trim_start_matches(['.', '[']).trim_end_matches(['.', ']']);
    let Some(before) = host.strip_suffix(name).filter(|_| !name.is_empty()) else { return false };
    // Addresses have no subdomains.
    before.is_empty() || before.ends_with('.') && host.parse::<IpAddr>().is_err()
}

fn is_network(entry: &str, host: &str) -> bool {
    let network = entry.split_once('/').and_then(|(network, bits)| {
        Some((network.parse::<IpAddr>().ok()?, bits.parse::<u32>().ok()?, host.parse::<IpAddr>().ok()?))
    });
    match network {
        Some((IpAddr::V4(network), bits @ 0..=32, IpAddr::V4(host))) => {
            let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
            network.to_bits() & mask == host.to_bits() & mask
        }
        Some((IpAddr::V6(network), bits @ 0..=128, IpAddr::V6(host))) => {
            let mask = u128::MAX.checked_shl(128 - bits).unwrap_or(0);
            network.to_bits() & mask == host.to_bits() & mask
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_covered_as_curl_and_botocore_have_it() {
        for (list, host, port, expected) in [
            ("sts.example.com", "sts.example.com", 443, true),
            ("example.com", "sts.example.com", 443, true),
            (".example.com", "sts.example.com", 443, true),
            ("*.example.com", "sts.example.com", 443, true),
            ("EXAMPLE.com", "STS.example.com.", 443, true),
            ("ample.com", "sts.example.com", 443, false),
            ("other.com example.com", "example.com", 443, true),
            ("example.com:8443", "sts.example.com", 8443, true),
            ("example.com:8443", "sts.example.com", 443, false),
            ("*", "anything", 80, true),
            ("", "anything", 80, false),
            (".", "anything", 80, false),
            ("10.0.0.0/8", "10.1.2.3", 80, true),
            ("10.0.0.0/8", "11.1.2.3", 80, false),
            ("0.0.0.0/0", "11.1.2.3", 80, true),
            ("10.1.2.3", "10.1.2.3", 80, true),
            ("2.3", "10.1.2.3", 80, false),
            ("127.0.0.1:5000", "127.0.0.1", 5000, true),
            ("fd00::/8", "[fd12::1]", 80, true),
            ("[::1]:5000", "[::1]", 5000, true),
            ("::1", "[::1]", 5000, true),
            ("10.0.0.0/33", "10.1.2.3", 80, false),
        ] {
            assert_eq!(covers(list, host, port), expected, "{list} {host}:{port}");
        }
    }
}
