#!/bin/bash
# The whole bench on one machine, out of nothing: HSM, vault, CA, portal, station, and a rack of tokens in SoftHSM.
#
#   demo.sh demo   N applications become N tokens; ends by itself          (make demo, make demo N=40 BAYS=8)
#   demo.sh run    the same, and it stays up until Ctrl-C                  (make run)
#
# Everything is under build/demo, made afresh at each start. One user runs it all here; in production vault and station
# are users of their own.
set -uo pipefail
# Started in the background of a script, SIGINT is ignored, and bash cannot trap what was ignored at its start.
if (($((16#$(awk '/^SigIgn/ {print $2}' "/proc/$$/status"))) & 2)); then
    exec env --default-signal=INT "$0" "$@"
fi
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
MODE=${1:-demo}
N=${N:-12}
BAYS=${BAYS:-4}
DEMO=${DEMO:-$ROOT/build/demo}
BIN=${CASTATION_BUILD:-$ROOT/build/release}
[[ $BIN = /* ]] || BIN=$ROOT/$BIN
export LC_ALL=C.UTF-8
LANGUAGE=en
[[ ${LANG-} = zh* ]] && LANGUAGE=zh

die() {
    echo "demo: $*" >&2
    exit 1
}
step() { printf '\n== %s\n' "$*"; }

case $MODE in demo | run) ;; *) die "usage: demo.sh demo|run" ;; esac
[[ $N =~ ^[1-9][0-9]{0,3}$ ]] || die "N=$N: how many applications, 1 to 9999"
[[ $BAYS =~ ^[1-9][0-9]?$ ]] || die "BAYS=$BAYS: 1 to 64"
[ "$BAYS" -le 64 ] || die "BAYS=$BAYS: 1 to 64"
[ -x "$BIN/castationd" ] || die "$BIN/castationd is not built: run make"

# ---- one at a time, each from nothing -----------------------------------------------------------------------------
mkdir -p "$(dirname "$DEMO")"
exec 9>>"$DEMO.lock"
flock -n 9 || die "another demo is running in $DEMO (its process: $(cat "$DEMO.lock")); end it, or wait for it"
echo $$ >"$DEMO.lock"
if [ -e "$DEMO" ]; then
    [ -f "$DEMO/.castation-demo" ] || die "$DEMO is there and was not made by this program; move it away"
    rm -rf "$DEMO"
fi
mkdir -p "$DEMO/log"
: >"$DEMO/.castation-demo"
RUN=$(mktemp -d /tmp/castation-XXXXXX) || die "no runtime folder under /tmp"

BENCH=$DEMO BENCH_BAYS=$BAYS
. "$ROOT/demo/bench.sh"
. "$ROOT/demo/accounts.sh"
. "$ROOT/demo/pages.sh"

ended='' not_clean=''
the_end() {
    local code=$?
    trap '' INT TERM
    if [ "${#PIDS[@]}" -gt 0 ]; then
        step "stopping"
        stop_all
    fi
    rm -rf "$RUN"
    [ -z "$not_clean" ] || code=1
    [ -n "$ended" ] || echo "demo: it did not come to its end; the logs are in $DEMO/log" >&2
    exit "$code"
}
trap the_end EXIT
trap 'exit 130' INT TERM
bench_killed() {
    echo "demo: $1 did not end within $2 s of SIGTERM and was KILLED; see $LOGS/$1.log" >&2
    not_clean=1
}
# A part that failed: what its log says, and the end.
failed() {
    echo "demo: $1 failed" >&2
    [ ! -f "$LOGS/$2.log" ] || tail -15 "$LOGS/$2.log" | sed "s/^/    $2: /" >&2
    exit 1
}
must_live() {
    local name
    for name in vault portal station; do
        alive "$name" || failed "$name ended by itself, which" "$name"
    done
}

# ---- up -----------------------------------------------------------------------------------------------------------
# Ctrl-C is for this script alone, which then stops each part in its order.
set -m

began=$SECONDS
step "HSM: a SoftHSM token with random PINs (files, 0600)"
bench_folders
bench_hsm || failed "castation-blank hsm" none
step "portal: keys and a TLS-only CA"
bench_portal_init || failed "caportal init" none
bench_write_bay_conf
bench_write_station_conf bench-1
step "vault: logs in by its credential file (the same user as the rest; in production its own)"
bench_vault_start || failed "castation-vault" vault
step "CA: the ceremony"
bench_ca || failed "castation ca init" vault
step "station: TLS key and certificate"
bench_enrol bench-1 || failed "enrolment" none
step "portal: starts on free ports"
bench_portal_start || failed "caportald" portal
bench_write_station_conf bench-1
if [ "$MODE" = run ]; then
    step "accounts: one a role, with random passwords"
    { bench_accounts && bench_point; } >"$DEMO/log/accounts.log" 2>&1 || failed "making accounts" accounts
fi
"$ROOT/demo/applications.sh" "$N" >"$DEMO/applications.json" || failed "making applications" none
bench_approve "$DEMO/applications.json" || failed "caportal approve" portal
step "castationd with $BAYS bays"
bench_station_start || failed "castationd" station

# ---- the hands ----------------------------------------------------------------------------------------------------
if [ "$MODE" = run ]; then
    start feed "$BIN/castation" -c "$BENCH/etc/station.conf" --lang "$LANGUAGE" rack feed
    cat <<END

The bench is up. Pages: http://127.0.0.1:$(bench_port pages)/

$(sed 's/^/  /' "$DEMO/accounts.txt")

  (again in $DEMO/accounts.txt)   Second factor, in a second terminal:  make totp USER=first
  Apply as enterprise or institution, confirm the transfer as finance, review as first and then as final, look at the
  bench as operator, and hand the token over. Mails are files in $DEMO/mail.

Blanks are plugged in as bays fall free; made tokens go to $DEMO/drawer. $N approved applications from a file are being
made meanwhile. In a second terminal:

  cd $ROOT
  c="$BIN/castation -c $BENCH/etc/station.conf"
  \$c status                          \$c tokens           \$c jobs
  \$c job CA20261122-0001             # its journal, with the time of each step
  \$c letter SERIAL -o letter.txt     # the PIN letter, once
  \$c ca show                         \$c audit verify     \$c help
  demo/applications.sh 5 100 > more.json && $BIN/caportal -c $BENCH/etc/caportal.conf approve --import more.json --first A --final B
  SOFTHSM2_CONF=$BENCH/drawer/SERIAL/softhsm2.conf p11tool --provider $SOFTHSM --list-all-certs

Logs: $LOGS    Ctrl-C ends it.
END
    trap 'ended=1; echo; exit 0' INT TERM
    while :; do
        must_live
        alive feed || failed "castation rack feed ended, which" feed
        sleep 1 &
        wait $!
    done
fi
start feed "$BIN/castation" -c "$BENCH/etc/station.conf" --lang "$LANGUAGE" rack feed

step "making $N tokens"
making=$SECONDS
deadline=$((SECONDS + 120 + N * 10))
last=
while :; do
    must_live
    status=$(castation status --json 2>/dev/null) || status='{}'
    read -r made bad working <<<"$(jq -r '[.jobs.done // 0, (.jobs.failed // 0) + (.jobs.given_back // 0), .bays.working // 0] | join(" ")' <<<"$status")"
    now="made $made of $N, failed $bad, bays at work $working"
    if [ -t 1 ]; then
        printf '\r   %-60s' "$now"
    elif [ "$now" != "$last" ]; then
        echo "   $now"
    fi
    last=$now
    [ $((made + bad)) -lt "$N" ] || break
    alive feed || failed "castation rack feed ended, which" feed
    [ "$SECONDS" -lt "$deadline" ] || failed "after $((SECONDS - making)) s only $made of $N tokens are made, which" station
    sleep 0.5
done
[ ! -t 1 ] || echo
took=$((SECONDS - making))
# the hands take the last ones out
nothing_finished() { castation rack list --json | jq -e '[.bays[] | select(.state == "finished")] | length == 0'; }
wait_for 30 nothing_finished || failed "taking the last tokens out" feed
stop feed

# ---- what came of it ----------------------------------------------------------------------------------------------
step "letters, certificates, result.json"
(umask 077 && mkdir -p "$DEMO/letters" "$DEMO/certificates")
cp "$DEMO/ca.pem" "$DEMO/chain.pem" || failed "the CA certificate" none # a root: the chain is itself
castation tokens --state deliverable --limit 10000 --json >"$DEMO/tokens.json" || failed "castation tokens" station
: >"$DEMO/made.jsonl"
while read -r serial; do
    castation letter "$serial" -o "$DEMO/letters/$serial.txt" >/dev/null || failed "the letter of $serial" vault
    castation token "$serial" --json >"$DEMO/token.json" || failed "castation token $serial" station
    jq -er .token.certificate "$DEMO/token.json" >"$DEMO/certificates/$serial.pem" || failed "the certificate of $serial" none
    jq -c --arg pem "$DEMO/certificates/$serial.pem" --arg conf "$DEMO/drawer/$serial/softhsm2.conf" '.token | {
        application, organisation, identifier, profile, token_serial: .serial, token_label: .label, certificate: $pem,
        certificate_serial, key_id, "module": .module, env: {SOFTHSM2_CONF: $conf}, delivery}' \
        "$DEMO/token.json" >>"$DEMO/made.jsonl" || failed "reading what castation says of $serial" none
    [ -f "$DEMO/drawer/$serial/softhsm2.conf" ] || failed "token $serial is not in the drawer, which" feed
done < <(jq -r '.tokens[].serial' "$DEMO/tokens.json")
castation jobs --state failed --limit 10000 --json | jq '[.jobs[] | {application, organisation, reason: .detail}]' \
    >"$DEMO/failed.json" || failed "castation jobs" station
jq -n --arg ca "$DEMO/ca.pem" --arg chain "$DEMO/chain.pem" --slurpfile made "$DEMO/made.jsonl" \
    --slurpfile failed "$DEMO/failed.json" '{ca: $ca, chain: $chain, made: $made, failed: $failed[0]}' \
    >"$DEMO/result.json" || failed "result.json" none
rm -f "$DEMO"/{tokens.json,token.json,made.jsonl,failed.json}

castation --lang "$LANGUAGE" tokens --state deliverable --limit 10000
castation --lang "$LANGUAGE" audit verify || failed "the audit chain" station
made=$(jq '.made | length' "$DEMO/result.json")
bad=$(jq '.failed | length' "$DEMO/result.json")

step "stopping"
stop_all
ended=1
cat <<END

$made made, $bad failed, of $N applications with $BAYS bays in $took s ($((SECONDS - began)) s in all)
Result:  $DEMO/result.json
Letters: $DEMO/letters/SERIAL.txt      Tokens: $DEMO/drawer/SERIAL
Look at one:
  s=\$(jq -r '.made[0].token_serial' $DEMO/result.json)
  openssl verify -x509_strict -CAfile $DEMO/ca.pem $DEMO/certificates/\$s.pem
  SOFTHSM2_CONF=$DEMO/drawer/\$s/softhsm2.conf p11tool --provider $SOFTHSM --list-all-certs
END
[ -z "$not_clean" ] || die "something had to be killed: see above"
[ "$made" = "$N" ] || die "$((N - made)) applications have no token: see .failed in result.json"
