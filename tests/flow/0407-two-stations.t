#!/bin/bash
# Two stations and one application: the one whose lease is lost comes back too late. Exactly one token may be handed over; the
# other's certificate is void, its token quarantined, and the operator is told.
# Each station has a vault and a CA of its own: a CA's key belongs to one vault.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/station.sh"
BENCH_POLICY=any BENCH_BAYS=1 BENCH_LEASE=2 BENCH_MODULE=$FAKE

# COMMAND…: with the second station's folders
as_b() { BENCH=$T/b RUN=$T/runb DB=$T/b/station/station.db VAULT_LOG=$T/b/vault/vault.log "$@"; }
rename_part() { # the parts of A keep their processes under names of their own
    PIDS[$2]=${PIDS[$1]}
    unset "PIDS[$1]"
    [ ! -f "$RUN/$1.pid" ] || cp "$RUN/$1.pid" "$RUN/$2.pid"
}
b_up() {
    mkdir -m 700 "$T/runb" "$T/b" && ln -s "$BENCH/portal" "$T/b/portal" || return 1
    cp "$RUN/portal.port" "$T/runb/"
    as_b bench_folders
    cp "$BENCH/etc/caportal.conf" "$T/b/etc/"
    as_b bench_write_bay_conf
    as_b bench_write_station_conf bench-2
    as_b bench_hsm && as_b bench_vault_start && as_b bench_ca && as_b bench_enrol bench-2
}
need "station A is up" bench_up bench-1
rename_part vault vault_a
need "station B's vault is up" b_up
b_starts() { as_b bench_station_start; rename_part station station_b; }
a_starts() { bench_station_start; rename_part station station_a; }
rename_part station station_a

# what must be so in the end, whatever A did; A's token in TOKEN
one_of_two() {
    ok "$1: A's work is settled" within 15 settled
    ok "$1: B has made it" within 20 as_b deliverable_are "$2"
    is "$1: A has nothing to hand over" "$(deliverable)" 0
    is "$1: the portal has one standing certificate" \
        "$(portal_db "SELECT COUNT(*), MAX(station) FROM certificate WHERE application = '$APP' AND voided_at IS NULL")" "1|bench-2"
    is "$1: of a later lending" "$(portal_db "SELECT generation FROM certificate WHERE application = '$APP' AND voided_at IS NULL")" 2
    is "$1: A's token is quarantined" "$(db "SELECT state FROM tokens WHERE serial = '$TOKEN'")" quarantined
    like "$1: with the reason" "$(db "SELECT reason FROM tokens WHERE serial = '$TOKEN'")" "$3"
    is "$1: A's job is abandoned" "$(job "$APP" .job.state)" abandoned
    like "$1: castation status of A says so" "$(status '[.alerts[].text] | join("; ")')" "$APP.*($3)"
    exits "$1: A's token has no letter" 4 castation letter "$TOKEN" -o "$T/letter"
    ok "$1: all of A's records are sound" sound
    ok "$1: all of B's, too" as_b sound
}

# ---- A stands still in the last step on its token, long enough
need "an application" approve 1
ok "A claims it" within 10 status_says '.jobs.queued == 1'
# verify: the worker finds and checks what it wrote; its signature comes last
need "a slow token for A" faulty "C_Sign 3 delay=4000"
TOKEN=$BLANK
ok "A begins" plug
ok "A is verifying" within 15 journal_has "$APP" verify intent
is "A has a certificate" "$(db "SELECT state FROM certificates WHERE application = '$APP'")" signed
kill -STOP "${PIDS[station_a]}"
sleep 2.2
need "B starts" b_starts
as_b castation rack plug >/dev/null
ok "B makes it" within 20 as_b deliverable_are 1
kill -CONT "${PIDS[station_a]}"
one_of_two "standing still" 1 "portal"
is "standing still: A's vault knows its certificate as void" "$(grep -c '"type":"void"' "$VAULT_LOG")" 1
serial=$(db "SELECT serial_number FROM certificates WHERE application = '$APP'")
is "standing still: the portal was told which certificate is void" "$(caportal application "$APP" --json | jq -r '.voided[].serial')" "$serial"

# ---- A is cut off with its report not yet sent
stop station_b
stop station_a
empty_rack >/dev/null
as_b empty_rack >/dev/null
need "another application" approve 1
start station env CASTATION_CRASH=report.after_intent "$BIN/castationd" -c "$BENCH/etc/station.conf"
rename_part station station_a
within 10 station_answers
need "a token for A" blank
TOKEN=$BLANK
ok "it is plugged in" plug
is_gone() { ! kill -0 "${PIDS[station_a]}" 2>/dev/null; }
ok "A loses power as soon as its token is made" within 20 is_gone
wait "${PIDS[station_a]}"
unset "PIDS[station_a]"
is "it had made it" "$(db "SELECT state FROM tokens WHERE serial = '$TOKEN'")" made
sleep 2.2
need "B starts" b_starts
as_b castation rack plug >/dev/null
ok "B makes it, too" within 20 as_b deliverable_are 2
need "A's power is back" a_starts
one_of_two "late report" 2 "generation|lending|lease"
is "late report: the portal refused it" "$(db "SELECT status FROM outbox WHERE kind = 'report' ORDER BY seq DESC LIMIT 1")" 409

# ---- and the other token is as good as any afterwards
ok "A's token is recycled" castation recycle "$TOKEN"
ok "and wiped" within 15 token_is "$TOKEN" wiped
done_testing
