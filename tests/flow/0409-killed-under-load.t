#!/bin/bash
# castationd, vault and portal are killed again and again while twelve applications are made: each ends with one token that may be
# handed over, one certificate that stands, and nothing is forgotten.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/station.sh"
BENCH_BAYS=4
BENCH_STATION_MORE='tries_per_token = 5; tokens_per_job = 5;' # more deaths in a row than a bench sees in years

need "the bench is up" bench_up
need "twelve applications" approve 12
start feed "$BIN/castation" -c "$BENCH/etc/station.conf" rack feed

again_portal() {
    rm -f "$RUN/portal.port" "$RUN/pages.port"
    start portal "$BIN/caportald" -c "$BENCH/etc/caportal.conf"
    wait_for 20 has_port portal
}
again_vault() {
    bench_vault_start || return 1
    # killed in the moment of its login: a person must say that the PIN may be tried again
    wait_for 5 castation ca show || castation unlock --fd 5 5<"$BENCH/secrets/hsm.pin"
}
again_station() { bench_station_start; }
back=0
victims=(station vault portal station vault station portal vault station)
for victim in "${victims[@]}"; do
    sleep "0.$((1 + RANDOM % 5))"
    strike "$victim"
    sleep "0.$((RANDOM % 3))"
    "again_$victim" && back=$((back + 1))
done
is "each was killed and started again" "$back" "${#victims[@]}"
at_most() { [ "$(db "SELECT COUNT(*) FROM jobs WHERE state IN ('queued', 'active', 'waiting')")" -le "$1" ]; }
ok "all twelve are made" within 60 deliverable_are 12
ok "and no job is left" at_most 0
stop feed
is "the portal has them all" "$(portal_db "SELECT COUNT(*) FROM application WHERE state = 'made'")" 12
is "with one standing certificate each" \
    "$(portal_db "SELECT COUNT(*), COUNT(DISTINCT application), COUNT(DISTINCT token_serial) FROM certificate WHERE voided_at IS NULL")" "12|12|12"
ok "everything is settled" within 10 settled
is "no act was left without an end" \
    "$(db "SELECT COUNT(*) FROM journal a WHERE phase = 'intent' AND NOT EXISTS (SELECT 1 FROM journal b WHERE b.job = a.job AND b.seq > a.seq)")" 0
ok "the audit chain is whole" castation audit verify
ok "all records are sound" sound
empty_rack >/dev/null
for serial in $(db "SELECT serial FROM tokens WHERE state = 'deliverable' LIMIT 3"); do
    castation letter "$serial" -o "$T/$serial.txt" >/dev/null
    PIN=$(sed -n 's/^PIN: //p' "$T/$serial.txt")
    export PIN
    ok "token $serial opens with the PIN of its letter and signs" env SOFTHSM2_CONF="$BENCH/drawer/$serial/softhsm2.conf" \
        pkcs11-tool --module "$SOFTHSM" --login --pin env:PIN --test
done
done_testing
