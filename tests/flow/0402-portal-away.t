#!/bin/bash
# The portal goes away for longer than anything waits: what was claimed is made, nothing may be handed over before it is
# acknowledged, and everything goes on by itself when the portal is back.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/station.sh"
BENCH_POLICY=any BENCH_BAYS=2 BENCH_TIMEOUT=2

need "the bench is up" bench_up
need "six applications" approve 6
claimed_are() { [ "$(db 'SELECT COUNT(*) FROM jobs')" = "$1" ]; }
ok "a few are claimed ahead" within 10 claimed_are 4
stop portal
before=$(portal_db "SELECT COUNT(*) FROM certificate")
is "nothing is reported yet" "$before" 0

ok "two tokens are plugged in" castation rack plug 2
ok "and made without the portal" within 20 status_says '.tokens.made == 2'
castation rack pull 1 >/dev/null && castation rack pull 2 >/dev/null
ok "two more" castation rack plug 2
ok "are made, too" within 20 status_says '.tokens.made == 4 and .portal.outbox == 4'
ok "status tells that the portal is away" within 10 status_says '.portal.reachable == false'
like "and where it was looked for" "$(status .portal.detail)" "127.0.0.1.*(refused|connect)"
run castation status
like "in words, too" "$OUT" "portal +(unreachable|not reachable|cannot be reached): https://127"
is "nothing is deliverable" "$(deliverable)" 0
serial=$(db "SELECT serial FROM tokens WHERE state = 'made' LIMIT 1")
exits "its letter is refused" 4 castation letter "$serial" -o "$T/letter"
like "because it is not acknowledged" "$ERR" "$serial is made: only a deliverable token has a letter"
nok "and no file is left" test -e "$T/letter"
exits "nor can it be quarantined while its report waits" 9 castation quarantine "$serial" --reason "in doubt"

stop station
is "castationd stops cleanly meanwhile" "$CODE" 0
need "and starts again" bench_station_start
is "with its reports still there" "$(status .portal.outbox)" 4

need "the portal is back" bench_portal_start
ok "all reports get through" within 20 deliverable_are 4
is "the portal has four certificates" "$(portal_db "SELECT COUNT(*) FROM certificate WHERE voided_at IS NULL")" 4
ok "the bays are emptied" empty_rack
ok "two more are plugged in" castation rack plug 2
ok "and the rest of the applications is made" within 20 deliverable_are 6
ok "the letter is printed now" castation letter "$serial" -o "$T/letter"
is "no alert came of it" "$(status '.alerts | length')" 0
ok "everything is settled" within 5 settled
ok "all records are sound" sound
done_testing
