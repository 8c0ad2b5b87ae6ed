#!/bin/bash
# castationd is stopped with a job at each of its steps: it finishes the job, or parks it between two steps when it is told twice.
# Nothing is unknown afterwards, and after the start everything is made.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/station.sh"
BENCH_POLICY=any BENCH_BAYS=1 BENCH_MODULE=$FAKE
BENCH_STATION_MORE='stop_seconds = 20;'

need "the bench is up" bench_up
stop station

# the call that makes each step slow
declare -A slow=([check]="C_GetTokenInfo 3" [initialise]="C_InitToken 1" [set_so_pin]="C_SetPIN 1" [set_user_pin]="C_InitPIN 1"
    [generate_key]="C_GenerateKeyPair 1" [prove_possession]="C_Sign 1" [write]="C_CreateObject 1" [verify]="C_Sign 3")
# STEP: castationd is up, and APP's job is in the middle of it
reach() {
    approve 1 && bench_station_start && faulty "${slow[$1]} delay=400" || return 1
    plug && within 15 journal_has "$APP" "$1" intent
}
ends() { # SIGNALS: castationd, told so many times
    local pid=${PIDS[station]} i
    for ((i = 0; i < $1; i++)); do
        kill -TERM "$pid" 2>/dev/null
        sleep 0.1
    done
    unset "PIDS[station]"
    within 10 eval "! kill -0 $pid" || { kill -KILL "$pid"; return 1; }
    wait "$pid"
}
last_phase() { db "SELECT step || ' ' || phase FROM journal WHERE job IN (SELECT id FROM jobs WHERE application = '$APP') ORDER BY seq DESC LIMIT 1"; }

for step in check initialise set_so_pin set_user_pin generate_key prove_possession write verify; do
    need "$step: a job is at it" reach "$step"
    is "$step: under way" "$(last_phase)" "$step intent"
    ok "$step: told twice, castationd ends at once and well" ends 2
    if [ "$step" = verify ]; then # what is proven is recorded in the same turn: there is nothing to park between
        like "$step: the record is made" "$(last_phase)" "^report (intent|done)$"
        is "$step: the job is made" "$(db "SELECT state IN ('made', 'done') FROM jobs WHERE application = '$APP'")" 1
    else
        like "$step: the step has ended" "$(last_phase)" "^($step done|[a-z_]+ failed)$"
        is "$step: the job is parked" "$(db "SELECT state IN ('active', 'waiting') FROM jobs WHERE application = '$APP'")" 1
    fi
    need "$step: castationd starts again" bench_station_start
    ok "$step: and the job is made" within 20 state_is "$APP" made
    is "$step: with one token" "$(db "SELECT tokens_used FROM jobs WHERE application = '$APP'")" 1
    empty_rack >/dev/null
    stop station
done
for step in initialise write; do
    need "$step: a job is at it" reach "$step"
    ok "$step: told once, castationd finishes the job and ends well" ends 1
    is "$step: the token is made" "$(db "SELECT state FROM jobs WHERE application = '$APP'")" "done"
    empty_rack >/dev/null
done
is "no outcome was ever unknown" "$(unknowns)" 0

# ---- at any time
BENCH_BAYS=2
bench_write_station_conf bench-1
need "sixteen applications" approve 16
need "castationd starts" bench_station_start
start feed "$BIN/castation" -c "$BENCH/etc/station.conf" rack feed
good=0
for _ in {1..10}; do
    sleep "0.$((RANDOM % 10))"
    ends $((1 + RANDOM % 2)) && good=$((good + 1))
    bench_station_start || break
done
is "ten stops at random, each a good end" "$good" 10
ok "everything is made" within 40 deliverable_are 26
is "nothing was ever unknown" "$(unknowns)" 0
is "no token was used up" "$(db "SELECT COUNT(*) FROM tokens WHERE state = 'quarantined'")" 0
is "no alert came of it" "$(status '.alerts | length')" 0
stop feed
ok "everything is settled" within 5 settled
ok "all records are sound" sound
done_testing
