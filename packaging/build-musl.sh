#!/usr/bin/env bash
# Builds a release of shipctl: one static executable for musl, which runs on any Linux of its architecture.
#
#   packaging/build-musl.sh [ARGUMENT…]    the arguments are cargo's; target/TARGET/dist/shipctl by default
#
#   TARGET      x86_64-unknown-linux-musl or aarch64-unknown-linux-musl; by default that of this machine.
#               With COMMAND=check also aarch64-apple-darwin or x86_64-apple-darwin
#   COMMAND     the command of cargo: build by default, or check; with `none`, only the tools are installed
#   TOOLS       where the tools are installed: target/tools by default
#
# The C compiler and linker is zig, as cargo-zigbuild calls it; both are Python packages. The standard library of a release is built
# with it, as small as it gets: with rustup's, which has what debuggers and panics that unwind need, it is 1.2 MB larger. Its source
# is rustup's component rust-src, or, where rustup cannot fetch that, Debian's package of this name. For all else rustup's library
# will do, where there is one for TARGET.
set -euo pipefail
cd "$(dirname "$0")/.."

target=${TARGET:-$(uname -m)-unknown-linux-musl}
tools=$(realpath -m "${TOOLS:-${CARGO_TARGET_DIR:-target}/tools}")
mkdir -p "$tools"

if [ ! -x "$tools/python/bin/cargo-zigbuild" ]; then
    python3 -m venv "$tools/python"
    "$tools/python/bin/pip" install --quiet ziglang cargo-zigbuild
fi

has_std() { [ -d "$(rustc --print sysroot)/lib/rustlib/$target/lib" ]; }
has_source() { [ -f "$(rustc --print sysroot)/lib/rustlib/src/rust/library/Cargo.lock" ]; }

# Unpacks the source of the standard library beside a copy of the toolchain, where cargo looks for it.
install_std_source() {
    local version options apt=$tools/apt
    version=$(rustc --version | cut -d ' ' -f 2)
    mkdir -p "$apt"/{lists/partial,cache/archives/partial}
    : >"$apt/status"
    # What this machine's apt reads, and the backports of the same mirror. Nothing of the system is changed.
    local mirror
    mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep '/debian/*$' | sort -u | head -n 1)
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror trixie-backports main" >"$apt/sources.list"
    options=(-o "Dir::State::Lists=$apt/lists" -o "Dir::Cache=$apt/cache" -o "Dir::State::status=$apt/status"
        -o "Dir::Etc::SourceList=$apt/sources.list" -o Dir::Etc::SourceParts=/dev/null -o APT::Sandbox::User=root)
    apt-get "${options[@]}" update -qq
    local package
    package=$(apt-cache "${options[@]}" madison rust-src | awk '{print $3}' | grep -m 1 "^$version" || true)
    if [ -z "$package" ]; then
        echo "build-musl.sh: neither rustup nor Debian has the source of the standard library of Rust $version" >&2
        exit 1
    fi
    (cd "$apt" && apt-get "${options[@]}" download -qq "rust-src=$package" && dpkg -x rust-src_*.deb source)
    rm -rf "$tools/toolchain"
    cp -al "$(rustc --print sysroot)" "$tools/toolchain" 2>/dev/null ||
        { rm -rf "$tools/toolchain" && cp -a "$(rustc --print sysroot)" "$tools/toolchain"; }
    rm -rf "$tools/toolchain/lib/rustlib/src"
    mkdir -p "$tools/toolchain/lib/rustlib/src"
    mv "$apt"/source/usr/src/rustc-* "$tools/toolchain/lib/rustlib/src/rust"
    rm -rf "$apt"
}

[ $# -gt 0 ] || set -- --locked --profile dist
build_std=()
# A panic ends the program (Cargo.toml), so nothing unwinds a stack.
flags="-C force-unwind-tables=no"
# With opt-level z, LLVM inlines next to nothing (5). With 25 the program is 3 % larger, and runs 7 to 20 % fewer instructions.
flags+=" -C llvm-args=-inline-threshold=25"
case $target in *-musl) flags+=" -C target-feature=+crt-static" ;; esac
# Parts of SQLite that nothing here uses.
export LIBSQLITE3_FLAGS="-USQLITE_ENABLE_FTS3 -USQLITE_ENABLE_FTS3_PARENTHESIS -USQLITE_ENABLE_FTS5 -USQLITE_ENABLE_RTREE"
is_release() { [[ " $* " = *" --profile dist "* ]]; }
if is_release "$@" || ! { has_std || { rustup target add "$target" >/dev/null 2>&1 && has_std; }; }; then
    if ! has_source && ! { rustup component add rust-src >/dev/null 2>&1 && has_source; }; then
        [ -d "$tools/toolchain/lib/rustlib/src/rust" ] || install_std_source
        PATH=$tools/toolchain/bin:$PATH
    fi
    # Building the standard library is a feature of nightly compilers; with this, a stable one has it too. It is not set for what
    # needs none: build scripts look at it, so what cargo has built without it would be built again.
    export RUSTC_BOOTSTRAP=1
    # Without its backtraces, which have no names in a program without symbols; a panic still says where it was.
    build_std=(-Zbuild-std=std,panic_abort -Zbuild-std-features=optimize_for_size)
    case $target in *-musl) flags+=" -C link-self-contained=no" ;; esac
fi

[ "${COMMAND:-}" != none ] || exit 0
export PATH=$tools/python/bin:$PATH CARGO_ZIGBUILD_ZIG_PATH=$tools/python/bin/python-zig RUSTFLAGS=$flags
if [[ $target = *-darwin ]]; then
    [ "${COMMAND:-}" = check ] || { echo "build-musl.sh: $target is built on a Mac; here it can be checked" >&2; exit 1; }
    # Nothing is linked, so the C among the dependencies is not compiled.
    variable=${target//-/_}
    export "CC_$variable=true" "AR_$variable=true" SDKROOT=/
    exec cargo check --target "$target" "${build_std[@]}" "$@"
fi
exec cargo-zigbuild "${COMMAND:-build}" --target "$target" "${build_std[@]}" "$@"
