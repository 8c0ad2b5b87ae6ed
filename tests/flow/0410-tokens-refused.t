#!/bin/bash
# Tokens that are not taken for a job: the bay says why and what to do, the token is not touched, and the other bays work on.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/station.sh"
BENCH_BAYS=2 BENCH_MODULE=$FAKE
BENCH_STATION_MORE='absent_seconds = 5;'
export CASTATION_DEADLINE_MS=2000

need "the bench is up" bench_up
need "an application" approve 1
# NAME DETAIL: the token in bay-1 is refused for this reason, and no job has it
refused() {
    ok "$1: the bay refuses it" within 20 bay_is 1 refused
    like "$1: and says why" "$(bay 1 .detail)" "$2"
    is "$1: no job has taken it" "$(status '.jobs | [.active // 0, .waiting // 0, .failed // 0] | join(" ")')" "0 0 0"
}
contents() { (cd "$BENCH/rack/bay-1" && find . -path ./faults\* -prune -o -type f -exec sha256sum {} + | sort); }
tool() { SOFTHSM2_CONF=$BENCH/drawer/$BLANK/softhsm2.conf pkcs11-tool --module "$SOFTHSM" "$@"; }

# ---- not in stock
BENCH_POLICY=any blank
stray=$BLANK
ok "a blank of nobody is plugged in" plug
refused "not in stock" "$stray: it is not in stock; add its lot with castation stock add"
like "not in stock: there is an alert" "$(status '[.alerts[].text] | join("; ")')" "bay-1: token $stray is not in stock"
ok "not in stock: pulled" pull 1

# ---- not blank
need "a blank" blank
used=$BLANK
tool --init-pin --login --so-pin 87654321 --new-pin 11112222 >/dev/null 2>&1
echo secret >"$T/data"
need "somebody has used it" tool --login --pin 11112222 --write-object "$T/data" --type data --label mine --private
ok "it is plugged in" plug
within 20 bay_is 1 refused
before=$(contents)
refused "not blank" "$used: it is not blank; castation quarantine, then recycle it"
is "not blank: nothing on it has changed" "$(contents)" "$before"
exits "not blank: recycle alone is refused" 4 castation recycle "$used"
ok "not blank: the way out, first step" castation quarantine "$used" --reason "found with somebody's data"
ok "not blank: second step" castation recycle "$used"
ok "not blank: now it is used" within 20 state_is "$APP" made
is "not blank: for the application" "$(job "$APP" .job.token)" "$used"
castation letter "$used" -o "$T/letter" >/dev/null
PIN=$(sed -n 's/^PIN: //p' "$T/letter")
unlike "not blank: what was on it is gone" \
    "$(SOFTHSM2_CONF=$BENCH/rack/bay-1/softhsm2.conf PIN=$PIN pkcs11-tool --module "$SOFTHSM" --login --pin env:PIN -O 2>&1)" "mine"
pull 1 >/dev/null

# ---- identity
need "another application" approve 1
faulty "C_GetTokenInfo * model=OtherCard-3"
ok "a token of another make" plug
refused "wrong product" "$BLANK is \"OtherCard-3\" .*the bay is set up for"
pull 1 >/dev/null
faulty "C_GetTokenInfo * serial="
plug >/dev/null
refused "without a serial number" "no serial number"
pull 1 >/dev/null

castation rack plug 1 --lot L1 >/dev/null # bay-1
ok "a good token works for the application" within 20 state_is "$APP" made
first=$(job "$APP" .job.token)
faulty "C_GetTokenInfo * serial=$first"
plug >/dev/null # bay-2
ok "the same serial number twice: refused" within 20 bay_is 2 refused
like "the same serial number twice: it says so" "$(bay 2 .detail)" "another bay shows a token of the same serial number $first"
is "the same serial number twice: the first is what it was" "$(token "$first" .state)" deliverable
empty_rack >/dev/null

# ---- in a job already
need "an application for a slow token" approve 1
faulty "C_GenerateKeyPair * delay=1200"
working=$BLANK
plug >/dev/null # bay-1
ok "a token is in a job" within 15 journal_has "$APP" generate_key intent
faulty "C_GetTokenInfo * serial=$working"
plug >/dev/null # bay-2
ok "another that calls itself the same: refused" within 20 bay_is 2 refused
like "another that calls itself the same: it says so" "$(bay 2 .detail)" "$working"
ok "the job has not noticed" within 20 state_is "$APP" made
is "it took one try" "$(db "SELECT tries || ' ' || tokens_used FROM jobs WHERE application = '$APP'")" "0 1"
empty_rack >/dev/null

# ---- the module
need "one more application" approve 1
faulty "load * crash"
plug >/dev/null
refused "a module that crashes on load" "the worker ended: signal 11 .module $FAKE"
pull 1 >/dev/null
faulty "load * hang"
plug >/dev/null
refused "a module that hangs on load" "hello did not end in time and was killed .module $FAKE"
blank
ok "meanwhile bay-2 works" plug
ok "and makes the application" within 20 state_is "$APP" made
pull 1 >/dev/null
faulty "C_GetTokenInfo * rv=0x30"
plug >/dev/null
refused "a token that answers nothing" "C_GetTokenInfo"
empty_rack >/dev/null
ok "the bays are empty again" within 10 status_says '.bays.present == 0'

# ---- pulled at once, plugged in again, many times
need "the last application" approve 1
blank
for _ in 1 2 3 4 5 6; do
    plug >/dev/null
    sleep "0.0$((RANDOM % 9))"
    pull 1 >/dev/null
done
ok "a token that somebody plays with" plug
judged() { [[ $(token "$BLANK" .state) = deliverable || $(token "$BLANK" .state) = quarantined ]]; }
# pulled in the middle of C_InitToken, SoftHSM may never show it again: that is a token that does not come back
ok "is made, or given up after tries_per_token" within 30 judged
if token_is "$BLANK" quarantined; then
    like "given up with its reason" "$(token "$BLANK" .reason)" "was pulled at|not back|SO PIN|PIN_INCORRECT"
    empty_rack >/dev/null
    blank && plug >/dev/null
fi
ok "the application is made in the end" within 20 state_is "$APP" made
ok "everything is settled" within 10 settled
ok "all records are sound" sound
done_testing
