#!/bin/sh
# Writes .cargo/startup.ld: has valgrind say which functions a lookup, an exec, a run and a line go through. To be run when
# they have come to go other ways; until then it costs nothing but speed. Needs valgrind.
set -eu
cd "$(dirname "$0")/.."
CARGO_PROFILE_RELEASE_STRIP=none cargo build --release --target-dir target/startup-order
shipctl=$PWD/target/startup-order/release/shipctl
libc=$(cc -print-file-name=libc.a)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cat >"$work/shippable.yml" <<'YAML'
resources:
  - {name: p, type: params, version: {params: {KEY: value, PORT: 80}}}
  - {name: keys, type: integration, integration: keys}
integrations:
  - {name: keys, type: amazonKeys, fields: {accessKey: AKIAEXAMPLE, secretKey: made up}}
jobs:
  - {name: a, type: runSh, steps: [IN: p, IN: keys, TASK: [echo one]]}
  - {name: b, type: runSh, steps: [TASK: [echo one]]}
  - {name: c, type: runSh, steps: [IN: b, TASK: [echo one]]}
YAML
cd "$work"
trace() {
    valgrind -q --tool=callgrind --demangle=no --callgrind-out-file="$work/trace.%p" "$shipctl" "$@" >/dev/null
}
P_PARAMS_KEY=value trace get_params_resource p key
for _ in 1 2; do
    trace exec a -- true
    trace run a
    trace run b c
done
cd - >/dev/null

# Names as the compiler spells them, without what differs from build to build: the hash at the end, those of crates.
sed -n "s/^c\{0,1\}fn=([0-9]*) \([^']*\).*/\1/p" "$work"/trace.* | sort -u >"$work/functions"
grep '^_[ZR]' "$work/functions" |
    sed -E 's/17h[0-9a-f]{16}E.*/17h*/; s/Cs[0-9A-Za-z]+_/*/g; s/\.[0-9]+$/*/; s/[^A-Za-z0-9_*]/?/g' |
    sort -u | sed 's/.*/    *(.text.&)/' >"$work/rust"
# Of the C library whole objects, as its functions have no sections of their own. Of those that it has for several kinds of
# processor, all.
nm -A --defined-only "$libc" 2>/dev/null | awk -v functions="$work/functions" '
    BEGIN { while ((getline name < functions) > 0) { sub(/\..*/, "", name); wanted[name] = 1 } }
    $3 in wanted { split($1, part, ":"); print part[2] }' |
    sed -E 's/^((mem|str|wcs|wmem|rawmem)[a-z]*)-.*/\1-*.o/' | sort -u |
    sed 's/.*/    *libc.a:&(.text .text.*)/' >"$work/c"

# The last are those of SQLite, which have.
grep '^sqlite3\|^wal\|^pager\|^pcache\|^unix\|^btree\|^yy\|^vdbe' "$work/functions" | sed 's/.*/    *(.text.&)/' >"$work/sqlite"

cat >.cargo/startup.ld - "$work/c" "$work/rust" "$work/sqlite" <<'LD'
/* The functions that a lookup, an exec and a run go through lie together: a start spends a tenth of its time on having its
   code mapped, in pieces of 64 KB, and what it needs of 8 MB lies all over them. A name that does not exist any more does
   no harm. Made by benches/startup-order.sh. */
SECTIONS
{
  .text.startup_order :
  {
LD
printf '  }\n}\nINSERT BEFORE .text;\n' >>.cargo/startup.ld
