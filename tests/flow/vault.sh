# A vault alone: its HSM (SoftHSM), its portal key, its configuration, and papers to be signed. Sourced after lib.sh.
# shellcheck shell=bash disable=SC2034
V=$T/v # everything of the vault
vault_new() { # [MODULE]: an empty HSM, a portal key, a configuration
    (umask 077 && mkdir -p "$V")
    "$BIN/castation-blank" hsm "$V/hsm" --label castation-hsm --so-pin-file "$V/so.pin" --pin-file "$V/hsm.pin" \
        >"$V/hsm.serial" || return 1
    export SOFTHSM2_CONF=$V/hsm/softhsm2.conf
    (umask 077 && openssl ecparam -name prime256v1 -genkey -noout -out "$V/portal.key") &&
        openssl ec -in "$V/portal.key" -pubout -out "$V/portal.pem" 2>/dev/null || return 1
    vault_conf "${1:-$SOFTHSM}"
}
vault_conf() { # MODULE [LINE…]
    local module=$1
    shift
    {
        echo "hsm = \"pkcs11:token=castation-hsm?module-path=$module\";"
        echo "hsm_pin_file = \"$V/hsm.pin\";"
        echo "socket = \"$RUN/v\";"
        echo "state_folder = \"$V/state\";"
        echo "ca_certificate = \"$V/ca.pem\";"
        echo "portal_key = \"$V/portal.pem\";"
        echo "profiles = \"$ROOT/profiles\";"
        printf '%s\n' "$@"
    } >"$V/vault.conf"
}
vault_up() { # started, and answering
    start vault "$BIN/castation-vault" -c "$V/vault.conf"
    wait_for 20 vault_answers
}
vault_answers() { [ -n "$(tool status)" ]; }
vault_ended() { ! alive vault; } # then `stop vault` gives its CODE
tool() { "$BIN/vault_tool" "$RUN/v" "$@"; }
# The word of a status: state, ca, so_version, records, reserved, signed, voided
status_of() { tool status | tr ' ' '\n' | sed -n "s/^$1=//p"; }
log_types() { sed -n 's/.*"type":"\([a-z_]*\)".*/\1/p' "$V/state/vault.log" | tr '\n' ' '; }
ca_new() { tool ca-init CN 示例机构 示例根 "${1:-P-256}" 3650; }

# DIR ID [PROFILE] [KEY TYPE]: an approved application, and the key of its token
papers() {
    mkdir -p "$1" && cat >"$1/app.json" <<END
{"id": "$2", "organisation": {"name": "杭州示例科技有限公司", "identifier_kind": "USCC",
 "identifier": "91330100799655058B", "country": "CN", "province": "浙江省", "locality": "杭州市"},
 "profile": "${3:-org-sign-p256}", "validity_days": 365, "delivery": {"method": "pickup", "point": "一号窗口"}}
END
    tool approve "$V/portal.key" "$1" && tool key "$1" "${4:-P-256}"
}
# DIR JOB TOKEN: up to the certificate
make_certificate() {
    tool reserve "$@" && tool build "$1" "$ROOT/profiles" && tool sign "$@"
}
