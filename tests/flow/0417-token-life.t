#!/bin/bash
# A token's life after it was made: its letter, once; quarantine, recycling, and use for another application with the SO PIN that the
# station has given it. What castation refuses, it refuses with the way out.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/station.sh"
BENCH_BAYS=1

need "the bench is up" bench_up
need "two applications" approve 2
first=${APPS[0]} second=${APPS[1]}
need "a blank" blank
TOKEN=$BLANK
is "its SO PIN is the factory's" "$(token "$TOKEN" .so_pin)" factory
ok "it is plugged in" plug
ok "and made" within 20 state_is "$first" made
ok "and deliverable" within 10 token_is "$TOKEN" deliverable
is "its SO PIN is the station's now" "$(token "$TOKEN" .so_pin)" "derived(1)"
# ---- every reading verb, for programs
for verb in status bays jobs "job $first" "job $second" tokens "token $TOKEN" "tokens --state deliverable" "jobs --state queued" "stock list" "rack list" "ca show" "audit verify"; do
    # shellcheck disable=SC2086 # words
    ok "castation $verb --json" castation $verb --json
    is "castation $verb --json is one object" "$(jq -s 'map(type) | join(" ")' <<<"$OUT")" '"object"'
done
exits "a state that there is not" 4 castation jobs --state nowhere
exits "an acting verb has no --json" 2 castation --json quarantine "$TOKEN" --reason x
exits "quarantine without a reason" 2 castation quarantine "$TOKEN"
exits "a reason in two lines" 4 castation quarantine "$TOKEN" --reason $'a\nb'
exits "a token that is not in stock" 3 castation quarantine NOBODY --reason x

# ---- letter
ok "its letter" castation letter "$TOKEN" -o "$T/letter"
is "is for its reader alone" "$(stat -c %a "$T/letter")" 600
exits "once" 4 castation letter "$TOKEN" -o "$T/letter2"
like "and no more" "$ERR" "printed before"
exits "in Chinese, too" 4 castation --lang zh letter "$TOKEN" -o "$T/letter2"
like "with words that a Chinese reader knows" "$ERR" "密码信封不可打印"
nok "no second file is there" test -e "$T/letter2"
is "its record says printed" "$(token "$TOKEN" .letter)" printed
old=$(sed -n 's/^PIN: //p' "$T/letter")

# ---- quarantine a deliverable one: its certificate is void, its application waits for another token
exits "what is not quarantined cannot be released" 4 castation unquarantine "$TOKEN"
ok "the token is quarantined" castation quarantine "$TOKEN" --reason "信封丢失"
is "with the operator's reason" "$(token "$TOKEN" '"\(.state): \(.reason)"')" "quarantined: 信封丢失"
ok "its certificate becomes void" within 10 settled
is "at the vault" "$(grep -c '"type":"void"' "$VAULT_LOG")" 1
is "and at the portal" "$(portal_db "SELECT COUNT(*) FROM certificate WHERE application = '$first' AND voided_at IS NOT NULL")" 1
exits "it cannot simply be released: it has held a certificate" 4 castation unquarantine "$TOKEN"
like "the way out is named" "$ERR" "recycle"
exits "it has no letter" 4 castation letter "$TOKEN" -o "$T/letter2"

# ---- recycle: wiped with the derived SO PIN, then used for the next application
ok "it is recycled" castation recycle "$TOKEN"
ok "the next application is made with the same token" within 20 state_is "$second" made
is "the very same" "$(job "$second" .job.token)" "$TOKEN"
ok "acknowledged" within 10 token_is "$TOKEN" deliverable
is "its SO PIN is still the station's" "$(token "$TOKEN" .so_pin)" "derived(1)"
is "initialised with it, not with the factory's" \
    "$(db "SELECT json_extract(evidence, '\$.so_pin') FROM journal WHERE step = 'initialise' AND phase = 'intent' ORDER BY seq DESC LIMIT 1")" "derived(1)"
ok "it has a letter of its own" castation letter "$TOKEN" -o "$T/letter2"
export PIN=$old SOFTHSM2_CONF=$BENCH/rack/bay-1/softhsm2.conf
nok "the old PIN opens it no more" pkcs11-tool --module "$SOFTHSM" --login --pin env:PIN -O
PIN=$(sed -n 's/^PIN: //p' "$T/letter2")
ok "the new one does" pkcs11-tool --module "$SOFTHSM" --login --pin env:PIN -O
is "there is one certificate and the CA's on it, and one key" \
    "$(grep -c '^Certificate Object' <<<"$OUT") $(grep -c '^Private Key' <<<"$OUT")" "2 1"
unset SOFTHSM2_CONF
ok "the first application was lent again" within 10 job_is "$first" queued
is "a generation higher" "$(job "$first" .job.generation)" 2

# ---- quarantine in stock, and back
pull 1 >/dev/null
need "another blank" blank
ok "it is quarantined before anybody has used it" castation quarantine "$BLANK" --reason "box was open"
plug >/dev/null
within 10 bay_is 1 finished
is "it is not taken" "$(job "$first" .job.state)" queued
ok "it is released" castation unquarantine "$BLANK"
ok "and taken for the first application" within 20 state_is "$first" made

# ---- a letter that broke off
stop station
empty_rack >/dev/null
need "one more application" approve 1
start station env CASTATION_CRASH=letter.after_intent "$BIN/castationd" -c "$BENCH/etc/station.conf"
wait_for 20 station_answers
blank
plug >/dev/null
ok "one more token" within 20 token_is "$BLANK" deliverable
exits "castationd dies while a letter is begun" 5 castation letter "$BLANK" -o "$T/broken"
wait "${PIDS[station]}"
unset "PIDS[station]"
need "castationd starts again" bench_station_start
is "the letter's state is what nobody knows" "$(token "$BLANK" .letter)" printing
exits "it is never printed again" 4 castation letter "$BLANK" -o "$T/broken2"
like "and castation says why and what now" "$ERR" "broken off.*new PIN"
like "status tells, too" "$(status '[.alerts[].text] | join("; ")') $(castation token "$BLANK")" "printing"
ok "it is recycled, as it was never handed over" castation recycle "$BLANK"
ok "and made again with a letter that can be printed" within 20 state_is "$APP" made
ok "settled" within 10 settled
ok "which it is" castation letter "$(job "$APP" .job.token)" -o "$T/letter3"

# ---- somebody else's try
TOKEN=$(job "$APP" .job.token)
nok "the factory's SO PIN is refused by a token that the station has had" env SOFTHSM2_CONF="$BENCH/rack/bay-1/softhsm2.conf" \
    pkcs11-tool --module "$SOFTHSM" --login --login-type so --so-pin 87654321 --init-pin --new-pin 11112222
ok "after that wrong try by somebody" castation recycle "$TOKEN"
low() { [[ $(token "$TOKEN" .reason) =~ "was tried wrongly before; no try was made" ]]; }
ok "castation makes none of its own" within 15 low
is "it stays in quarantine" "$(token "$TOKEN" .state)" quarantined

# ---- retry
exits "a job that is done" 4 castation retry "$APP"
exits "a job that there is not" 3 castation retry nobody
ok "the audit chain tells of it all" castation audit verify
for act in made deliverable letter quarantine void recycle wiped unquarantine; do
    isnt "the audit log has $act" "$(db "SELECT COUNT(*) FROM audit WHERE act = '$act'")" 0
done
ok "everything is settled" within 5 settled
ok "all records are sound" sound
done_testing
