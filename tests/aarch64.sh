#!/usr/bin/env bash
# Builds shipctl for aarch64, and runs a part of the tests with it, under qemu: tests/aarch64.sh [FILTER…]
#
# qemu-user has neither orphans that become children of another process than the first nor the death signals of Linux, so it is
# the POSIX part that is built (src/platform). Ends with 3 where qemu cannot be had. With `build` it only builds.
set -euo pipefail
cd "$(dirname "$0")/.."
. tests/shared/packages.sh

target=aarch64-unknown-linux-musl
directory=$(realpath -m "${CARGO_TARGET_DIR:-target}")
give_up() {
    echo "tests/aarch64.sh: $1" >&2
    exit 3
}

# The quickest build there is will do.
CARGO_PROFILE_DEV_DEBUG=0 TARGET=$target packaging/build-musl.sh --locked --no-default-features --features posix
[ "${1:-}" != build ] || exit 0

mkdir -p "$directory/$target/qemu"
install_packages "$directory/$target/qemu/packages.log" qemu-user-static
binary=$directory/$target/debug/shipctl
# Scripts find this one by its name.
cat >"$directory/$target/qemu/shipctl" <<SCRIPT
#!/bin/sh
exec qemu-aarch64-static '$binary' "\$@"
SCRIPT
chmod +x "$directory/$target/qemu/shipctl"
export PATH=$directory/$target/qemu:$PATH SHIPCTL_TEST_PROGRAM=$directory/$target/qemu/shipctl
shipctl --version | grep -qx 'target: aarch64-linux-musl'

# Lookups, the environment, checks and dry runs, encryption, and the TASKs of jobs.
[ $# -gt 0 ] || set -- check:: dry:: env:: lookup::get secure:: job::exec_gives job::nothing_secret job::the_status job::values_reach
cargo test --locked --test integration -- "$@"
