#!/usr/bin/env bash
# Measures the start of a job in a container: the same line by shipctl, by `ENGINE run --rm IMAGE sh -c …` itself and by gitlab-ci-local,
# if npm has that, in the same image and in turns. $1 is the shipctl to measure, $2 how often (20). With SHIPCTL_TEST_ENGINE=docker the
# engine is Docker. It prints medians, and ratios to the engine alone: times differ from machine to machine.
set -euo pipefail
cd "$(dirname "$0")/../.."
engine=${SHIPCTL_TEST_ENGINE:-podman}
place=$(realpath -m "${CARGO_TARGET_DIR:-target}/$engine")
shipctl=$(realpath "${1:-${CARGO_TARGET_DIR:-target}/debug/shipctl}")
runs=${2:-20}
image=localhost/shipctl-test:1
rival=gitlab-ci-local@4.61

[ -f "$place/env" ] || { echo "tests/containers/setup.sh (podman) or docker.sh sets the engine up first"; exit 1; }
set -a
. "$place/env"
set +a

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
cat >shippable.yml <<END_OF_FILE
jobs:
  - name: hello
    type: runSh
    steps:
      - TASK:
          script: [echo hello]
          runtime: {options: {imageName: ${image%:*}, imageTag: "${image#*:}", options: --network=none}}
END_OF_FILE
cat >.gitlab-ci.yml <<END_OF_FILE
hello:
  image: $image
  script: [echo hello]
END_OF_FILE

alone() { "$engine" run --rm --network=none "$image" sh -c 'echo hello'; }
with_shipctl() { "$shipctl" run hello --containers "$engine"; }
with_rival() {
    "$place/npm/node_modules/.bin/gitlab-ci-local" --container-executable "$engine" --pull-policy if-not-present \
        --helper-image "$image" --network none hello
}
# It leaves a container and volumes each time, which would make the engine slower for all.
tidy() { "$engine" container prune --force && "$engine" volume rm $("$engine" volume ls --quiet --filter name=gcl-hello-); } >/dev/null
ways=(alone with_shipctl)
if command -v npm >/dev/null && npm install --silent --no-fund --no-audit --prefix "$place/npm" "$rival" >"$place/npm.log" 2>&1; then
    # It wants a repository with a remote.
    git init -q
    git -c user.name=test -c user.email=test@example.com commit -q --allow-empty -m one
    git remote add origin git@gitlab.example.com:test/test.git
    ways+=(with_rival)
else
    echo "$rival cannot be had from npm here: it is left out"
fi

for ((run = 0; run <= runs; run++)); do
    for way in "${ways[@]}"; do
        begun=${EPOCHREALTIME/./}
        "$way" >output 2>&1 </dev/null && grep -q hello output || { cat output; exit 1; }
        # The first time, files are read that are in memory afterwards.
        [ "$run" = 0 ] || echo "$((${EPOCHREALTIME/./} - begun))" >>"$way.times"
        [ "$way" != with_rival ] || tidy
    done
done
median() { sort -n "$1.times" | sed -n "$(((runs + 1) / 2))p"; }
for way in "${ways[@]}"; do
    printf '%-13s %5d ms  %s × %s alone\n' "$way" "$(($(median "$way") / 1000))" \
        "$(awk "BEGIN { printf \"%.2f\", $(median "$way") / $(median alone) }")" "$engine"
done
