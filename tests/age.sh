#!/usr/bin/env bash
# What shipctl encrypts, the age of everybody else opens, and the other way round. Fetches age where there is none.
#
#   tests/age.sh target/release/shipctl
set -euo pipefail
shipctl=$(realpath "${1:?the program to test}")
cd "$(dirname "$0")/.."

if ! command -v age > /dev/null; then
    as_root=$([ "$(id -u)" = 0 ] || echo sudo)
    if command -v apt-get > /dev/null && $as_root apt-get -qq update && $as_root apt-get -qq install -y age; then
        :
    else
        # The same commands and formats, written in Rust.
        cargo install --locked --quiet --root target/tools rage
        mkdir -p target/tools/as-age
        ln -sf ../bin/rage target/tools/as-age/age
        ln -sf ../bin/rage-keygen target/tools/as-age/age-keygen
        PATH=$PWD/target/tools/as-age:$PATH
    fi
fi
age --version > /dev/null

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export XDG_CONFIG_HOME=$work/config
unset SHIPCTL_KEY SHIPCTL_KEY_FILE

same() { cmp "$1" "$2" || { echo "$3: not the same" >&2; exit 1; }; }
public() { sed -n 's/^# public key: //p' "$1"; }

"$shipctl" key new > ours.pub 2> /dev/null
ours=$XDG_CONFIG_HOME/shipctl/key.txt
age-keygen -o theirs.key 2> /dev/null
same ours.pub <(age-keygen -y "$ours") 'the public half of our key'
same <(SHIPCTL_KEY_FILE=theirs.key "$shipctl" key show 2> /dev/null) <(public theirs.key) 'the public half of their key'

number=0
for value in x 'two words' $'several\nlines\n\nand $x `y` "z" \\' 'grüße 🦀' "$(head -c 60000 /dev/zero | tr '\0' a)"; do
    number=$((number + 1))
    printf '%s' "$value" > value
    "$shipctl" encrypt -r "$(cat ours.pub)" -r "$(public theirs.key)" < value > block.yml 2> /dev/null
    sed -n 's/^  //p' block.yml > armoured
    "$shipctl" encrypt --one-line -r "$(public theirs.key)" < value 2> /dev/null | sed 's/^secure: //' | base64 -d > binary
    for key in "$ours" theirs.key; do
        age -d -i "$key" armoured > opened
        same value opened "value $number, ours, opened by age"
    done
    age -d -i theirs.key binary > opened
    same value opened "value $number, ours in one line, opened by age"
    age -a -r "$(cat ours.pub)" -r "$(public theirs.key)" value > armoured
    age -r "$(public theirs.key)" value | base64 -w 0 > base64
    printf '%s\n' "$value" > expected
    "$shipctl" decrypt-value < armoured > opened
    same expected opened "value $number, age's, opened by us"
    SHIPCTL_KEY=$(cat theirs.key) "$shipctl" decrypt-value <<< "secure: $(cat base64)" > opened
    same expected opened "value $number, age's in base64, opened by us"
done
echo "age and shipctl open each other's values ($number values, both forms, both ways)"
