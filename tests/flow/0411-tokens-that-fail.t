#!/bin/bash
# Tokens that fail in a job: the token is quarantined with its reason, the application is made on another one, and has one
# certificate that stands.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/station.sh"
BENCH_BAYS=1 BENCH_MODULE=$FAKE
BENCH_STATION_MORE='tries_per_token = 2; tokens_per_job = 2; absent_seconds = 1;'
export CASTATION_DEADLINE_MS=2000

need "the bench is up" bench_up
# NAME REASON: BLANK fails for this reason; the application is made on a second one
fails() {
    local name=$1 bad=$BLANK
    need "$name: an application" approve 1 "${3-}"
    ok "$name: the token is plugged in" plug
    ok "$name: it is quarantined" within 30 token_is "$bad" quarantined
    like "$name: the token's record says why" "$(token "$bad" .reason)" "$APP at .*$2"
    like "$name: and castation status" "$(status '[.alerts[].text] | join("; ")')" "token $bad is quarantined"
    like "$name: the bay is to be emptied" "$(bay 1 .state)" "^(finished|refused)$"
    is "$name: the application has not failed" "$(job "$APP" .job.state)" queued
    empty_rack >/dev/null
    castation rack plug --lot OTHER >/dev/null
    ok "$name: it is made on another token" within 20 state_is "$APP" made
    isnt "$name: which is not the bad one" "$(job "$APP" .job.token)" "$bad"
    is "$name: one certificate stands" "$(portal_db "SELECT COUNT(*) FROM certificate WHERE application = '$APP' AND voided_at IS NULL")" 1
    empty_rack >/dev/null
    BAD=$bad
}
tool() { SOFTHSM2_CONF=$BENCH/drawer/$BLANK/softhsm2.conf pkcs11-tool --module "$SOFTHSM" "$@"; }
calls() { stat -c %s "$BENCH/drawer/$BAD/faults.$1" 2>/dev/null || echo 0; }

faulty persistent "C_InitToken 99 delay=1"
tool --login --login-type so --so-pin 87654321 --change-pin --new-pin 99998888 >/dev/null 2>&1
fails "another SO PIN" "SO PIN|C_InitToken"
is "another SO PIN: it was tried once" "$(calls C_InitToken)" 1
is "another SO PIN: its record stays factory" "$(token "$BAD" .so_pin)" factory

for flag in "0x100000 was.tried.wrongly.before" "0x200000 has.one.try.left" "0x400000 is.locked"; do
    read -r bits says <<<"$flag"
    faulty persistent "C_GetTokenInfo * flags=$bits" "C_InitToken 99 delay=1" "C_Login 99 delay=1"
    fails "an SO PIN that $says" "its SO PIN $says; no try was made"
    is "an SO PIN that $says: no try was made" "$(calls C_InitToken) $(calls C_Login)" "0 0"
done

faulty "C_GenerateKeyPair * rv=0x31"
fails "no room for a key" "CKR_DEVICE_MEMORY"
faulty "C_CreateObject * rv=0x31"
fails "no room for the certificate" "write: .*CKR_DEVICE_MEMORY"
is "no room for the certificate: what was signed for it is void" \
    "$(db "SELECT state, COUNT(*) FROM certificates WHERE application = '$APP' GROUP BY state ORDER BY state" | tr '\n' ' ')" "deliverable|1 void|1 "
ok "no room for the certificate: the portal knows of it" within 5 settled
is "no room for the certificate: by its serial number" "$(caportal application "$APP" --json | jq '.voided | length')" 1

faulty "C_GetTokenInfo 9+ serial=ANOTHER-TOKEN"
fails "another token in the middle of the work" "not back|ANOTHER-TOKEN"
faulty "C_Sign * corrupt"
fails "signatures that do not verify" "signature"
faulty "C_GenerateKeyPair * hang"
fails "a token that hangs" "keygen did not end in time"
faulty "C_GenerateKeyPair * crash_after"
fails "a module that crashes" "signal 11"
faulty "C_SetPIN * rv=0xa4"
fails "an SO PIN that it will not change" "C_SetPIN"

faulty "C_GenerateKeyPair * weak"
weak=$BLANK
fails "a weak key" "exponent" org-sign-rsa2048
like "a weak key: its lot is stopped" "$(status '[.alerts[].text] | join("; ")')" "lot LOT-1 of softhsm is stopped"
blank
plug >/dev/null
ok "a good token of that lot is refused" within 20 bay_is 1 refused
like "and says so" "$(bay 1 .detail)" "lot LOT-1 is stopped: .*exponent"
empty_rack >/dev/null

# ---- no token left to try
need "an application" approve 1
for _ in 1 2; do
    LOT=OTHER faulty "C_GenerateKeyPair * rv=0x31"
    plug >/dev/null
    within 20 token_is "$BLANK" quarantined
    empty_rack >/dev/null
done
ok "after tokens_per_job the application is reported failed" within 10 state_is "$APP" failed
is "with the reason" "$(caportal application "$APP" --json | jq -r .fault_code)" token-full
is "the job is failed" "$(job "$APP" .job.state)" failed
exits "castation retry tells where to go" 4 castation retry "$APP"
like "to the portal" "$ERR" "caportal retry $APP"
ok "there it is put back" caportal retry "$APP" --reason "new tokens"
castation rack plug --lot OTHER >/dev/null
ok "and made" within 20 state_is "$APP" made
is "the weak key's token was never handed over" "$(token "$weak" .state)" quarantined
ok "everything is settled" within 5 settled
ok "all records are sound" sound
done_testing
