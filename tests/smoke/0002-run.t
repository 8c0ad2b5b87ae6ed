#!/bin/bash
# make run, the release programs: stays up, makes what is approved later, ends cleanly when asked to.
# shellcheck disable=SC2317 # functions that ok and wait_for call
# shellcheck source=tests/flow/lib.sh
. "$(dirname "$0")/../flow/lib.sh"
BIN=$ROOT/build/release
export DEMO=$T/demo CASTATION_BUILD=$BIN N=2 BAYS=2
BENCH=$DEMO

start run "$ROOT/demo/demo.sh" run
need "the bench comes up" wait_for 60 contains "$T/run.log" "The bench is up"
url=$(sed -n 's|.*Pages: \(http://[^ ]*\).*|\1|p' "$T/run.log")
ok "its page answers" curl -fsS --max-time 10 "$url"
like "as castation's portal" "$OUT" "[Cc]astation"
made() { [ "$(castation status --json | jq .jobs.done)" = "$1" ]; }
ok "what was approved is made" wait_for 60 made 2
"$ROOT/demo/applications.sh" 3 100 >"$T/more.json"
ok "three more are approved" bench_approve "$T/more.json"
ok "and made" wait_for 60 made 5
in_drawer() { [ "$(find "$DEMO/drawer" -mindepth 1 -maxdepth 1 | wc -l)" = "$1" ]; }
ok "all five lie in the drawer" wait_for 30 in_drawer 5
c=
like "its hint for a second terminal works as printed" \
    "$(cd "$ROOT" && eval "$(sed -n 's/^  c=/c=/p' "$T/run.log")" && $c tokens)" "deliverable"

# ---- its people
is "an account of each role, and two reviewers of each kind" \
    "$(awk '{print $4}' "$DEMO/accounts.txt" | sort | uniq -c | awk '{print $2 "=" $1}' | paste -sd' ')" \
    "administrator=1 applicant=2 auditor=1 final_reviewer=2 finance=1 first_reviewer=2 operator=1"
is "their passwords are private" "$(stat -c %a "$DEMO/accounts.txt" "$DEMO"/secrets/totp/* | sort -u)" 600
ok "make totp gives a code" make -s -C "$ROOT" totp USER=first
like "of six digits" "$OUT" "^[0-9]{6}$"
nok "but not for who has none" make -s -C "$ROOT" totp USER=enterprise
nok "nor for nobody, whatever the environment says" env USER=first make -s -C "$ROOT" totp
RUN=$(dirname "$(sed -n 's/^control_socket = "\(.*\)";/\1/p' "$DEMO/etc/station.conf")")
. "$ROOT/demo/pages.sh"
for name in first finance enterprise; do ok "$name logs in with what stands there" pages_login "$name"; done
is "there is a place to pick tokens up at" "$(sqlite3 "$DEMO/portal/portal.db" "SELECT count(*) FROM service_point")" 1

runtime=$(dirname "$(sed -n 's/^control_socket = "\(.*\)";/\1/p' "$DEMO/etc/station.conf")")
stop run 60
is "it ends cleanly" "$CODE" 0
unlike "nothing had to be killed" "$(cat "$T/run.log")" "KILLED"
is "no process is left" "$(pgrep -f "$DEMO" | grep -vx $$)" ""
nok "nor its runtime folder" test -e "$runtime"
done_testing
