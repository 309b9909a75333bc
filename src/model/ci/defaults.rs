//! What was run where the CI section has no `ci`: the commands that the original's manual gives for each language.

/// The commands of a language; none for one that has none.
pub(super) fn commands(language: &str) -> &'static [&'static str] {
    match language {
        "python" => &[
            "if [ -f \"$SHIPPABLE_BUILD_DIR/requirements.txt\" ]; then pip install -r \"$SHIPPABLE_BUILD_DIR/requirements.txt\"; fi",
        ],
        "node_js" => &["if [ -f yarn.lock ]; then yarn install; else npm install; fi", "npm test"],
        "ruby" => &["bundle install --gemfile=\"${SHIPPABLE_GEMFILE:-Gemfile}\" $SHIPPABLE_BUNDLER_ARGS"],
        "java" => &[
            "if [ -f pom.xml ]; then mvn install -DskipTests=true; elif [ -f build.gradle ]; then gradle assemble; else ant test; fi",
        ],
        "go" => &["go get -d -v ./... && go build -v ./...", "go test -v ./..."],
        "php" => &["phpunit"],
        "scala" => &["sbt ${SHIPPABLE_SCALA_VERSION:+++$SHIPPABLE_SCALA_VERSION} test"],
        "clojure" => &["lein test"],
        "c" => &["./configure && make && make test"],
        _ => &[],
    }
}
