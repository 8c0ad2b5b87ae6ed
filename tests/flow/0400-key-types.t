#!/bin/bash
# From an approved application to a token that outsiders take for good, in each key type.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/station.sh"

# shellcheck disable=SC2317
p11() { GNUTLS_PIN=$PIN p11tool --provider "$SOFTHSM" --login "$@"; }
sc() { PIN=$PIN pkcs11-tool --module "$SOFTHSM" --login --pin env:PIN "$@"; }

need "the bench is up" bench_up
declare -A app_of
for type in p256 p384 rsa2048 rsa3072; do
    need "an application for org-sign-$type" approve 1 "org-sign-$type"
    app_of[$type]=$APP
done
ok "four tokens are made" castation rack feed --count 4
ok "and acknowledged" within 10 deliverable_are 4
ok "all records are sound" sound

for type in "${!app_of[@]}"; do
    app=${app_of[$type]}
    serial=$(job "$app" .job.token)
    castation token "$serial" --json | jq .token >"$T/token.json"
    organisation=$(jq -r .organisation "$T/token.json")
    jq -r .certificate "$T/token.json" >"$T/certificate.pem"
    export SOFTHSM2_CONF=$BENCH/drawer/$serial/softhsm2.conf
    id=$(jq -r .key_id "$T/token.json")
    ok "$type: the letter" castation letter "$serial" -o "$T/$type.txt"
    PIN=$(sed -n 's/^PIN: //p' "$T/$type.txt")

    ok "$type: openssl verifies the chain, strictly" openssl verify -x509_strict -CAfile "$BENCH/ca.pem" "$T/certificate.pem"
    ok "$type: certtool does, too" certtool --verify --load-ca-certificate "$BENCH/ca.pem" --infile "$T/certificate.pem"
    like "$type: the certificate is the organisation's" "$(openssl x509 -in "$T/certificate.pem" -noout -subject -nameopt utf8,sep_comma_plus)" \
        "C=CN,.*O=$organisation,CN=$organisation"
    is "$type: the portal has that very certificate" \
        "$(portal_db "SELECT serial FROM certificate WHERE application = '$app' AND token_serial = '$serial'")" \
        "$(openssl x509 -in "$T/certificate.pem" -noout -serial | sed 's/.*=//' | tr A-F a-f)"

    run p11 --list-all "pkcs11:serial=$serial" --only-urls
    percent=$(fold -w2 <<<"$id" | sed 's/^/%/' | tr -d '\n' | tr a-f A-F)
    is "$type: p11tool lists key and certificate as a pair" \
        "$(grep -oE "id=$percent;.*type=(cert|private)" <<<"$OUT" | sed 's/.*type=//' | sort | tr '\n' ' ')" "cert private "
    ok "$type: p11tool signs and verifies" p11 --test-sign "pkcs11:serial=$serial;id=$percent;type=private"
    ok "$type: pkcs11-tool --test" sc --test
    like "$type: with no errors" "$OUT" "No errors"
    openssl x509 -in "$T/certificate.pem" -noout -pubkey >"$T/key.pem"
    head -c 32 /dev/urandom >"$T/data"
    if [[ $type = p* ]]; then
        ok "$type: OpenSC signs" sc --sign --id "$id" -m ECDSA --signature-format openssl -i "$T/data" -o "$T/sig"
        ok "$type: openssl verifies it by the certificate" openssl pkeyutl -verify -pubin -inkey "$T/key.pem" -in "$T/data" -sigfile "$T/sig"
    else
        ok "$type: OpenSC signs" sc --sign --id "$id" -m SHA256-RSA-PKCS -i "$T/data" -o "$T/sig"
        ok "$type: openssl verifies it by the certificate" openssl dgst -sha256 -verify "$T/key.pem" -signature "$T/sig" "$T/data"
    fi
    rm -rf "$T/nss" && mkdir "$T/nss"
    certutil -N -d "sql:$T/nss" --empty-password
    modutil -dbdir "sql:$T/nss" -add token -libfile "$SOFTHSM" -force >/dev/null 2>&1
    printf %s "$PIN" >"$T/pin"
    run certutil -L -d "sql:$T/nss" -f "$T/pin" -h all
    like "$type: NSS lists the certificate with its key" "$OUT" "$organisation.* u,u,u"
done
done_testing
