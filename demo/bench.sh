# A whole bench in one folder: HSM, vault, CA, portal, station, rack. Sourced by demo.sh and by the flow tests.
#
# Set before sourcing:  ROOT   the repository           BIN   folder of the programs
#                       BENCH  what lasts: records, keys, tokens, logs
#                       RUN    sockets and port files: a short path
# shellcheck shell=bash disable=SC2034
SOFTHSM=${SOFTHSM:-/usr/lib/softhsm/libsofthsm2.so}
LOGS=${LOGS:-$BENCH/log}
BENCH_PROFILES=${BENCH_PROFILES:-$ROOT/profiles}
BENCH_BAYS=${BENCH_BAYS:-4}
BENCH_POLICY=${BENCH_POLICY:-known_only}
BENCH_CA_KEY=${BENCH_CA_KEY:-P-256}
BENCH_LEASE=${BENCH_LEASE:-600}

# ---- processes, each known by a name and its pid --------------------------------------------------------------------
declare -A PIDS=()
bench_says() { echo "$*" >&2; }
# Called when a process had to be killed: who sources this may say it in his own way.
bench_killed() { bench_says "$1 did not end within $2 s of SIGTERM and was killed"; }

# SECONDS COMMAND…: try until it exits 0
wait_for() {
    local end=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        [ "$SECONDS" -lt "$end" ] || return 1
        sleep 0.1
    done
}
# NAME PROGRAM ARGS…: in the background; its output goes to $LOGS/NAME.log
start() {
    local name=$1
    shift
    mkdir -p "$LOGS"
    "$@" >>"$LOGS/$name.log" 2>&1 </dev/null &
    PIDS[$name]=$!
}
alive() { [ -n "${PIDS[$1]-}" ] && kill -0 "${PIDS[$1]}" 2>/dev/null; }
# NAME [SECONDS]: SIGTERM, bounded wait, SIGKILL; its exit status in CODE
stop() {
    local name=$1 seconds=${2:-20} pid=${PIDS[$1]-} end
    [ -n "$pid" ] || return 0
    unset "PIDS[$name]"
    end=$((SECONDS + seconds))
    kill -TERM "$pid" 2>/dev/null
    while kill -0 "$pid" 2>/dev/null; do
        if [ "$SECONDS" -ge "$end" ]; then
            kill_with_child "$name" "$pid" KILL
            bench_killed "$name" "$seconds"
            break
        fi
        sleep 0.05
    done
    wait "$pid" 2>/dev/null
    CODE=$?
}
# NAME [SIGNAL]: at once, as a crash or a power cut would
strike() {
    local pid=${PIDS[$1]-}
    [ -n "$pid" ] || return 0
    unset "PIDS[$1]"
    kill_with_child "$1" "$pid" "${2:-KILL}"
    wait "$pid" 2>/dev/null
    CODE=$?
}
# NAME PID SIGNAL: a supervisor is stopped together with what it supervises
kill_with_child() {
    local child=
    [ -f "$RUN/$1.pid" ] && child=$(cat "$RUN/$1.pid")
    kill -"$3" "$2" 2>/dev/null
    [ -z "$child" ] || kill -"$3" "$child" 2>/dev/null
}
stop_all() {
    local name
    for name in feed station vault portal "${!PIDS[@]}"; do
        stop "$name"
    done
}
# NAME PROGRAM ARGS…: runs it, again whenever it exits 75 ("the HSM is gone"); its pid stands in $RUN/NAME.pid
supervise() {
    local name=$1 child='' ending='' code
    shift
    trap 'ending=1; [ -z "$child" ] || kill -TERM "$child" 2>/dev/null' TERM INT
    while [ -z "$ending" ]; do
        "$@" &
        child=$!
        echo "$child" >"$RUN/$name.pid"
        wait "$child"
        code=$?
        while kill -0 "$child" 2>/dev/null; do # the wait was broken by a signal to us
            wait "$child"
            code=$?
        done
        rm -f "$RUN/$name.pid"
        [ "$code" = 75 ] || exit "$code"
        sleep 0.5
    done
    exit "${code:-0}"
}

# ---- the programs -------------------------------------------------------------------------------------------------
castation() { "$BIN/castation" -c "$BENCH/etc/station.conf" "$@"; }
caportal() { "$BIN/caportal" -c "$BENCH/etc/caportal.conf" "$@"; }

