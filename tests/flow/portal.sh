# A portal of one's own for flow tests: after lib.sh.
#   portal_conf [LINES]      write $T/caportal.conf (free ports), with further lines
#   portal_up                start caportald and wait for its ports: API, PAGES
#   station NAME             a key, a request and an enrolled certificate: $T/NAME.{key,csr,pem}
#   api STATION METHOD PATH [BODY] [KEY]   a request with a fresh Idempotency-Key unless given: STATUS, BODY
#   field FILTER             of BODY, through jq
#   application ID [PROFILE [NAME]]        a good application document on stdout
#   made STATION ID GENERATION SERIAL [O]  the body of a report with a self-signed certificate
# shellcheck shell=bash disable=SC2034 # the tests read the variables
CONF=$T/caportal.conf
API='' PAGES='' STATUS='' BODY=''
ORGANISATION=杭州示例科技有限公司

portal_conf() {
    cat >"$CONF" <<END
database = "portal.db";
station_api = {
    listen = "127.0.0.1:0"; port_file = "api.port"; certificate = "server.pem"; key = "server.key";
    client_ca = "tls-ca.pem"; client_ca_key = "tls-ca.key";
};
pages = { listen = "127.0.0.1:0"; port_file = "pages.port"; };
approval_key = "approval.key";
approval_public_key = "approval.pub.pem";
profiles = [ "org-sign-p256", "org-sign-rsa2048" ]; data = "$ROOT/data";
${1-}
END
}
caportal() { "$BIN/caportal" -c "$CONF" "$@"; }
ports_there() { [ -s "$T/api.port" ] && [ -s "$T/pages.port" ] && curl -fs -o /dev/null "http://127.0.0.1:$(cat "$T/pages.port")/"; }
portal_up() {
    rm -f "$T/api.port" "$T/pages.port"
    start portal "$BIN/caportald" -c "$CONF"
    need "the portal is up" wait_for 20 ports_there
    API=$(cat "$T/api.port") PAGES=$(cat "$T/pages.port")
}
request() { openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$T/$1.key" -subj "/CN=$1" -out "$T/$1.csr" 2>/dev/null; }
station() {
    request "$1"
    need "station $1 is enrolled" caportal station enrol "$1" "$T/$1.csr" -o "$T/$1.pem"
}
key_n=0
api() {
    local station=$1 method=$2 path=$3 body=${4-} key=${5-}
    key_n=$((key_n + 1))
    local args=(-s -m 30 --cacert "$T/tls-ca.pem" --cert "$T/$station.pem" --key "$T/$station.key"
        -X "$method" -o "$T/.body" -D "$T/.head" -w '%{http_code}')
    [ "$method" = GET ] || args+=(-H 'Content-Type: application/json' -H "Idempotency-Key: ${key:-$station-$$-$key_n}" --data-binary "$body")
    STATUS=$(curl "${args[@]}" "https://localhost:$API$path")
    BODY=$(cat "$T/.body" 2>/dev/null)
}
field() { jq -r "$1" <<<"$BODY"; }
application() {
    jq -n --arg id "$1" --arg profile "${2:-org-sign-p256}" --arg name "${3:-$ORGANISATION}" '{id: $id, profile: $profile,
        organisation: {name: $name, identifier_kind: "USCC", identifier: "91330100799655058B", country: "CN",
                       province: "浙江省", locality: "杭州市"},
        delivery: {method: "mail", name: "张三", phone: "13800000000", region: "浙江省杭州市", address: "文三路 1 号"}}'
}
applications() { # ID…: a file of good ones
    local id
    for id; do application "$id"; done | jq -s . >"$T/applications.json"
    need "applications are approved" caportal approve --import "$T/applications.json" --first 张三 --final 李四
}
made() {
    local name=${5:-$ORGANISATION}
    [ -f "$T/token.key" ] || openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$T/token.key"
    openssl req -x509 -new -key "$T/token.key" -utf8 -subj "/C=CN/O=$name/CN=$name" -set_serial "0x$4" -days 30 -out "$T/made.pem"
    jq -n --argjson generation "$3" --rawfile certificate "$T/made.pem" --arg serial "$4" --arg token "TOKEN-$4" \
        '{generation: $generation, token_serial: $token, certificate: $certificate, certificate_serial: $serial,
          key_id: "0a0b0c", product: "softhsm"}'
}
state() { caportal application "$1" --json | jq -r .state; }
CLAIM='{"max": 1, "profiles": ["org-sign-p256"]}'
