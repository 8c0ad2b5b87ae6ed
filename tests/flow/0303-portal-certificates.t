#!/bin/bash
# Who may speak to the station API: each refusal with its reason.
# shellcheck disable=SC2119
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/portal.sh"

portal_conf
need "a portal is set up" caportal init
portal_up
station alpha

# STATUS and code of a health request with a certificate and key
health() {
    local args=()
    [ $# = 0 ] || args=(--cert "$1" --key "$2")
    STATUS=$(curl -s -m 20 --cacert "$T/tls-ca.pem" "${args[@]}" -o "$T/.body" -w '%{http_code}' "https://localhost:$API/v1/health")
    BODY=$(cat "$T/.body")
}
refused() { # NAME STATUS CODE
    is "$1" "$STATUS $(field .code) $(field .status)" "$2 $3 $2"
}
# Sign NAME.csr with the TLS CA as wished: NAME FROM TO EXTENSIONS
sign() {
    : >"$T/index.txt"
    cat >"$T/ca.conf" <<END
[ca]
default_ca = d
[d]
database = $T/index.txt
new_certs_dir = $T
default_md = sha256
policy = p
rand_serial = yes
x509_extensions = x
[p]
commonName = supplied
[x]
$4
END
    openssl ca -batch -config "$T/ca.conf" -cert "${CA_PEM:-$T/tls-ca.pem}" -keyfile "${CA_KEY:-$T/tls-ca.key}" -in "$T/$1.csr" \
        -startdate "$2" -enddate "$3" -notext -out "$T/$1.pem" 2>"$T/.ca" || cat "$T/.ca"
}
CLIENT=$'basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=clientAuth'

health "$T/alpha.pem" "$T/alpha.key"
is "an enrolled station is let in" "$STATUS" 200
health
refused "no certificate" 401 certificate-missing
like "the answer is problem+json" "$(curl -s -o /dev/null -w '%{content_type}' --cacert "$T/tls-ca.pem" "https://localhost:$API/v1/health")" "application/problem\+json"

request stranger
sign stranger 20200101000000Z 20390101000000Z "$CLIENT"
health "$T/stranger.pem" "$T/stranger.key"
refused "a certificate of the CA that nobody enrolled" 403 station-unknown
request late
sign late 20200101000000Z 20210101000000Z "$CLIENT"
health "$T/late.pem" "$T/late.key"
refused "an expired certificate" 401 certificate-expired
request early
sign early 20380101000000Z 20390101000000Z "$CLIENT"
health "$T/early.pem" "$T/early.key"
refused "a certificate that is not valid yet" 401 certificate-not-yet-valid
request anything
sign anything 20200101000000Z 20390101000000Z "basicConstraints=critical,CA:FALSE"
health "$T/anything.pem" "$T/anything.key"
refused "a certificate without extended key usage" 401 certificate-purpose
health "$T/server.pem" "$T/server.key"
refused "the server's own certificate" 401 certificate-purpose
health "$T/tls-ca.pem" "$T/tls-ca.key"
isnt "the CA's own certificate does not let in" "$STATUS" 200
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$T/self.key" -subj /CN=alpha -addext extendedKeyUsage=clientAuth -out "$T/self.pem" 2>/dev/null
health "$T/self.pem" "$T/self.key"
refused "a self-signed certificate of the same name" 401 certificate-untrusted
# Another CA of the very same name and another key.
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$T/other-ca.key" -subj "/CN=castation TLS CA" -out "$T/other-ca.pem" 2>/dev/null
request forged
CA_PEM=$T/other-ca.pem CA_KEY=$T/other-ca.key sign forged 20200101000000Z 20390101000000Z "$CLIENT"
health "$T/forged.pem" "$T/forged.key"
refused "a certificate of a CA that only has the same name" 401 certificate-untrusted
# A station's certificate must not be able to issue others.
request child
CA_PEM=$T/alpha.pem CA_KEY=$T/alpha.key sign child 20270101000000Z 20270601000000Z "$CLIENT"
cat "$T/alpha.pem" >>"$T/child.pem"
health "$T/child.pem" "$T/child.key"
refused "a certificate that a station signed" 401 certificate-untrusted

# ---- enrolment
exits "a name that is taken is refused" 4 caportal station enrol alpha "$T/alpha.csr"
like "and --renew is named as the way" "$ERR" "--renew"
exits "a name with other characters is refused" 4 caportal station enrol 'a b' "$T/alpha.csr"
echo nonsense >"$T/bad.csr"
exits "a request that is none is refused" 4 caportal station enrol gamma "$T/bad.csr"
openssl genrsa -out "$T/weak.key" 1024 2>/dev/null
openssl req -new -key "$T/weak.key" -subj /CN=weak -out "$T/weak.csr"
exits "a weak key is refused" 4 caportal station enrol gamma "$T/weak.csr"
openssl req -in "$T/alpha.csr" -outform DER | perl -0777 -pe 'substr($_, -1) = chr(255 ^ ord substr $_, -1)' | openssl req -inform DER -out "$T/broken.csr"
exits "a request whose signature is wrong is refused" 4 caportal station enrol gamma "$T/broken.csr"
like "the reason is given" "$ERR" "not signed by its own key"
exits "a certificate is not written over another file" 4 caportal station enrol gamma "$T/alpha.csr" -o "$T/alpha.pem"
is "then nobody is enrolled" "$(caportal station list --json | jq length)" 1
request alpha2
ok "a station gets a further certificate" caportal station enrol alpha "$T/alpha2.csr" --renew -o "$T/alpha2.pem"
health "$T/alpha2.pem" "$T/alpha2.key"
is "it is let in with the new one" "$STATUS" 200
health "$T/alpha.pem" "$T/alpha.key"
is "and with the old one" "$STATUS" 200
station beta
is "the list knows them" "$(caportal station list --json | jq -r '[.[] | "\(.name)/\(.state)"] | join(" ")')" "alpha/enrolled alpha/enrolled beta/enrolled"
like "a certificate goes to standard output without -o" "$(request delta; caportal station enrol delta "$T/delta.csr" | openssl x509 -noout -subject)" "delta"

# ---- revocation works at once, on an open connection too
curl -s -m 30 --cacert "$T/tls-ca.pem" --cert "$T/alpha.pem" --key "$T/alpha.key" -o /dev/null -w '%{http_code} %{num_connects}\n' "https://localhost:$API/v1/health" \
    --next -s -m 30 --cacert "$T/tls-ca.pem" --cert "$T/alpha.pem" --key "$T/alpha.key" -o /dev/null -w '%{http_code} %{num_connects}\n' "https://localhost:$API/v1/health" >"$T/two"
is "one connection serves several requests" "$(tr '\n' ' ' <"$T/two")" "200 1 200 0 "
mkfifo "$T/in"
openssl s_client -quiet -connect "127.0.0.1:$API" -CAfile "$T/tls-ca.pem" -cert "$T/alpha.pem" -key "$T/alpha.key" <"$T/in" >"$T/held" 2>/dev/null &
held=$!
exec 9>"$T/in"
printf 'GET /v1/health HTTP/1.1\r\nHost: localhost\r\n\r\n' >&9
wait_for 10 contains "$T/held" '"status":"ok"'
ok "a station is revoked" caportal station revoke alpha
printf 'GET /v1/health HTTP/1.1\r\nHost: localhost\r\n\r\n' >&9
ok "the connection that was open is refused" wait_for 10 contains "$T/held" 'station-revoked'
exec 9>&-
kill "$held" 2>/dev/null; wait "$held" 2>/dev/null
health "$T/alpha2.pem" "$T/alpha2.key"
refused "all its certificates are revoked" 403 station-revoked
health "$T/beta.pem" "$T/beta.key"
is "others are not" "$STATUS" 200
exits "revoking twice finds nothing" 3 caportal station revoke alpha
request back
ok "a revoked station is enrolled anew with --renew" caportal station enrol alpha "$T/back.csr" --renew -o "$T/back.pem"
health "$T/back.pem" "$T/back.key"
is "and let in" "$STATUS" 200

# ---- versions of TLS
tls() { openssl s_client -connect "127.0.0.1:$API" -CAfile "$T/tls-ca.pem" -verify_return_error "$@" </dev/null; }
ok "TLS 1.3 is spoken" tls -tls1_3
ok "TLS 1.2 is spoken" tls -tls1_2
nok "TLS 1.1 is not" tls -tls1_1 -cipher 'ALL:@SECLEVEL=0'
nok "plain HTTP on the TLS port gets no answer of the API" curl -s -f -m 10 "http://127.0.0.1:$API/v1/health"
done_testing
