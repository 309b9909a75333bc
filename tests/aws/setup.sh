#!/usr/bin/env bash
# What the tests in this directory talk to and with: an emulation of AWS, the AWS CLI, and a linter of policies, at
# pinned versions, in a virtual environment of Python beside the build. Once it is there:
#
#   cargo test --test aws -- --include-ignored
set -euo pipefail
cd "$(dirname "$0")/../.."

here=tests/aws/requirements.txt
environment=${CARGO_TARGET_DIR:-target}/aws-venv
if ! cmp -s "$here" "$environment/installed.txt"; then
    rm -rf "$environment"
    python3 -m venv "$environment"
    "$environment/bin/pip" install --quiet --disable-pip-version-check -r "$here"
    cp "$here" "$environment/installed.txt"
fi
"$environment/bin/aws" --version
