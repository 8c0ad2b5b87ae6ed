#!/bin/bash
# castation-check: it finds nothing in good records, and each planted violation.
. "$(dirname "$0")/../flow/lib.sh"
CHECK=$BIN/castation-check
MODULE=/usr/lib/softhsm/libsofthsm2.so

# ---- good records, with two real tokens and one that is in no record ------------------------------------------------
GOOD=$T/good
mkdir -p "$GOOD" "$T/rack" "$T/letters"
for i in 1 2 3 4; do
    need "a blank is made" "$BIN/castation-blank" token "$T/rack/bay-$i"
    serial[i]=$OUT
done
need "sample records are made" "$BIN/castation-check-sample" "$GOOD" "${serial[1]}" "${serial[2]}"
declare -A key_id
while read -r s id; do key_id[$s]=$id; done <<<"$OUT"
# one of the blanks is the wiped token
sqlite3 -bail "$GOOD/station.db" "UPDATE tokens SET serial = '${serial[3]}' WHERE serial = 'WIPED001';
                        UPDATE jobs SET token = '${serial[3]}' WHERE token = 'WIPED001'"

p11() { # BAY ARGS…
    SOFTHSM2_CONF=$T/rack/bay-$1/softhsm2.conf pkcs11-tool --module "$MODULE" "${@:2}"
}
put() { # BAY SERIAL-OF-THE-FILES ID
    p11 "$1" --write-object "$GOOD/$2.crt.der" --type cert --id "$3" &&
        p11 "$1" --write-object "$GOOD/$2.key.pem" --type pubkey --id "$3"
}
for i in 1 2; do
    need "token $i gets its certificate and key" put "$i" "${serial[$i]}" "${key_id[${serial[$i]}]}"
done

PIN=kh7w3n9cq4
printf 'PIN: %s\n' $PIN >"$T/letters/${serial[1]}.txt"
chmod 600 "$T/letters/${serial[1]}.txt"

check() { # FOLDER [RACK]
    run "$CHECK" --letters "$T/letters" "$1/station.db" "$1/vault.log" "$1/portal.db" "${2:-$T/rack}"
}
check "$GOOD"
is "good records: exit 0" "$CODE" 0
unlike "good records: no violation is named" "$OUT$ERR" 'invariant [0-9]|VIOLATED'
is "good records: every invariant is said to hold" "$(grep -c '^holds' <<<"$OUT")" 7

like "good records: nothing was passed over" "$OUT" \
    "read: 17 vault records, 4 signatures, 6 jobs, 101 journal entries, 2 deliverable tokens, 4 token folders; 1 PINs looked for in"

# ---- planting ---------------------------------------------------------------------------------------------------------
# INVARIANT NAME REGEX COMMAND…: in a copy of the good records (the COMMAND's folder) the violation is named
plant() {
    local n=$1 name=$2 regex=$3 dir=$T/planted
    shift 3
    rm -rf "$dir"
    cp -a "$GOOD" "$dir"
    if ! (cd "$dir" && "$@") >"$T/plant.log" 2>&1; then
        tap 1 "planted: $name" || diag "$(cat "$T/plant.log")"
        return
    fi
    check "$dir"
    local found=1
    [ "$CODE" = 1 ] && grep -qE "^invariant $n: .*$regex" <<<"$OUT" && found=0
    tap $found "$n: $name" || diag "exit $CODE, wanted: invariant $n: $regex" "$OUT" "$ERR"
}
station() { # SQL: journal and audit may be written, here
    local t
    for t in journal audit; do
        set -- "DROP TRIGGER IF EXISTS ${t}_no_update; DROP TRIGGER IF EXISTS ${t}_no_delete; $1"
    done
    sqlite3 -bail station.db "PRAGMA foreign_keys = OFF; $1"
}
portal() { sqlite3 -bail portal.db "PRAGMA foreign_keys = OFF; $1"; }
vault_add() { # JSON: a record that fits the chain in nothing but its number
    local n
    n=$(($(wc -l <vault.log) + 1))
    printf '%064d %s\n' 0 "{\"at\":\"2026-11-22T09:00:00.000Z\",\"n\":$n,$1}" >>vault.log
}
vault_drop() { grep -vE "$1" vault.log >vault.new && ! cmp -s vault.log vault.new && mv vault.new vault.log; } # REGEX
value() { sqlite3 -bail "$GOOD/station.db" "$1"; }

