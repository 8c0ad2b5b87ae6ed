#!/bin/bash
# The HSM's PIN: tried once, and never again by itself.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/vault.sh"

tries() { grep -c '"type":"login"' "$V/state/vault.log"; }
locked() { [ "$(status_of state)" = locked ]; }
no_ca() { [ "$(status_of state)" = no-ca ]; }

need "an empty HSM" vault_new
cp -p "$V/hsm.pin" "$T/right.pin"
(umask 077 && echo 99999999 >"$V/hsm.pin" && echo 88888888 >"$T/other.pin")

need "the vault starts with a wrong PIN" vault_up
ok "and is locked" locked
is "after one try" "$(tries)" 1
like "which it says" "$(cat "$T/vault.log")" 'locked: .*C_Login'
exits "nothing is done" 10 ca_new
like "but to say why" "$ERR" '^hsm-pin: |^hsm-locked: '
stop vault
for n in 1 2 3; do
    need "start $n again" vault_up
    ok "locked" locked
    stop vault
done
is "still after one try" "$(tries)" 1

need "started" vault_up
exits "a wrong PIN typed is refused" 10 tool unlock "$T/other.pin"
like "as such" "$ERR" '^hsm-pin: '
is "that was the second try" "$(tries)" 2
stop vault
need "started" vault_up
ok "locked" locked
is "neither of the two was tried" "$(tries)" 2
ok "the right one typed opens it" tool unlock "$T/right.pin"
ok "open" no_ca
stop vault
need "started" vault_up
ok "but the credential is as wrong as before" locked
is "and was not tried" "$(tries)" 3

# a credential that changes under a running vault
(umask 077 && cp "$T/right.pin" "$V/new" && mv "$V/new" "$V/hsm.pin")
ok "a changed credential is taken without a restart" wait_for 20 no_ca
stop vault
need "started" vault_up
ok "and at the next start" no_ca
stop vault

rm "$V/hsm.pin"
need "started without a credential" vault_up
ok "locked" locked
like "it says what to do" "$(tool status)" 'castation unlock|hsm.pin'
stop vault

chmod 644 "$T/right.pin" && cp "$T/right.pin" "$V/hsm.pin" && chmod 644 "$V/hsm.pin"
need "started with a PIN file that others can read" vault_up
ok "locked" locked
stop vault

chmod 600 "$V/hsm.pin"
echo '{"version":1' >"$V/state/login"
before=$(tries)
need "started with a damaged login file" vault_up
ok "locked" locked
is "nothing was tried" "$(tries)" "$before"
ok "a typed PIN mends it" tool unlock "$V/hsm.pin"
stop vault
need "started" vault_up
ok "open" no_ca
stop vault

# no PIN anywhere it should not be
right=$(cat "$T/right.pin")
is "the PIN is in no file of the vault" "$(grep -rlF -- "$right" "$V/state" "$T/vault.log" "$V/vault.conf" | wc -l)" 0

vault_conf "$SOFTHSM"
sed -i 's/module-path=/pin-value=12345678\&module-path=/' "$V/vault.conf"
exits "a PIN in the configuration is refused" 7 "$BIN/castation-vault" -c "$V/vault.conf"
like "with the reason" "$ERR" 'a PIN never stands in the configuration'
unlike "and without the PIN" "$ERR" 12345678
done_testing
