#!/usr/bin/env bash
# What the tests in this directory run containers with: podman from Debian's packages, with images of its own and a configuration
# that works without systemd, in a directory beside the build. No image is pulled: they are made of what Debian packages. Once it is there:
#
#   cargo test --test containers -- --include-ignored
#
# Where podman cannot be had or does not work, it says why and ends with status 3.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/shared/packages.sh
# Podman has no daemon: nothing has to be ended.
[ "${1:-}" != stop ] || exit 0

place=$(realpath -m "${SHIPCTL_TEST_PLACE:-${CARGO_TARGET_DIR:-target}/podman}")
image=localhost/shipctl-test:1
mkdir -p "$place"
rm -f "$place/env"
mkdir -p "$place/empty"

give_up() {
    echo "podman cannot be set up here: $*"
    exit 3
}

install_packages "$place/apt.log" podman runc catatonit busybox-static bash-static redis-server postgresql

# Whoever may not raise limits cannot start a container with higher ones, which are podman's default.
limit=$(ulimit -Hn)
[ "$limit" != unlimited ] && [ "$limit" -le 4096 ] || limit=4096
cat >"$place/containers.conf" <<END
[containers]
default_ulimits = ["nofile=$limit:$limit", "nproc=4096:4096"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
END
cat >"$place/storage.conf" <<END
[storage]
driver = "overlay"
graphroot = "$place/root"
runroot = "$place/run"
END
export CONTAINERS_CONF=$place/containers.conf CONTAINERS_STORAGE_CONF=$place/storage.conf

if ! podman image exists "$image" 2>"$place/podman.log"; then
    tests/containers/image.sh | podman import -q --change 'ENV OF_IMAGE=yes' - "$image" >/dev/null 2>"$place/podman.log" ||
        give_up "$(tail -n 1 "$place/podman.log")"
fi
for service in redis postgres; do
    name=docker.io/library/$service:latest
    podman image exists "$name" ||
        tests/containers/service.sh "$service" |
        podman import -q --change 'VOLUME /data' --change 'CMD ["/bin/serve"]' - "$name" >/dev/null 2>"$place/podman.log" ||
        give_up "$(tail -n 1 "$place/podman.log")"
done
# A stand-in: something answers on the same port.
name=docker.io/library/memcached:latest
podman image exists "$name" ||
    printf 'FROM %s\nVOLUME /data\nCMD ["httpd", "-f", "-p", "11211"]\n' "$image" |
    podman build -q --network=none -t "$name" -f - "$place/empty" >/dev/null 2>"$place/podman.log" ||
    give_up "$(tail -n 1 "$place/podman.log")"
podman run --rm --network=none "$image" bash -c 'echo "containers: bash $BASH_VERSION"' 2>"$place/podman.log" ||
    give_up "$(tail -n 1 "$place/podman.log")"
printf '%s\n' "CONTAINERS_CONF=$CONTAINERS_CONF" "CONTAINERS_STORAGE_CONF=$CONTAINERS_STORAGE_CONF" >"$place/env"
