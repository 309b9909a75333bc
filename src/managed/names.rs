//! Names in the letters that the places allow where they are used.

/// In ECS: of a service, a task definition, a container or a volume.
pub(super) fn in_ecs(name: &str) -> String {
    let allowed = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_') { c } else { '-' };
    name.chars().map(allowed).take(255).collect()
}

/// In Kubernetes: of a Deployment, to which the number of a build may be added, a container or a volume.
pub(super) fn in_kubernetes(name: &str) -> String {
    let allowed = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let name: String = name.chars().map(allowed).take(50).collect();
    name.trim_matches('-').to_owned()
}
