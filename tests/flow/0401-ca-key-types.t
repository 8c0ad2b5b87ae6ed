#!/bin/bash
# A CA of each key type makes a token whose chain verifies.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/station.sh"
BENCH_POLICY=any BENCH_BAYS=1

for type in P-384 RSA-3072 RSA-4096; do
    BENCH_CA_KEY=$type
    need "$type: the bench is up" bench_up
    need "$type: an application" approve 1
    ok "$type: a token is made" castation rack feed --count 1
    ok "$type: and acknowledged" within 10 deliverable_are 1
    token "$(job "$APP" .job.token)" .certificate >"$T/certificate.pem"
    ok "$type: openssl verifies it" openssl verify -x509_strict -CAfile "$BENCH/ca.pem" "$T/certificate.pem"
    ok "$type: certtool, too" certtool --verify --load-ca-certificate "$BENCH/ca.pem" --infile "$T/certificate.pem"
    like "$type: the CA's key" "$(openssl x509 -in "$BENCH/ca.pem" -noout -text)" "Public-Key: \(${type#*-} bit\)"
    case $type in P-384) signature=ecdsa-with-SHA384 ;; RSA-4096) signature=sha384WithRSAEncryption ;; *) signature=sha256WithRSAEncryption ;; esac
    like "$type: the signature" "$(openssl x509 -in "$T/certificate.pem" -noout -text)" "Signature Algorithm: $signature"
    ok "$type: all records are sound" sound
    bench_down
    rm -rf "$BENCH"
done
done_testing
