#!/usr/bin/env bash
# What the tests in this directory run containers with if SHIPCTL_TEST_ENGINE is docker: a daemon of Debian's packages on a socket of
# its own, with the same images, in a directory beside the build. Once it is there:
#
#   SHIPCTL_TEST_ENGINE=docker cargo test --test containers -- --include-ignored
#
# `docker.sh stop` ends the daemon. Where it cannot be had or does not work, it says why and ends with status 3.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/shared/packages.sh

place=$(realpath -m "${CARGO_TARGET_DIR:-target}/docker")
image=localhost/shipctl-test:1
mkdir -p "$place/empty"
export DOCKER_HOST=unix://$place/socket

stop() {
    local pid
    pid=$(cat "$place/pid" 2>/dev/null) || pid=
    # The number may be another's by now.
    if [ -n "$pid" ] && [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = dockerd ]; then
        kill "$pid"
        for _ in $(seq 200); do
            [ -e "/proc/$pid" ] || break
            sleep 0.1
        done
    fi
    rm -f "$place/pid" "$place/env"
}

give_up() {
    stop
    echo "Docker cannot be set up here: $*"
    exit 3
}

stop
[ "${1:-}" = stop ] && exit

[ "$(id -u)" = 0 ] || give_up "its daemon has to be started by root"
# A path of a socket has room for 107 characters.
[ ${#place} -lt 90 ] || give_up "the path $place is too long for a socket"
install_packages "$place/apt.log" docker.io busybox-static bash-static redis-server postgresql

# Whoever may not raise limits cannot start a container with higher ones.
limit=$(ulimit -Hn)
[ "$limit" != unlimited ] && [ "$limit" -le 4096 ] || limit=4096
setsid dockerd --host "$DOCKER_HOST" --data-root "$place/data" --exec-root "$place/exec" --pidfile "$place/pid" --iptables=false \
    --bridge=none --default-ulimit "nofile=$limit:$limit" --default-ulimit nproc=4096:4096 >"$place/log" 2>&1 </dev/null &
for _ in $(seq 150); do
    docker version >/dev/null 2>&1 && break
    [ -e "/proc/$!" ] || give_up "$(tail -n 1 "$place/log")"
    sleep 0.2
done

{ docker image inspect "$image" >/dev/null 2>&1 ||
    tests/containers/image.sh | docker import --change 'ENV OF_IMAGE=yes' - "$image"; } >"$place/docker.log" 2>&1 ||
    give_up "$(tail -n 1 "$place/docker.log")"
for service in redis postgres; do
    tests/containers/service.sh "$service" |
        docker import --change 'VOLUME /data' --change 'CMD ["/bin/serve"]' - "docker.io/library/$service:latest" \
            >"$place/docker.log" 2>&1 || give_up "$(tail -n 1 "$place/docker.log")"
done
printf 'FROM %s\nVOLUME /data\nCMD ["httpd", "-f", "-p", "11211"]\n' "$image" |
    DOCKER_BUILDKIT=0 docker build -q --network=none -t docker.io/library/memcached:latest -f - "$place/empty" \
        >"$place/docker.log" 2>&1 || give_up "$(tail -n 1 "$place/docker.log")"
docker run --rm --network=none "$image" bash -c 'echo "containers: bash $BASH_VERSION"' 2>"$place/docker.log" ||
    give_up "$(tail -n 1 "$place/docker.log")"
echo "DOCKER_HOST=$DOCKER_HOST" >"$place/env"
