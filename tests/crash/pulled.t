#!/bin/bash
# The token is pulled in the middle of each step. Plugged in again in time, the work finishes on it; otherwise it is
# quarantined, what was signed for it is void, and the application is made on another token.
# shellcheck disable=SC2119,SC2015
. "$(dirname "$0")/lib.sh"
BENCH_MODULE=$FAKE
BENCH_HSM_URI="pkcs11:token=castation-hsm?module-path=$FAKE"

# What each step is held up by, so that the pull falls into it: a function of the token's module, or of the HSM's.
look_calls=0 # C_GetTokenInfo until a token is known to be there: found out below
held_up_at() { # STEP
    case $1 in
    check) echo "C_GetTokenInfo $((look_calls + 1)) delay=3000" ;;
    initialise) echo "C_InitToken 1 delay=3000" ;;
    set_so_pin) echo "C_SetPIN 1 delay=3000" ;;
    set_user_pin) echo "C_InitPIN 1 delay=3000" ;;
    generate_key) echo "C_GenerateKeyPair 1 delay=3000" ;;
    prove_possession) echo "C_Sign 1 delay=3000" ;;
    write) echo "C_CreateObject 1 delay=3000" ;;
    verify) echo "C_Sign 3 delay=3000" ;; # the first two proved possession
    reserve | sign) echo "C_GetTokenInfo 1 delay=1" ;; # see slow_hsm
    *) return 1 ;;
    esac
}
slow_hsm() { # the vault reads it when it starts
    stop vault
    printf '%s\n' "$@" >"$BENCH/hsm/faults"
    bench_vault_start
}

is_held_up() { [ "$(db "SELECT j.step || '.' || j.phase FROM journal j JOIN jobs ON jobs.id = j.job
    WHERE jobs.application = '$APP' ORDER BY j.seq DESC LIMIT 1")" = "$1.intent" ]; }
is_noticed() { [ "$(db "SELECT COUNT(*) FROM jobs WHERE application = '$APP' AND detail LIKE '%was pulled at $1%'")" = 1 ]; }
# STEP: APP's job is in this step, and its token is pulled
pulled_at() {
    new_application && plug_faulty "$(held_up_at "$1")" || return 1
    station_start
    within 15000 is_held_up "$1" || { echo "the job is not held up at $1"; return 1; }
    pull && within 2500 is_noticed "$1" || { echo "the pull was not noticed at $1"; return 1; }
}
# STEP
comes_back() {
    pulled_at "$1" || return 1
    plug_again "$TOKEN" && made_on "$TOKEN"
}
# STEP
stays_away() {
    local first
    pulled_at "$1" || return 1
    first=$TOKEN
    if [ "$1" = check ]; then # nothing was done to it: it goes back into stock, and the next one is taken at once
        plug && made_on "$TOKEN" && token_is "$first" stock
        return
    fi
    within 10000 token_is "$first" quarantined || { echo "token $first is not quarantined"; return 1; }
    plug && made_on "$TOKEN" || return 1
    [ -z "$(db "SELECT 1 FROM certificates WHERE token = '$first' AND state <> 'void'")" ] || { echo "its certificate is not void"; return 1; }
}

need "the bench is up" crash_up
count_a_look() {
    plug_faulty "C_GetTokenInfo 99 delay=1"
    station_start
    within 10000 token_is "$TOKEN" stock && sleep 0.2 || return 1
    look_calls=$(stat -c %s "$BENCH/rack/bay-1/faults.C_GetTokenInfo")
    stop station
    empty_rack
}
need "a look at a token takes some calls" count_a_look

steps=()
for step in $(def_names provisioning/job/steps.def); do
    held_up_at "$step" >/dev/null && steps+=("$step")
done
away=(initialise generate_key sign verify)
[ -z "$SWEEP" ] || away=("${steps[@]}")
is "all steps that take time are here" "${#steps[@]}" $(($(def_names provisioning/job/steps.def | wc -l) - 2)) # but for commit_record and report
for step in "${steps[@]}"; do
    case $step in
    reserve) need "the HSM is slow in random numbers" slow_hsm "C_GenerateRandom * delay=1000" ;;
    sign) need "the HSM is slow in signatures" slow_hsm "C_Sign * delay=1000" ;;
    write) need "the HSM is quick again" slow_hsm "" ;;
    esac
    station_settings ''
    point "pulled at $step, and plugged in again" comes_back "$step"
    [[ " ${away[*]} " = *" $step "* ]] || continue
    station_settings 'absent_seconds = 1;'
    point "pulled at $step for good" stays_away "$step"
done

# The record is made, the report is not out: the token may go.
may_go() {
    new_application && plug_faulty "$(held_up_at verify)" || return 1
    station_start
    within 15000 is_held_up verify || { echo "the job is not held up at verify"; return 1; }
    stop portal
    within 10000 token_is "$TOKEN" made || { echo "no token is made"; return 1; }
    pull && bench_portal_start && made_on "$TOKEN"
}
station_settings 'absent_seconds = 1;'
point "pulled while the portal is away and the report waits" may_go
done_testing
