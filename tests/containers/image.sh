#!/usr/bin/env bash
# Writes the root of an image with bash and busybox to stdout, as tar: `image.sh | podman import - NAME`.
set -euo pipefail
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
mkdir -p "$root"/{bin,tmp,etc,root,proc,sys,dev,usr/bin}
chmod 1777 "$root/tmp"
cp /bin/busybox "$root/bin/busybox"
cp /bin/bash-static "$root/bin/bash"
for applet in $(/bin/busybox --list); do
    [ -e "$root/bin/$applet" ] || ln -s busybox "$root/bin/$applet"
done
ln -s ../../bin/env "$root/usr/bin/env"
echo 'root:x:0:0:root:/root:/bin/sh' >"$root/etc/passwd"
tar -C "$root" -c .
