#!/usr/bin/env bash
# Writes the SBOM of a release, in the format of CycloneDX: packaging/sbom.sh TARGET DIRECTORY
#
# Makes shipctl-VERSION-TARGET.cdx.json in DIRECTORY: the crates that Cargo.lock has for TARGET, with versions, checksums and
# licences. Needs cargo-cyclonedx.
set -euo pipefail
target=$1 directory=$(realpath "$2")
cd "$(dirname "$0")/.."

version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
name=shipctl-$version-$target
cargo cyclonedx --quiet --format json --spec-version 1.5 --target "$target" --override-filename "$name.cdx"
# It names this package by where it lies.
sed "s|path+file://$PWD#||g" "$name.cdx.json" >"$directory/.$name"
rm "$name.cdx.json"
mv "$directory/.$name" "$directory/$name.cdx.json"
