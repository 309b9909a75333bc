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
releases=${releases%/}
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
if command -v curl >/dev/null; then
    fetch() { curl --fail --silent --show-error --location --output "$1" "$2"; }
elif command -v wget >/dev/null; then
    fetch() { wget -q -O "$1" "$2"; }
else
    fail "neither curl nor wget is installed"
fi
# BusyBox and macOS know no long options of these.
if command -v sha256sum >/dev/null; then
    checksum() { sha256sum "$1"; }
elif command -v shasum >/dev/null; then
    checksum() { shasum -a 256 "$1"; }
else
    fail "neither sha256sum nor shasum is installed"
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
archive=shipctl-$version-$target.tar.gz
for file in "$archive" "$archive.sha256"; do
    fetch "$work/$file" "$releases/$file" || fail "cannot fetch $releases/$file"
done
expected=$(cut -d ' ' -f 1 "$work/$archive.sha256")
actual=$(checksum "$work/$archive" | cut -d ' ' -f 1)
[ -n "$actual" ] && [ "$actual" = "$expected" ] ||
    fail "the checksum of $archive is not that of the release; nothing was installed"
tar -C "$work" -xzf "$work/$archive"
mkdir -p "$bin" 2>/dev/null && [ -w "$bin" ] || fail "cannot write to $bin: set SHIPCTL_BIN to another directory"
# Beside the old one first: a program that runs cannot be written over.
cp "$work/shipctl-$version-$target/shipctl" "$bin/.shipctl.new"
chmod 755 "$bin/.shipctl.new"
mv "$bin/.shipctl.new" "$bin/shipctl"
"$bin/shipctl" --version
if [ "$system" = apple-darwin ] && [ "$(bash -c 'echo "${BASH_VERSINFO-0}"')" -lt 4 ]; then
    echo "install.sh: the bash of macOS is too old for the scripts of jobs: run \`brew install bash\`" >&2
fi
case :$PATH: in
*":$bin:"*) ;;
*) echo "install.sh: put $bin into your PATH" >&2 ;;
esac
