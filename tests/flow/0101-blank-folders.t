#!/bin/bash
# castation-blank makes and moves the folders of virtual tokens; a crash in it loses none.
. "$(dirname "$0")/lib.sh"
module=/usr/lib/softhsm/libsofthsm2.so
blank=$BIN/castation-blank
serial_in() { SOFTHSM2_CONF=$1/softhsm2.conf p11tool --provider "$module" --list-tokens 2>/dev/null | sed -n 's/^\tSerial: \(..*\)/\1/p'; }
label_in() { SOFTHSM2_CONF=$1/softhsm2.conf p11tool --provider "$module" --list-tokens 2>/dev/null | sed -n 's/^\tLabel: \(..*\)/\1/p' | head -1; }

# ---- token
need "a blank is made" "$blank" token "$T/one"
serial=$OUT
like "its serial number is printed" "$serial" '^[0-9a-f]{16}$'
is "it is the one that the module shows" "$(serial_in "$T/one")" "$serial"
is "its label is BLANK" "$(label_in "$T/one")" BLANK
exits "a folder that is there is never overwritten" 4 "$blank" token "$T/one"
like "and named" "$ERR" "$T/one is there already"
is "its token is untouched" "$(serial_in "$T/one")" "$serial"
ok "a label is taken" "$blank" token "$T/two" --label 空白
is "in UTF-8" "$(label_in "$T/two")" 空白
exits "a parent that is not there is an error" 8 "$blank" token "$T/none/x"
exits "a hidden name is refused" 2 "$blank" token "$T/.x"
exits "33 bytes of label are too many" 4 "$blank" token "$T/long" --label 123456789012345678901234567890123
nok "nothing is left of it" test -e "$T/long"
is "nor beside it" "$(find "$T" -name '.*.new' | wc -l)" 0
ok "the factory SO PIN opens it" env SO=87654321 PIN=2468mkw9 SOFTHSM2_CONF="$T/two/softhsm2.conf" \
    pkcs11-tool --module "$module" --login --login-type so --so-pin env:SO --init-pin --new-pin env:PIN

# ---- hsm
ok "an HSM is made" "$blank" hsm "$T/hsm" --label HSM --so-pin-file "$T/so" --pin-file "$T/pin"
is "PIN files are made, for their owner only" "$(stat -c %a "$T/so" "$T/pin" | sort -u)" 600
isnt "and differ" "$(cat "$T/so")" "$(cat "$T/pin")"
ok "the user PIN opens it" env PIN="$(cat "$T/pin")" SOFTHSM2_CONF="$T/hsm/softhsm2.conf" \
    pkcs11-tool --module "$module" --login --pin env:PIN -O
pin=$(cat "$T/pin")
ok "a second one takes the same files" "$blank" hsm "$T/hsm2" --label HSM --so-pin-file "$T/so" --pin-file "$T/pin"
is "and leaves them alone" "$(cat "$T/pin")" "$pin"
chmod 644 "$T/pin"
exits "a PIN that others can read is refused" 4 "$blank" hsm "$T/hsm3" --label HSM --so-pin-file "$T/so" --pin-file "$T/pin"
exits "hsm without PIN files is a wrong use" 2 "$blank" hsm "$T/hsm4" --label HSM

# ---- move
ok "a folder is moved" "$blank" move "$T/one" "$T/bay"
is "its token is the same" "$(serial_in "$T/bay")" "$serial"
nok "and only in the new place" test -e "$T/one"
ok "the same move again is done already" "$blank" move "$T/one" "$T/bay"
exits "an occupied place is refused" 4 "$blank" move "$T/bay" "$T/two"
is "and the token stays where it works" "$(serial_in "$T/bay")" "$serial"
exits "what is no token's folder is not moved" 3 "$blank" move "$T/none" "$T/x"
exits "to another file system it is an error" 8 "$blank" move "$T/bay" /dev/shm/castation-blank-test-$$
is "that leaves the token working" "$(serial_in "$T/bay")" "$serial"
exits "without arguments there is usage" 2 "$blank"
exits "an unknown verb is a wrong use" 2 "$blank" steal "$T/bay"

# ---- crashes (only this flavour has crash points)
if [[ $BIN = */asan ]]; then
    export CASTATION_CRASH=blank.make.built
    exits "killed before the new folder appears" 137 "$blank" token "$T/three"
    nok "there is none" test -e "$T/three"
    unset CASTATION_CRASH
    ok "and the next try makes it" "$blank" token "$T/three"
    is "whole" "$(serial_in "$T/three")" "$OUT"
    export CASTATION_CRASH=blank.move.conf
    exits "killed in the middle of a move" 137 "$blank" move "$T/bay" "$T/shelf"
    unset CASTATION_CRASH
    ok "the same move again ends it" "$blank" move "$T/bay" "$T/shelf"
    is "with the same token" "$(serial_in "$T/shelf")" "$serial"
    CASTATION_CRASH=blank.move.conf run "$blank" move "$T/shelf" "$T/bay"
    ok "a broken-off move can be taken back" "$blank" move "$T/shelf" "$T/shelf"
    is "the token works where it was" "$(serial_in "$T/shelf")" "$serial"
fi
done_testing