A=${serial[1]}
CERT=$(value "SELECT serial_number FROM certificates WHERE token = '$A'")
JOB=$(value "SELECT job FROM tokens WHERE serial = '$A'")
APP=$(value "SELECT application FROM jobs WHERE id = '$JOB'")
VOIDED=$(value "SELECT serial_number FROM certificates WHERE token = 'VOIDED01'")
OPEN=$(value "SELECT id FROM jobs WHERE token = 'ATWORK01'")
FF=$(printf 'f%.0s' {1..64})
other_der() { sqlite3 "$GOOD/station.db" "SELECT hex(certificate) FROM certificates WHERE token = '${serial[2]}'"; }

# ---- 1: own, verified, acknowledged -------------------------------------------------------------------------------------
plant 1 "a certificate for another key" "$A.*another key" station "UPDATE jobs SET spki = x'3000' WHERE id = '$JOB'"
plant 1 "another organisation in the job" "$A.*says organisation" station "UPDATE jobs SET organisation = 'Somebody' WHERE id = '$JOB'"
plant 1 "another organisation in the application" "$A.*says organisation" \
    station "UPDATE jobs SET document = CAST(replace(CAST(document AS TEXT), '杭州', '宁波') AS BLOB) WHERE id = '$JOB'"
plant 1 "another token's certificate" "$A.*certificate" \
    station "UPDATE jobs SET certificate = x'$(other_der)' WHERE id = '$JOB'; UPDATE certificates SET certificate = x'$(other_der)' WHERE serial_number = '$CERT'"
spoilt=$(value "SELECT hex(certificate) FROM certificates WHERE serial_number = '$CERT'")
case $spoilt in *0) spoilt=${spoilt%?}1 ;; *) spoilt=${spoilt%?}0 ;; esac
plant 1 "a certificate whose signature is spoilt" "$A.*signature is not the CA" \
    station "UPDATE jobs SET certificate = x'$spoilt' WHERE id = '$JOB'; UPDATE certificates SET certificate = x'$spoilt' WHERE serial_number = '$CERT'"
plant 1 "a certificate of another CA" "$A: certificate $CERT: .*signature" \
    vault_add "\"type\":\"ca_init\",\"certificate\":\"$(openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout /dev/null -subj '/O=CA' -outform DER 2>/dev/null | od -An -v -tx1 | tr -d ' \n')\""
plant 1 "a certificate that is not recorded as deliverable" "$A.*$CERT is made" station "UPDATE certificates SET state = 'made' WHERE serial_number = '$CERT'"
plant 1 "a job that is not done" "$A.*make, failed" station "UPDATE jobs SET state = 'failed' WHERE id = '$JOB'"
plant 1 "a job that was on another token" "$A.*names token" station "UPDATE jobs SET token = '${serial[2]}' WHERE id = '$JOB'"
plant 1 "no verify" "$A.*no verify done" station "DELETE FROM journal WHERE job = '$JOB' AND step = 'verify'"
plant 1 "verify before the certificate was written once more" "$A.*no verify done" \
    station "INSERT INTO journal(job, step, attempt, phase, at, evidence) VALUES('$JOB', 'write', 2, 'intent', '', '{}'), ('$JOB', 'write', 2, 'done', '', '{}')"
plant 1 "a report that the portal never took" "$A.*not acknowledged" portal "DELETE FROM certificate WHERE serial = '$CERT'"
plant 1 "an application that the portal has lent again" "$A.*generation 2" portal "UPDATE application SET state = 'claimed', generation = 2 WHERE id = '$APP'"
plant 1 "a report of another generation" "$A.*generation 7" portal "UPDATE certificate SET generation = 7 WHERE serial = '$CERT'"
plant 1 "a certificate that the portal has for another token" "$A.*token OTHER" portal "UPDATE certificate SET token_serial = 'OTHER' WHERE serial = '$CERT'"
plant 1 "a certificate that the portal has voided" "$A.*portal has voided" portal "UPDATE certificate SET voided_at = 1 WHERE serial = '$CERT'"
plant 1 "a certificate that the vault has voided" "$A.*vault has voided" vault_add "\"type\":\"void\",\"serial_number\":\"$CERT\""
plant 1 "a certificate that the vault never signed" "$A.*not what the vault" vault_drop "$CERT.*\"type\":\"signature\""

