#!/usr/bin/env bash
# Runs the tests in this directory with rootless podman: as an ordinary user with ranges of subordinate ids, which is made for it and
# removed afterwards. Only root can do that; an ordinary user has rootless podman from setup.sh anyway. Arguments are those of the
# test executable: filters. Where it cannot be had or does not work, it says why and ends with status 3.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/shared/packages.sh

user=shipctl-test
give_up() {
    echo "rootless podman cannot be set up here: $*"
    exit 3
}
[ "$(id -u)" = 0 ] || give_up "only root can become another user"

# Not beside the build, where another user may not write; and a path of a socket has room for 107 characters.
place=$(mktemp -d /tmp/rl.XXXX)
made=
tidy() {
    if [ -n "$made" ]; then
        # What keeps the user namespace.
        kill $(ps -o pid= -u "$user") 2>/dev/null || true
        for _ in $(seq 50); do
            ps -u "$user" >/dev/null || break
            sleep 0.1
        done
        userdel "$user"
    fi
    rm -rf "$place"
}
trap tidy EXIT
install_packages "$place/apt.log" podman runc catatonit uidmap slirp4netns busybox-static bash-static \
    redis-server postgresql
! id "$user" >/dev/null 2>&1 || give_up "there is a user $user already"
useradd --no-create-home --home-dir "$place/home" --shell /bin/sh "$user" || give_up "no user can be made"
made=yes
grep -q "^$user:" /etc/subuid && grep -q "^$user:" /etc/subgid ||
    usermod --add-subuids 900000000-900065535 --add-subgids 900000000-900065535 "$user"
mkdir "$place/home" "$place/podman"
chown -R "$user" "$place"

test=$(cargo test --locked --test containers --no-run --message-format=json 2>/dev/null |
    sed -n 's/.*"profile":{[^}]*"test":true}.*"executable":"\([^"]*\)".*/\1/p')
as_user() {
    env -i --default-signal setpriv --reuid "$user" --regid "$user" --init-groups env PATH=/usr/local/bin:/usr/bin:/bin \
        HOME="$place/home" XDG_RUNTIME_DIR="$place/home" TMPDIR="$place" SHIPCTL_TEST_PLACE="$place/podman" "$@"
}
as_user test -x "$test" || give_up "$user cannot read what was built"
as_user tests/containers/setup.sh
skipped=()
if ! as_user test -w /dev/net/tun; then
    echo "$user may not write to /dev/net/tun, by which containers have a network of their own: no tests of services"
    skipped=(--skip services)
fi
as_user "$test" --ignored "$@" "${skipped[@]}"