# ---- configuration ------------------------------------------------------------------------------------------------
bench_folders() {
    (umask 077 && mkdir -p "$BENCH"/{etc,secrets,vault,portal,station,rack,drawer,mail,log})
}
bench_write_vault_conf() {
    cat >"$BENCH/etc/vault.conf" <<END
hsm = "${BENCH_HSM_URI:-pkcs11:token=castation-hsm?module-path=$SOFTHSM}";
hsm_pin_file = "$BENCH/secrets/hsm.pin";
socket = "$RUN/vault";
state_folder = "$BENCH/vault";
ca_certificate = "$BENCH/ca.pem";
portal_key = "$BENCH/portal/approval.pem";
profiles = "$BENCH_PROFILES";
so_pin_rate = 100000;
END
}
bench_write_bay_conf() {
    cat >"$BENCH/etc/bay.conf" <<END
sealing_key = "$BENCH/vault/pin-sealing.pem";
modules = ["${BENCH_MODULE:-$SOFTHSM}"];
END
}
# PORT PAGES: 0 = any free one
bench_write_portal_conf() {
    local names
    names=$(cd "$BENCH_PROFILES" && printf '"%s", ' *.conf | sed 's/\.conf"/"/g; s/, $//')
    cat >"$BENCH/etc/caportal.conf" <<END
database = "$BENCH/portal/portal.db";
station_api = {
    listen = "127.0.0.1:$1";
    port_file = "$RUN/portal.port";
    certificate = "$BENCH/portal/server.pem";
    key = "$BENCH/portal/server.key";
    client_ca = "$BENCH/portal/tls-ca.pem";
    client_ca_key = "$BENCH/portal/tls-ca.key";
};
pages = {
    listen = "127.0.0.1:$2";
    port_file = "$RUN/pages.port";
    public_url = "${BENCH_PUBLIC_URL:-http://127.0.0.1:$2}";
};
mail = {
    folder = "$BENCH/mail";
    from = "ca@castation.example";
    from_name = "数字证书服务平台";
};
data = "$ROOT/data";
approval_key = "$BENCH/portal/approval.key";
approval_public_key = "$BENCH/portal/approval.pem";
ca_chain = "$BENCH/ca.pem";
profiles = [$names];
lease_seconds = $BENCH_LEASE;
END
}
# NAME of the station; a second station has folders of its own (see bench_second_station in the flow tests)
bench_write_station_conf() {
    cat >"$BENCH/etc/station.conf" <<END
name = "$1";
database = "$BENCH/station/station.db";
control_socket = "$RUN/control";
vault_socket = "$RUN/vault";
bay_program = "$BIN/castation-bay";
bay_config = "$BENCH/etc/bay.conf";
profiles = "$BENCH_PROFILES";
ca_certificate = "$BENCH/ca.pem";
portal_key = "$BENCH/portal/approval.pem";
portal = {
    url = "https://127.0.0.1:$(bench_port portal)";
    ca = "$BENCH/portal/tls-ca.pem";
    certificate = "$BENCH/station/station.pem";
    key = "$BENCH/station/station.key";
    poll_seconds = 1;
    timeout_seconds = ${BENCH_TIMEOUT:-10};
};
stock = { policy = "$BENCH_POLICY"; };
rack = {
    folder = "$BENCH/rack";
    drawer = "$BENCH/drawer";
    product = "softhsm";
    module = "${BENCH_MODULE:-$SOFTHSM}";
    bays = $BENCH_BAYS;
};
${BENCH_STATION_MORE-}
END
}

# ---- parts, in the order they are brought up ----------------------------------------------------------------------
bench_port() { cat "$RUN/$1.port" 2>/dev/null || echo 0; }
has_port() { [ -s "$RUN/$1.port" ]; }

bench_hsm() {
    "$BIN/castation-blank" hsm "$BENCH/hsm" --label castation-hsm --so-pin-file "$BENCH/secrets/hsm.so-pin" \
        --pin-file "$BENCH/secrets/hsm.pin" >"$BENCH/hsm.serial"
}
bench_portal_init() {
    bench_write_portal_conf 0 0 && caportal init
}
bench_portal_run() {
    rm -f "$RUN/portal.port" "$RUN/pages.port"
    start portal "$BIN/caportald" -c "$BENCH/etc/caportal.conf"
    wait_for 20 has_port portal && wait_for 20 has_port pages
}
# The first start takes any free ports; from then on they are the same: stations know them, and mails name them.
bench_portal_start() {
    bench_portal_run || return 1
    ! grep -q 'listen = "127.0.0.1:0"' "$BENCH/etc/caportal.conf" || {
        bench_write_portal_conf "$(bench_port portal)" "$(bench_port pages)"
        stop portal && bench_portal_run
    }
}
vault_answers() { castation ca show --json; [ $? != 5 ]; }
bench_vault_start() {
    bench_write_vault_conf
    start vault supervise vault env SOFTHSM2_CONF="$BENCH/hsm/softhsm2.conf" "$BIN/castation-vault" \
        -c "$BENCH/etc/vault.conf"
    wait_for 20 vault_answers
}
bench_ca() {
    castation ca init --key-type "$BENCH_CA_KEY" --cn "Castation Demo CA" --o "Castation Demo" --country CN --yes
}
bench_enrol() { # STATION
    castation enrol --name "$1" && caportal station enrol "$1" "$BENCH/station/station.csr" -o "$BENCH/station/station.pem"
}
bench_approve() { # FILE.json: reviewed twice
    caportal approve --import "$1" --first "初审员" --final "终审员"
}
station_answers() { castation status; }
bench_station_start() {
    start station "$BIN/castationd" -c "$BENCH/etc/station.conf"
    wait_for 20 station_answers
}
# [STATION]: everything, from nothing
bench_up() {
    local name=${1:-bench-1}
    bench_folders
    bench_write_bay_conf
    bench_write_station_conf "$name"
    bench_hsm && bench_portal_init && bench_vault_start && bench_ca && bench_enrol "$name" && bench_portal_start || return 1
    bench_write_station_conf "$name" # now with the portal's port
    bench_station_start
}
bench_down() {
    stop feed
    stop station
    stop vault
    stop portal
}
