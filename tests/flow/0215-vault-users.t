#!/bin/bash
# Who may speak to the vault, and what its process may do.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/vault.sh"
[ "$(id -u)" = 0 ] || skip_all "another user is needed, and only root can be one"
command -v setpriv >/dev/null || skip_all "setpriv is not installed"

# the socket within everybody's reach, so that it is the vault who refuses
mkdir -m 755 "$T/tools" && cp "$BIN/vault_tool" "$T/tools/" && chmod 711 "$T" && chmod 755 "$RUN"
as_nobody() {
    setpriv --reuid=65534 --regid=65534 --clear-groups env ASAN_OPTIONS=detect_leaks=0 "$T/tools/vault_tool" "$RUN/v" "$@"
}
need "an HSM" vault_new
need "a vault" vault_up
like "it says that it has no user of its own" "$(cat "$T/vault.log")" 'runs as the same user as its clients'
is "its socket is its own" "$(stat -c %a "$RUN/v")" 600
nok "another user does not get through" as_nobody status
stop vault

vault_conf "$SOFTHSM" 'allow_users = ["daemon"];'
: >"$T/vault.log"
need "a vault with clients of another user" vault_up
unlike "does not say so" "$(cat "$T/vault.log")" 'runs as the same user as its clients'
nok "a user who is not among them is sent away" as_nobody status
like "by the vault" "$(cat "$T/vault.log")" 'a connection of user 65534 was refused'
is "its own user is not" "$(status_of state)" no-ca
stop vault

vault_conf "$SOFTHSM" 'allow_users = ["daemon", "65534"];'
need "a vault with this one among them" vault_up
ok "lets him in" as_nobody status

pid=${PIDS[vault]}
is "no new privileges" "$(awk '$1 == "NoNewPrivs:" { print $2 }' "/proc/$pid/status")" 1
is "no core" "$(awk '/Max core file size/ { print $5, $6 }' "/proc/$pid/limits")" "0 0"
is "its files are its own" "$(find "$V/state" -type f -perm /077 ! -name '*.pem' | wc -l)" 0
is "no PIN in its arguments or environment" "$(tr '\0' '\n' <"/proc/$pid/cmdline" | cat - <(tr '\0' '\n' <"/proc/$pid/environ") |
    grep -cF -- "$(cat "$V/hsm.pin")")" 0
is "no database and no network library is loaded" "$(grep -cE 'libsqlite|libcurl' "/proc/$pid/maps")" 0
stop vault
done_testing
