#!/bin/bash
# A token that castation-bay made is what other people's tools take for one: key and certificates listed as pairs, the
# key signs, and cannot leave.
. "$(dirname "$0")/lib.sh"
module=/usr/lib/softhsm/libsofthsm2.so

p11() { GNUTLS_PIN=$PIN p11tool --provider "$module" --login "$@"; }
sc() { PIN=$PIN pkcs11-tool --module "$module" --login --pin env:PIN "$@"; }
nss() { certutil -d "sql:$D/nss" -f "$D/pin" "$@"; }

for type in P-256 P-384 RSA-2048 RSA-3072; do
    D=$T/$type
    need "a $type token is made" "$BIN/bay_make" "$D" "$type"
    export SOFTHSM2_CONF=$D/token/softhsm2.conf
    PIN=$(cat "$D/pin")
    id=$(cat "$D/id")
    token="pkcs11:serial=$(cat "$D/serial")"
    percent=$(fold -w2 <<<"${id^^}" | sed 's/^/%/' | tr -d '\n')

    # GnuTLS
    run p11 --list-all "$token" --only-urls
    for kind in cert private public; do
        is "p11tool lists one $kind under the key's id" "$(grep -c "id=$percent;.*type=$kind" <<<"$OUT")" 1
    done
    is "p11tool lists no other key" "$(grep -c 'type=\(private\|public\)' <<<"$OUT")" 2
    run p11 --list-all "$token"
    like "p11tool names the CA a CA" "$OUT" "CKA_CERTIFICATE_CATEGORY=CA"
    unlike "no object is marked trusted" "$OUT" "CKA_TRUSTED"
    run p11 --export "$token;id=$percent;type=cert"
    is "p11tool exports the certificate that was written" "$OUT" "$(cat "$D/certificate.pem")"
    ok "p11tool signs with the key and verifies" p11 --test-sign "$token;id=$percent;type=private"

    # OpenSC
    run sc -O
    is "pkcs11-tool lists key, public key and certificate under one id" "$(grep -c "ID: *$id" <<<"$OUT")" 3
    like "the private key is local, sensitive, never extractable" "$OUT" "sensitive, always sensitive, never extractable, local"
    is "it does nothing but sign" "$(grep -A3 '^Private Key' <<<"$OUT" | sed -n 's/.*Usage: *//p')" sign
    ok "pkcs11-tool --test passes" sc --test
    like "with no errors" "$OUT" "No errors"
    head -c 32 /dev/urandom >"$D/hash"
    case $type in
    P-*)
        ok "OpenSC signs" sc --sign --id "$id" -m ECDSA --signature-format openssl -i "$D/hash" -o "$D/sig"
        openssl x509 -in "$D/certificate.pem" -noout -pubkey >"$D/key.pem"
        ok "openssl verifies it" openssl pkeyutl -verify -pubin -inkey "$D/key.pem" -in "$D/hash" -sigfile "$D/sig"
        ;;
    RSA-*)
        ok "OpenSC signs" sc --sign --id "$id" -m SHA256-RSA-PKCS -i "$D/hash" -o "$D/sig"
        openssl x509 -in "$D/certificate.pem" -noout -pubkey >"$D/key.pem"
        ok "openssl verifies it" openssl dgst -sha256 -verify "$D/key.pem" -signature "$D/sig" "$D/hash"
        ;;
    esac

    # NSS
    mkdir "$D/nss"
    certutil -N -d "sql:$D/nss" --empty-password
    modutil -dbdir "sql:$D/nss" -add token -libfile "$module" -force >/dev/null 2>&1
    run nss -L -h all
    like "NSS pairs the certificate with its key" "$OUT" "张三 signing +u,u,u"
    unlike "and the CA's with none" "$OUT" "CA +u,u,u"
    run nss -K -h all
    like "NSS lists the key under the same id" "$OUT" "$id"

    # the wrong PIN opens nothing
    nok "another PIN is refused" env PIN=wrong-pin pkcs11-tool --module "$module" --login --pin env:PIN -O
done
done_testing
