#!/bin/bash
# The HSM goes away in the middle of the work and comes back: jobs wait, the vault is started again until the HSM is there, and
# everything goes on; nothing is signed twice. The HSM is SoftHSM behind p11-kit's server, so that it can be killed.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/station.sh"
BENCH_POLICY=any BENCH_BAYS=2

CLIENT=$(pkg-config --variable=p11_module_path p11-kit-1)/p11-kit-client.so
[ -f "$CLIENT" ] || skip_all "p11-kit-client.so is not installed"
export P11_KIT_SERVER_ADDRESS=unix:path=$RUN/hsm
BENCH_HSM_URI="pkcs11:token=castation-hsm?module-path=$CLIENT"
hsm_start() {
    rm -f "$RUN/hsm"
    # a session of its own: the server forks one process a client, and all of them are the HSM
    start hsm setsid env SOFTHSM2_CONF="$BENCH/hsm/softhsm2.conf" p11-kit server -f -n "$RUN/hsm" --provider "$SOFTHSM" pkcs11:token=castation-hsm
    wait_for 10 test -S "$RUN/hsm"
}
hsm_dies() {
    kill -KILL -- "-${PIDS[hsm]}"
    wait "${PIDS[hsm]}" 2>/dev/null
    unset "PIDS[hsm]"
}
bench_vault_start() {
    hsm_start && bench_write_vault_conf
    start vault supervise vault "$BIN/castation-vault" -c "$BENCH/etc/vault.conf"
    wait_for 20 vault_answers
}
need "the bench is up, its HSM behind a server" bench_up
need "an application" approve 1
ok "a token is made" castation rack feed --count 1
first=$(cat "$RUN/vault.pid")

for round in 1 2 3; do
    need "round $round: four applications" approve 4
    start feed "$BIN/castation" -c "$BENCH/etc/station.conf" rack feed
    [ "$round" = 1 ] || sleep "0.$round" # another moment of the work each time
    hsm_dies
    ok "round $round: status tells that the vault has no HSM" within 15 status_says '.vault.state != "ready" and .vault.detail != ""'
    ok "round $round: jobs wait, none fails" within 15 status_says '((.jobs.waiting // 0) + (.jobs.queued // 0) > 0) and (.jobs.failed // 0) == 0'
    [ "$round" != 2 ] || sleep 2 # longer than one try of the supervisor
    need "round $round: the HSM is back" hsm_start
    ok "round $round: everything is made" within 40 deliverable_are $((1 + 4 * round))
    stop feed
    empty_rack >/dev/null
done
isnt "the vault was started again" "$(cat "$RUN/vault.pid")" "$first"
is "by its supervisor, who was asked with exit code 75" "$(alive vault && echo lives)" lives
ok "everything is settled" within 10 settled
is "no application has failed" "$(db "SELECT COUNT(*) FROM jobs WHERE state NOT IN ('done')")" 0
is "each has one standing certificate at the portal" \
    "$(portal_db "SELECT COUNT(*), COUNT(DISTINCT application) FROM certificate WHERE voided_at IS NULL")" "13|13"
ok "all records are sound" sound
stop vault
hsm_dies
done_testing
