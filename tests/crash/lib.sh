# Crash tests: what each tests/crash/*.t that drives the whole bench sources. One bench lives through a whole test; each point
# has an application, and a token, of its own.
#
#   crash_up                    everything but castationd, which each point starts as it likes
#   new_application; plug       APP: an approved application (P-256); TOKEN: the serial number of a blank in bay-1
#   station_start [NAME=VALUE…] castationd, with more in its environment
#   made                        APP's job is done, everything is settled, and the invariants hold
#
# SWEEP: not empty in make check-sweep, where the tests go through more.
# shellcheck shell=bash disable=SC2034,SC2119,SC2120,SC2015
SWEEP=${SWEEP-}
BENCH_POLICY=any
BENCH_BAYS=${BENCH_BAYS:-1}
. "$(dirname "${BASH_SOURCE[0]}")/../flow/lib.sh"
DB=$BENCH/station/station.db
PORTAL_DB=$BENCH/portal/portal.db
VAULT_LOG=$BENCH/vault/vault.log
APP='' TOKEN=''

# ---- what the definitions say -------------------------------------------------------------------------------------
# FILE: the first string of each X(…)
def_names() { sed -n 's/^X([^"]*"\([a-z_.]*\)".*/\1/p' "$ROOT/$1"; }
bay_verbs() { sed -n 's/^ *V([A-Z_]*, \([a-z_]*\), [a-z]*_ms, [01]).*/\1/p' "$ROOT/pkcs11/wire/bay_wire.h"; }

