//! The keys whose values multiply the runs: versions of languages, and the like.

/// A key with the versions to run with.
#[derive(Debug, PartialEq, Eq)]
pub struct Axis {
    /// The key.
    pub key: &'static str,
    /// The variables that tell a run its version.
    pub variables: &'static [&'static str],
}

const fn axis(key: &'static str, variables: &'static [&'static str]) -> Axis {
    Axis { key, variables }
}

/// All of them. The last varies fastest.
pub(super) static AXES: &[Axis] = &[
    axis("python", &["SHIPPABLE_PYTHON_VERSION", "TRAVIS_PYTHON_VERSION"]),
    axis("node_js", &["SHIPPABLE_NODE_VERSION", "TRAVIS_NODE_VERSION"]),
    axis("rvm", &["SHIPPABLE_RUBY", "TRAVIS_RUBY_VERSION"]),
    axis("ruby", &["SHIPPABLE_RUBY", "TRAVIS_RUBY_VERSION"]),
    axis("jdk", &["SHIPPABLE_JDK_VERSION"]),
    axis("go", &["SHIPPABLE_GO_VERSION"]),
    axis("php", &["SHIPPABLE_PHP_VERSION", "TRAVIS_PHP_VERSION"]),
    axis("scala", &["SHIPPABLE_SCALA_VERSION", "TRAVIS_SCALA_VERSION"]),
    axis("lein", &["SHIPPABLE_LEIN_VERSION"]),
    axis("compiler", &["TRAVIS_COMPILER"]),
    axis("gemfile", &["SHIPPABLE_GEMFILE"]),
];

/// The axis with this key.
pub(super) fn find(key: &str) -> Option<&'static Axis> {
    AXES.iter().find(|axis| axis.key == key)
}
