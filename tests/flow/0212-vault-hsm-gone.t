#!/bin/bash
# An HSM that goes away: the vault ends with 75 and goes on where it was when the HSM is back.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/vault.sh"

client=$(find /usr/lib -name p11-kit-client.so 2>/dev/null | head -1)
[ -n "$client" ] || skip_all "p11-kit-client.so is not installed"
export P11_KIT_SERVER_ADDRESS=unix:path=$RUN/p11

# In a process group of its own: each connection has a process too.
hsm_up() {
    rm -f "$RUN/p11"
    setsid p11-kit server --provider "$SOFTHSM" -f -n "$RUN/p11" 'pkcs11:' >>"$T/p11.log" 2>&1 </dev/null &
    HSM_GROUP=$!
    wait_for 10 test -S "$RUN/p11"
}
hsm_down() {
    kill -KILL -- "-$HSM_GROUP" 2>/dev/null
    wait "$HSM_GROUP" 2>/dev/null
    true
}
trap 'hsm_down; flow_end' EXIT

need "an empty HSM" vault_new "$client"
need "behind another process" hsm_up
need "the vault starts" vault_up
ok "a CA is made" ca_new
need "an application" papers "$T/a" CA-1
need "and its serial number" tool reserve "$T/a" job-1 TOKEN-1
need "and its TBS" tool build "$T/a" "$ROOT/profiles"

hsm_down
exits "the HSM gone: sign says so" 10 tool sign "$T/a" job-1 TOKEN-1
like "as such" "$ERR" '^hsm-gone: '
ok "and the vault ends" wait_for 20 vault_ended
stop vault
is "to be started again" "$CODE" 75
like "which it says" "$(cat "$T/vault.log")" 'to be started again'

exits "started without the HSM it ends again" 75 "$BIN/castation-vault" -c "$V/vault.conf"
need "the HSM is back" hsm_up
need "so is the vault" vault_up
is "ready, without anybody's doing" "$(status_of state)" ready
like "its log knows of no signature" "$(tool lookup "$T/a")" '^(never|intent) $'
ok "and signs" tool sign "$T/a" job-1 TOKEN-1
is "once" "$(log_types | tr ' ' '\n' | grep -c '^signature$')" 1
is "with the serial number of before" "$(openssl x509 -inform DER -in "$T/a/cert.der" -noout -serial | tr 'A-F' 'a-f')" \
    "serial=$(cat "$T/a/serial")"

hsm_down
ok "a vault that nobody asks notices by itself" wait_for 20 vault_ended
stop vault
is "and ends to be started again" "$CODE" 75

# an HSM that hangs: no call returns any more
need "the HSM is back" hsm_up
vault_conf "$client" 'hsm_seconds = 2;'
need "so is the vault, with a short patience" vault_up
need "another application" papers "$T/b" CA-2
kill -STOP -- "-$HSM_GROUP"
exits "an HSM that hangs: reserve gets no answer" 5 tool reserve "$T/b" job-2 TOKEN-2
ok "and the vault ends" wait_for 20 vault_ended
stop vault
is "to be started again" "$CODE" 75
like "which it says" "$(cat "$T/vault.log")" 'did not answer in time'
done_testing
