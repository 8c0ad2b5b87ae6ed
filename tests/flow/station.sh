# What the flow tests of the whole bench share: after lib.sh.
#
#   approve N [PROFILE]      N new applications, approved: their ids in APPS, the first in APP
#   blank                    a blank in the drawer, in stock (LOT): BLANK is its serial number
#   faulty FAULT…            one for the faulty module; a FAULT is a line of its script
#   plug                     BLANK goes into the first free bay
#   within SECONDS COMMAND…  until it exits 0
#   status FILTER, job APP FILTER, token SERIAL FILTER, bay N FILTER     what castation --json says, through jq -r
#   db SQL, portal_db SQL    what stands in the records
#   settled, sound           nothing is under way or owed; the invariants hold over all records
# shellcheck shell=bash disable=SC2034
DB=$BENCH/station/station.db
PORTAL_DB=$BENCH/portal/portal.db
VAULT_LOG=$BENCH/vault/vault.log
FAKE=$BIN/libfake_p11.so
APP='' APPS=() BLANK='' LOT=LOT-1

castation() { timeout -k 5 60 "$BIN/castation" -c "$BENCH/etc/station.conf" "$@"; }
caportal() { timeout -k 5 60 "$BIN/caportal" -c "$BENCH/etc/caportal.conf" "$@"; }

within() {
    local end=$((${EPOCHREALTIME/./} + $1 * 1000000))
    shift
    until "$@" >/dev/null 2>&1; do
        [ "${EPOCHREALTIME/./}" -lt "$end" ] || return 1
        sleep 0.05
    done
}

# ---- applications and tokens ----------------------------------------------------------------------------------------
application_number=0
approve() {
    local from=$((application_number + 1))
    application_number=$((application_number + $1))
    "$ROOT/demo/applications.sh" "$1" "$from" | jq --arg profile "${2:-org-sign-p256}" 'map(.profile = $profile)' \
        >"$T/applications.json" || return 1
    mapfile -t APPS < <(jq -r '.[].id' "$T/applications.json")
    APP=${APPS[0]}
    bench_approve "$T/applications.json"
}
new_blank() {
    rm -rf "$BENCH/drawer/new"
    BLANK=$("$BIN/castation-blank" token "$BENCH/drawer/new") && echo "$BLANK" >"$BENCH/drawer/new/serial"
}
shelve() {
    "$BIN/castation-blank" move "$BENCH/drawer/new" "$BENCH/drawer/$BLANK" || return 1
    [ "$BENCH_POLICY" = any ] || in_stock "$BLANK"
}
blank() { new_blank && shelve; }
faulty() { new_blank && printf '%s\n' "$@" >"$BENCH/drawer/new/faults" && shelve; }
in_stock() { # SERIAL
    printf 'serial,product,lot,box\n%s,softhsm,%s,\n' "$1" "$LOT" >"$T/lot.csv"
    castation stock add "$T/lot.csv" >/dev/null
}
plug() { castation rack plug --serial "$BLANK"; }
pull() { castation rack pull "bay-$1"; }
empty_rack() {
    local place
    for place in "$BENCH"/rack/bay-*; do
        [ ! -d "$place" ] || castation rack pull "${place##*/}" || return 1
    done
}

# ---- what is said, and what is recorded -------------------------------------------------------------------------------
status() { castation status --json | jq -r "$1"; }
job() { castation job "$1" --json | jq -r "$2"; }
token() { castation token "$1" --json | jq -r ".token | $2"; }
bay() { castation bays --json | jq -r ".bays[$1 - 1] | $2"; }
state() { caportal application "$1" --json | jq -r .state; } # of an application, at the portal
db() { sqlite3 -readonly -cmd '.timeout 5000' "$DB" "$1"; }
portal_db() { sqlite3 -readonly -cmd '.timeout 5000' "$PORTAL_DB" "$1"; }

status_says() { castation status --json | jq -e "$1"; }
job_is() { # APP STATE…
    local app=$1 now
    shift
    now=$(job "$app" .job.state)
    [[ -n $now && " $* " = *" $now "* ]]
}
bay_is() { [ "$(bay "$1" .state)" = "$2" ]; }
token_is() { [ "$(token "$1" .state)" = "$2" ]; }
state_is() { [ "$(state "$1")" = "$2" ]; }
deliverable() { db "SELECT COUNT(*) FROM tokens WHERE state = 'deliverable'"; }
deliverable_are() { [ "$(deliverable)" = "$1" ]; }
# APP STEP PHASE
journal_has() {
    [ -n "$(db "SELECT 1 FROM journal WHERE job IN (SELECT id FROM jobs WHERE application = '$1') AND step = '$2' AND phase = '$3' LIMIT 1")" ]
}
unknowns() { db "SELECT COUNT(*) FROM journal WHERE phase = 'unknown'"; }
settled() {
    [ "$(db "SELECT (SELECT COUNT(*) FROM tokens WHERE state IN ('in_job', 'made'))
        + (SELECT COUNT(*) FROM to_void WHERE vault_done = 0) + (SELECT COUNT(*) FROM outbox WHERE done = 0)")" = 0 ]
}
sound() {
    "$BIN/castation-check" "$DB" "$VAULT_LOG" "$PORTAL_DB" "$BENCH/rack" "$BENCH/drawer"
}
