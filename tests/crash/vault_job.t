#!/bin/bash
# The vault is killed at each of its points while the bench works; it is started again, jobs wait for it and go on, and
# nothing is signed twice. (vault.t does the same to the vault alone.)
. "$(dirname "$0")/lib.sh"

vault_points() {
    def_names provisioning/vault/record.def | sed 's/\(.*\)/vault.\1.before_fsync\nvault.\1.after_fsync/'
    def_names provisioning/vault/crash.def
}
dying_vault() { # POINT: no supervisor, which would tell nobody how it ended
    start vault env CASTATION_CRASH="$1" SOFTHSM2_CONF="$BENCH/hsm/softhsm2.conf" "$BIN/castation-vault" -c "$BENCH/etc/vault.conf"
}
vault_state() { castation ca show --json | jq -r .vault; }
# Started again. Where a try of the PIN has no outcome, the vault waits for a person.
LOCKED=
vault_again() {
    bench_vault_start || { echo "the vault does not come up again"; return 1; }
    LOCKED=
    [ "$(vault_state)" = locked ] || return 0
    LOCKED=1
    castation unlock --fd 9 9<"$BENCH/secrets/hsm.pin"
}
# What was not made durable is lost with the power: the record that the vault was writing.
power_goes() { sed -i '$d' "$VAULT_LOG"; }
lives_on() { alive station || { echo "castationd did not live on"; return 1; }; }

# ---- in a job -----------------------------------------------------------------------------------------------------
# POINT [COMMAND]
dies_in_a_job() {
    stop vault
    dying_vault "$1"
    within 10000 vault_answers && new_application && plug || return 1
    station_start
    is_killed vault || return 1
    "${2:-:}"
    vault_again && lives_on && made_on "$TOKEN" && [ -z "$LOCKED" ]
}
# POINT: a second death, when it starts again for a job that waits
dies_at_its_start() {
    stop vault
    dying_vault vault.sign_intent.after_fsync
    within 10000 vault_answers && new_application && plug || return 1
    station_start
    is_killed vault || return 1
    dying_vault "$1"
    is_killed vault && vault_again || return 1
    case $1 in # the PIN is tried once, and where its outcome is not known, not again by itself
    vault.login.pending | vault.login.tried) [ -n "$LOCKED" ] || { echo "the PIN was tried again"; return 1; } ;;
    *) [ -z "$LOCKED" ] || { echo "the vault is locked"; return 1; } ;;
    esac
    lives_on && made_on "$TOKEN"
}
# POINT: in the voiding of what a token carries that is gone for good
dies_in_a_voiding() {
    local first
    stop vault
    dying_vault "$1"
    within 10000 vault_answers && new_application && plug || return 1
    first=$TOKEN
    station_settings 'absent_seconds = 1;'
    station_start CASTATION_CRASH=write.before_intent
    is_killed station && pull || return 1
    station_start
    is_killed vault || return 1
    station_settings ''
    vault_again && within 10000 is_settled && token_is "$first" quarantined || return 1
    plug && made_on "$TOKEN" && lives_on
}
# POINT: whatever becomes of the letter, it is there once at most, and other work goes on
dies_in_a_letter() {
    local letter=$T/letters/${1#vault.}
    mkdir -p "$T/letters"
    stop vault
    dying_vault "$1"
    within 10000 vault_answers && new_application && plug || return 1
    station_start
    made_on "$TOKEN" || return 1
    ! castation letter "$TOKEN" -o "$letter" || { echo "the letter was written"; return 1; }
    is_killed vault && vault_again || return 1
    ! castation letter "$TOKEN" -o "$letter.again" || { echo "the letter was written again"; return 1; }
    pull && new_application && plug && made_on "$TOKEN" && lives_on
}
# POINT: something is refused, with a job in the queue
dies_refusing() {
    stop vault
    dying_vault "$1"
    within 10000 vault_answers && new_application || return 1
    station_start
    within 10000 job_is queued || { echo "no job is in the queue"; return 1; }
    ! "$BIN/vault_tool" "$RUN/vault" ca-init CN Castation "Another CA" P-256 3650 || { echo "a second CA was made"; return 1; }
    is_killed vault && vault_again || return 1
    plug && made_on "$TOKEN" && lives_on
}

# ---- with the CA ----------------------------------------------------------------------------------------------------
afresh() { # a bench of its own, up to the ceremony
    local name
    for name in station vault portal; do
        stop "$name"
    done
    rm -rf "$BENCH"
    bench_folders && bench_write_bay_conf && bench_write_station_conf bench-1 && bench_hsm && bench_portal_init &&
        bench_write_vault_conf || return 1
    bench_vault_start && bench_enrol bench-1 && bench_portal_start || return 1
    bench_write_station_conf bench-1
    stop vault
}
# POINT: an application and a token wait for the CA
dies_in_the_ceremony() {
    afresh || return 1
    dying_vault "$1"
    within 10000 vault_answers && new_application && plug || return 1
    station_start
    within 10000 job_is queued || { echo "no job is in the queue"; return 1; }
    ! bench_ca || { echo "the CA was made"; return 1; }
    is_killed vault && vault_again || return 1
    if [ "$1" = vault.ca_init.keys ]; then # keys that nothing else knows of are never overwritten: another HSM token
        ! bench_ca || { echo "half a CA was overwritten"; return 1; }
        stop vault
        rm -rf "$BENCH/hsm" "$BENCH"/secrets/hsm.*
        bench_hsm && bench_vault_start || return 1
    fi
    [ "$(vault_state)" = ready ] || bench_ca || return 1
    made_on "$TOKEN" && lives_on && [ "$(grep -c '"type":"ca_init"' "$VAULT_LOG")" = 1 ]
}

need "the bench is up" crash_up
points=0
ceremony=()
for place in $(vault_points); do
    points=$((points + 1))
    case $place in
    vault.ca_*) ceremony+=("$place") ;;
    vault.start.* | vault.login.*) point "the vault dies at $place, a job waiting" dies_at_its_start "$place" ;;
    vault.void.*) point "the vault dies at $place" dies_in_a_voiding "$place" ;;
    vault.letter*) point "the vault dies at $place" dies_in_a_letter "$place" ;;
    vault.refused.*) point "the vault dies at $place" dies_refusing "$place" ;;
    *.before_fsync)
        point "the vault dies at $place" dies_in_a_job "$place"
        point "the vault dies at $place, and the record is lost" dies_in_a_job "$place" power_goes
        ;;
    *) point "the vault dies at $place" dies_in_a_job "$place" ;;
    esac
done
# last, as each begins a bench of its own
for place in "${ceremony[@]}"; do
    point "the vault dies at $place, and the bench waits for its CA" dies_in_the_ceremony "$place"
done
is "each point of the vault was gone through" "$points" \
    $((2 * $(grep -c '^X(' "$ROOT/provisioning/vault/record.def") + $(grep -c '^X(' "$ROOT/provisioning/vault/crash.def")))
done_testing