# ---- 2: only one --------------------------------------------------------------------------------------------------------
plant 2 "two deliverable tokens for one application" "$APP has several deliverable tokens" \
    station "UPDATE jobs SET application = '$APP', generation = 2 WHERE token = '${serial[2]}'"
plant 2 "two deliverable certificates for one application" "$APP has several deliverable certificates" \
    station "UPDATE certificates SET application = '$APP' WHERE token = '${serial[2]}'"
plant 2 "two certificates that stand at the portal" "$APP has several certificates that stand" \
    portal "DROP INDEX certificate_standing; UPDATE certificate SET application = '$APP'"
plant 2 "two TBS for a serial number in the vault's log" "$CERT has 2 TBS" vault_add "\"type\":\"sign_intent\",\"serial_number\":\"$CERT\",\"tbs_sha256\":\"$FF\""
second_signature() { # OCTET: what the second ends with
    local tbs hex
    tbs=$(sqlite3 station.db "SELECT tbs_sha256 FROM certificates WHERE serial_number = '$CERT'")
    hex=$(sqlite3 station.db "SELECT lower(hex(certificate)) FROM certificates WHERE serial_number = '$CERT'")
    vault_add "\"type\":\"signature\",\"serial_number\":\"$CERT\",\"tbs_sha256\":\"$tbs\",\"certificate\":\"${hex%??}$1\""
}
plant 2 "two signatures of a TBS" "has two signatures" second_signature 00
same_signature() { second_signature "$(sqlite3 station.db "SELECT lower(hex(substr(certificate, -1))) FROM certificates WHERE serial_number = '$CERT'")"; }
plant 2 "one signature logged twice" "$CERT was signed more than once" same_signature
plant 2 "a certificate filed under another serial number" "$CERT under $VOIDED" \
    sed -i "s/\"serial_number\":\"$CERT\",\"tbs/\"serial_number\":\"$VOIDED\",\"tbs/; /\"type\":\"signature\"/ s/\(.*\)\"serial_number\":\"$CERT\"/\1\"serial_number\":\"$VOIDED\"/" vault.log
plant 2 "another TBS at the vault than in the records" "$CERT has TBS" station "UPDATE certificates SET tbs_sha256 = '$FF' WHERE serial_number = '$CERT'"
plant 2 "a serial number reserved for two TBS" "$CERT was reserved for two TBS" \
    station "INSERT INTO journal(job, step, attempt, phase, at, evidence) VALUES('$OPEN', 'reserve', 2, 'done', '', '{\"serial_number\":\"$CERT\",\"tbs_sha256\":\"$FF\"}')"

# ---- 3: deliverable or void -----------------------------------------------------------------------------------------------
plant 3 "a signed certificate that nobody recorded" "$CERT was signed for job $JOB.*no record" station "DELETE FROM certificates WHERE serial_number = '$CERT'"
plant 3 "a void certificate that nobody recorded" "$VOIDED was signed" station "DELETE FROM certificates WHERE serial_number = '$VOIDED'"
plant 3 "a signed certificate of a job that was given up" "$CERT was signed and is neither" \
    station "UPDATE certificates SET state = 'signed' WHERE serial_number = '$CERT'"
plant 3 "a deliverable certificate on a token in quarantine" "$CERT is deliverable, its token $A is quarantined" \
    station "UPDATE tokens SET state = 'quarantined' WHERE serial = '$A'"
plant 3 "a void certificate that the vault was never told of" "$VOIDED is void in the station's records, not in the vault" vault_drop "$VOIDED.*\"type\":\"void\""
plant 3 "a voiding that was under way and is forgotten" "is void in the station's records, not in the vault" \
    station "DELETE FROM to_void WHERE vault_done = 0"
plant 3 "a voiding called done that never reached the vault" "vault has voided it; the vault's log does not" \
    station "UPDATE to_void SET vault_done = 1"
plant 3 "a void certificate of which nothing is kept" "$VOIDED: the records hold nothing" station "UPDATE certificates SET certificate = NULL WHERE serial_number = '$VOIDED'"
plant 3 "a void certificate of which the portal is not told" "$VOIDED.*nothing tells the portal" station "DELETE FROM outbox"
plant 3 "a void that the portal acknowledged and lost" "$VOIDED: the portal acknowledged" portal "DELETE FROM voided"
plant 3 "a deliverable certificate that is void at the vault" "$CERT is deliverable.*void in the vault" vault_add "\"type\":\"void\",\"serial_number\":\"$CERT\""
plant 3 "a certificate that the vault never signed" "01ab is made.*no signature" \
    station "INSERT INTO certificates VALUES('01ab', '$FF', '$OPEN', 'x', 'ATWORK01', 'made', x'00', '', '', '')"

