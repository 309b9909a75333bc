#!/bin/sh
# Kills a process that writes state a thousand times (or $1 times), each time at another moment, and looks each time
# that no finished version is lost and none is there by halves. `cargo test` does the same thirty times.
cd "$(dirname "$0")/.." || exit
SHIPCTL_TEST_KILLS=${1:-1000} exec cargo test --test state -- --exact kill::a_kill_leaves_the_old_state_or_the_new
