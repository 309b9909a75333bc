#!/usr/bin/env bash
# Checks what `shipctl export` writes: against the published schemas of the three systems, with actionlint for GitHub, and for
# GitLab with gitlab-ci-local, which runs the diamond and an old line with deployments. All of them at pinned versions, in a directory
# beside the build. More lines can be given: their pipelines are only looked at.
set -euo pipefail
cd "$(dirname "$0")/../.."

. tests/exports/tools.sh
shipctl=$target/debug/shipctl

# Every pipeline of every line, of both kinds.
rm -rf "$place/yaml" "$place/runs" "$place"/run-*
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
[ "$written" -ge 70 ] || { echo "only $written pipelines were written" >&2; exit 1; }
for schema in github-workflows=github gitlab-ci=gitlab buildkite=buildkite; do
    "$place/venv/bin/check-jsonschema" --builtin-schema "vendor.${schema%=*}" "$place/yaml"/*."${schema#*=}.yml"
done
# These have all there is.
printf '%s\n' "$place/yaml"/{shop,ci,container}{,.standalone}.github.yml |
    xargs -P 2 -n 3 node "$here/lint.mjs" "$place/package.json"
echo "$written pipelines are as their systems want them"

runs=$place/runs
export TMPDIR=$place/tmp
mkdir -p "$TMPDIR" "$runs/bin"

# The programs of clouds and clusters: they note what they are called with, and what they are given.
cat >"$runs/bin/aws" <<'END'
#!/bin/sh
echo "${0##*/} $*" | sed 's/--filename=.*/--filename/' >>"$CALLS"
case $* in *--filename=*) echo "$(tr -d ' \n' <"${*##*--filename=}") $(cat "$KUBECONFIG")" >>"$CALLS" ;; esac
END
chmod +x "$runs/bin/aws"
ln -s aws "$runs/bin/kubectl"
export PATH=$runs/bin:$(dirname "$shipctl"):$PATH

commit() {
    git add .
    git -c user.name=test -c user.email=test@example.com commit -qm "$1"
}

# A repository on GitHub that goes into a line, without the network.
git init -q -b main "$runs/tools"
(cd "$runs/tools" && echo 'echo builds' >build.sh && echo 7.0 >VERSION && commit tools)
export GIT_CONFIG_GLOBAL=$runs/gitconfig
git config --global url."$runs/tools".insteadOf https://github.com/example/tools.git

settings=(DEPLOY_TOKEN=token GITHUB_TOKEN=token AWS_KEY=key AWS_SECRET=secret KUBECONFIG_TEXT=kubeconfig)

# Has a line in a repository of its own, $runs/LINE-WAY, whose programs note what they do there.
prepare() {
    directory=$runs/$1-$2
    mkdir "$directory"
    cp fixtures/"$1"/*.yml "$directory"
    cd "$directory"
    export CALLS=$directory/calls
    touch calls
    git init -q -b main .
    git remote add origin git@gitlab.example.com:shop/"$1".git
}

# Runs a line here.
run_here() (
    prepare "$1" here
    commit line
    env "${settings[@]}" "$shipctl" run --all --state state >log 2>&1
)

# Runs its exported pipeline, the first one of its project; a job of it may be meant to fail.
run_there() (
    line=$1 way=$2
    shift 2
    prepare "$line" "$way"
    "$shipctl" export gitlab "$@" >.gitlab-ci.yml 2>/dev/null
    commit line
    "$place/node_modules/.bin/gitlab-ci-local" --force-shell-executor --shell-isolation --variable CI_PIPELINE_IID=1 \
        "${settings[@]/#/--variable=}" >log 2>&1
)

# How the jobs of a line ended that ran here or there.
statuses() {
    sed -n 's/^ PASS  *\([^ ]*\).*/\1 ✓/p; s/^ FAIL  *\([^ ]*\).*/\1 ✗/p; s/^\([✓✗]\) \([^ ]*\) .*#1$/\2 \1/p' "$runs/$1/log"
}

# What there is of each version but when it was made.
versions() {
    local directory=$1 state=$2 name
    shift 2
    for name; do
        (cd "$runs/$directory" && "$shipctl" state versions "$name" --state "$state" --format json) |
            python3 -c 'import json, sys; [print(sys.argv[1], {**one, "made": None}) for one in json.load(sys.stdin)]' "$name"
    done
}

same() { diff "$1" "$2" || { echo "$3" >&2; exit 1; }; }

run_here diamond
run_here shop && { echo "no job of the shop has failed" >&2; exit 1; }
# Side by side, and what is wrong is seen by what is not there.
run_there diamond gitlab || true &
run_there diamond standalone --standalone || true &
run_there shop gitlab || true &
run_there shop standalone --standalone || true &
wait

of_diamond=(start left right join release)
versions diamond-here state "${of_diamond[@]}" >"$runs/here"
grep -q '^join' "$runs/here"
versions diamond-gitlab .gitlab-ci-local/artifacts/join/shipctl-state "${of_diamond[@]}" >"$runs/there"
same "$runs/here" "$runs/there" "the diamond makes other versions in GitLab: $runs/diamond-gitlab/log"
same <(grep -A 2 '> left of' "$runs/diamond-standalone/log" | sed 's/^join *> //') \
    <(printf 'left of start 1\nright, started\nright is 1.1\n') "the diamond does something else without shipctl"
echo "the diamond makes the same versions in GitLab, and runs there without shipctl"

of_shop=(shop_runCI build_web web_img web beta accept web_release production)
versions shop-here state "${of_shop[@]}" >"$runs/here"
versions shop-gitlab .gitlab-ci-local/artifacts/production/shipctl-state "${of_shop[@]}" >"$runs/there"
same "$runs/here" "$runs/there" "the shop makes other versions in GitLab"
for name in web_img web_release production; do
    version=$(sed -n 's/^versionName=//p' "$runs"/shop-standalone/.gitlab-ci-local/artifacts/*/states/*/state/"$name".env)
    grep -q "^$name .*'versionName': '$version'" "$runs/here" || { echo "version of $name without shipctl: $version" >&2; exit 1; }
done
statuses shop-here >"$runs/statuses"
same "$runs/statuses" <(printf '%s ✓\n' shop_runCI build_web web beta accept web_release production; echo 'audit ✗') \
    "jobs end otherwise: $runs/shop-here/log"
[ "$(grep -c '"image":"[^"]*/shop/web:7.0.1".* kubeconfig$' "$runs/shop-here/calls")" = 2 ] ||
    { cat "$runs/shop-here/calls" >&2; exit 1; }
for way in gitlab standalone; do
    same "$runs/statuses" <(statuses "shop-$way") "jobs end otherwise: $runs/shop-$way/log"
    same "$runs/shop-here/calls" "$runs/shop-$way/calls" "the programs are called otherwise: $runs/shop-$way/log"
done
echo "the shop is deployed the same here and in GitLab, with shipctl and without"