plant 3 "a serial number that stays reserved for a job that has ended" "stays reserved for job $OPEN, which is failed" \
    station "UPDATE jobs SET state = 'failed' WHERE id = '$OPEN'"

# ---- 4: never forgotten ---------------------------------------------------------------------------------------------------
plant 4 "a token that began a job and is gone from the records" "ATWORK01 stands in jobs" station "DELETE FROM tokens WHERE serial = 'ATWORK01'"
plant 4 "a token that only the journal names" "LOST0001 stands in journal" \
    station "INSERT INTO journal(job, step, attempt, phase, at, evidence) VALUES('$OPEN', 'check', 9, 'done', '', '{\"token\":\"LOST0001\"}')"
plant 4 "a token left in a job that ended" "ATWORK01 is in_job, and no open job" station "UPDATE jobs SET state = 'failed' WHERE id = '$OPEN'"
plant 4 "a token in stock while a job has it" "ATWORK01 is stock, and an open job" station "UPDATE tokens SET state = 'stock' WHERE serial = 'ATWORK01'"
plant 4 "a token in two jobs" "ATWORK01 is in 2 open jobs" station "UPDATE jobs SET token = 'ATWORK01', state = 'waiting' WHERE token = 'VOIDED01'"
plant 4 "a token back in stock that held a certificate" "VOIDED01 is in stock" station "UPDATE tokens SET state = 'stock' WHERE serial = 'VOIDED01'"
plant 4 "a wiped token whose SO PIN nobody knows" "${serial[3]} is wiped, and nobody knows" station "UPDATE tokens SET so_changing_to = 2 WHERE serial = '${serial[3]}'"
plant 4 "a token in a state that there is not" "STOCK001.*which there is not" station "UPDATE tokens SET state = 'elsewhere' WHERE serial = 'STOCK001'"

# ---- 5: no PIN in the clear -------------------------------------------------------------------------------------------------
write() { printf '%s' "$2" >>"$1"; }
plant 5 "a PIN in a log" "daemon.log holds the PIN.*plain" write daemon.log "user PIN is $PIN now"
plant 5 "a PIN in a file below" "sub/core holds the PIN" eval "mkdir sub; printf '\\0\\0%s\\0' $PIN >sub/core"
plant 5 "a PIN in a database" "station.db.*holds the PIN" station "UPDATE tokens SET reason = '$PIN' WHERE serial = 'STOCK001'"
plant 5 "a PIN in hex" "trace holds the PIN.*hex" write trace "$(printf %s $PIN | od -An -tx1 | tr -d ' \n')"
plant 5 "a PIN in hex, capitals" "trace holds the PIN.*hex" write trace "$(printf %s $PIN | od -An -tx1 | tr -d ' \n' | tr a-f A-F)"
for before in '' a ab abc; do
    plant 5 "a PIN in base64, ${#before} bytes into it" "trace holds the PIN.*base64" write trace "$(printf '%s%s tail' "$before" $PIN | base64)"
done
chmod 644 "$T/letters/${serial[1]}.txt"
plant 5 "a letter that others may read" "letter .* has mode 644" true
chmod 600 "$T/letters/${serial[1]}.txt"
printf '%s\n' "$PIN" "another-one" >"$T/pins"
run "$CHECK" --secrets "$T/pins" --scan "$T/letters" "$GOOD/station.db" "$GOOD/vault.log" "$GOOD/portal.db"
like "5: a list of secrets and a folder to look in" "$OUT" "invariant 5: .*${serial[1]}.txt holds the PIN of pins:1"
unlike "5: what the checker says holds no PIN" "$OUT$ERR" "$PIN"
run "$CHECK" --secrets "$T/pins" --scan "$T/letters" --except "$T/letters" "$GOOD/station.db" "$GOOD/vault.log" "$GOOD/portal.db"
is "5: what is excepted is not looked at" "$CODE" 0

