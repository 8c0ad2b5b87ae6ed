#!/bin/bash
# A job is given up while nobody knows whether the vault reserved a serial number for it: the reservation is voided by the
# job's name, and neither the application nor other jobs are held up.
. "$(dirname "$0")/lib.sh"

prepared() { new_application && plug; }
need "the bench is up" crash_up
need "an application and a token" prepared
station_start CASTATION_CRASH=reserve.after_act
need "castationd dies with the vault's answer in its hands" is_killed station
JOB=$(job_column id)
reserved() { grep -c '"type":"reserve"' "$VAULT_LOG"; }
voided() { grep -c '"type":"void"' "$VAULT_LOG"; }
is "the vault has reserved" "$(reserved)" 1
is "and the station does not know what" "$(job_column "COALESCE(LENGTH(serial_number), 0)")" 0

# given up, as for a lease that was lost: the last intent's outcome, the job, the token, the voiding
given_up() {
    sqlite3 -bail "$DB" "
        INSERT INTO journal(job, step, attempt, phase, at, evidence) VALUES('$JOB', 'reserve', 1, 'unknown', '', '{}');
        UPDATE jobs SET state = 'abandoned' WHERE id = '$JOB';
        UPDATE tokens SET state = 'quarantined' WHERE serial = '$TOKEN';
        INSERT INTO to_void VALUES('v-1', '$JOB', '$APP', 1, '$TOKEN', '', '', 'the lease is lost', '', 0, '2026', '2026');
        INSERT INTO to_void VALUES('v-2', 'never-reserved', 'CA-0', 1, '$TOKEN', '', '', 'the lease is lost', '', 0, '2026', '2026');"
}
need "the job is given up" given_up
station_start
void_is_done() { [ "$(db "SELECT COUNT(*) FROM to_void WHERE vault_done = 1")" = 2 ]; }
ok "both voidings come to their end" within 10000 void_is_done
is "the vault has voided its reservation, once" "$(voided)" 1
is "and the portal is told nothing: nothing was signed" "$(db "SELECT COUNT(*) FROM outbox WHERE kind = 'void'")" 0
stop station
need "the rack is emptied" empty_rack
ok "another application is made" prepared
station_start
ok "as if nothing had been" made
stop station
done_testing
