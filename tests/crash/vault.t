#!/bin/bash
# castation-vault is killed at every one of its crash points, before and after each fsync, and started again. A client that
# does what castationd does, and asks again after a crash, must end with: every answer it was given still true, one
# signature a TBS, no letter twice, no PIN tried twice, a log whose every rule holds.
. "$(dirname "$0")/../flow/lib.sh"
. "$(dirname "$0")/../flow/vault.sh"
ORG=杭州示例科技有限公司

# ---- an HSM with a CA, copied for each point
V=$T/base
need "an HSM" vault_new
need "a vault" vault_up
need "a CA" ca_new
stop vault
fresh() { # FOLDER: as base, elsewhere
    V=$1
    cp -rp "$T/base" "$V"
    sed -i "s#$T/base#$V#" "$V/hsm/softhsm2.conf"
    export SOFTHSM2_CONF=$V/hsm/softhsm2.conf
    vault_conf "$SOFTHSM"
    rm -f "$RUN/v"
}
fresh_without_ca() {
    V=$1
    need "an empty HSM" vault_new
    rm -f "$RUN/v"
}

# ---- the client: each act once; an act whose answer came is not asked again, and what it said is kept
act() { # NAME COMMAND…
    local name=$1
    shift
    [ -e "$V/done.$name" ] && return 0
    "$@" >"$V/said.$name" 2>"$V/err.$name" || return 1
    mv "$V/said.$name" "$V/done.$name"
}
refused_act() { # a request that must be refused, and is logged as such
    local code
    [ -e "$V/done.refused" ] && return 0
    "$BIN/vault_tool" "$RUN/v" reserve "$V/a" job-9 TOKEN-9 >/dev/null 2>"$V/err.refused"
    code=$?
    [ "$code" = 4 ] && touch "$V/done.refused"
}
letter_act() { # printed, or never again
    act letter tool letter "$V/a" job-1 TOKEN-1 1 CA-1 "$ORG" "$V/letter" && return 0
    grep -q '^letter: .*printed already, or broken off' "$V/err.letter" && touch "$V/done.letter.lost"
}
story() {
    if [ "$(status_of state)" = no-ca ]; then act ca ca_new || return 1; fi
    [ -e "$V/a/key.pem" ] || papers "$V/a" CA-1 || return 1
    [ -e "$V/b/key.pem" ] || papers "$V/b" CA-2 || return 1
    act derive tool derive "$V/a" make job-1 softhsm TOKEN-1 softhsm TOKEN-1 1 1 &&
        act reserve tool reserve "$V/a" job-1 TOKEN-1 &&
        act build tool build "$V/a" "$ROOT/profiles" &&
        act sign tool sign "$V/a" job-1 TOKEN-1 &&
        act seal tool seal "$V/a" job-1 TOKEN-1 1 2468024680 &&
        letter_act && refused_act &&
        act reserve_b tool reserve "$V/b" job-2 TOKEN-2 &&
        act void_b tool void "$V/b" job-2
}

