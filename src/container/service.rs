//! The services that a CI section may ask for: what the original had on each of its machines, as images.

/// A service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Service {
    /// Its names in the YAML.
    names: &'static [&'static str],
    /// Its image, without a tag.
    image: &'static str,
    /// The tag that is taken where none is written.
    tag: &'static str,
    /// The port that it can be reached at.
    pub port: u16,
    /// What its image is told by variables, so that it is as the original's was: without a password.
    pub variables: &'static [(&'static str, &'static str)],
}

#[rustfmt::skip]
const SERVICES: &[Service] = &[
    Service { names: &["postgres", "postgresql"], image: "docker.io/library/postgres", tag: "latest", port: 5432, variables: &[("POSTGRES_HOST_AUTH_METHOD", "trust")] },
    Service { names: &["mysql"], image: "docker.io/library/mysql", tag: "latest", port: 3306, variables: &[("MYSQL_ALLOW_EMPTY_PASSWORD", "yes")] },
    Service { names: &["redis", "redis-server"], image: "docker.io/library/redis", tag: "latest", port: 6379, variables: &[] },
    Service { names: &["mongodb", "mongo"], image: "docker.io/library/mongo", tag: "latest", port: 27017, variables: &[] },
    Service { names: &["rabbitmq"], image: "docker.io/library/rabbitmq", tag: "latest", port: 5672, variables: &[] },
    Service { names: &["memcached"], image: "docker.io/library/memcached", tag: "latest", port: 11211, variables: &[] },
    Service { names: &["elasticsearch"], image: "docker.io/library/elasticsearch", tag: "7.17.28", port: 9200, variables: &[("discovery.type", "single-node")] },
    Service { names: &["couchdb"], image: "docker.io/library/couchdb", tag: "2", port: 5984, variables: &[] },
    Service { names: &["cassandra"], image: "docker.io/library/cassandra", tag: "latest", port: 9042, variables: &[] },
    Service { names: &["rethinkdb"], image: "docker.io/library/rethinkdb", tag: "latest", port: 28015, variables: &[] },
    Service { names: &["neo4j"], image: "docker.io/library/neo4j", tag: "latest", port: 7474, variables: &[("NEO4J_AUTH", "none")] },
    Service { names: &["selenium"], image: "docker.io/selenium/standalone-firefox", tag: "latest", port: 4444, variables: &[] },
];

/// The names of all services.
pub fn service_names() -> impl Iterator<Item = &'static str> {
    SERVICES.iter().flat_map(|service| service.names).copied()
}

/// The service of this name, which may have a tag (`postgres:9.6`), and its image.
pub fn service(name: &str) -> Option<(Service, String)> {
    let (name, tag) = name.split_once(':').map_or((name, None), |(name, tag)| (name, Some(tag)));
    let service = SERVICES.iter().find(|service| service.names.contains(&name))?;
    Some((*service, format!("{}:{}", service.image, tag.unwrap_or(service.tag))))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_service_is_found_by_its_name() {
        assert_eq!(service("postgresql").unwrap().1, "docker.io/library/postgres:latest");
        assert_eq!(service("redis:3").unwrap().1, "docker.io/library/redis:3");
        assert!(service("docker").is_none());
    }

    #[test]
    fn no_two_services_have_a_name_or_a_port() {
        let names: BTreeSet<_> = service_names().collect();
        assert_eq!(names.len(), service_names().count());
        let ports: BTreeSet<_> = SERVICES.iter().map(|service| service.port).collect();
        assert_eq!(ports.len(), SERVICES.len());
    }
}
