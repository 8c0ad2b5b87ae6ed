#!/bin/bash
# The commands around the pages' records: the working-day calendar, and lists of applications in every state.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/portal.sh"
portal_conf ''
need "a portal is set up" caportal init

# ---- the calendar
run caportal calendar load 2026 "$ROOT/data/calendar/2026.csv"
is "the year is loaded" "$CODE" 0
like "it says how much is named" "$OUT" "39"
run caportal calendar show 2026
is "it shows what the file says" "$(grep -v '^#' <<<"$OUT")" "$(grep -v '^#' "$ROOT/data/calendar/2026.csv")"
like "and where it was published" "$(head -1 <<<"$OUT")" "^# source: .*gov.cn"
is "for programs as well" "$(caportal calendar show 2026 --json | jq -r '[.days[] | select(.working) | .day] | join(" ")')" \
    "2026-01-04 2026-02-14 2026-02-28 2026-05-09 2026-09-20 2026-10-10"
like "a year without one is provisional" "$(caportal calendar show 2031)" "provisional"
printf '2027-01-01,holiday,new year\n2027-01-32,holiday,no such day\n' >"$T/2027.csv"
exits "a day that does not exist is refused" 4 caportal calendar load 2027 "$T/2027.csv"
like "by its line" "$ERR" "2027.csv: line 2"
is "and nothing of the file stays" "$(caportal calendar show 2027 --json | jq .loaded_at)" 0
exits "another year's file is refused" 4 caportal calendar load 2027 "$ROOT/data/calendar/2026.csv"
exits "a year must be one" 2 caportal calendar show soon
exits "a file that is not there is said" 3 caportal calendar load 2027 "$T/nowhere.csv"

# ---- lists
applications CA-1 CA-2 CA-3 CA-4 CA-5
exits "a state that is none is refused" 2 caportal applications --state approve
like "and the right ones are named" "$ERR" "draft, awaiting_payment, first_review.*ready_for_pickup, issued"
while read -r state; do
    ok "--state $state is known" caportal applications --state "$state"
done < <(sed -n 's/^X([A-Z_]*, "\([a-z_]*\)".*/\1/p' "$ROOT/src/portal/application_state.def")
ids() { caportal applications --json "$@" | jq -r '[.[].id] | join(" ")'; }
is "a page has as many as asked for" "$(ids --limit 2)" "CA-1 CA-2"
is "the next begins after its last" "$(ids --limit 2 --after CA-2)" "CA-3 CA-4"
is "the last is shorter" "$(ids --limit 2 --after CA-4)" "CA-5"
is "of one state as well" "$(ids --state approved --after CA-3)" "CA-4 CA-5"
for bad in 0 -1 x 1x ''; do exits "--limit '$bad' is refused" 2 caportal applications --limit "$bad"; done
like "each has its state in words" "$(caportal applications --limit 1)" "^CA-1 .*approved, waiting to be made"
like "in Chinese too" "$(LANG=zh_CN.UTF-8 LC_ALL='' caportal applications --limit 1)" "待发证"
like "one application is told with its promise" "$(caportal application CA-1)" "promise_due .*T16:00:00.000Z"
done_testing
