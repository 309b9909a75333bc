#!/bin/sh
# Kills a thousand runs (or $1) of two jobs, and as many processes that do nothing but write state, each at another moment, and looks
# each time that no finished version is lost and none is there by halves. `cargo test` does the same thirty times.
cd "$(dirname "$0")/.." || exit
SHIPCTL_TEST_KILLS=${1:-1000} exec cargo test --test state -- --exact \
    kill::a_kill_leaves_the_old_state_or_the_new runs::a_run_that_is_killed_leaves_the_old_version_or_the_new \
    runs::a_small_run_that_is_killed_leaves_its_version_or_none
