#!/bin/bash
# A CA that ends too soon, has expired, or whose certificate and key are not a pair: nothing is signed, no token is touched, and
# castation says what is wrong. Put right, the work goes on.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/station.sh"
BENCH_POLICY=any BENCH_BAYS=1

need "the bench is up" bench_up
need "three applications" approve 3
blank
TOKEN=$BLANK
ok "one is made" castation rack feed --count 1
ok "and acknowledged" within 10 deliverable_are 1
made=$(db "SELECT serial FROM tokens WHERE state = 'deliverable'")
signatures() { grep -c '"type":"signature"' "$VAULT_LOG"; }
cp "$BENCH/ca.pem" "$T/good.pem"
with_certificate() { # FILE: the vault starts with it
    stop vault
    cp "$1" "$BENCH/ca.pem"
    bench_vault_start
}
# NAME STATE DETAIL: nothing begins
stands_still() {
    ok "$1: status says so" within 15 status_says ".vault.state == \"$2\""
    like "$1: with the reason" "$(status .vault.detail)" "$3"
    sleep 1
    is "$1: jobs wait" "$(status '.jobs | [.queued // 0, .active // 0, .failed // 0] | join(" ")')" "2 0 0"
    is "$1: nothing is signed" "$(signatures)" 1
    is "$1: the token is untouched" "$(token "$TOKEN" .state)" stock
}

# ---- not a pair
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$T/other.key" -out "$T/other.pem" -days 3650 \
    -subj "/C=CN/O=Castation Demo/CN=Castation Demo CA" -addext keyUsage=critical,keyCertSign,cRLSign 2>/dev/null
ok "the certificate of another CA of the same name is put in its place" with_certificate "$T/other.pem"
ok "a token is plugged in" plug
within 10 bay_is 1 idle
stands_still "not a pair" no-ca "pair|mismatch|key"
exits "not a pair: castation ca show" 10 castation ca show
exits "not a pair: a new CA is refused" 4 castation ca init --cn Another --o Another --yes
echo nonsense >"$T/nonsense.pem"
ok "what is no certificate" with_certificate "$T/nonsense.pem"
stands_still "no certificate" no-ca "ca.pem"

# ---- expired: the same key and name, by the HSM's own tools
cat >"$T/template" <<'END'
dn = "CN=Castation Demo CA,O=Castation Demo,C=CN"
activation_date = "2019-01-01 00:00:00"
expiration_date = "2020-01-01 00:00:00"
ca
cert_signing_key
crl_signing_key
END
expired() {
    local pin
    pin=$(cat "$BENCH/secrets/hsm.pin")
    SOFTHSM2_CONF=$BENCH/hsm/softhsm2.conf GNUTLS_PIN=$pin certtool --provider "$SOFTHSM" --generate-self-signed \
        --load-privkey "pkcs11:token=castation-hsm;object=castation%20ca;type=private" \
        --load-pubkey "pkcs11:token=castation-hsm;object=castation%20ca;type=public" --template "$T/template" --outfile "$T/expired.pem"
}
need "a certificate of the CA that has expired" expired
ok "is put in its place" with_certificate "$T/expired.pem"
stands_still "expired" ca-expired "expired|2020"
ok "expired: what was made before keeps its letter" castation letter "$made" -o "$T/letter"

ok "the right certificate" with_certificate "$T/good.pem"
ok "the job goes on" within 20 deliverable_are 2
empty_rack >/dev/null
is "with that token" "$(token "$TOKEN" .state)" deliverable

# ---- it ends before the certificates would
stop station
stop vault
rm -rf "$BENCH"/{hsm,vault,ca.pem,station,drawer,rack,portal,secrets}
bench_ca() { castation ca init --cn "Short CA" --o "Castation Demo" --days 100 --yes; }
stop portal
need "a bench whose CA ends in 100 days" bench_up
need "an application for a year" approve 1
blank
plug >/dev/null
contents() { (cd "$BENCH/rack/bay-1" && find . -type f -exec sha256sum {} + | sort); }
within 10 bay_is 1 idle
before=$(contents)
ok "ends too soon: the job fails" within 15 job_is "$APP" failed
like "ends too soon: with the reason" "$(job "$APP" '.job | "\(.code): \(.detail)"')" "^ca-validity: .*365 days, and the CA certificate ends before"
ok "ends too soon: the portal is told" within 10 state_is "$APP" failed
is "ends too soon: the token is untouched" "$(contents)" "$before"
is "ends too soon: nothing was reserved or signed" "$(grep -cE '"type":"(reserve|signature)"' "$VAULT_LOG")" 0
need "an application for thirty days" approve 1
jq '.[0].validity_days = 30 | .[0].id = "CA-30"' "$T/applications.json" >"$T/short.json"
need "that ends before the CA" bench_approve "$T/short.json"
ok "it is made with the same token" within 20 state_is CA-30 made
ok "everything is settled" within 5 settled
ok "all records are sound" sound
done_testing
