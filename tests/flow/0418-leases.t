#!/bin/bash
# Leases: what waits is renewed; what has run out is renewed before anything is signed; what was taken back is dropped.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/station.sh"
BENCH_POLICY=any BENCH_BAYS=1 BENCH_LEASE=3

need "the bench is up" bench_up
need "two applications" approve 2
first=${APPS[0]} second=${APPS[1]}
ok "both are claimed" within 10 status_says '.jobs.queued == 2'
sleep 4
is "without a token they wait for longer than a lease, and are renewed" \
    "$(portal_db "SELECT group_concat(generation || state, ' ') FROM application WHERE lease_until > strftime('%s') * 1000")" "1claimed 1claimed"

# ---- run out while the portal is away
stop portal
sleep 3.2
castation rack plug >/dev/null
ok "the portal is away and the lease over: the job waits" within 15 job_is "$first" waiting
is "before a serial number is reserved" "$(job "$first" .job.step) $(grep -c '"type":"reserve"' "$VAULT_LOG")" "reserve 0"
like "and says why" "$(job "$first" .job.detail)" "lease has run out; it is renewed first"
need "the portal is back" bench_portal_start
ok "the lease is renewed and the token made" within 20 state_is "$first" made
is "in the first lending" "$(portal_db "SELECT generation FROM certificate WHERE application = '$first'")" 1
empty_rack >/dev/null

# ---- taken back
is "the second one waits for a token" "$(job "$second" .job.state)" queued
sqlite3 -cmd '.timeout 5000' "$PORTAL_DB" "UPDATE application SET generation = 2, station = 'elsewhere' WHERE id = '$second';
    UPDATE lending SET ended_at = 1, outcome = 'expired' WHERE application = '$second';
    INSERT INTO lending(application, generation, station, claimed_at) VALUES('$second', 2, 'elsewhere', 1)"
ok "lent to another station it is dropped" within 10 job_is "$second" abandoned
like "with a reason" "$(job "$second" '.job | "\(.code): \(.detail)"')" "lease: .*$second.*taken it back"
is "nothing was reserved or signed for it" "$(grep -c "$second" "$VAULT_LOG")" 0
like "castation status tells" "$(status '[.alerts[].text] | join("; ")')" "$second: .*taken it back"
# that other station gives it back
sqlite3 -cmd '.timeout 5000' "$PORTAL_DB" "UPDATE application SET lease_until = 1 WHERE id = '$second'"
ok "free again, it is claimed a third time" within 10 job_is "$second" queued
ok "by a later generation" test "$(job "$second" .job.generation)" -ge 3
castation rack plug >/dev/null
ok "and made" within 20 state_is "$second" made

# ---- made in time, reported when the lease is long over
empty_rack >/dev/null
need "one more application" approve 1
ok "is claimed" within 10 job_is "$APP" queued
castation rack plug >/dev/null
stop portal
ok "its token is made while the portal is away" within 10 job_is "$APP" made
sleep 3.5
need "the portal is back, the lease over" bench_portal_start
ok "the report comes before any new claim" within 15 deliverable_are 3
is "and is accepted, in the first lending" "$(portal_db "SELECT state, generation FROM application WHERE id = '$APP'")" "made|1"
empty_rack >/dev/null

# ---- after a reboot no lease is believed before it was renewed
need "one more" approve 1
ok "is claimed" within 10 job_is "$APP" queued
stop station
empty_rack >/dev/null
sqlite3 "$DB" "UPDATE jobs SET lease_boot_id = 'another-boot', lease_boot_ms = 999999999999 WHERE application = '$APP'"
need "the machine has been started anew" bench_station_start
castation rack plug >/dev/null
ok "it is made all the same" within 20 state_is "$APP" made
like "after a renewal" "$(tail -20 "$T/portal.log")" "renew $APP"
ok "everything is settled" within 5 settled
ok "all records are sound" sound
done_testing
