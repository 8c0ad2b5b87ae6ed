#!/bin/bash
# What is wrong between station and portal certificates is said in castation status, and mended without losing anything.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/station.sh"
BENCH_POLICY=any BENCH_BAYS=1 BENCH_TIMEOUT=2
S=$BENCH/station P=$BENCH/portal

need "the bench is up" bench_up
need "an application" approve 1
stop station
cp "$S/station.pem" "$T/good.pem"
cp "$P/tls-ca.pem" "$T/tls-ca.pem"
# DAYS… as openssl x509 takes them: a certificate of the portal's TLS CA for the station's key
issue() {
    openssl x509 -req -in "$S/station.csr" -CA "$P/tls-ca.pem" -CAkey "$P/tls-ca.key" -set_serial "0x$RANDOM$RANDOM" \
        -extfile <(printf 'extendedKeyUsage=clientAuth\nbasicConstraints=critical,CA:FALSE\n') "$@" -out "$S/station.pem" 2>/dev/null
}
# NAME DETAIL REACHABLE
tells() {
    need "$1: castationd starts" bench_station_start
    within 10 status_says ".portal.detail | test(\"$2\")"
    run castation status
    like "$1: castation status tells why" "$OUT" "portal .*$2"
    is "$1: is that a portal" "$(status .portal.reachable)" "$3"
    is "$1: nothing was claimed" "$(db 'SELECT COUNT(*) FROM jobs')" 0
    stop station
}

need "a certificate that the portal never registered" issue -days 30
tells "unknown" "403.*station-unknown" true
need "an expired one" issue -days -1
tells "expired" "401.*certificate-expired" true
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$T/other.key" -out "$T/other.pem" -days 30 -subj /CN=other 2>/dev/null
need "one of another CA" openssl x509 -req -in "$S/station.csr" -CA "$T/other.pem" -CAkey "$T/other.key" -set_serial 7 -days 30 -out "$S/station.pem"
tells "of another CA" "401.*certificate-untrusted" true
cp "$T/good.pem" "$S/station.pem"

# the other way round: the portal is not whom it should be
cp "$T/other.pem" "$P/tls-ca.pem"
tells "a portal of another CA" "[Cc]ertificate|issuer" false
cp "$T/tls-ca.pem" "$P/tls-ca.pem"

openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$T/foreign.key" -out "$T/foreign.csr" -subj /CN=x 2>/dev/null
mv "$S/station.key" "$T/station.key"
cp "$T/foreign.key" "$S/station.key"
tells "key and certificate not a pair" "[Kk]ey|certificate" false
chmod 644 "$S/station.key"
exits "a key that others can read is refused at the start" 4 "$BIN/castationd" -c "$BENCH/etc/station.conf"
like "by its path" "$ERR" "station/station.key"
rm "$S/station.key"
exits "so is one that is not there" 3 "$BIN/castationd" -c "$BENCH/etc/station.conf"
like "by its path, too" "$ERR" "station/station.key"
mv "$T/station.key" "$S/station.key"

# ---- revoked, and enrolled again
need "castationd starts with the right ones" bench_station_start
ok "and claims" within 10 status_says '.jobs.queued == 1'
ok "its certificate is revoked at the portal" caportal station revoke bench-1
castation rack plug >/dev/null
ok "its work goes on" within 20 status_says '.portal.outbox == 1'
ok "and status tells" within 10 status_says '.portal.detail | test("403.*station-revoked")'
is "nothing is deliverable" "$(deliverable)" 0
stop station
rm -f "$S"/station.{key,csr,pem}
enrol_anew() {
    castation enrol && caportal station enrol bench-1 "$S/station.csr" --renew -o "$S/station.pem"
}
need "it is enrolled anew" enrol_anew
need "castationd starts with its new certificate" bench_station_start
ok "the report gets through" within 10 deliverable_are 1
ok "all records are sound" sound
done_testing
