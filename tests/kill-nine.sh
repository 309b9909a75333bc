#!/bin/sh
# Kills a thousand times (or $1) shipctl, a worker, a shell or what they started, at another moment of `run`, `exec` and `run --all` each
# time, and looks what the next command leaves of it: no secret, no process, no hang, and all versions. As often it kills processes
# that do nothing but write state, as `cargo test` does some times. $2 is the seed of the moments.
cd "$(dirname "$0")/.." || exit
export SHIPCTL_TEST_KILLS="${1:-1000}" SHIPCTL_TEST_SEED="${2:-24301}"
env --default-signal cargo test --locked --test kill -- --ignored --test-threads 1 &&
    exec env --default-signal cargo test --locked --test state -- --exact \
        kill::a_kill_leaves_the_old_state_or_the_new runs::a_run_that_is_killed_leaves_the_old_version_or_the_new \
        runs::a_small_run_that_is_killed_leaves_its_version_or_none
