#!/bin/sh
# Runs hostile scripts as TASKs and by bash alone, and compares: `tests/soak.sh [COUNT [SEED]]`, the seeds SEED, SEED+1 … up to COUNT of
# them. A case that differs is printed with its seed; `tests/soak.sh 1 SEED` repeats it. SHIPCTL_SOAK_PROGRAM names another shipctl.
cd "$(dirname "$0")/.." || exit
SHIPCTL_SOAK_COUNT=${1:-200} SHIPCTL_SOAK_SEED=${2:-1} \
    exec env --default-signal cargo test --locked --test soak -- --ignored --exact hostile_scripts_do_as_in_bash --nocapture
