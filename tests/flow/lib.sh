# Flow tests: what each tests/flow/NNNN-behaviour.t (#!/bin/bash, executable) sources. TAP on stdout; names come first;
# everything is bounded.
#
#   . "$(dirname "$0")/lib.sh"
#   start portal "$BIN/caportald" -c "$T/caportal.conf"
#   ok "the portal answers" wait_for 10 curl -fs "http://127.0.0.1:$port/"
#   done_testing
#
# BIN    folder of the programs: $CASTATION_BUILD, build/asan by default      ROOT   the repository
# T      this test's own folder, short enough for sockets; removed at the end (KEEP=1 keeps it)
# OUT, ERR, CODE   what `run` saw
# start, stop, strike, alive, wait_for and the whole bench (bench_up, bench_down, castation, caportal): demo/bench.sh;
# its BENCH is $T/bench, its sockets are in $T/run, its logs $T/NAME.log
# shellcheck shell=bash
set -u
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
BIN=${CASTATION_BUILD:-build/asan}
[[ $BIN = /* ]] || BIN=$ROOT/$BIN
T=$(mktemp -d /tmp/castation-XXXXXX)
export LC_ALL=C.UTF-8
export UBSAN_OPTIONS=print_stacktrace=1 ASAN_OPTIONS=${ASAN_OPTIONS-}
OUT='' ERR='' CODE=0
BENCH=$T/bench RUN=$T/run LOGS=$T
mkdir -m 700 "$RUN"
. "$ROOT/demo/bench.sh"
bench_killed() {
    tap 1 "$1 ends by itself after SIGTERM"
    diag "$(tail -20 "$T/$1.log")"
}

# ---- TAP ----------------------------------------------------------------------------------------------------------
tap_n=0 tap_failed=0 tap_ended=
tap() { # RESULT NAME: RESULT 0 is good
    tap_n=$((tap_n + 1))
    if [ "$1" = 0 ]; then
        echo "ok $tap_n - $2"
    else
        echo "not ok $tap_n - $2"
        tap_failed=$((tap_failed + 1))
        return 1
    fi
}
diag() { printf '%s\n' "$*" | sed 's/^/# /'; }
# NAME COMMAND…: good when the command exits 0
ok() {
    local name=$1
    shift
    run "$@"
    tap "$CODE" "$name" || diag "$* exited $CODE"$'\n'"$OUT"$'\n'"$ERR"
}
# NAME COMMAND…: good when the command fails (but did not crash)
nok() {
    local name=$1
    shift
    run "$@"
    tap "$((CODE == 0 || CODE >= 126))" "$name" || diag "$* exited $CODE"$'\n'"$OUT"$'\n'"$ERR"
}
# NAME CODE COMMAND…: good when the command exits with exactly this code
exits() {
    local name=$1 code=$2
    shift 2
    run "$@"
    tap "$((CODE != code))" "$name" || diag "$* exited $CODE, not $code"$'\n'"$OUT"$'\n'"$ERR"
}
# NAME GOT WANTED
is() { tap "$([ "$2" = "$3" ]; echo $?)" "$1" || diag "got:    $2"$'\n'"wanted: $3"; }
isnt() { tap "$([ "$2" != "$3" ]; echo $?)" "$1" || diag "got:    $2"; }
# NAME TEXT REGEX (extended)
like() { tap "$([[ $2 =~ $3 ]]; echo $?)" "$1" || diag "text:   $2"$'\n'"wanted: $3"; }
unlike() { tap "$([[ ! $2 =~ $3 ]]; echo $?)" "$1" || diag "text:     $2"$'\n'"unwanted: $3"; }
skip_all() {
    tap_ended=1
    echo "1..0 # SKIP $*"
    exit 0
}
# The end of every test: no program may have left a sanitizer's report behind, no daemon may have to be killed.
done_testing() {
    stop_all
    local reports
    reports=$(grep -lE 'ERROR: AddressSanitizer|LeakSanitizer: detected|runtime error:' "$T"/*.log "$T"/*/*.log 2>/dev/null)
    is "no sanitizer has anything to report" "$reports" ""
    [ -z "$reports" ] || diag "$(cat "$T"/*.log | grep -E -A12 'AddressSanitizer|LeakSanitizer|runtime error:' | head -60)"
    tap_ended=1
    echo "1..$tap_n"
    exit "$((tap_failed > 0))"
}
# What must hold before anything makes sense: stops the test.
need() {
    local name=$1
    shift
    run "$@"
    tap "$CODE" "$name" && return
    diag "$* exited $CODE"$'\n'"$OUT"$'\n'"$ERR"
    show_logs
    echo "Bail out! $name"
    exit 1
}

# ---- commands -----------------------------------------------------------------------------------------------------
# COMMAND…: OUT, ERR and CODE of it; never longer than RUN_SECONDS
run() {
    if [ "$(type -t "$1")" = function ]; then
        "$@" >"$T/.out" 2>"$T/.err" </dev/null
    else
        # bash's own word on one that was killed is not wanted
        { timeout -k 5 "${RUN_SECONDS:-60}" "$@" >"$T/.out" 2>"$T/.err" </dev/null; } 2>/dev/null
    fi
    CODE=$?
    OUT=$(tr -d '\0' <"$T/.out")
    ERR=$(tr -d '\0' <"$T/.err")
    return 0
}
contains() { grep -qE -- "$2" "$1"; } # FILE REGEX

show_logs() {
    local log
    for log in "$T"/*.log; do
        [ -f "$log" ] && diag "--- ${log##*/}"$'\n'"$(tail -40 "$log")"
    done
}
flow_end() {
    local code=$? name
    for name in "${!PIDS[@]}"; do
        strike "$name"
    done
    [ -n "$tap_ended" ] || { show_logs; echo "Bail out! the test ended before its end"; code=1; }
    if [ "${KEEP-}" = 1 ]; then diag "kept: $T"; else rm -rf "$T"; fi
    exit "$code"
}
trap flow_end EXIT
trap 'exit 130' INT TERM
