#!/usr/bin/env bash
# Runs the tests as an ordinary user, from a directory with a space in its name, with umask 077, in the C locale and twice at once: what
# a developer's machine may have and that of a CI often has not. Only root can become another user. The tests are built before
# that, in a copy, so that the other user needs neither cargo nor this checkout. Arguments are those of a test executable: filters.
set -euo pipefail
cd "$(dirname "$0")/.."
if [ "$(id -u)" != 0 ]; then
    echo "not root: cargo test runs as an ordinary user anyway"
    exit
fi
user=$(id -u nobody) group=$(id -g nobody)
target=$(cargo metadata --locked --no-deps --format-version 1 | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')

# Beside the target directory, where its files can be linked instead of copied.
place=$(mktemp -d "$(dirname "$target")/as user.XXXXXX")
trap 'rm -rf "$place"' EXIT
chmod 755 "$place"
umask 022
mkdir "$place/source" "$place/homes"
git ls-files -z | xargs -0 cp --parents -t "$place/source"
mkdir -p "$target"
mkdir "$place/target"
# Of what has been built, only the packages of others: this one is built anew at its new place.
if [ -d "$target/debug" ]; then
    cp -al "$target/debug" "$place/target/debug" 2> /dev/null || cp -a "$target/debug" "$place/target/debug"
fi
cd "$place/source"
export CARGO_TARGET_DIR="$place/target"
cargo test --locked --no-run --message-format=json > "$place/built"
mapfile -t tests < <(sed -n 's/.*"profile":{[^}]*"test":true}.*"executable":"\([^"]*\)".*/\1/p' "$place/built")
[ "${#tests[@]}" -ge 5 ] || { echo "found ${#tests[@]} test programs" >&2; exit 1; }
chown -R "$user:$group" "$place/source" "$place/homes"

# One run of all tests; what they print is shown if one fails.
run() {
    local home=$place/homes/$1 failed=0 test
    shift
    setpriv --reuid "$user" --regid "$group" --clear-groups mkdir "$home"
    for test in "${tests[@]}"; do
        # A CI, or whoever started this with nohup, may ignore signals; a child would too.
        env -i --default-signal PATH=/usr/local/bin:/usr/bin:/bin HOME="$home" USER=nobody LOGNAME=nobody LC_ALL=C CARGO_MANIFEST_DIR="$PWD" \
            setpriv --reuid "$user" --regid "$group" --clear-groups \
            bash -c 'umask 077; exec "$@"' - "$test" --quiet "$@" < /dev/null > "$home.log" 2>&1 \
            || { failed=1; echo "== ${test##*/}"; cat "$home.log"; }
    done
    return "$failed"
}

status=0
run first "$@" > "$place/first" &
run second "$@" > "$place/second" || status=1
wait $! || status=1
cat "$place/first" "$place/second"
# Tests have places of their own for the workspaces of jobs: they may run on a machine that runs jobs.
for home in "/tmp/shipctl-$user" "/dev/shm/shipctl-$user"; do
    if [ -e "$home" ]; then
        echo "a test used $home"
        status=1
    fi
done
[ "$status" != 0 ] || echo "${#tests[@]} test executables, twice at once: ok"
exit "$status"
