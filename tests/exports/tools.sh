# Installs what knows the formats of CI services (schemas, actionlint, gitlab-ci-local, pre-commit) at pinned versions into a
# directory beside the build, `$place`. To be sourced at the root of the repository.
here=$PWD/tests/exports
target=$(realpath -m "${CARGO_TARGET_DIR:-target}")
place=$target/exports

. tests/shared/packages.sh

skip() {
    echo "SKIPPED: $(basename "$0"): $*"
    exit 0
}
give_up() { skip "$@"; }

# Installs what a list names, unless that was done already.
install_list() {
    local list=$1
    shift
    cmp -s "$here/$list" "$place/$list.installed" && return
    "$@" >"$place/log" 2>&1 || skip "$(tail -n 1 "$place/log")"
    cp "$here/$list" "$place/$list.installed"
}

install_python() { python3 -m venv "$place/venv" && "$place/venv/bin/pip" install -q -r "$here/requirements.txt"; }
install_node() { cp "$here"/package*.json "$place" && npm ci --prefix "$place" --no-audit --no-fund --silent; }

command -v npm >/dev/null || skip "there is no npm"
[ "$(node -p 'Number(process.versions.node.split(".")[0]) >= 20')" = true ] || skip "Node is older than 20"
mkdir -p "$place"
install_list requirements.txt install_python
install_list package-lock.json install_node
# gitlab-ci-local copies with it.
command -v rsync >/dev/null || install_packages "$place/log" rsync
