#!/bin/bash
# Runs every test and counts. make check builds first. The last line, alone: "N passed, N failed".
#   tests/check.sh [unit] [flow] [crash] [web] [smoke]     all by default
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
export CHECK=$PWD/build/check
export CASTATION_BUILD=${CASTATION_BUILD:-build/asan}
JOBS=${JOBS:-2}
read -ra units <<<"${UNIT?the names of the unit tests; make check sets it}"
shopt -s nullglob
rm -rf "$CHECK" && mkdir -p "$CHECK" || exit 1
bad=0

# TITLE JOBS TEST…
suite() {
    local title=$1 jobs=$2
    shift 2
    [ $# -gt 0 ] || return 0
    printf '\n== %s\n' "$title"
    prove -j"$jobs" --timer --exec tests/tap.sh "$@" || bad=1
}
for part in "${@:-all}"; do
    case $part in unit | flow | crash | web | smoke | all) ;; *) echo "check: no part \"$part\"" >&2; exit 2 ;; esac
    case $part in unit | all) suite "unit tests ($CASTATION_BUILD)" "$JOBS" "${units[@]/#/$CASTATION_BUILD/test_}" ;; esac
    case $part in flow | all) suite "flow tests ($CASTATION_BUILD)" "$JOBS" tests/flow/*.t ;; esac
    case $part in crash | all) suite "crash tests ($CASTATION_BUILD)" "$JOBS" tests/crash/*.t ;; esac
    case $part in web | all) suite "the pages in a browser ($CASTATION_BUILD)" "$JOBS" tests/web/*.t ;; esac
    case $part in smoke | all) CASTATION_BUILD=build/release suite "release smoke test" 1 tests/smoke/*.t ;; esac
done

# A test that ended before its plan counts as one failure more than it told of.
read -r passed failed <<<"$(perl -ne '
    if ($ARGV ne ($last // "")) { $last = $ARGV; $n{$ARGV} = 0; $plan{$ARGV} = -1 }
    $plan{$ARGV} = $1 if /^1\.\.(\d+)/;
    if (/^(not )?ok\b/) { $n{$ARGV}++; $1 ? $failed++ : $passed++ }
    END { $failed += grep { $plan{$_} != $n{$_} } keys %n; printf "%d %d\n", $passed, $failed }' "$CHECK"/*.tap)"
[ "$bad" = 0 ] || [ "$failed" -gt 0 ] || failed=1
printf '\n%s passed, %s failed\n' "$passed" "$failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
