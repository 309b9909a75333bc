#!/usr/bin/env bash
# What the tests of deployments to Kubernetes send to their stand-in for kubectl, checked against the published schemas: by
# kubernetes-validate at a pinned version, in a virtual environment of Python beside the build.
set -euo pipefail
cd "$(dirname "$0")/../.."

here=tests/kubernetes/requirements.txt
environment=$(realpath -m "${CARGO_TARGET_DIR:-target}/kubernetes-venv")
if ! cmp -s "$here" "$environment/installed.txt"; then
    rm -rf "$environment"
    python3 -m venv "$environment"
    "$environment/bin/pip" install --quiet --disable-pip-version-check -r "$here"
    cp "$here" "$environment/installed.txt"
fi
SHIPCTL_TEST_VALIDATE=$environment/bin/kubernetes-validate cargo test --locked --test integration kubernetes:: "$@"
