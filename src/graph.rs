//! The graph of an assembly line: jobs, resources and what goes from one to the other.
//!
//! `outline`, `dot` and `mermaid` write it as text; `select` reduces the line to some jobs. For a picture, `of_line` makes a
//! [`Graph`], which says what is drawn. `layout` gives every node a place, from left to right as the line runs: `ranks` finds
//! the column, `order` the order in the column, `layout` itself the coordinates. `svg` draws it, and `html` puts the
//! drawing on a page on which one can move about, search and ask for details.
//!
//! Nothing here reads a file or a clock: the same graph gives the same bytes.

mod dot;
mod html;
mod icons;
mod layout;
mod mermaid;
mod of_line;
mod order;
mod outline;
mod parts;
mod ranks;
mod select;
mod svg;
#[cfg(test)]
mod tests;
mod text;

pub use dot::dot;
pub use html::page;
pub use mermaid::mermaid;
pub use of_line::{BUILDS, of_line};
pub use outline::outline;
pub use select::select;
pub use svg::picture;

/// What is drawn.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    /// What the page is called: the name of the line.
    pub title: String,
    /// When it was drawn, in universal time.
    pub created: String,
    /// Jobs, resources, and what is declared elsewhere.
    pub nodes: Vec<Node>,
    /// What goes in to jobs and comes out of them; at most one from a node to another.
    pub edges: Vec<Edge>,
}

/// A job or a resource.
#[derive(Clone, Debug)]
pub struct Node {
    /// Its name, as written.
    pub name: String,
    /// What it is.
    pub shape: Shape,
    /// Its type, as written; empty where there is none.
    pub kind: String,
    /// The integration that a resource is bound to.
    pub integration: Option<String>,
    /// Where it is declared: `file:line:column`.
    pub place: Option<String>,
    /// The steps of a job, a line each.
    pub steps: Vec<String>,
    /// The last builds of a job, the last one first.
    pub builds: Vec<BuildBadge>,
}

/// What a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A job.
    Job,
    /// A resource, declared or a trigger.
    Resource,
    /// A name that some step uses and that is not declared.
    Elsewhere,
}

/// A build of a job.
#[derive(Clone, Debug)]
pub struct BuildBadge {
    /// Its number.
    pub number: u32,
    /// What has become of it.
    pub outcome: Outcome,
    /// When it began, in universal time.
    pub started: String,
    /// How long before the picture was made that was, in words: `3 hours`.
    pub age: String,
    /// How long it took, in words; empty where it is not known.
    pub took: String,
}

/// What has become of a build.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All went well.
    Success,
    /// A script failed.
    Failure,
    /// It ran out of time.
    TimedOut,
    /// A signal or a person ended it.
    Cancelled,
    /// It was killed.
    Interrupted,
    /// It is running.
    Running,
}

impl Outcome {
    const ALL: [Outcome; 6] = [
        Outcome::Success,
        Outcome::Failure,
        Outcome::TimedOut,
        Outcome::Cancelled,
        Outcome::Interrupted,
        Outcome::Running,
    ];

    /// In words.
    fn word(self) -> &'static str {
        match self {
            Outcome::Success => "succeeded",
            Outcome::Failure => "failed",
            Outcome::TimedOut => "timed out",
            Outcome::Cancelled => "cancelled",
            Outcome::Interrupted => "interrupted",
            Outcome::Running => "running",
        }
    }

    /// The class of its colour.
    fn class(self) -> &'static str {
        match self {
            Outcome::Success => "good",
            Outcome::Failure => "bad",
            Outcome::TimedOut | Outcome::Cancelled | Outcome::Interrupted => "amber",
            Outcome::Running => "busy",
        }
    }
}

/// An arrow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edge {
    /// Index of the node that it leaves.
    pub from: usize,
    /// Index of the node that it enters.
    pub to: usize,
    /// `switch: off`: a change does not start the job.
    pub switched_off: bool,
}
