#!/usr/bin/env bash
# Packs a built shipctl as a release does: packaging/pack.sh BINARY TARGET DIRECTORY
#
# Makes shipctl-VERSION-TARGET.tar.gz in DIRECTORY, with its checksum beside it.
set -euo pipefail
binary=$(realpath "$1") target=$2 directory=$(realpath "$3")
cd "$(dirname "$0")/.."

version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
name=shipctl-$version-$target
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/$name/completions"
cp -R README.md docs CHANGELOG.md LICENSE-APACHE LICENSE-MIT "$work/$name"
install -m 755 "$binary" "$work/$name/shipctl"
"$binary" man >"$work/$name/shipctl.1"
for shell in bash zsh fish; do
    "$binary" completions "$shell" >"$work/$name/completions/shipctl.$shell"
done
# On a Mac these are GNU's, as gtar, and shasum.
tar=$(command -v gtar || echo tar)
command -v sha256sum >/dev/null || sha256sum() { shasum --algorithm 256 "$@"; }
"$tar" --sort=name --owner=0 --group=0 --numeric-owner -C "$work" -czf "$directory/$name.tar.gz" "$name"
(cd "$directory" && sha256sum "$name.tar.gz" >"$name.tar.gz.sha256")
echo "$directory/$name.tar.gz"
