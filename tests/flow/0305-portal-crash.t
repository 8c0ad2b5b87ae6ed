#!/bin/bash
# The portal is killed before and after each commit, and in the middle of work: what it answered holds, what is asked again
# happens once.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/portal.sh"
exec 2> >(grep -v ' Killed ' >&2) # bash's own remarks on the portal's deaths

[[ $BIN = */release ]] && skip_all "crash points are in the asan flavour only"
portal_conf 'lease_seconds = 600;'
need "a portal is set up" caportal init
station alpha
whole() { caportal application "$1" --json; }
dead() { ! alive "$1"; }

# POINT STATION PATH BODY: the portal dies at this point of the request; then the same request again, with the same key
n=0
dies_at() {
    n=$((n + 1))
    rm -f "$T/api.port" "$T/pages.port"
    CASTATION_CRASH=$1 start portal "$BIN/caportald" -c "$CONF"
    wait_for 20 ports_there || diag "the portal does not come up"
    API=$(cat "$T/api.port")
    api "$2" POST "$3" "$4" "crash-$n"
    is "$1: no answer comes" "$STATUS" 000
    # Its connections end a moment before it does.
    ok "$1: the portal is dead" wait_for 10 dead portal
    strike portal
    portal_up
    api "$2" POST "$3" "$4" "crash-$n"
    is "$1: asked again it is done" "$STATUS" 200
    stop portal
}
for when in before_commit committed; do
    A=CA-${when//_/-} V=CV-${when//_/-} F=CF-${when//_/-} G=CG-${when//_/-}
    applications "$A"
    dies_at "portal.claim.$when" alpha /v1/claim "$CLAIM"
    is "claim: one lending" "$(whole "$A" | jq -c '[.lendings[].generation]')" "[1]"
    is "claim: the answer is complete" "$(field '.claims[0] | "\(.application.id) \(.generation)"')" "$A 1"
    dies_at "portal.renew.$when" alpha "/v1/applications/$A/renew" '{"generation": 1}'
    dies_at "portal.report.$when" alpha "/v1/applications/$A/report" "$(made alpha "$A" 1 "$(printf '10%02d' "$n")")"
    is "report: made, with one certificate" "$(whole "$A" | jq -c '[.state, (.certificates | length)]')" '["made",1]'
    is "report: told once" "$(whole "$A" | jq '[.events[] | select(.what == "report")] | length')" 1
    applications "$V" "$F" "$G"
    portal_up
    api alpha POST /v1/claim '{"max": 3, "profiles": ["org-sign-p256"]}'
    made alpha "$V" 1 "$(printf '20%02d' "$n")" >"$T/report.json"
    api alpha POST "/v1/applications/$V/report" "$(cat "$T/report.json")"
    stop portal
    dies_at "portal.void.$when" alpha "/v1/applications/$V/void" "$(jq -c '{generation, certificate_serial, reason: "test"}' "$T/report.json")"
    is "void: back in the queue, voided once" "$(whole "$V" | jq -c '[.state, (.voided | length), (.certificates | map(select(.voided_at == null)) | length)]')" '["approved",1,0]'
    dies_at "portal.fail.$when" alpha "/v1/applications/$F/fail" '{"generation": 1, "code": "weak-key", "detail": "test"}'
    is "fail: failed, told once" "$(whole "$F" | jq -c '[.state, ([.events[] | select(.what == "fail")] | length)]')" '["failed",1]'
    dies_at "portal.give_back.$when" alpha "/v1/applications/$G/give_back" '{"generation": 1}'
    is "give_back: approved, told once" "$(whole "$G" | jq -c '[.state, ([.events[] | select(.what == "give_back")] | length)]')" '["approved",1]'
    portal_up
    api alpha POST /v1/claim '{"max": 64, "profiles": ["org-sign-p256"]}' # what was put back is out of the way of the next round
    stop portal
done

# ---- killed in the middle of the work of four stations, again and again
mapfile -t ids < <(for i in {1..80}; do echo "LOAD-$i"; done)
applications "${ids[@]}"
for s in s1 s2 s3 s4; do station "$s"; done
# One station: claims two, reports them, until nothing is left. A request without an answer is sent again with its key.
send() { # STATION PATH BODY KEY
    local try
    for try in {1..200}; do
        API=$(cat "$T/api.port" 2>/dev/null) || API=1
        STATUS=$(curl -s -m 10 --cacert "$T/tls-ca.pem" --cert "$T/$1.pem" --key "$T/$1.key" -o "$T/body.$1" -w '%{http_code}' \
            -H 'Content-Type: application/json' -H "Idempotency-Key: $4" --data-binary "$3" "https://localhost:$API$2")
        [ "$STATUS" != 000 ] && [ "$STATUS" != 503 ] && return 0
        sleep 0.1
    done
    echo "gave up after $try" >>"$T/trouble"
    return 1
}
work() { # STATION NUMBER
    local k=0 id generation serial empty=0
    openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$T/key.$1"
    while [ "$empty" -lt 2 ]; do
        k=$((k + 1))
        send "$1" /v1/claim '{"max": 2, "profiles": ["org-sign-p256"]}' "c$k" || return
        jq -r '.claims[] | "\(.application.id) \(.generation)"' "$T/body.$1" >"$T/claimed.$1"
        [ -s "$T/claimed.$1" ] || empty=$((empty + 1))
        while read -r id generation; do
            k=$((k + 1))
            serial=$(printf '4%d%06d' "$2" "$k")
            openssl req -x509 -new -key "$T/key.$1" -utf8 -subj "/O=$ORGANISATION" -set_serial "0x$serial" -days 9 -out "$T/made.$1"
            jq -n --argjson g "$generation" --rawfile c "$T/made.$1" --arg s "$serial" '{generation: $g, token_serial: $s,
                certificate: $c, certificate_serial: $s, key_id: "aa", product: "p"}' >"$T/report.$1"
            send "$1" "/v1/applications/$id/report" "$(cat "$T/report.$1")" "r$k" || return
            echo "$id $STATUS $serial" >>"$T/answered.$1"
        done <"$T/claimed.$1"
    done
}
portal_up
workers=()
for i in 1 2 3 4; do
    work "s$i" "$i" 2>>"$T/work.log" &
    workers+=($!)
done
kills=0
for _ in 1 2 3 4 5; do
    sleep 0.7
    strike portal
    kills=$((kills + 1))
    rm -f "$T/api.port" "$T/pages.port"
    start portal "$BIN/caportald" -c "$CONF"
    wait_for 20 ports_there
done
wait "${workers[@]}"
stop portal
cat "$T"/answered.* >"$T/answered"
is "every one was answered, through $kills kills" "$(wc -l <"$T/answered") $(cut -d' ' -f2 "$T/answered" | sort -u) $(cat "$T/trouble" 2>/dev/null)" "80 200 "
is "every one is made" "$(caportal applications --json | jq '[.[] | select(.id | startswith("LOAD")) | .state] | group_by(.) | map("\(.[0]) \(length)") | join(",")')" '"made 80"'
is "none was lent twice" "$(sqlite3 "$T/portal.db" "SELECT count(*) FROM lending WHERE application LIKE 'LOAD-%'")" 80
is "what was answered is what is recorded" "$(sqlite3 -separator ' ' "$T/portal.db" "SELECT application, 200, serial FROM certificate WHERE application LIKE 'LOAD-%' AND voided_at IS NULL" | sort | sha256sum)" \
    "$(sort "$T/answered" | sha256sum)"
is "the database is sound" "$(sqlite3 "$T/portal.db" 'PRAGMA integrity_check; PRAGMA foreign_key_check')" ok
done_testing
