#!/bin/bash
# The HSM's PIN is wrong: it is tried once and never again by itself, jobs wait and say why, castation unlock lets them go on.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/station.sh"
BENCH_POLICY=any BENCH_BAYS=1

need "the bench is up" bench_up
need "three applications" approve 3
ok "one is made" castation rack feed --count 1
ok "and acknowledged" within 10 deliverable_are 1
made=$(db "SELECT serial FROM tokens WHERE state = 'deliverable'")

stop vault
cp "$BENCH/secrets/hsm.pin" "$T/right"
printf '12345678\n' >"$BENCH/secrets/hsm.pin"
refusals() { grep -c '"outcome":"hsm-pin"' "$VAULT_LOG"; }
ok "the vault starts all the same" bench_vault_start
is "the PIN was tried" "$(refusals)" 1
ok "status says that the vault is locked" within 10 status_says '.vault.state == "locked"'
like "and why" "$(status .vault.detail)" "PIN"
run castation ca show
is "castation ca show, too" "$CODE" 10
ok "a token is plugged in" castation rack plug
sleep 1
is "it waits; nothing has begun" "$(status '.jobs | [.active // 0, .queued // 0, .failed // 0] | join(" ")')" "0 2 0"
exits "a letter is refused" 10 castation letter "$made" -o "$T/letter"
like "with the way out" "$ERR" "castation unlock"
nok "it leaves no file" test -e "$T/letter"

stop vault
ok "the vault is started again" bench_vault_start
ok "it is locked again" within 10 status_says '.vault.state == "locked"'
is "and has not tried that PIN a second time" "$(refusals)" 1
unlock_with() { castation unlock --fd 5 5<"$1"; }
printf '87654321\n' >"$T/wrong"
exits "a wrong PIN typed is refused" 10 unlock_with "$T/wrong"
is "it was tried, because it was typed" "$(refusals)" 2
ok "the right one unlocks" unlock_with "$T/right"
ok "the job goes on" within 20 deliverable_are 2
ok "the letter that was refused can be printed" castation letter "$made" -o "$T/letter"

# ---- a changed credential is tried without anybody
stop vault
ok "the vault is started with the wrong credential again" bench_vault_start
ok "it is locked" within 10 status_says '.vault.state == "locked"'
is "not tried" "$(refusals)" 2
cat "$T/right" >"$BENCH/secrets/hsm.pin"
ok "the credential is put right: the vault logs in by itself" within 10 status_says '.vault.state == "ready"'
ok "the bay is emptied" empty_rack
ok "the last one" castation rack plug
ok "is made" within 20 deliverable_are 3
unlike "no PIN stands in any log" "$(cat "$T"/*.log "$VAULT_LOG")" "$(cat "$T/right")|12345678|87654321"
ok "all records are sound" sound
done_testing
