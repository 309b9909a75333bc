#!/bin/sh
# Installs a release of shipctl for this machine:
#
#   SHIPCTL_RELEASES=https://…/releases/download/v0.1.0 sh install.sh
#
#   SHIPCTL_RELEASES   where the archives of a release lie; a file:// URL does, too
#   SHIPCTL_VERSION    the version, by default the last part of SHIPCTL_RELEASES without its `v`
#   SHIPCTL_BIN        where the program goes: ~/.local/bin by default
#
# The archive is not unpacked unless its checksum is that of the release.
set -eu

fail() {
    echo "install.sh: $1" >&2
    exit 1
}

releases=${SHIPCTL_RELEASES:-}
[ -n "$releases" ] || fail "set SHIPCTL_RELEASES to where the archives of a release lie"
version=${SHIPCTL_VERSION:-${releases##*/}}
version=${version#v}
bin=${SHIPCTL_BIN:-$HOME/.local/bin}

case $(uname -s) in
Linux) system=unknown-linux-musl ;;
Darwin) system=apple-darwin ;;
*) fail "there is no release for $(uname -s); cargo install builds shipctl from its source" ;;
esac
case $(uname -m) in
x86_64 | amd64) target=x86_64-$system ;;
aarch64 | arm64) target=aarch64-$system ;;
*) fail "there is no release for $(uname -m); cargo install builds shipctl from its source" ;;
esac
command -v curl >/dev/null || fail "curl is not installed"
if command -v sha256sum >/dev/null; then
    check="sha256sum --quiet --check"
else
    check="shasum --algorithm 256 --quiet --check"
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
archive=shipctl-$version-$target.tar.gz
for file in "$archive" "$archive.sha256"; do
    curl --fail --silent --show-error --location --output "$work/$file" "$releases/$file" ||
        fail "cannot fetch $releases/$file"
done
(cd "$work" && $check "$archive.sha256") || fail "$archive is not what the release has; nothing was installed"
tar -C "$work" -xzf "$work/$archive"
mkdir -p "$bin"
# Beside the old one first: a program that runs cannot be written over.
cp "$work/shipctl-$version-$target/shipctl" "$bin/.shipctl.new"
chmod 755 "$bin/.shipctl.new"
mv "$bin/.shipctl.new" "$bin/shipctl"
"$bin/shipctl" --version
case :$PATH: in
*":$bin:"*) ;;
*) echo "install.sh: put $bin into your PATH" >&2 ;;
esac
