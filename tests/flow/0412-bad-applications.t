#!/bin/bash
# What the portal lends is not believed: a forged or changed approval, a profile that this station does not have, more than the
# profile allows. The job fails with its reason, the portal is told, and the token is untouched and goes to the next one.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/station.sh"
BENCH_BAYS=1
BENCH_PROFILES=$T/profiles
cp -r "$ROOT/profiles" "$BENCH_PROFILES"

need "the bench is up" bench_up
need "a blank" blank
ok "it is plugged in" plug
ok "and waits" within 10 bay_is 1 idle
contents() { (cd "$BENCH/rack/bay-1" && find . -type f -exec sha256sum {} + | sort); }
before=$(contents)
edit() { sqlite3 -cmd '.timeout 5000' "$PORTAL_DB" "UPDATE application SET $1 WHERE id = '$APP'"; }

# NAME CODE REASON: APP fails for this reason, and the token is what it was
fails() {
    ok "$1: the job fails" within 15 job_is "$APP" failed
    like "$1: with the reason" "$(job "$APP" '.job | "\(.code): \(.detail)"')" "^$2: .*$3"
    ok "$1: the portal is told" within 10 state_is "$APP" failed
    is "$1: by the same code" "$(caportal application "$APP" --json | jq -r .fault_code)" "$2"
    like "$1: castation status says so" "$(status '[.alerts[].text] | join("; ")')" "$APP: .*$3"
    is "$1: the token is in stock" "$(token "$BLANK" .state)" stock
    is "$1: untouched" "$(contents)" "$before"
    is "$1: and no serial number was reserved" "$(db "SELECT COUNT(*) FROM certificates")" 0
}
# Approved, but not yet claimed: castationd is away while the portal's database is edited.
forge() { # CHANGE
    stop station
    approve 1 && edit "$1" && bench_station_start
}
need "an application" forge "document = replace(document, '有限', '无限')"
fails "changed after the approval" approval "changed after its approval"
need "another" forge "signature = (SELECT b.signature FROM application b WHERE b.id <> application.id LIMIT 1)"
fails "the signature of another approval" approval "signature"
need "another" forge "approval = (SELECT b.approval FROM application b WHERE b.id <> application.id ORDER BY b.id LIMIT 1),
    signature = (SELECT b.signature FROM application b WHERE b.id <> application.id ORDER BY b.id LIMIT 1)"
fails "an approval of another application" approval "application"

openssl ecparam -genkey -name prime256v1 -noout -out "$T/forger.key" 2>/dev/null
stop station
need "another" approve 1
portal_db "SELECT approval FROM application WHERE id = '$APP'" | tr -d '\n' >"$T/approval"
edit "signature = '$(openssl dgst -sha256 -sign "$T/forger.key" "$T/approval" | base64 -w0)'"
need "castationd starts" bench_station_start
fails "an approval that somebody else signed" approval "signature"

stop station
"$ROOT/demo/applications.sh" 1 900 | jq '.[0].validity_days = 2000 | .[0].profile = "org-sign-p256"' >"$T/long.json"
APP=$(jq -r '.[0].id' "$T/long.json")
need "an application for too long a time" bench_approve "$T/long.json"
need "castationd starts" bench_station_start
fails "longer than the profile allows" profile "2000 days"

pull 1 >/dev/null # claimed, not begun
need "an application for P-384" approve 1 org-sign-p384
ok "is claimed" within 10 job_is "$APP" queued
stop station
mv "$BENCH_PROFILES/org-sign-p384.conf" "$T/"
need "castationd starts without that profile" bench_station_start
ok "the token is plugged in again" plug
before=$(contents)
fails "a profile that this station does not have" profile 'org-sign-p384'
mv "$T/org-sign-p384.conf" "$BENCH_PROFILES/"
stop station
need "castationd starts with it again" bench_station_start
ok "the operator puts that one back at the portal" caportal retry "$APP" --reason "the profile was missing"
ok "and it is made, with the same token" within 20 state_is "$APP" made
is "the very same" "$(job "$APP" .job.token)" "$BLANK"
is "the forged ones stay failed" "$(portal_db "SELECT COUNT(*) FROM application WHERE state = 'failed'")" 5
exits "to put one back makes it no better" 0 caportal retry "$(portal_db "SELECT id FROM application WHERE state = 'failed' ORDER BY id LIMIT 1")" --reason "again"
empty_rack >/dev/null
blank
plug >/dev/null
failed_are() { [ "$(portal_db "SELECT COUNT(*) FROM application WHERE state = 'failed'")" = "$1" ]; }
ok "it fails again" within 20 failed_are 5
ok "everything is settled" within 5 settled
ok "all records are sound" sound
done_testing
