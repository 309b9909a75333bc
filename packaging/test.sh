#!/usr/bin/env bash
# Makes the packages of a static shipctl, and uses each as a user would: packaging/test.sh BINARY TARGET [--image]
#
# Everything is done in a directory of its own; the Debian package is installed below it, with a database of its own, if this is
# root. With --image the image is made and run, too, by podman.
set -euo pipefail
binary=$(realpath "$1") target=$2
cd "$(dirname "$0")/.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
version=$("$binary" -V | cut -d ' ' -f 2)
mkdir "$work/line"
cp fixtures/aws-keys/shippable.yml "$work/line"
deploys() { "$1" run deploy -C "$work/line" --workspace "$work/workspace" | grep -q succeeded; }

echo "archive and install script"
mkdir "$work/release"
packaging/pack.sh "$binary" "$target" "$work/release" >/dev/null
SHIPCTL_RELEASES=file://$work/release SHIPCTL_VERSION=$version SHIPCTL_BIN=$work/bin sh packaging/install.sh >/dev/null 2>&1
deploys "$work/bin/shipctl"
cp -R "$work/release" "$work/good"
# A byte more, and nothing is installed.
echo >>"$work/release/shipctl-$version-$target.tar.gz"
if SHIPCTL_RELEASES=file://$work/release SHIPCTL_VERSION=$version SHIPCTL_BIN=$work/other sh packaging/install.sh >/dev/null 2>&1; then
    echo "an archive with another checksum was installed" >&2
    exit 1
fi
[ ! -e "$work/other" ]

echo "install script on a Mac"
mkdir "$work/mac"
printf '#!/bin/sh\ncase $1 in -s) echo Darwin ;; -m) echo arm64 ;; esac\n' >"$work/mac/uname"
chmod 755 "$work/mac/uname"
packaging/pack.sh "$binary" aarch64-apple-darwin "$work/release" >/dev/null
PATH=$work/mac:$PATH SHIPCTL_RELEASES=file://$work/release SHIPCTL_VERSION=$version SHIPCTL_BIN=$work/mac sh packaging/install.sh >/dev/null
cmp "$binary" "$work/mac/shipctl"

echo "install script without curl, and where it cannot install"
mkdir "$work/tools" "$work/other-machine"
for tool in sh uname cut mktemp tar gzip mkdir cp chmod mv rm sha256sum; do
    ln -s "$(command -v "$tool")" "$work/tools/$tool"
done
printf '#!/bin/sh\nexec cp "${4#file://}" "$3"\n' >"$work/tools/wget"
printf '#!/bin/sh\ncase $1 in -s) echo Linux ;; -m) echo riscv64 ;; esac\n' >"$work/other-machine/uname"
chmod 755 "$work/tools/wget" "$work/other-machine/uname"
install_to() { SHIPCTL_RELEASES=file://$work/good/ SHIPCTL_VERSION=$version SHIPCTL_BIN=$1 sh packaging/install.sh 2>&1; }
# Twice: the second time over the first.
PATH=$work/tools install_to "$work/by-wget" >/dev/null
PATH=$work/tools install_to "$work/by-wget" >/dev/null
cmp "$binary" "$work/by-wget/shipctl"
rm "$work/tools/wget"
refuses() {
    local message
    if message=$(install_to "$2"); then message="it installed"; fi
    [[ $message = *"$1"* ]] || { echo "instead of \"$1\": $message" >&2; return 1; }
}
PATH=$work/tools refuses "neither curl nor wget is installed" "$work/other"
PATH=$work/other-machine:$PATH refuses "there is no release for riscv64" "$work/other"
refuses "cannot write to $binary/bin" "$binary/bin"
: >"$work/good/shipctl-$version-$target.tar.gz.sha256"
refuses "is not that of the release" "$work/other"
[ ! -e "$work/other" ]

echo "Homebrew formula"
packaging/homebrew.sh https://example.com/v"$version" "$work/release" >"$work/shipctl.rb"
grep -q "sha256 \"$(cut -d ' ' -f 1 "$work/release/shipctl-$version-$target.tar.gz.sha256")\"" "$work/shipctl.rb"
grep -q "on_macos do" "$work/shipctl.rb"
if command -v ruby >/dev/null; then ruby -c "$work/shipctl.rb" >/dev/null; fi

echo "Debian package"
architecture=$(case $target in x86_64-*) echo amd64 ;; aarch64-*) echo arm64 ;; esac)
packaging/build-deb.sh "$binary" "$architecture" "$work" >/dev/null
package=$work/shipctl_${version}_$architecture.deb
root=$work/root
if [ "$(id -u)" = 0 ]; then
    mkdir -p "$root"/var/lib/dpkg/{info,updates}
    touch "$root/var/lib/dpkg/status"
    dpkg --root="$root" --force-depends --log=/dev/null --install "$package" >/dev/null 2>&1
    dpkg --root="$root" --status shipctl | grep -q '^Status: install ok installed'
else
    dpkg-deb --extract "$package" "$root"
fi
deploys "$root/usr/bin/shipctl"
gzip -dc "$root/usr/share/man/man1/shipctl.1.gz" | grep -q '^\.TH'
bash -n "$root/usr/share/bash-completion/completions/shipctl"

if [ "${3:-}" = --image ]; then
    echo "image"
    mkdir "$work/context"
    cp "$binary" "$work/context/shipctl"
    podman build --quiet --tag shipctl-packaging-test --file packaging/Containerfile "$work/context" >/dev/null
    podman run --rm --network none --volume "$PWD/fixtures/aws-keys:/line:ro" shipctl-packaging-test check | grep -q "no problems\|warning"
    podman image rm --force shipctl-packaging-test >/dev/null
fi
