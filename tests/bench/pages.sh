#!/bin/bash
# make bench, second half: the pages. Throughput of a static file and of log-ins as ratios to libmicrohttpd's bare handler
# in the same run; lists and an application's page at each size of PAGES ("10000 1000000"; a million takes some minutes to
# fill and 6 GB under build/bench). Clients and server share the machine.
set -euo pipefail
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
BIN=${CASTATION_BUILD:-$ROOT/build/release}
PAGES=${PAGES:-10000}
SECONDS_EACH=${SECONDS_EACH:-4}
CONNECTIONS=${CONNECTIONS:-8}
export LC_ALL=C.UTF-8
WORK=$ROOT/build/bench
RUN=$(mktemp -d /tmp/castation-XXXXXX)
mkdir -p "$WORK"
BENCH=$WORK/pages LOGS=$WORK/pages/log
# shellcheck source=../../demo/bench.sh
. "$ROOT/demo/bench.sh"
# shellcheck source=../../demo/accounts.sh
. "$ROOT/demo/accounts.sh"
# shellcheck source=../../demo/pages.sh
. "$ROOT/demo/pages.sh"
the_end() {
    stop_all
    rm -rf "$RUN"
}
trap the_end EXIT

rss() { awk '/^VmRSS/ {printf "%.1f", $2 / 1024}' "/proc/${PIDS[portal]}/status"; }
sid() { awk '$6 == "sid" {print $7}' "$RUN/$1.jar"; }
# FILE PATH [NAME]: a request on the wire, of a session
request() { printf 'GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n%s\r\n' "$2" "${3:+Cookie: sid=$(sid "$3")$'\r\n'}" >"$RUN/$1"; }
ask() { "$BIN/load" "$@"; }                                  # PORT CONNECTIONS SECONDS FILE…
figure() { jq -r "[.per_second, .p50_ms, .p99_ms] | map(. * 100 | round / 100) | join(\" \")" <<<"$1"; }
line() { # NAME JSON [FLOOR]
    local per_second p50 p99 ratio=''
    read -r per_second p50 p99 <<<"$(figure "$2")"
    [ -z "${3-}" ] || ratio=$(awk -v a="$per_second" -v b="$3" 'BEGIN {printf "  %.2g of the bare handler", a / b}')
    printf '  %-44s %9.1f /s   p50 %8.2f ms   p99 %8.2f ms%s\n' "$1" "$per_second" "$p50" "$p99" "$ratio"
    [ "$(jq '.["4xx"] + .["5xx"] + .failed' <<<"$2")" = 0 ] || echo "    but: $(jq -c '{"2xx", "3xx", "4xx", "5xx", failed}' <<<"$2")"
}

portal_with() { # N: applications
    rm -rf "$BENCH"
    bench_folders
    bench_portal_init >/dev/null
    [ "$1" = 0 ] || "$BIN/lists" fill "$BENCH/portal/portal.db" "$1"
    : >"$BENCH/accounts.txt"
    bench_account auditor auditor 吴审计 >/dev/null
    bench_account enterprise applicant 张三 --organisation-kind enterprise --organisation 杭州示例科技有限公司 --uscc 91330100799655058B >/dev/null
    bench_portal_start
    pages_login auditor && pages_login enterprise
}

floors() {
    local css=$ROOT/src/web/static/castation.css bare pid floor
    "$BIN/bare" 2 "$css" >"$RUN/bare.port" &
    pid=$!
    wait_for 5 test -s "$RUN/bare.port"
    request bare /
    bare=$(ask "$(cat "$RUN/bare.port")" "$CONNECTIONS" "$SECONDS_EACH" "$RUN/bare")
    kill "$pid"
    wait "$pid" || true
    floor=$(jq .per_second <<<"$bare")
    echo "pages: $CONNECTIONS connections, caportald as it comes"
    line "bare libmicrohttpd, castation.css" "$bare"
    request static /static/castation.css
    line "caportald, castation.css" "$(ask "$(bench_port pages)" "$CONNECTIONS" "$SECONDS_EACH" "$RUN/static")" "$floor"
    request workbench /workbench enterprise
    line "a page with a session: the workbench" "$(ask "$(bench_port pages)" "$CONNECTIONS" "$SECONDS_EACH" "$RUN/workbench")" "$floor"
    login_request
    line "log-in: argon2id, 64 MiB, two at once" "$(ask "$(bench_port pages)" 2 "$SECONDS_EACH" "$RUN/login")" "$floor"
    echo "  resident memory of caportald $(rss) MB"
}
login_request() { # the whole form, as a browser sends it
    local body
    pages_get nobody /login
    body="csrf=$(pages_csrf nobody)&email=enterprise%40castation.example&password=$(awk '$1 == "enterprise" {print $3}' "$BENCH/accounts.txt")"
    printf 'POST /login HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: pre=%s\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%s' \
        "$(awk '$6 == "pre" {print $7}' "$RUN/nobody.jar")" "${#body}" "$body" >"$RUN/login"
}
requests_for() { # what an auditor asks for: every list, and sixty applications spread over all
    local i=0 id middle
    request newest /applications auditor
    request search "/applications?q=%E7%A7%91%E6%8A%80" auditor
    request state "/applications?state=issued" auditor
    request queue /review/first auditor
    pages_get auditor "/applications?state=issued&to=$(sqlite3 "$BENCH/portal/portal.db" "SELECT date((min(created_at) + max(created_at)) / 2000, 'unixepoch') FROM application")"
    middle=$(grep -o '/applications?[^"]*cursor=[^"]*' "$RUN/auditor.page" | sed 's/&amp;/\&/g' | tail -1)
    request middle "${middle:?no second page in the middle}" auditor
    sqlite3 "$BENCH/portal/portal.db" "SELECT id FROM application WHERE rowid % (SELECT max(rowid) / 60 FROM application) = 0 LIMIT 60" >"$RUN/ids"
    while read -r id; do
        request "application-$((i += 1))" "/applications/$id" auditor
    done <"$RUN/ids"
}
sizes() { # N
    local port
    requests_for
    port=$(bench_port pages)
    echo "$1 applications, $(du -m "$BENCH/portal/portal.db" | cut -f1) MB"
    line "all applications, the newest" "$(ask "$port" 2 "$SECONDS_EACH" "$RUN/newest")"
    line "all applications, in the middle" "$(ask "$port" 2 "$SECONDS_EACH" "$RUN/middle")"
    line "of one state" "$(ask "$port" 2 "$SECONDS_EACH" "$RUN/state")"
    line "search: two characters" "$(ask "$port" 2 "$SECONDS_EACH" "$RUN/search")"
    line "queue of the first review" "$(ask "$port" 2 "$SECONDS_EACH" "$RUN/queue")"
    line "an application's page (60 of them)" "$(ask "$port" 2 "$SECONDS_EACH" "$RUN"/application-*)"
    echo "  resident memory of caportald $(rss) MB"
}

first=1
for n in $PAGES; do
    portal_with "$n"
    [ -z "$first" ] || floors
    first=
    sizes "$n"
    stop portal
done
rm -rf "$BENCH"
