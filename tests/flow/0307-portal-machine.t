#!/bin/bash
# The machine fails the portal: database locked, disk full. It says so, loses nothing, and goes on by itself.
# shellcheck disable=SC2119
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/portal.sh"

portal_conf
need "a portal is set up" caportal init
applications CA-1 CA-2
portal_up
station alpha

# ---- another program holds the database
mkfifo "$T/sql"
sqlite3 "$T/portal.db" <"$T/sql" >"$T/.locked" &
holder=$!
exec 8>"$T/sql"
echo "BEGIN IMMEDIATE; SELECT 'locked';" >&8
need "another program locks the database" wait_for 10 contains "$T/.locked" locked
api alpha GET /v1/health
is "reading goes on" "$STATUS" 200
api alpha POST /v1/claim "$CLAIM" same
is "a write is told that the database is busy" "$STATUS $(field .code)" "503 database-busy"
like "and when to come back" "$(tr -d '\r' <"$T/.head")" "Retry-After: [0-9]"
exits "so is a command" 8 caportal retry CA-1
like "by name" "$ERR" "locked|busy"
exec 8>&-
wait "$holder"
api alpha POST /v1/claim "$CLAIM" same
is "the same request, when it is free, does it" "$STATUS $(field '.claims[0].application.id')" "200 CA-1"
like "the log names it" "$(cat "$T/portal.log")" "database-busy"
stop portal

# ---- the disk is full: a file system of 2 MB that is the portal's own
if unshare -Urm true 2>/dev/null; then
    cat >"$T/full" <<'END'
#!/bin/bash
# FOLDER CAPORTALD CONF: a small file system for the database; it fills up when FOLDER/fill appears, and is free again when that goes
mkdir -p "$1/small"
mount -t tmpfs -o size=2m,mode=700 portal "$1/small" || exit 99
cp "$1/portal.db" "$1/small/portal.db"
trap 'kill -TERM "$pid"' TERM
"$2" -c "$3" &
pid=$!
while kill -0 "$pid" 2>/dev/null; do
    if [ -e "$1/fill" ] && [ ! -e "$1/small/ballast" ]; then
        head -c 4000000 /dev/zero >"$1/small/ballast" 2>/dev/null
        touch "$1/full-now"
    elif [ ! -e "$1/fill" ] && [ -e "$1/small/ballast" ]; then
        rm "$1/small/ballast"
        touch "$1/free-now"
    fi
    sleep 0.1
done
wait "$pid"
END
    chmod +x "$T/full"
    sed 's|^database = .*|database = "small/portal.db";|' "$CONF" >"$T/small.conf"
    rm -f "$T/api.port" "$T/pages.port"
    start portal unshare -Urm "$T/full" "$T" "$BIN/caportald" "$T/small.conf"
    need "the portal runs on a small disk" wait_for 20 ports_there
    API=$(cat "$T/api.port")
    touch "$T/fill"
    need "the disk is full" wait_for 10 test -e "$T/full-now"
    detail=$(printf 'x%.0s' {1..900})
    STATUS=200
    for n in {1..60}; do # the write-ahead log has room for a while
        api alpha POST /v1/claim "$CLAIM" "full-$n"
        [ "$STATUS" = 200 ] || break
        api alpha POST /v1/applications/CA-2/void "$(jq -n --arg s "$(printf '%04x' $((n + 4096)))" --arg r "${detail:0:200}" '{generation: 1, certificate_serial: $s, reason: $r}')" "fullv-$n"
        [ "$STATUS" = 200 ] || break
    done
    is "a write is told that the disk is full" "$STATUS $(field .code)" "503 disk-full"
    like "the log names it" "$(cat "$T/portal.log")" "disk-full"
    api alpha GET /v1/health
    is "reading goes on" "$STATUS" 200
    rm "$T/fill"
    need "there is room again" wait_for 10 test -e "$T/free-now"
    api alpha POST /v1/claim "$CLAIM" "full-$n"
    [ "$BODY" != '{"claims":[]}' ] || api alpha POST /v1/applications/CA-2/give_back '{"generation": 1}' after
    is "then it goes on without a restart" "$STATUS" 200
    stop portal
    is "and ends cleanly" "$CODE" 0
else
    tap 0 "disk full: # SKIP no user namespaces here"
fi
done_testing
