#!/bin/bash
# A CA of each key type is made in an empty HSM, is what other tools call a CA, signs, and is never overwritten.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/vault.sh"

for type in P-256 P-384 RSA-3072 RSA-4096; do
    V=$T/$type
    need "$type: an empty HSM" vault_new
    need "$type: the vault starts" vault_up
    is "$type: and says that there is no CA" "$(status_of state)" no-ca
    ok "$type: a CA is made" ca_new "$type"
    is "$type: it is ready" "$(status_of state) $(status_of ca)" "ready $type"
    ok "$type: openssl verifies the root" openssl verify -x509_strict -check_ss_sig -CAfile "$V/ca.pem" "$V/ca.pem"
    text=$(openssl x509 -in "$V/ca.pem" -noout -text)
    like "$type: it is a CA, critical, with no CA below it" "$text" 'Basic Constraints: critical[[:space:]]*CA:TRUE, pathlen:0'
    like "$type: it may sign certificates and CRLs" "$text" 'Key Usage: critical[[:space:]]*Certificate Sign, CRL Sign'
    ok "$type: certtool finds no fault with it" certtool --verify --load-ca-certificate "$V/ca.pem" --infile "$V/ca.pem"
    ok "$type: both public keys are written" openssl pkey -pubin -in "$V/state/pin-sealing.pem" -noout
    ok "$type: both public keys are written" openssl pkey -pubin -in "$V/state/audit.pem" -noout

    before=$(sha256sum "$V/ca.pem")
    exits "$type: a second one is refused" 4 ca_new "$type"
    like "$type: because there is one" "$ERR" '^exists: '
    mv "$V/ca.pem" "$V/away.pem"
    exits "$type: also while its file is away" 4 ca_new P-256
    mv "$V/away.pem" "$V/ca.pem"
    is "$type: the file is as it was" "$(sha256sum "$V/ca.pem")" "$before"

    need "$type: an approved application" papers "$T/a-$type" CA-1
    ok "$type: a certificate is signed" make_certificate "$T/a-$type" job-1 TOKEN-1
    openssl x509 -inform DER -in "$T/a-$type/cert.der" -out "$T/a-$type/cert.pem"
    ok "$type: openssl verifies it" openssl verify -x509_strict -CAfile "$V/ca.pem" "$T/a-$type/cert.pem"
    ok "$type: certtool verifies it" certtool --verify --load-ca-certificate "$V/ca.pem" --infile "$T/a-$type/cert.pem"

    stop vault
    is "$type: it ends cleanly" "$CODE" 0
    need "$type: it starts again" vault_up
    is "$type: and is ready" "$(status_of state) $(status_of signed)" "ready 1"
    stop vault
done

# every key is one that cannot leave
keys=$(pkcs11-tool --module "$SOFTHSM" --token-label castation-hsm --login --pin "$(cat "$V/hsm.pin")" -O 2>/dev/null)
is "four keys of the vault, three pairs and a secret" \
    "$(grep -c 'label: *castation' <<<"$keys") $(grep -cE '^(Private Key|Secret Key)' <<<"$keys")" "7 4"
is "all sensitive" "$(grep -c 'Access: *sensitive, always sensitive, never extractable, local' <<<"$keys")" 4

# fields of the ceremony
V=$T/fields
need "another empty HSM" vault_new
need "the vault starts" vault_up
exits "a country in small letters is refused" 4 tool ca-init cn 机构 根 P-256 3650
exits "an empty name is refused" 4 tool ca-init CN '' 根 P-256 3650
exits "65 characters are refused" 4 tool ca-init CN "$(printf '机%.0s' {1..65})" 根 P-256 3650
exits "RSA-2048 is no key of a CA" 4 tool ca-init CN 机构 根 RSA-2048 3650
exits "no days are refused" 4 tool ca-init CN 机构 根 P-256 0
is "nothing was made" "$(status_of state)" no-ca
stop vault

# a ceremony that cannot write the certificate: the log has it, and the vault finishes when it can
V=$T/nowhere
need "an HSM once more" vault_new
sed -i "s#$V/ca.pem#$V/folder/ca.pem#" "$V/vault.conf"
need "a vault whose certificate has no folder" vault_up
exits "its ceremony fails" 3 ca_new
like "naming the folder" "$ERR" "$V/folder"
exits "a second one is refused" 4 ca_new
like "and told how it goes on" "$ERR" 'written when the vault starts'
like "the status says what is missing" "$(tool status)" "$V/folder/ca.pem"
stop vault
mkdir "$V/folder"
need "with the folder there it starts" vault_up
is "and has its CA" "$(status_of state)" ready
stop vault
done_testing
