#!/bin/bash
# Stands in for podman. Containers and images are files in $STAND_IN, and the first process of a container is started right here, in an
# environment of the image's own. It shows how shipctl calls an engine; what only an engine does is tested with a real one.
echo "$*" >>"$STAND_IN/calls"
image_file() { echo "$STAND_IN/image.${1//\//_}"; }
fetch() {
    [ -e "$STAND_IN/registry" ] || { echo "Error: dial tcp: lookup registry: no such host" >&2; exit 125; }
    cp "$STAND_IN/registry" "$(image_file "$1")"
}
case $1 in
image)
    shift 4
    for image; do
        [ -e "$(image_file "$image")" ] || { echo "Error: $image: image not known" >&2; exit 125; }
    done
    ;;
pull)
    echo "AUTH ${REGISTRY_AUTH_FILE:+$(tr -d ' \n' <"$REGISTRY_AUTH_FILE")}" >>"$STAND_IN/calls"
    fetch "${*: -1}"
    ;;
info)
    [ ! -e "$STAND_IN/fails" ] || { cat "$STAND_IN/fails" >&2; exit 125; }
    echo 4.5.6
    ;;
ps)
    name=${*: -1}
    case $name in
    name=^*$) name=${name#name=^} && cat "$STAND_IN/container.${name%$}" 2>/dev/null ;;
    *) cat "$STAND_IN"/container.* 2>/dev/null ;;
    esac
    ;;
rm)
    # Podman ends with 0 without having removed one that it is removing already.
    if [ -e "$STAND_IN/removing" ]; then
        rm "$STAND_IN/removing"
        exit 0
    fi
    shift 3
    for name; do rm -f "$STAND_IN/container.$name"; done
    ;;
run)
    [ ! -e "$STAND_IN/fails" ] || { cat "$STAND_IN/fails" >&2; exit 125; }
    while [ "$1" != --entrypoint ]; do
        case $1 in
        --name) name=$2 ;;
        --label) label=${2#*=} ;;
        --pull) pull=$2 ;;
        esac
        shift
    done
    if [ ! -e "$(image_file "$3")" ]; then
        [ "$pull" = missing ] || { echo "Error: $3: image not known" >&2; exit 125; }
        echo "Trying to pull $3..." >&2
        fetch "$3"
    fi
    echo "$name $label" >"$STAND_IN/container.$name"
    env -i PATH="$(cat "$(image_file "$3")")" OF_IMAGE=yes HOME=/nowhere BASH_ENV=/nowhere "$STAND_IN_PROGRAM" container-init "${*: -1}"
    status=$?
    rm -f "$STAND_IN/container.$name"
    exit $status
    ;;
*)
    echo "unknown command $1" >&2
    exit 125
    ;;
esac
