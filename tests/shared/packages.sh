# Sourced by the scripts that set up what tests need: Debian's packages, and a way out where those cannot be had.

# install_packages LOG PACKAGE…: installs those that are missing, or calls give_up of the script with the reason.
install_packages() {
    local log=$1 package missing=()
    shift
    for package; do
        dpkg -s "$package" >/dev/null 2>&1 || missing+=("$package")
    done
    [ ${#missing[@]} != 0 ] || return 0
    [ "$(id -u)" = 0 ] || give_up "these packages are missing: ${missing[*]}"
    command -v apt-get >/dev/null || give_up "there is no apt-get"
    # Without a runlevel, no service is started.
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -qq -y --no-install-recommends "${missing[@]}"; } \
        >"$log" 2>&1 || give_up "$(tail -n 1 "$log")"
}
