#!/bin/bash
# Every function of the token's module that takes part in a job fails, crashes or hangs, once or for good: the application
# is made all the same, on this token or on another one, and the invariants hold. In the sweep (make check-sweep): every fault
# of every function, and a failure and a crash at every call.
# shellcheck disable=SC2119,SC2015
. "$(dirname "$0")/lib.sh"
BENCH_MODULE=$FAKE
export CASTATION_DEADLINE_MS=1500

# FUNCTION: what it can do, besides what it should
faults_of() {
    printf '%s\n' rv=0x30 crash rv=0x5 hang rv=0x31 lost rv=0x32 crash_after rv=0xE0 gone gone_after
    case $1 in
    C_Login | C_InitToken | C_SetPIN) printf '%s\n' rv=0xA0 rv=0xA4 ;;
    C_GetTokenInfo) printf '%s\n' serial=ANOTHER flags=0x100000 ;;
    C_GenerateKeyPair) printf '%s\n' weak ;;
    C_Sign) printf '%s\n' corrupt ;;
    C_GetAttributeValue) printf '%s\n' truncate ;;
    esac
}
functions=()
declare -A calls=() # of a good token's job
count_calls() {
    local name
    while read -r name; do
        grep -q "^X($name," "$ROOT/tests/fake/p11_calls.def" && functions+=("$name")
    done < <(grep -oh '\bC_[A-Za-z]*' "$ROOT"/pkcs11/device/*.c | sort -u)
    new_application && plug_faulty "${functions[@]/%/ 999 delay=0}" || return 1
    station_start
    made_on "$TOKEN" || return 1
    for name in "${functions[@]}"; do
        calls[$name]=$(stat -c %s "$BENCH/rack/bay-1/faults.$name" 2>/dev/null || echo 0)
    done
    stop station
    empty_rack
}
# FUNCTION WHEN: the token that carried the fault has come so far
was_reached() {
    local place when=${2%+} count=0
    [ "$when" != '*' ] || when=1
    for place in "$BENCH/drawer/$faulty" "$BENCH/rack/bay-1"; do
        [ "$(cat "$place/serial" 2>/dev/null)" != "$faulty" ] || count=$(stat -c %s "$place/faults.$1" 2>/dev/null || echo 0)
    done
    [ "$count" -ge "$when" ]
}
fault() { # FUNCTION WHEN ACTION
    new_application && plug_faulty "$*" || return 1
    faulty=$TOKEN
    station_start
    made 60 || return 1
    within 5000 was_reached "$1" "$2" || { echo "the call was never made"; return 1; }
}

need "the bench is up" crash_up
station_settings 'absent_seconds = 1;'
need "a good token is made, and its calls are counted" count_calls
cases=0
# What was looked at once need not be looked at each time again: the drawer is emptied.
try() {
    point "$*" fault "$@"
    cases=$((cases + 1))
    rm -rf "$BENCH"/drawer/*
}
turn=0
for name in "${functions[@]}"; do
    last=${calls[$name]}
    [ "$last" -gt 0 ] || continue
    mapfile -t faults < <(faults_of "$name")
    if [ -n "$SWEEP" ]; then
        for action in "${faults[@]}"; do
            case $action in
            serial=*) try "$name" 2+ "$action" ;; # one that always shows the same other number has that number
            *) try "$name" '*' "$action" ;;
            esac
            try "$name" "$last" "$action"
        done
        for ((call = 1; call < last; call++)); do
            try "$name" "$call" rv=0x30
            try "$name" "$call" crash
        done
    else
        when=$last+
        [ $((turn % 2)) = 0 ] || when=$(((last + 1) / 2))
        try "$name" "$when" "${faults[turn % ${#faults[@]}]}"
        turn=$((turn + 1))
    fi
done
diag "calls in a job: $(for name in "${functions[@]}"; do echo -n "$name ${calls[$name]}, "; done)"
ok "they were many" [ "$cases" -gt 20 ]
done_testing
