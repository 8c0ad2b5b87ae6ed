#!/bin/bash
# The real bench for one test of pages: HSM, vault, CA, portal, station, a rack that is fed, and the accounts of
# demo/accounts.sh. lib/bench.js starts it: once everything is up it says so in a line of JSON, does what standard input
# says (start NAME, stop NAME, strike NAME, account …), answers each line with one, and puts everything away when
# standard input ends.
# shellcheck disable=SC2119
set -u
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
BIN=${CASTATION_BUILD:-build/asan}
[[ $BIN = /* ]] || BIN=$ROOT/$BIN
T=$(mktemp -d /tmp/castation-XXXXXX)
export LC_ALL=C.UTF-8 UBSAN_OPTIONS=print_stacktrace=1
BENCH=$T/bench RUN=$T/run LOGS=$T/log BENCH_BAYS=${BENCH_BAYS:-2}
mkdir -m 700 "$RUN"
. "$ROOT/demo/bench.sh"
. "$ROOT/demo/accounts.sh"

killed=()
bench_killed() { killed+=("$1"); }
the_end() {
    stop_all
    if [ "${KEEP-}" = 1 ]; then echo "kept: $T" >&2; else rm -rf "$T"; fi
}
trap the_end EXIT
trap 'exit 130' INT TERM

up() {
    bench_up && bench_accounts || return 1
    start feed "$BIN/castation" -c "$BENCH/etc/station.conf" rack feed
}
if ! up >"$T/up.log" 2>&1; then
    jq -nc --rawfile log "$T/up.log" --arg logs "$(tail -n 20 "$LOGS"/*.log 2>/dev/null)" '{error: "the bench does not come up", $log, $logs}'
    exit 1
fi
jq -nc --arg url "http://127.0.0.1:$(bench_port pages)" --arg bench "$BENCH" --arg bin "$BIN" --arg run "$RUN" \
    --arg logs "$LOGS" --rawfile accounts "$BENCH/accounts.txt" '{$url, $bench, $bin, $run, $logs, $accounts}'

while read -r verb rest; do
    case $verb in
    stop | strike) "$verb" "$rest" && echo '{"ok": true}' ;;
    start)
        case $rest in
        portal) bench_portal_start ;;
        vault) bench_vault_start ;;
        station) bench_station_start ;;
        *) false ;;
        esac && echo '{"ok": true}' || echo '{"error": "it does not start"}'
        ;;
    end) break ;;
    *) echo '{"error": "what?"}' ;;
    esac
done
stop_all
reports=$(grep -hE -A12 'ERROR: AddressSanitizer|LeakSanitizer: detected|runtime error:' "$LOGS"/*.log 2>/dev/null | head -60)
jq -nc --arg killed "${killed[*]-}" --arg reports "$reports" '{$killed, $reports}'