# ---- 6: whole logs ------------------------------------------------------------------------------------------------------------
plant 6 "an audit record that was changed" "record 2 .*does not fit" station "UPDATE audit SET detail = 'softsm' WHERE seq = 2"
plant 6 "an audit record that was taken out" "record 1 is missing" station "DELETE FROM audit WHERE seq = 1"
plant 6 "a vault record that was changed" "vault's log: record 3 " sed -i '3 s/CA20261122/CA20261123/' vault.log
plant 6 "a vault record that was taken out" "vault's log: record 4 " sed -i 4d vault.log

# ---- 7: the journal -------------------------------------------------------------------------------------------------------------
plant 7 "an intent without an outcome" "$JOB.*has no outcome" station "DELETE FROM journal WHERE job = '$JOB' AND step = 'write' AND phase = 'done'"
plant 7 "an open intent in a job that has ended" "$OPEN.* is given_back, and the intent" \
    station "UPDATE jobs SET state = 'given_back' WHERE id = '$OPEN'; UPDATE tokens SET state = 'quarantined' WHERE serial = 'ATWORK01'"
plant 7 "an outcome of another step" "$OPEN.*is an outcome of write" \
    station "INSERT INTO journal(job, step, attempt, phase, at, evidence) VALUES('$OPEN', 'write', 1, 'done', '', '{}')"
for step in check initialise set_so_pin set_user_pin generate_key prove_possession reserve sign write verify commit_record report; do
    plant 7 "a done job without $step" "$JOB.*is done" station "DELETE FROM journal WHERE job = '$JOB' AND step = '$step'"
done
plant 7 "a done job whose steps are in another order" "$JOB.*sign is not done after reserve" \
    station "UPDATE journal SET seq = -seq WHERE job = '$JOB' AND step = 'sign'; UPDATE journal SET seq = seq + 1000 WHERE job = '$JOB' AND step IN ('reserve')"
plant 7 "a step that is none" "is of no known step" station "UPDATE journal SET step = 'polish' WHERE job = '$OPEN' AND step = 'check'"
plant 7 "a journal of no job" "are of no job" station "INSERT INTO journal(job, step, attempt, phase, at, evidence) VALUES('nobody', 'check', 1, 'done', '', '{}')"

# ---- the tokens themselves, in rising disorder ----------------------------------------------------------------------------------
device() { # INVARIANT NAME REGEX
    check "$GOOD"
    local found=1
    [ "$CODE" = 1 ] && grep -qE "^invariant $1: .*$3" <<<"$OUT" && found=0
    tap $found "$1: $2" || diag "exit $CODE, wanted: invariant $1: $3" "$OUT" "$ERR"
}
p11 1 --delete-object --type cert --id "${key_id[$A]}" >/dev/null 2>&1
device 1 "a deliverable token without its certificate" "$A is deliverable and does not hold certificate"
p11 1 --write-object "$GOOD/${serial[2]}.crt.der" --type cert --id "${key_id[$A]}" >/dev/null 2>&1
device 1 "a deliverable token with another's certificate" "$A is deliverable and does not hold certificate"
p11 1 --delete-object --type pubkey --id "${key_id[$A]}" >/dev/null 2>&1
p11 1 --write-object "$GOOD/${serial[2]}.key.pem" --type pubkey --id "${key_id[$A]}" >/dev/null 2>&1
device 1 "a deliverable token with another key" "$A is deliverable and does not hold the certificate's public key"
put 3 "$A" 01 >/dev/null 2>&1
device 4 "a wiped token that holds a certificate" "${serial[3]} is wiped, and holds"
put 4 "$A" 01 >/dev/null 2>&1
device 4 "a token with a certificate that is in no record" "${serial[4]} in .*bay-4 holds .*no record"

# ---- what cannot be read is no verdict --------------------------------------------------------------------------------------------
unreadable() { # NAME COMMAND…
    rm -rf "$T/planted"
    cp -a "$GOOD" "$T/planted"
    (cd "$T/planted" && "${@:2}") >/dev/null 2>&1
    run "$CHECK" "$T/planted/station.db" "$T/planted/vault.log" "$T/planted/portal.db"
    is "$1: exit 3" "$CODE" 3
}
unreadable "no vault log" rm vault.log
unreadable "a vault log of garbage" write vault.log $'garbage\n'
unreadable "no station database" rm station.db
unreadable "a portal database of garbage" eval 'head -c 8192 /dev/urandom >portal.db'
run "$CHECK" only
is "wrong usage: exit 2" "$CODE" 2
done_testing
