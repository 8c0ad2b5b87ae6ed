#!/bin/bash
# The disk is full: castationd ends and says so, the vault signs nothing more; with space again, all goes on from where it stood.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/station.sh"
BENCH_POLICY=any BENCH_BAYS=2

small() { mkdir -p "$1" && mount -t tmpfs -o size=16m,mode=0700 none "$1"; }
fill() { dd if=/dev/zero of="$1/filler" bs=4k 2>/dev/null || true; }
bench_folders
[ "$(id -u)" = 0 ] || skip_all "only root may mount a small file system"
small "$BENCH/station" 2>/dev/null || skip_all "a small file system cannot be mounted here"
small "$BENCH/vault"
unmount_and_end() {
    local code=$? folder
    for folder in "$BENCH/station" "$BENCH/vault"; do
        umount -l "$folder" # gone when the last of our processes is
    done
    (exit "$code")
    flow_end
}
trap unmount_and_end EXIT

need "the bench is up, its records on small file systems" bench_up
need "six applications" approve 6
ok "two are made" castation rack feed --count 2
ok "and acknowledged" within 10 deliverable_are 2

# ---- the station's
fill "$BENCH/station"
ok "two blanks are plugged in" castation rack plug 2
ended() { ! kill -0 "${PIDS[station]}" 2>/dev/null; }
ok "castationd ends when it cannot write" within 15 ended
wait "${PIDS[station]}"
is "with the exit code of the machine" "$?" 8
unset "PIDS[station]"
like "and says that the disk is full" "$(cat "$T/station.log")" "station.db.*disk-full"
like "and what to do" "$(cat "$T/station.log")" "Free space; work goes on"
exits "it does not start on a full disk either" 8 timeout 20 "$BIN/castationd" -c "$BENCH/etc/station.conf"
like "for the same reason" "$ERR" "disk-full"
rm "$BENCH/station/filler"
need "with space again it starts" bench_station_start
ok "and makes the two" within 20 deliverable_are 4 || diag "$(castation bays; castation jobs; tail "$T/station.log")"
empty_rack >/dev/null

# ---- the vault's
fill "$BENCH/vault"
ok "two blanks are plugged in" castation rack plug 2
ok "the vault signs nothing: jobs wait" within 15 status_says '.jobs.waiting == 2 or .vault.state != "ready"'
like "castation says why" "$(castation jobs --state waiting --json | jq -r '.jobs[].detail') $(status .vault.detail)" "space|disk|No space"
is "no job fails of it" "$(status '.jobs.failed // 0')" 0
rm "$BENCH/vault/filler"
alive vault || need "the vault is started again" bench_vault_start
ok "with space again the two are made" within 30 deliverable_are 6
ok "everything is settled" within 10 settled
ok "all records are sound" sound
ok "the audit chain is whole" castation audit verify
done_testing
