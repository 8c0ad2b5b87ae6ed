#!/bin/bash
# make bench: tokens per second, as ratios to a floor measured in the same run: the bare PKCS#11 calls of one token.
# Tokens on tmpfs, databases on disk. BENCH_N=tokens of each run, BENCH_BAYS="1 4" bays.
set -euo pipefail
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
BIN=${CASTATION_BUILD:-$ROOT/build/release}
N=${N:-100}
export LC_ALL=C.UTF-8
WORK=$ROOT/build/bench
TMPFS=$(mktemp -d /dev/shm/castation-bench-XXXXXX)
RUN=$(mktemp -d /tmp/castation-XXXXXX)
rm -rf "$WORK"
mkdir -p "$WORK"
BENCH=$WORK/none BENCH_POLICY=any
# shellcheck source=../../demo/bench.sh
. "$ROOT/demo/bench.sh"
the_end() {
    stop_all
    rm -rf "$TMPFS" "$RUN"
}
trap the_end EXIT

rss() { # NAME PID: resident memory in MB
    awk -v n="$1" '/^VmRSS/ {printf "  %-16s %6.1f MB\n", n, $2 / 1024}' "/proc/$2/status"
}
memory() {
    rss castationd "${PIDS[station]}"
    rss castation-vault "$(cat "$RUN/vault.pid")"
    rss caportald "${PIDS[portal]}"
    local bay
    bay=$(pgrep -P "${PIDS[station]}" castation-bay | head -1) || true
    [ -z "$bay" ] || rss castation-bay "$bay" || true # it may have ended by now
}

run() { # BAYS → seconds
    BENCH=$WORK/bays-$1 BENCH_BAYS=$1 LOGS=$WORK/bays-$1/log
    mkdir -p "$BENCH" "$TMPFS/$1"/{blanks,done}
    rm -f "$RUN"/*
    ln -s "$TMPFS/$1/rack" "$BENCH/rack"
    mkdir -p "$TMPFS/$1/rack"
    bench_up bench-1 >"$BENCH/up.log" 2>&1
    for ((i = 0; i < N; i++)); do
        "$BIN/castation-blank" token "$TMPFS/$1/blanks/$i" >/dev/null
    done
    "$ROOT/demo/applications.sh" "$N" 1000 | jq '[.[] | .profile = "org-sign-p256"]' >"$BENCH/applications.json"
    bench_approve "$BENCH/applications.json" >/dev/null
    (sleep 0.7; memory) >"$BENCH/memory" 2>/dev/null &
    "$BIN/feeder" "$RUN/control" "$BENCH/rack" "$TMPFS/$1/blanks" "$TMPFS/$1/done" "$1" "$N" >"$BENCH/seconds"
    wait $!
    bench_down
}

steps() { # BAYS: median milliseconds of each step
    sqlite3 -separator ' ' "$WORK/bays-$1/station/station.db" "
      SELECT i.step, (julianday(d.at) - julianday(i.at)) * 86400000 FROM journal i
      JOIN journal d ON d.job = i.job AND d.step = i.step AND d.attempt = i.attempt AND d.phase = 'done'
      WHERE i.phase = 'intent'" | sort -k1,1 -k2,2n | awk '
      $1 != s {if (s) out(); s = $1; n = 0} {v[n++] = $2} END {out()}
      function out() {printf "  %-16s %6.1f ms\n", s, v[int(n / 2)]}'
}

"$BIN/castation-blank" token "$TMPFS/floor" >/dev/null
floor=$("$BIN/floor" "$TMPFS/floor/softhsm2.conf" 50)
awk -v f="$floor" 'BEGIN {printf "floor: bare PKCS#11 calls %.1f ms a token, %.1f tokens/s\n", f * 1000, 1 / f}'
for bays in ${BAYS:-1 4}; do
    run "$bays"
    awk -v s="$(cat "$WORK/bays-$bays/seconds")" -v n="$N" -v f="$floor" -v b="$bays" 'BEGIN {
        printf "%d bay%s: %d tokens in %.2f s, %.1f tokens/s, %.2f of the floor\n", b, (b > 1 ? "s" : ""), n, s, n / s, n / s * f}'
    echo " median time of each step"
    steps "$bays"
    echo " resident memory"
    cat "$WORK/bays-$bays/memory"
done
