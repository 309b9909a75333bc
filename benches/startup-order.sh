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
# What people write.
resources:
  - name: p
    type: params
    version:
      params:
        KEY: value
        QUOTED: "a value"
        PORT: 80
  - name: keys
    type: integration
    integration: keys

integrations:
  - {name: keys, type: amazonKeys, fields: {accessKey: AKIAEXAMPLE, secretKey: made up}}

jobs:
  - name: a
    type: runSh
    steps:
      - IN: p
        switch: off
      - IN: keys
      - TASK:
          name: say
          script:
            - echo "one"
            - |
              echo two
              echo three
      - TASK:
        - script: echo four
  - name: b
    type: runSh
    steps:
      - TASK: [echo one]
  - {name: c, type: runSh, steps: [IN: b, TASK: [echo one]]}
YAML
trace() {
    (cd "$work" && valgrind -q --tool=callgrind --demangle=no --callgrind-out-file=trace.%p "$shipctl" "$@" >/dev/null)
}

# What the traces since the last call went through and none before it, as the linker is told of it.
: >"$work/told"
tell() {
    sed -n "s/^c\{0,1\}fn=([0-9]*) \([^']*\).*/\1/p" "$work"/trace.* | sort -u >"$work/functions"
    # Names as the compiler spells them, without what differs from build to build: the hash at the end, those of crates.
    # What the compiler takes for rare has sections of its own. What runs between clone and exec, valgrind does not see.
    echo _ZN7shipctl3run8platform5start17h0123456789abcdefE >>"$work/functions"
    grep '^_[ZR]' "$work/functions" |
        sed -E 's/17h[0-9a-f]{16}E.*/17h*/; s/Cs[0-9A-Za-z]+_/*/g; s/\.[0-9]+$/*/; s/[^A-Za-z0-9_*]/?/g' |
        sort -u | sed 's/.*/    *(.text.& .text.unlikely.&)/' >"$work/names"
    # Those of SQLite have too.
    grep '^sqlite3\|^wal\|^pager\|^pcache\|^unix\|^btree\|^yy\|^vdbe' "$work/functions" |
        sed 's/.*/    *(.text.&)/' >>"$work/names"
    # Of the C library whole objects, as its functions have no sections of their own. Of those that it has for several kinds of
    # processor, all.
    printf '%s\n' __memset_avx2_unaligned_erms setsid chdir dup2 sigprocmask execve >>"$work/functions"
    nm -A --defined-only "$libc" 2>/dev/null | awk -v functions="$work/functions" '
        BEGIN { while ((getline name < functions) > 0) { sub(/\..*/, "", name); wanted[name] = 1 } }
        $3 in wanted { split($1, part, ":"); print part[2] }' |
        sed -E 's/^((mem|str|wcs|wmem|rawmem)[a-z]*)-.*/\1-*.o/' | sort -u |
        sed 's/.*/    *libc.a:&(.text .text.*)/' >>"$work/names"
    grep -vxFf "$work/told" "$work/names" | tee "$work/new"
    cat "$work/new" >>"$work/told"
    rm "$work"/trace.*
}

{
    cat <<'LD'
/* The functions that a lookup, an exec and a run go through lie together: a start spends a tenth of its time on having its
   code mapped, in pieces of 64 KB, and what it needs of 8 MB lies all over them. A name that does not exist any more does
   no harm. Made by benches/startup-order.sh. */
SECTIONS
{
  .text.startup_order :
  {
LD
    P_PARAMS_KEY=value trace get_params_resource p key
    tell
    for _ in 1 2; do
        trace exec a -- true
        trace run a
        rm -f "$work"/.shipctl/state.db*
    done
    tell
    for _ in 1 2; do
        trace run b c
        trace exec a -- true
        trace run a
    done
    tell
    printf '  }\n}\nINSERT BEFORE .text;\n'
} >"$work/startup.ld"
cp "$work/startup.ld" .cargo/startup.ld
