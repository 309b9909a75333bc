#!/usr/bin/env bash
# Makes a Debian package of a static shipctl: packaging/build-deb.sh BINARY ARCHITECTURE DIRECTORY
#
# ARCHITECTURE is Debian's: amd64 or arm64. `dpkg-deb` is all that is needed.
set -euo pipefail
binary=$(realpath "$1") architecture=$2 directory=$(realpath "$3")
cd "$(dirname "$0")/.."

version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
chmod 755 "$root"
umask 022
install -D -m 755 "$binary" "$root/usr/bin/shipctl"
mkdir -p "$root/usr/share/man/man1" "$root/usr/share/bash-completion/completions" \
    "$root/usr/share/zsh/vendor-completions" "$root/usr/share/fish/vendor_completions.d" "$root/usr/share/doc/shipctl"
"$binary" man --output-dir "$root/usr/share/man/man1"
gzip -9n "$root"/usr/share/man/man1/*.1
"$binary" completions bash >"$root/usr/share/bash-completion/completions/shipctl"
"$binary" completions zsh >"$root/usr/share/zsh/vendor-completions/_shipctl"
"$binary" completions fish >"$root/usr/share/fish/vendor_completions.d/shipctl.fish"
gzip -9n <CHANGELOG.md >"$root/usr/share/doc/shipctl/changelog.gz"
{
    echo "shipctl may be used under either of two licences, as you like."
    echo
    cat LICENSE-MIT
    echo
    echo "Or, under the Apache License 2.0: /usr/share/common-licenses/Apache-2.0"
} >"$root/usr/share/doc/shipctl/copyright"
mkdir "$root/DEBIAN"
cat >"$root/DEBIAN/control" <<CONTROL
Package: shipctl
Version: $version
Architecture: $architecture
Maintainer: ${DEBEMAIL:-shipctl maintainers <maintainers@shipctl.invalid>}
Installed-Size: $(du -sk "$root/usr" | cut -f 1)
Depends: bash (>= 4.4)
Recommends: git, ca-certificates
Suggests: podman | docker.io, awscli
Section: devel
Priority: optional
Description: job runner and environment injector
 Runs the jobs of an assembly line in YAML on any machine, and puts the
 credentials of its integrations into their environment.
CONTROL
dpkg-deb --root-owner-group --build "$root" "$directory/shipctl_${version}_$architecture.deb"
