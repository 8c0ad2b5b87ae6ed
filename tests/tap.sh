#!/bin/bash
# tap.sh TEST: runs it for prove and keeps its TAP, so that make check can count the tests.
CMOCKA_MESSAGE_OUTPUT=TAP "$@" | tee "$CHECK/$(basename "$1").tap"
exit "${PIPESTATUS[0]}"
