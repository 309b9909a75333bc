#!/usr/bin/env bash
# Writes the root of an image with a service of Debian's packages to stdout, as tar: `service.sh redis | podman import - NAME`. Its
# command is /bin/serve.
set -euo pipefail
cd "$(dirname "$0")/../.."
service=$1
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
tests/containers/image.sh | tar -C "$root" -x

# Puts files where they are on this machine, with the libraries that they load.
add() {
    local file
    for file; do
        printf '%s\n' "$file"
        ldd "$file" 2>/dev/null | grep -o '/[^ ]*' || true
    done | sort -u | xargs cp -L --parents --target-directory="$root"
}

case $service in
redis)
    add /usr/bin/redis-server
    printf '%s\n' '#!/bin/sh' 'exec redis-server --save "" --protected-mode no' >"$root/bin/serve"
    ;;
postgres)
    bin=$(printf '%s\n' /usr/lib/postgresql/*/bin | sort -V | tail -n 1)
    version=$(basename "$(dirname "$bin")")
    add "$bin"/{postgres,initdb} "${bin%bin}"lib/{plpgsql,dict_snowball}.so
    cp -r --parents "/usr/share/postgresql/$version" "$root"
    echo 'postgres:x:70:70:postgres:/tmp:/bin/sh' >>"$root/etc/passwd"
    # It lets anyone in only if it is told so, as the image of this name does.
    cat >"$root/bin/serve" <<END
#!/bin/sh
[ "\$POSTGRES_HOST_AUTH_METHOD" = trust ] || exit 1
mkdir -p /data/cluster && chown postgres /data/cluster
su postgres -c "$bin/initdb --pgdata=/data/cluster --auth=trust --locale=C --no-sync" || exit 1
exec su postgres -c "exec $bin/postgres -D /data/cluster -c unix_socket_directories= -c fsync=off -c jit=off"
END
    ;;
esac
chmod +x "$root/bin/serve"
tar -C "$root" -c .
