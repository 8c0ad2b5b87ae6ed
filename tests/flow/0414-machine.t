#!/bin/bash
# What is wrong with the machine is said at the start, by name: configurations, a second castationd, sockets, databases that are
# locked, newer or none at all. Nothing is lost by it.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/station.sh"
BENCH_POLICY=any BENCH_BAYS=1

need "the bench is up" bench_up
station() { timeout -k 5 20 "$BIN/castationd" -c "${1:-$BENCH/etc/station.conf}"; }

# ---- configurations: file and line
stop station
while read -r change wanted; do
    sed "$change" "$BENCH/etc/station.conf" >"$T/station.conf"
    exits "castationd, $change" 7 station "$T/station.conf"
    like "names file and line" "$ERR" "$wanted"
done <<'END'
2s/^database/datbase/ station.conf:2:.datbase
/poll_seconds/s/1/0/ station.conf:[0-9]+:.*poll_seconds
/bays/s/[0-9]/"x"/ station.conf:[0-9]+:.*bays
2s/;/(/ station.conf:[0-9]+:
END
sed '/^name/d' "$BENCH/etc/station.conf" >"$T/station.conf"
exits "a missing key" 7 station "$T/station.conf"
like "is named" "$ERR" "station.conf: name"
sed 's/product = .*/product = "bestcard";/' "$BENCH/etc/station.conf" >"$T/station.conf"
exits "an unknown product" 7 station "$T/station.conf"
like "is named, too" "$ERR" "bestcard"
stop vault
sed '1s/^hsm/hms/' "$BENCH/etc/vault.conf" >"$T/vault.conf"
exits "castation-vault with an unknown key" 7 "$BIN/castation-vault" -c "$T/vault.conf"
like "names file and line" "$ERR" "vault.conf:1: hms"
need "the vault starts again" bench_vault_start

echo 'colour = "red";' >>"$BENCH/etc/bay.conf"
need "castationd starts with a worker's configuration that is wrong" bench_station_start
castation rack plug >/dev/null
ok "the bay is refused" within 20 bay_is 1 refused
like "because its worker ended" "$(bay 1 .detail)" "worker ended: exit code 7"
like "and the log names file and line" "$(cat "$T/station.log")" "bay.conf:[0-9]+: colour"
bench_write_bay_conf
empty_rack >/dev/null

# ---- one castationd a database, one a socket
pid=${PIDS[station]}
exits "a second castationd on the same database" 5 station
like "is refused by the first one's process" "$ERR" "station.db is held by process $pid"
sed "s|station/station.db|station/other.db|" "$BENCH/etc/station.conf" >"$T/station.conf"
exits "a second one on the same control socket" 5 station "$T/station.conf"
like "is refused, too" "$ERR" "control"
ok "the first one has not noticed" castation status
strike station
ok "a socket that a dead one left" test -S "$RUN/control"
need "does not keep castationd from starting" bench_station_start
stop station
nok "a stopped one leaves none" test -e "$RUN/control"
echo precious >"$RUN/control"
exits "what is there and no socket" 4 station
like "is named" "$ERR" "$RUN/control"
is "and kept" "$(cat "$RUN/control")" precious
rm "$RUN/control"

# ---- databases
version=$(db 'PRAGMA user_version')
sqlite3 "$DB" 'PRAGMA user_version = 999'
exits "a database of a newer castationd" 8 station
like "is left alone" "$ERR" "station.db: its schema is version 999, this program knows $version.*Upgrade"
exits "by castation audit, too" 8 castation audit verify
sqlite3 "$DB" "PRAGMA user_version = $version"
mv "$DB" "$T/station.db"
mv "$BENCH"/station/station.db-* "$T/" 2>/dev/null
head -c 100000 /dev/urandom >"$DB"
sum=$(sha256sum <"$DB")
exits "a file that is no database" 8 station
like "is named" "$ERR" "station.db: .*not a database"
is "and kept as it is" "$(sha256sum <"$DB")" "$sum"
rm -f "$DB"*
mv "$T"/station.db* "$BENCH/station/"

hold() { # another program takes the database and keeps it
    coproc HOLDER { sqlite3 "$DB"; }
    printf '.timeout 5000\nBEGIN EXCLUSIVE;\nSELECT "held";\n' >&"${HOLDER[1]}"
    read -r -t 10 answer <&"${HOLDER[0]}" && [ "$answer" = held ]
}
let_go() {
    printf 'ROLLBACK;\n.quit\n' >&"${HOLDER[1]}"
    wait "$HOLDER_PID" 2>/dev/null
}
need "castationd starts with its own database" bench_station_start
need "an application" approve 1
castation rack plug >/dev/null
within 10 job_is "$APP" active
need "another program locks the database" hold
wait "${PIDS[station]}"
is "castationd ends" "$?" 8
unset "PIDS[station]"
like "and says why" "$(cat "$T/station.log")" "database is locked.*database-busy|locked by another program"
like "and what becomes of the work" "$(cat "$T/station.log")" "its journal tells where to go on"
exits "started meanwhile, it says so again" 8 station
like "with the file" "$ERR" "station.db: .*locked"
let_go
need "when it is free, castationd starts" bench_station_start
ok "and the job goes on" within 20 deliverable_are 1
ok "everything is settled" within 5 settled
ok "all records are sound" sound
done_testing