# ---- time ---------------------------------------------------------------------------------------------------------
now_ms() { echo $((${EPOCHREALTIME/./} / 1000)); }
# MS COMMAND…: until it exits 0
within() {
    local end=$(($(now_ms) + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        [ "$(now_ms)" -lt "$end" ] || return 1
        sleep 0.03
    done
}

# ---- records ------------------------------------------------------------------------------------------------------
db() { sqlite3 -readonly -cmd '.timeout 5000' "$DB" "$1"; }
portal_db() { sqlite3 -readonly -cmd '.timeout 5000' "$PORTAL_DB" "$1"; }
job_column() { db "SELECT $1 FROM jobs WHERE application = '$APP' ORDER BY generation DESC LIMIT 1"; }
# STATE…: APP's job is in one of them
job_is() {
    local state
    state=$(job_column state)
    [[ -n $state && " $* " = *" $state "* ]]
}
token_is() { [ "$(db "SELECT state FROM tokens WHERE serial = '$1'")" = "$2" ]; } # SERIAL STATE
# STEP PHASE [DETAIL]: APP's job has it in its journal
journal_has() {
    [ -n "$(db "SELECT 1 FROM journal WHERE job IN (SELECT id FROM jobs WHERE application = '$APP') AND step = '$1'
        AND phase = '$2' AND evidence LIKE '%${3-}%' LIMIT 1")" ]
}
# Nothing is under way or owed: no token in a job, nothing to void, nothing to tell.
is_settled() {
    [ "$(db "SELECT (SELECT COUNT(*) FROM tokens WHERE state IN ('in_job', 'made'))
        + (SELECT COUNT(*) FROM to_void WHERE vault_done = 0) + (SELECT COUNT(*) FROM outbox WHERE done = 0)")" = 0 ]
}
# One deliverable token of APP, and the portal knows just that certificate.
is_delivered() {
    local mine theirs
    mine=$(db "SELECT c.serial_number, t.serial FROM tokens t JOIN jobs j ON j.id = t.job JOIN certificates c
        ON c.job = j.id AND c.token = t.serial AND c.state = 'deliverable'
        WHERE j.application = '$APP' AND t.state = 'deliverable'")
    theirs=$(portal_db "SELECT serial, token_serial FROM certificate WHERE application = '$APP' AND voided_at IS NULL")
    [ -n "$mine" ] && [ "$mine" = "$theirs" ] || { echo "the station: $mine; the portal: $theirs"; return 1; }
    [ "$(portal_db "SELECT state FROM application WHERE id = '$APP'")" = made ] || { echo "the portal: not made"; return 1; }
}
invariants_hold() {
    "$BIN/castation-check" "$DB" "$VAULT_LOG" "$PORTAL_DB" "$BENCH/rack" "$BENCH/drawer"
}
# What to show of a point that failed.
story() {
    echo "application $APP, token $TOKEN"
    db "SELECT id, state, step, token, tries, tokens_used, detail FROM jobs WHERE application = '$APP'"
    db "SELECT seq, at, step, attempt, phase, evidence FROM journal WHERE job IN (SELECT id FROM jobs WHERE
        application = '$APP') ORDER BY seq" | cut -c1-240
    db "SELECT serial, state, reason FROM tokens WHERE job IN (SELECT id FROM jobs WHERE application = '$APP')"
    tail -n 15 "$T/station.log"
}

# ---- the bench ----------------------------------------------------------------------------------------------------
crash_up() { bench_up && stop station; }

application_number=0
new_application() {
    application_number=$((application_number + 3)) # each third is of a P-256 profile
    "$ROOT/demo/applications.sh" 1 "$application_number" >"$T/application.json" || return 1
    APP=$(jq -er '.[0].id' "$T/application.json") && bench_approve "$T/application.json"
}
plug() { castation rack plug && TOKEN=$(cat "$BENCH/rack/bay-1/serial"); }
# FAULT…: a blank that carries faults (see tests/fake/fake_p11.c), for a bench whose BENCH_MODULE is $FAKE; each fault is
# counted over the token's life
FAKE=$BIN/libfake_p11.so
plug_faulty() {
    local new=$BENCH/drawer/new
    rm -rf "$new"
    TOKEN=$("$BIN/castation-blank" token "$new") || return 1
    echo "$TOKEN" >"$new/serial"
    printf '%s\n' persistent "$@" >"$new/faults"
    "$BIN/castation-blank" move "$new" "$BENCH/drawer/$TOKEN" && plug_again "$TOKEN"
}
plug_again() { castation rack plug --serial "$1"; }
pull() { castation rack pull bay-1; }
empty_rack() {
    local place
    for place in "$BENCH"/rack/bay-*; do
        [ ! -d "$place" ] || castation rack pull "${place##*/}" || return 1
    done
}

# SETTINGS: castationd's, besides the bench's own
station_settings() { BENCH_STATION_MORE=$1 bench_write_station_conf bench-1; }
station_start() { start station env "$@" "$BIN/castationd" -c "$BENCH/etc/station.conf"; }
is_dead() { ! kill -0 "${PIDS[$1]}" 2>/dev/null; }
# NAME [MS]: it dies, and of SIGKILL
is_killed() {
    local code
    within "${2:-10000}" is_dead "$1" || { echo "$1 lives on: the point was not reached"; return 1; }
    wait "${PIDS[$1]}"
    code=$?
    unset "PIDS[$1]"
    [ "$code" = 137 ] || { echo "$1 ended with $code, not by SIGKILL"; return 1; }
}

# Good when APP's job has ended. Its token is quarantined, or its bay does not take it: out with it, another one in.
is_ended() {
    job_is "done" failed abandoned && return
    if [ -f "$BENCH/rack/bay-1/serial" ] && is_unwanted "$(cat "$BENCH/rack/bay-1/serial")"; then
        pull && plug
    fi
    return 1
}
is_unwanted() { # SERIAL
    token_is "$1" quarantined ||
        { ! token_is "$1" in_job && [ "$(castation bays --json | jq -r '.bays[0].state')" = refused ]; }
}
# [SECONDS]: APP's job comes to its good end, on whatever token, and everything is as it must be
made() {
    within $((${1:-20} * 1000)) is_ended || { echo "the job is at $(job_column "state, step, detail")"; return 1; }
    job_is 'done' || { echo "the job is $(job_column "state, detail")"; return 1; }
    within 10000 is_settled || { echo "something is still owed"; return 1; }
    is_delivered && invariants_hold
}
# SERIAL [SECONDS]: the same, and on this token
made_on() {
    made "${@:2}" && [ "$(job_column token)" = "$1" ] || { echo "not on token $1"; return 1; }
}

# TOKEN, which is being recycled, is wiped. Its certificate is void then: the portal lends the application again, and it is
# made on the same token.
wiped_and_made_again() {
    within 15000 is_wiped || { echo "the wipe is $(db "SELECT state, detail FROM jobs WHERE kind = 'recycle' AND token = '$TOKEN'")"; return 1; }
    within 10000 is_lent_again || { echo "the application is not lent again"; return 1; }
    made_on "$TOKEN"
}
is_wiped() { [ "$(db "SELECT state FROM jobs WHERE kind = 'recycle' AND token = '$TOKEN'")" = 'done' ]; }
is_lent_again() { [ "$(job_column generation)" = 2 ]; }

# Each deliverable token's letter is written, once; its PIN opens the token, and stands nowhere else.
pins_are_kept() {
    local serial letter pin n=0
    (umask 077 && mkdir -p "$T/letters")
    while read -r serial; do
        letter=$T/letters/$serial
        castation letter "$serial" -o "$letter" >/dev/null || { echo "no letter of $serial"; return 1; }
        pin=$(sed -n 's/^ *PIN[:：] *\([^ ]*\).*/\1/p' "$letter")
        SOFTHSM2_CONF=$BENCH/drawer/$serial/softhsm2.conf pkcs11-tool --module "$SOFTHSM" --login --pin "$pin" \
            --list-objects --type privkey 2>&1 | grep -q 'Private Key Object' || { echo "the letter's PIN does not open $serial"; return 1; }
        n=$((n + 1))
    done < <(db "SELECT serial FROM tokens WHERE state = 'deliverable'")
    [ "$n" -gt 0 ] || { echo "there is no letter"; return 1; }
    "$BIN/castation-check" --letters "$T/letters" --scan "$T" --except "$BENCH/secrets" "$DB" "$VAULT_LOG" "$PORTAL_DB" "$BENCH/drawer"
}

# NAME COMMAND…: one point, one test. Afterwards castationd is down and the rack is empty.
point() {
    local name=$1 code
    shift
    run "$@"
    code=$CODE
    [ "$code" = 0 ] || OUT+=$'\n'$(story 2>&1)
    tap "$code" "$name" || { diag "$OUT"$'\n'"$ERR"; clear_away >/dev/null 2>&1; }
    stop station
    empty_rack >/dev/null || tap 1 "$name: the rack is emptied"
}
# After a failure: what was begun is brought to some end, so that it does not stand in the next point's way.
clear_away() {
    stop station
    empty_rack
    alive vault && vault_answers || { strike vault; bench_vault_start; }
    alive portal || bench_portal_start
    station_start
    plug
    within 15000 is_ended
}
