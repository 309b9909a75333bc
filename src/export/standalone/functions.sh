#!/usr/bin/env bash
# What scripts of this line call of shipctl, without it.
set -eu
case ${0##*/} in shippable_*) set -- "${0##*/shippable_}" "$@" ;; esac

upper() { printf %s "$1" | tr -cd 'A-Za-z0-9_' | tr 'a-z' 'A-Z'; }
prefix() { upper "$1" | sed 's/^[0-9]*//'; }
fail() { echo "shipctl: $*" >&2; exit 99; }
print() { [ -n "${!1+set}" ] || fail "\$$1 is not set"; printf '%s\n' "${!1}"; }
kind() { local type; type=$(prefix "$1")_TYPE; printf %s "${!type}"; }
copy() { if [ -e "$1" ]; then cp -r "$1" "$2"; else echo "shipctl: $1 is not there: nothing is copied" >&2; fi; }
newest() { if [ -e "$1" ]; then cp -r "$1" "$3"; else copy "$2/${1##*/}" "$3"; fi; }

bump() {
    local v major minor patch last
    [[ $1 =~ ^(v?)([0-9]+)\.([0-9]+)\.([0-9]+)(-.*)?$ ]] || fail "$1 is not of the form 1.2.3"
    v=${BASH_REMATCH[1]} major=${BASH_REMATCH[2]} minor=${BASH_REMATCH[3]} patch=${BASH_REMATCH[4]} last=${BASH_REMATCH[5]}
    case $2 in
    major) echo "$v$((major + 1)).0.0" ;;
    minor) echo "$v$major.$((minor + 1)).0" ;;
    patch) echo "$v$major.$minor.$((patch + 1))" ;;
    final) echo "$v$major.$minor.$patch" ;;
    alpha | beta | rc)
        # The first has no number, and the second is the first.
        case $last in
        "-$2".*[!0-9]* | "-$2".) last=-$2.1 ;;
        "-$2".*) last=-$2.$((${last#"-$2".} + 1)) ;;
        "-$2"*) last=-$2.1 ;;
        *) last=-$2 ;;
        esac
        echo "$v$major.$minor.$patch$last"
        ;;
    *) fail "bump_version counts major, minor, patch, alpha, beta, rc or final, and not $2" ;;
    esac
}

version_key() {
    case $2 in
    versionName | versionNumber | versionId) print "$(prefix "$1")_$(upper "$2")" ;;
    *)
        local file=$JOB_PATH/IN/$1/version.env key=${2#params.}
        grep -q "^$key=" "$file" 2>/dev/null || fail "the version of $1 has no key $2"
        sed -n "s/^$key=//p" "$file" | tail -n 1
        ;;
    esac
}

function=${1-}
shift || fail "which function?"
case $function in
get_resource_name) prefix "$1"; echo ;;
get_resource_path) print "$(prefix "$1")_STATE" ;;
get_resource_version_key) version_key "$1" "$2" ;;
get_resource_version_*) print "$(prefix "$1")_VERSION$(upper "${function##*_}")" ;;
get_resource_pointer_key) print "$(prefix "$1")_POINTER_$(upper "$2")" ;;
get_resource_env) print "$(prefix "$1")_$(upper "$2")" ;;
get_resource_*) print "$(prefix "$1")_$(upper "${function#get_resource_}")" ;;
get_params_resource) print "$(prefix "$1")_PARAMS_$(upper "$2")" ;;
get_integration_resource | get_integration_resource_field | get_integration_field)
    print "$(prefix "$1")_INTEGRATION_$(upper "${2:?which field?}")" ;;
get_json_value) if [ -n "${2-}" ]; then jq -r ".$2" "$1"; else cat "$1"; fi ;;
sanitize_shippable_string) printf %s "$1" | tr -cd 'A-Za-z0-9_'; echo ;;
to_uppercase) printf '%s\n' "$1" | tr '[:lower:]' '[:upper:]' ;;
post_resource_state) printf '%s=%s\n' "$2" "$3" >"$JOB_STATE/$1.env" ;;
put_resource_state) printf '%s=%s\n' "$2" "$3" >>"$JOB_STATE/$1.env" ;;
post_resource_state_multi | put_resource_state_multi)
    file=$JOB_STATE/$1.env
    shift
    [ "${function%%_*}" = put ] || : >"$file"
    # A new pair begins at each word with `=` in it.
    printf '%s\n' "$*" | sed 's/[[:blank:]]\{1,\}\([A-Za-z0-9_.-]\{1,\}=\)/\n\1/g' >>"$file"
    ;;
copy_file_to_state) cp -r "$1" "$JOB_STATE" ;;
copy_file_from_prev_state) copy "$JOB_PREVIOUS_STATE/$1" "$2" ;;
refresh_file_to_state) newest "$1" "$JOB_PREVIOUS_STATE" "$JOB_STATE" ;;
copy_file_from_resource_state | copy_resource_file_from_state) copy "$JOB_PATH/IN/$1/$(kind "$1")/$2" "$3" ;;
copy_file_to_resource_state | refresh_file_to_out_path)
    newest "$1" "$JOB_PATH/IN/$2/$(kind "$2")" "$JOB_PATH/OUT/$2/$(kind "$2")" ;;
bump_version) bump "$1" "$2" ;;
replace) perl -pi -e 's/\$(?:([A-Za-z_]\w*)|\{([A-Za-z_]\w*)\})/$ENV{$1 || $2} \/\/ ""/ge' "$@" ;;
retry) for attempt in 1 2 3; do status=0; "$@" || status=$?; [ $status != 0 ] || break; done; exit $status ;;
*) fail "$function cannot be done here" ;;
esac
