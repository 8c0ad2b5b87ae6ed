#!/bin/bash
# Something else than the portal answers in its place: nothing of it is believed, nothing is lost, and castationd says what it
# heard. Then the portal is back, and what was made is acknowledged.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/station.sh"
BENCH_POLICY=any BENCH_BAYS=1 BENCH_TIMEOUT=1

need "the bench is up" bench_up
need "four applications" approve 4
claimed_are() { [ "$(db 'SELECT COUNT(*) FROM jobs')" = "$1" ]; }
need "two are claimed" within 10 claimed_are 2
port=$(bench_port portal)
stop portal
need "a token is made without the portal" castation rack plug
need "its report waits" within 20 status_says '.portal.outbox == 1 and .tokens.made == 1'
before=$(db "SELECT group_concat(application || ' ' || state || ' ' || token, '; ') FROM (SELECT * FROM jobs ORDER BY application)")

mkdir "$T/raw"
: >"$T/raw/answer"
start raw "$BIN/raw_portal" "$T/raw" "$BENCH/portal/server.pem" "$BENCH/portal/server.key" "$port"
need "another server takes its place" wait_for 10 test -s "$T/raw/port"
answers() { cat >"$T/raw/answer"; }
http() { # STATUS TYPE, the body on stdin
    local body
    body=$(cat)
    printf 'HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s' "$1" "$2" "$(printf %s "$body" | wc -c)" "$body"
}
json() { http "${1:-200 OK}" application/json; }
asked() { cat "$T/raw/requests" 2>/dev/null || echo 0; }
asked_more_than() { [ "$(asked)" -gt "$1" ]; }

# NAME DETAIL [REACHABLE]: castationd starts, claims and reports, hears this, and nothing has changed but what it says
hears() {
    local name=$1 n
    n=$(asked)
    bench_station_start || { tap 1 "$name: castationd starts"; return; }
    ok "$name: castationd asks" within 10 asked_more_than $((n + 1))
    within 3 status_says ".portal.reachable == ${3:-false} and (.portal.detail | test(\"$2\"))"
    like "$name: it tells what it heard" "$(status .portal.detail)" "$2"
    is "$name: reachable" "$(status .portal.reachable)" "${3:-false}"
    stop station
    is "$name: castationd stops cleanly" "$CODE" 0
    is "$name: no job has changed" \
        "$(db "SELECT group_concat(application || ' ' || state || ' ' || token, '; ') FROM (SELECT * FROM jobs ORDER BY application)")" "$before"
    is "$name: the report waits still" "$(db "SELECT COUNT(*) FROM outbox WHERE done = 0")" 1
}
stop station
answers </dev/null
hears "nothing at all" "Empty reply|SSL"
printf 'SSH-2.0-OpenSSH_9.2\r\n\0\377\376garbage\r\n\r\n' | answers
hears "another protocol" "HTTP/0.9|Unsupported|Received"
echo '<html>Welcome to the hotel. Please log in.</html>' | http '200 OK' text/html | answers
hears "a page of somebody else" "not with JSON"
echo '<html>Not found</html>' | http '404 Not Found' text/html | answers
hears "a proxy that knows no such page" "answered 404, and not with JSON"
printf 'HTTP/1.1 302 Found\r\nLocation: https://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n' | answers
hears "a redirect" "redirects are not followed"
echo '{}' | json | answers
hears "an empty object" "not the portal"
echo '{"claims": {"a": 1}, "state": 7, "lease_seconds": "long"}' | json | answers
hears "wrong types" "not the portal"
echo '{"claims": [], "claims": [], "state": "made", "state": "made"}' | json | answers
hears "a key twice" "duplicate|twice"
printf '[%.0s' {1..5000} | json | answers
hears "brackets without end" "not with JSON"
printf 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"claims": [], "state": "made"}' | answers
hears "half an answer" "end of response|closed|SSL|outstanding"
{ printf 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{"state": "made", "claims": [], "x": "'; head -c 5000000 /dev/zero | tr '\0' x; printf '"}'; } | answers
hears "five megabytes" "over 4194304 bytes"
echo '{"type": "about:blank", "title": "Sorry", "status": 500, "code": "internal", "detail": "the disk is on fire"}' | json '500 Internal Server Error' | answers
hears "a portal with troubles of its own" "refuses \(500\): internal: the disk is on fire" true
echo '{"type": "about:blank", "title": "No", "status": 404, "code": "route", "detail": "/v1/claim"}' | json '404 Not Found' | answers
hears "a portal of another version" "refuses \(404\): route|claim refused \(404\): route" true

# claims that make no sense are left alone, and said once
echo '{"state": "", "claims": [{"application": {"id": "../../x y"}, "approval": "a", "signature": "AAAA", "generation": 1, "lease_seconds": 9},
    {"application": {"id": "A"}, "approval": "a", "signature": "AAAA", "generation": 1, "lease_seconds": -9223372036854775808}, 7]}' | json | answers
n=$(asked)
need "castationd starts" bench_station_start
ok "claims that make no sense: castationd asks, more than once" within 10 asked_more_than $((n + 3))
is "none is taken" "$(db 'SELECT COUNT(*) FROM jobs')" 2
like "it is said aloud" "$(status '[.alerts[].text] | join("; ")')" "a claim of the portal makes no sense"
stop station

# ---- slowly
echo '{"claims": [], "state": "made"}' | json | answers
echo 30000 >"$T/raw/delay"
need "castationd starts" bench_station_start
ok "a portal that takes its time is given up after timeout_seconds" within 5 status_says '.portal.detail | test("timed out|Timeout")'
begin=${EPOCHREALTIME/./}
ok "castationd answers at once meanwhile" castation status
is "within a second" "$(((${EPOCHREALTIME/./} - begin) / 1000000))" 0
is "the report waits still" "$(status .portal.outbox)" 1
ok "an operator may ask for another try" castation retry "$(db "SELECT id FROM jobs WHERE state = 'made'")"
strike raw

# ---- back
rm -f "$RUN/portal.port" "$RUN/pages.port"
start portal "$BIN/caportald" -c "$BENCH/etc/caportal.conf"
need "the portal is back" wait_for 20 has_port portal
ok "the token is acknowledged" within 15 deliverable_are 1
ok "status has nothing more to tell of the portal" within 15 status_says '.portal.reachable and .portal.detail == ""'
ok "all four are made" castation rack feed --count 4
ok "and acknowledged" within 20 deliverable_are 4
ok "everything is settled" within 5 settled
ok "all records are sound" sound
done_testing
