# The daily commands. `just` lists them.

[private]
default:
    @just --list --unsorted

# Run the example job
example:
    cargo run -- run deploy -C fixtures/aws-keys

# Run the tests, or those whose names hold FILTER
test *FILTER:
    cargo test --locked {{ FILTER }}

# Format, lint and build the documentation
lint:
    cargo fmt --check
    cargo clippy --locked --all-targets -- -D warnings
    RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps

# Check licences, sources and duplicates of dependencies
deny:
    cargo deny --locked check licenses bans sources

# Build the static release binary
release:
    packaging/build-musl.sh

# Compare the release binary with its rivals
bench: release
    cargo run --locked --release --manifest-path benches/process/Cargo.toml target/$(uname -m)-unknown-linux-musl/dist/shipctl

# Run everything that CI runs
ci:
    bash .ci/run
