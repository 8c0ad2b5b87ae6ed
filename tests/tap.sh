#!/bin/bash
# tap.sh TEST: runs it for prove, keeps its TAP, so that make check can count the tests, and what it said on standard
# error, which is shown when it failed.
name=$(basename "$1")
CMOCKA_MESSAGE_OUTPUT=TAP "$@" 2>"$CHECK/$name.err" | tee "$CHECK/$name.tap"
code=${PIPESTATUS[0]}
[ "$code" = 0 ] || sed "s/^/# $name: /" "$CHECK/$name.err" >&2
exit "$code"