# ---- what has to be true at the end
true_still() { # every answer of before is the answer of now
    [ "$(tool reserve "$V/a" job-1 TOKEN-1)" = "$(cat "$V/done.reserve")" ] &&
        [ "$(tool sign "$V/a" job-1 TOKEN-1)" = "$(cat "$V/done.sign")" ] &&
        [ "$(tool lookup "$V/a")" = "signed $(cat "$V/done.sign")" ] &&
        [ "$(tool derive "$V/a" make job-1 softhsm TOKEN-1 softhsm TOKEN-1 1 1)" = "$(cat "$V/done.derive")" ] &&
        [ "$(tool void "$V/b" job-2)" = reservation ] &&
        ! tool reserve "$V/b" job-2 TOKEN-2 2>/dev/null
}
verifies() {
    openssl x509 -inform DER -in "$V/a/cert.der" -out "$V/a/cert.pem" &&
        openssl verify -x509_strict -CAfile "$V/ca.pem" "$V/a/cert.pem" >/dev/null
}
no_second_letter() {
    local printed=0
    [ -e "$V/letter" ] && printed=$(grep -c '^PIN: 2468024680$' "$V/letter")
    ! tool letter "$V/a" job-1 TOKEN-1 1 CA-1 "$ORG" "$V/letter2" 2>/dev/null && [ ! -s "$V/letter2" ] && [ "$printed" -le 1 ]
}
log_holds() {
    perl -MDigest::SHA=sha256 -MJSON::PP -e '
        my ($h, $n, %of, %tbs, %signed, %void, %letter, %key, $begun) = ("\0" x 32, 0);
        while (<>) { /^([0-9a-f]{64}) (.*)\n$/s or die "line $.: torn or no record\n";
            $h = sha256($h . pack("Q>", length $2) . $2); unpack("H*", $h) eq $1 or die "line $.: chain\n";
            my $r = decode_json($2); $r->{n} == ++$n or die "line $.: number\n";
            my ($t, $s) = ($r->{type}, $r->{serial_number} // "");
            if ($t eq "reserve") { $of{$s}++ and die "serial number twice\n"; $key{$r->{spki_sha256}}++ and die "key twice\n" }
            if ($t eq "sign_intent") { $of{$s} && !$void{$s} or die "intent of nothing\n";
                ($tbs{$s} //= $r->{tbs_sha256}) eq $r->{tbs_sha256} or die "two TBS\n" }
            if ($t eq "signature") { ($tbs{$s} // "") eq $r->{tbs_sha256} or die "signature without intent\n";
                $signed{$s}++ and die "two signatures\n" }
            if ($t eq "void") { $void{$s}++ and die "void twice\n" }
            if ($t eq "letter_printing") { $letter{$r->{job}, $r->{pin_version}}++ and die "letter twice\n" }
            if ($t eq "letter_printed") { $letter{$r->{job}, $r->{pin_version}} or die "printed, not printing\n" } }' \
        "$V/state/vault.log"
}
power_cut() { # what was not fsynced yet is lost: the last line
    head -n -1 "$V/state/vault.log" >"$V/state/cut" && cat "$V/state/cut" >"$V/state/vault.log" && rm "$V/state/cut"
}
credential_tries() { grep -c '"by":"credential"' "$V/state/vault.log"; }

# ---- all points
points=$("$BIN/castation-vault" --crash-points) || skip_all "this build has no crash points"
isnt "there are crash points" "$(wc -l <<<"$points")" 0
n=0
for point in $points; do
    n=$((n + 1))
    case $point in
    vault.ca_*) fresh_without_ca "$T/$n" ;;
    *) fresh "$T/$n" ;;
    esac
    CASTATION_CRASH=$point vault_up
    alive vault && story
    if ! ok "$point: the vault dies there" wait_for 10 vault_ended; then
        strike vault
        continue
    fi
    stop vault
    is "$point: by SIGKILL" "$CODE" 137
    [[ $point = *.before_fsync ]] && power_cut
    if [[ $point = vault.login.* && $point != vault.login.*fsync ]]; then
        before=$(credential_tries)
        need "$point: started again" vault_up
        is "$point: the HSM's PIN is not tried a second time" "$(status_of state) $(credential_tries)" "locked $before"
        ok "$point: unlock" tool unlock "$V/hsm.pin"
    else
        need "$point: started again" vault_up
    fi
    if [[ $point = vault.ca_init.keys || $point = vault.ca_init.before_fsync ]]; then
        exits "$point: half a CA is never overwritten" 4 ca_new
        is "$point: and nothing is signed with it" "$(status_of state)" no-ca
        stop vault
        continue
    fi
    ok "$point: the client ends its work" story
    ok "$point: what it was told is true still" true_still
    ok "$point: the certificate verifies" verifies
    ok "$point: the letter is not printed twice" no_second_letter
    stop vault
    ok "$point: the log's rules hold" log_holds
    rm -rf "$V"
done

# ---- the checker of this test can fail
V=$T/planted
mkdir -p "$V/state"
plant() { perl -MDigest::SHA=sha256 -e 'my ($h, $n) = ("\0" x 32, 0);
    for (@ARGV) { my $j = "{\"n\":" . ++$n . ",$_}"; $h = sha256($h . pack("Q>", length $j) . $j); print unpack("H*", $h), " $j\n" }' \
    "$@" >"$V/state/vault.log"; }
R='"type":"reserve","serial_number":"01","spki_sha256":"aa"' I='"type":"sign_intent","serial_number":"01","tbs_sha256":"bb"'
S='"type":"signature","serial_number":"01","tbs_sha256":"bb"'
plant "$R" "$I" "$S"
ok "a good log is good" log_holds
plant "$R" "$R"
nok "a serial number twice is found" log_holds
plant "$R" "$S"
nok "a signature without intent is found" log_holds
plant "$R" "$I" "$S" "$S"
nok "a second signature is found" log_holds
plant "$R" "$I" "${I/bb/cc}"
nok "a second TBS is found" log_holds
plant "$R" "$I" && sed -i s/bb/bc/ "$V/state/vault.log"
nok "a changed record is found" log_holds
done_testing
