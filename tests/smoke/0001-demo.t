#!/bin/bash
# The demo on the release programs, and an outsider's look at every token it made, with tools that are not ours.
# shellcheck source=tests/flow/lib.sh
. "$(dirname "$0")/../flow/lib.sh"
BIN=$ROOT/build/release
export DEMO=$T/demo CASTATION_BUILD=$BIN
export RUN_SECONDS=300

demo() { N=$1 BAYS=$2 "$ROOT/demo/demo.sh" demo; }
need "the demo makes twelve tokens" demo 12 4
R=$DEMO/result.json
field() { jq -r ".made[$1].$2" "$R"; }

like "it says so" "$OUT" "12 made, 0 failed"
is "result.json tells of twelve" "$(jq '.made | length' "$R")" 12
is "and of no failure" "$(jq -c .failed "$R")" "[]"
is "each has all that was promised, and nothing else" "$(jq -c '[.made[] | keys] | unique' "$R")" \
    '[["application","certificate","certificate_serial","delivery","env","identifier","key_id","module","organisation","profile","token_label","token_serial"]]'
is "no token is named twice" "$(jq '[.made[].token_serial] | unique | length' "$R")" 12
is "each application has one" "$(jq -c '[.made[].application] | sort' "$R")" "$(jq -c '[.[].id] | sort' "$ROOT/samples/applications.json")"
is "two ways of delivery" "$(jq -c '[.made[].delivery] | unique' "$R")" '["mail","pickup"]'

# ---- each token, by foreign tools -----------------------------------------------------------------------------------
CA=$(jq -r .ca "$R")
ok "the chain verifies by itself" openssl verify -CAfile "$CA" "$(jq -r .chain "$R")"
verified=0 certtool=0 named=0 listed=0 signed=0 mode=0
printf 'what an outsider signs' >"$T/data"
openssl dgst -sha256 -binary "$T/data" >"$T/digest"
for ((i = 0; i < 12; i++)); do
    serial=$(field $i token_serial) pem=$(field $i certificate) module=$(field $i module) id=$(field $i key_id)
    SOFTHSM2_CONF=$(field $i env.SOFTHSM2_CONF)
    export SOFTHSM2_CONF
    letter=$DEMO/letters/$serial.txt
    PIN=$(sed -n 's/^PIN: //p' "$letter")
    export PIN
    [ "$(stat -c %a "$letter")" = 600 ] && mode=$((mode + 1))
    openssl verify -x509_strict -CAfile "$CA" "$pem" >/dev/null 2>&1 && verified=$((verified + 1))
    certtool --verify --load-ca-certificate "$CA" --infile "$pem" >/dev/null 2>&1 && certtool=$((certtool + 1))
    subject=$(openssl x509 -in "$pem" -noout -subject -nameopt utf8,sep_multiline)
    [[ $subject == *"$(field $i organisation)"* ]] &&
        [ "$(openssl x509 -in "$pem" -noout -serial | cut -d= -f2 | tr 'A-F' 'a-f')" = "$(field $i certificate_serial)" ] &&
        named=$((named + 1))
    mapfile -t bytes < <(fold -w2 <<<"$id")
    printf -v percent '%%%s' "${bytes[@]}"
    p11tool --provider "$module" --list-all-certs >"$T/certs" 2>/dev/null
    # the token's own certificate carries the key's id
    pkcs11-tool --module "$module" --login --pin env:PIN --list-objects --type privkey >"$T/keys" 2>/dev/null
    grep -qi "id=$percent" "$T/certs" && grep -qi "$id" "$T/keys" && listed=$((listed + 1))
    openssl x509 -in "$pem" -noout -pubkey >"$T/pub.pem"
    if [[ $(field $i profile) == *rsa* ]]; then
        pkcs11-tool --module "$module" --login --pin env:PIN --sign --id "$id" --mechanism SHA256-RSA-PKCS \
            --input-file "$T/data" --output-file "$T/sig" >/dev/null 2>&1
    else
        pkcs11-tool --module "$module" --login --pin env:PIN --sign --id "$id" --mechanism ECDSA \
            --signature-format openssl --input-file "$T/digest" --output-file "$T/sig" >/dev/null 2>&1
    fi
    openssl dgst -sha256 -verify "$T/pub.pem" -signature "$T/sig" "$T/data" >/dev/null 2>&1 && signed=$((signed + 1))
    rm -f "$T/sig"
    printf '%s\n' "$PIN" >>"$T/pins"
done
unset SOFTHSM2_CONF PIN
is "openssl verify -x509_strict takes every certificate" "$verified" 12
is "certtool --verify takes every certificate" "$certtool" 12
is "each names its organisation and its serial number" "$named" 12
is "p11tool and pkcs11-tool list certificate and key as a pair" "$listed" 12
is "OpenSC signs with each token and its letter's PIN, and OpenSSL verifies" "$signed" 12
is "each letter is for its owner alone" "$mode" 12
is "no two tokens have one PIN" "$(sort -u "$T/pins" | wc -l)" 12

# ---- what must not be left -------------------------------------------------------------------------------------------
cat "$DEMO"/secrets/* >>"$T/pins"
echo >>"$T/pins"
is "no PIN stands in any file but its letter" \
    "$(grep -rlaFf <(grep . "$T/pins") "$DEMO" | grep -v -e "^$DEMO/letters/" -e "^$DEMO/secrets/")" ""
is "no process is left" "$(pgrep -f "$DEMO" | grep -vx $$)" ""
is "the audit chain can be verified with nothing running" \
    "$("$BIN/castation" -c "$DEMO/etc/station.conf" audit verify --json | jq .intact)" true

# ---- again, and two at once ------------------------------------------------------------------------------------------
first=$(field 0 token_serial)
demo 2 1 >"$T/a.out" 2>&1 &
sleep 1
exits "a second one at the same time is refused" 1 demo 2 1
like "and told why" "$ERR" "another demo is running"
wait
is "a later one starts afresh" "$(jq '.made | length' "$R")" 2
nok "nothing is left of the first" test -e "$DEMO/drawer/$first"
mkdir "$T/other" && touch "$T/other/precious"
DEMO=$T/other exits "a folder that is not the demo's own is left alone" 1 demo 1 1
ok "its content is still there" test -f "$T/other/precious"
done_testing
