//! Small signs for types of resources and results of builds, drawn as paths: no font has to have them.

use super::{Node, Outcome, Shape};

/// A sign of 16 by 16 pixels, as lines.
pub(super) struct Icon {
    /// What other icons are told apart by.
    pub name: &'static str,
    /// Its path.
    pub path: &'static str,
}

const JOB: Icon = Icon { name: "job", path: "M2.5 3h11v10h-11zM5 6l2.2 2L5 10M8.5 10.5h2.5" };
const OTHER: Icon =
    Icon { name: "other", path: "M8 2.2l5 2.9v5.8l-5 2.9-5-2.9V5.1zM8 6.4a1.6 1.6 0 1 0 .01 0z" };
const ELSEWHERE: Icon = Icon { name: "elsewhere", path: "M6.5 3.5h-4v9h9v-4M9 2.5h4.5V7M13.5 2.5L7.5 8.5" };

/// Each icon with the types that it stands for.
const ICONS: &[(&[&str], Icon)] = &[
    (
        &["gitRepo", "ciRepo", "syncRepo"],
        Icon {
            name: "repo",
            path: "M4.5 5.2v5.6M11.5 6.8c0 3-7 1.2-7 4M4.5 5.2a1.8 1.8 0 1 0-.01 0zM4.5 14.4a1.8 1.8 0 1 0-.01 0zM11.5 6.8a1.8 1.8 0 1 0-.01 0z",
        },
    ),
    (&["image"], Icon { name: "image", path: "M8 2l5.5 3v6L8 14l-5.5-3V5zM2.5 5L8 8l5.5-3M8 8v6" }),
    (
        &["params", "dockerOptions", "replicas", "configuration"],
        Icon {
            name: "params",
            path: "M2 5h6.5M12.5 5H14M2 11h1.5M7.5 11H14M10.5 3a2 2 0 1 0 .01 0zM5.5 9a2 2 0 1 0 .01 0z",
        },
    ),
    (
        &["integration", "key"],
        Icon { name: "key", path: "M5 5.2a2.8 2.8 0 1 0 .01 0zM7.8 8H14v2.5M11.3 8v2" },
    ),
    (
        &["state"],
        Icon {
            name: "state",
            path: "M2.5 4.2c0-2.6 11-2.6 11 0s-11 2.6-11 0zM2.5 4.2v7.6c0 2.6 11 2.6 11 0V4.2M2.5 8c0 2.6 11 2.6 11 0",
        },
    ),
    (&["file"], Icon { name: "file", path: "M4 1.8h5.2L12.5 5v9.2H4zM9 1.8V5.2h3.5M6 8h4.5M6 10.8h4.5" }),
    (&["version"], Icon { name: "version", path: "M2.2 2.2h5.6l6 6-5.6 5.6-6-6zM5.2 4.4a.8.8 0 1 0 .01 0z" }),
    (
        &["notification"],
        Icon { name: "bell", path: "M3 11.5h10L11.8 10V7a3.8 3.8 0 0 0-7.6 0v3zM6.6 13.8h2.8M8 1.8v1.4" },
    ),
    (&["time", "timeTrigger"], Icon { name: "time", path: "M8 2a6 6 0 1 0 .01 0zM8 4.6V8l2.4 1.6" }),
    (
        &["trigger", "webhook", "externalCI", "webhookTrigger"],
        Icon { name: "trigger", path: "M9.2 1.8L3.5 9h4l-.9 5.2L12.5 7h-4z" },
    ),
    (
        &["cluster", "loadBalancer", "server"],
        Icon { name: "server", path: "M2.5 2.8h11v4.4h-11zM2.5 8.8h11v4.4h-11zM5 5h.1M5 11h.1M8 5h3M8 11h3" },
    ),
    (&["cliConfig"], Icon { name: "cli", path: "M3 4l4 4-4 4M8.5 12H13" }),
];

/// The icon of a node: that of its type, or of triggers where nothing is known of its type.
pub(super) fn icon(node: &Node) -> &'static Icon {
    match node.shape {
        Shape::Job => &JOB,
        Shape::Elsewhere => &ELSEWHERE,
        Shape::Resource => ICONS
            .iter()
            .find(|(kinds, _)| kinds.contains(&node.kind.as_str()))
            .map_or(&OTHER, |(_, icon)| icon),
    }
}

/// The sign of a result, as white lines around the middle of a disc of 16 pixels, so that colour is not all that tells results apart.
/// Without a build there is only a dash.
pub(super) fn mark(outcome: Option<Outcome>) -> &'static str {
    match outcome {
        Some(Outcome::Success) => "M-3.6.3L-1.1 2.9 3.7-2.8",
        Some(Outcome::Failure) => "M-2.9-2.9l5.8 5.8M2.9-2.9l-5.8 5.8",
        Some(Outcome::TimedOut) => "M0-4.2V.3l2.8 1.8",
        Some(Outcome::Cancelled) => "M-2.6-2.6h5.2v5.2h-5.2z",
        Some(Outcome::Interrupted) => "M0-4.2V.8M0 3.8v.1",
        Some(Outcome::Running) => "M-1.8-3.2v6.4L3.2 0z",
        None => "M-2.6 0h5.2",
    }
}
