#!/bin/bash
# The machine's clock is behind what the journal has seen: nothing is begun, the operator is told, and when it is right again the
# work goes on. The journal is given an entry of an hour ahead, which is the same as a clock that was set back by an hour.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/station.sh"
BENCH_POLICY=any BENCH_BAYS=1

need "the bench is up" bench_up
need "two applications" approve 2
ok "one is made" castation rack feed --count 1
ok "and acknowledged" within 10 deliverable_are 1
entries() { db "SELECT COUNT(*) FROM journal"; }
stop station
sqlite3 "$DB" "INSERT INTO journal(job, step, attempt, phase, at, evidence)
    SELECT job, step, attempt, phase, strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '+1 hour'), '{}' FROM journal ORDER BY seq DESC LIMIT 1"
ahead=$(db "SELECT at FROM journal ORDER BY seq DESC LIMIT 1")
need "castationd starts all the same" bench_station_start
blank
ok "a token is plugged in" plug
ok "its job waits" within 10 status_says '.jobs.waiting == 1'
APP=${APPS[1]}
like "for the clock" "$(job "$APP" .job.detail)" "clock is behind the journal, which was at ${ahead%%.*}.* already: set it right"
like "castation status says so" "$(status '[.alerts[] | select(.code == "clock").text] | join("; ")')" "clock is behind .*; nothing is begun meanwhile"
before=$(entries)
exits "an operator's retry" 0 castation retry "$APP"
sleep 0.5
is "does not help" "$(job "$APP" .job.state)" waiting
is "and leaves no trace in the journal" "$(entries)" "$before"
is "the alert is given once" "$(status '[.alerts[] | select(.code == "clock")] | length')" 1
is "the token is untouched" "$(bay 1 .state) $(token "$BLANK" .so_pin)" "working factory"

stop station
is "castationd stops cleanly" "$CODE" 0
# the hour has passed
sqlite3 "$DB" "DROP TRIGGER journal_no_delete; DELETE FROM journal WHERE at = '$ahead'"
need "the clock is right again" bench_station_start
ok "the job goes on" within 20 deliverable_are 2
is "with that token" "$(job "$APP" .job.token)" "$BLANK"
ok "everything is settled" within 5 settled
ok "all records are sound" sound
done_testing
