#!/usr/bin/env bash
# The page of `shipctl graph --format html` in headless Chromium: what stands where, in a wide window and in one of 500 pixels,
# before a job is chosen and after. With a directory as the second argument, screenshots are written there, light and dark.
# Ends with 3 where there is no Chromium.
#
#     tests/page/check.sh SHIPCTL [DIRECTORY]
set -euo pipefail

shipctl=$(realpath "$1") pictures=${2:-}
cd "$(dirname "$0")/../.."
chromium=$(command -v chromium || command -v chromium-browser || command -v google-chrome) || exit 3

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$shipctl" -C fixtures/release graph --format html > "$work/page.html"
# The policy of the page would not let the probe run, and the probe is all that is added to it.
python3 - "$work/page.html" tests/page/probe.js > "$work/probed.html" <<'PYTHON'
import re, sys
page, probe = (open(name).read() for name in sys.argv[1:])
page, count = re.subn(r'<meta http-equiv="Content-Security-Policy"[^>]*>', '', page)
assert count == 1, 'the page has one policy'
print(page.replace('</body>', f'<script>{probe}</script></body>'))
PYTHON

# A profile of its own for each, so that they run side by side; Chromium's sandbox does not work for root or in containers.
look() {
    local profile
    profile=$(mktemp -d -p "$work")
    timeout 60 "$chromium" --headless --no-sandbox --disable-gpu --disable-dev-shm-usage --hide-scrollbars --no-first-run \
        --disable-background-networking --disable-component-update --user-data-dir="$profile" "$@" 2> /dev/null
}

sizes=(1280,800 500,800)
for size in "${sizes[@]}"; do
    look --window-size="$size" --dump-dom "file://$work/probed.html" > "$work/$size.dom" &
done
wait
status=0
for size in "${sizes[@]}"; do
    found=$(sed -n 's/.*<pre id="probe" hidden="">\(.*\)<\/pre>.*/\1/p' "$work/$size.dom")
    if [ "$found" = good ]; then
        echo "$size: good"
    else
        echo "$size: ${found:-the probe did not run}" >&2
        status=1
    fi
done
if [ -n "$pictures" ]; then
    mkdir -p "$pictures"
    for size in "${sizes[@]}"; do
        for scheme in light dark; do
            case $scheme in light) blink=1 ;; dark) blink=0 ;; esac
            for page in page probed; do
                look --window-size="$size" --blink-settings=preferredColorScheme=$blink \
                    --screenshot="$(realpath "$pictures")/$page-$scheme-${size%,*}.png" "file://$work/$page.html"
            done
        done
    done
fi
exit "$status"
