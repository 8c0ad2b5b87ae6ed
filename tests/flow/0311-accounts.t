#!/bin/bash
# People come in: registration, log-in, second factor, forgotten passwords, invitations; and strangers do not.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/portal.sh"
. "$(dirname "$0")/pages.sh"

portal_pages_conf ''
need "a portal is set up" caportal init
need "there is a reviewer" web_user first@example.com 初审甲 first_reviewer
need "there is an applicant" web_user a@corp.com 王小明 applicant --organisation-kind enterprise --organisation 杭州示例科技有限公司 --uscc 91330100799655058B
portal_up
USCC=914403001922038216

# ---- registration
web_as new
register() { # EMAIL [USCC]
    web_post /register kind=enterprise organisation=深圳甲公司 "uscc=${2:-$USCC}" name=李四 mobile=13800000000 \
        "email=$1" "password=$PASSWORD" "password_again=$PASSWORD"
}
web_post /register kind=enterprise organisation= uscc=914403001922038217 name= mobile=abc email=nonsense password=1234567890 password_again=x
is "a wrong registration is shown again" "$STATUS" 422
for field in organisation uscc name mobile email password; do
    ok "with an error at $field" web_shown "href=\"#f-$field\""
done
nok "and never with the password" web_shown 1234567890
web_post /register kind=enterprise organisation=甲 uscc= name=李四 mobile=13800000000 email=b@corp.com "password=$PASSWORD" "password_again=$PASSWORD"
is "an enterprise needs its USCC" "$STATUS" 422
register li@corp.com
is "a right one is taken" "$STATUS $LOCATION" "303 /register/sent"
web_post /login email=li@corp.com "password=$PASSWORD"
is "before its e-mail is confirmed nobody logs in with it" "$STATUS" 422
join() { caportal user add "$1" --name 甲 --role applicant --organisation-kind enterprise --organisation 深圳甲公司 --uscc "$USCC" --password-file "$T/password"; }
exits "nor does an administrator put another beside it" 4 join beside@corp.com
link=$(web_link li@corp.com /email/)
like "a mail brings the link" "$link" '^/email/[A-Za-z0-9_-]{43}$'
web_get "$link"
is "which shows what was registered" "$STATUS $(web_shown 深圳甲公司 && echo there)" "200 there"
web_get "$link"
is "and may be looked at by programs that look at mails" "$STATUS" 200
web_post "$link" "password=not the password"
is "it asks for the password that was registered" "$STATUS" 422
web_post "$link" "password=$PASSWORD"
is "and lets its owner in" "$STATUS $LOCATION" "303 /workbench"
web_get /organisation
is "into the organisation" "$STATUS $(web_shown $USCC && echo there)" "200 there"
ok "which an administrator may then add to" join beside@corp.com
web_as other
web_get "$link"
is "the link works once" "$STATUS" 404

# ---- what a stranger must not learn
web_as stranger
register li@corp.com 91110000100017643K
is "an address that has an account gets the same page" "$STATUS $LOCATION" "303 /register/sent"
like "only its mail says so" "$(web_mail li@corp.com 2)" '已有账户'
register cuckoo@corp.com
is "so does a USCC that has one" "$STATUS $LOCATION" "303 /register/sent"
like "whose mail says whom to ask" "$(web_mail cuckoo@corp.com)" "$USCC.*邀请您"
unlike "and makes no account" "$(caportal user list)" cuckoo
for email in nobody@corp.com a@corp.com first@example.com; do
    web_post /login "email=$email" "password=wrong password"
    sed -E 's/value="[^"]*"//g; s/f-email[^>]*//g' "$T/.page" >"$T/answer.$email"
    is "a wrong password of $email is refused" "$STATUS" 422
done
ok "an unknown account's answer is a known one's" cmp "$T/answer.nobody@corp.com" "$T/answer.a@corp.com"
caportal user disable a@corp.com >/dev/null
web_post /login email=a@corp.com "password=$PASSWORD"
sed -E 's/value="[^"]*"//g; s/f-email[^>]*//g' "$T/.page" >"$T/answer.disabled"
ok "a disabled account's too, with the right password" cmp "$T/answer.nobody@corp.com" "$T/answer.disabled"
caportal user enable a@corp.com >/dev/null

# ---- registrations that nobody confirms keep nothing
register squatter@corp.com 91350100M000100Y43
old=$(web_link squatter@corp.com /email/)
register owner@corp.com 91350100M000100Y43
like "an unconfirmed registration does not keep a USCC" "$(web_link owner@corp.com /email/)" ^/email/
web_get "$old"
is "and its link is over" "$STATUS" 404

# ---- log-in, session, log-out
web_as fixed
web_get /login
web_csrf /login
before=$(awk '$6 == "pre" || $6 == "sid" {print $7}' "$JAR")
ok "the applicant logs in" web_login a@corp.com "$PASSWORD"
sid=$(awk '$6 == "sid" {print $7}' "$JAR")
isnt "with a session that was not there before" "$sid" "$before"
cp "$JAR" "$T/stolen.jar"
web_as attacker
printf '127.0.0.1\tFALSE\t/\tFALSE\t0\tsid\t%s\n' "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" >"$JAR"
web_login a@corp.com "$PASSWORD"
isnt "one that somebody else chose is never taken over" "$(awk '$6 == "sid" {print $7}' "$JAR")" "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
web_as fixed
web_send POST /account --data-urlencode name=x --data-urlencode mobile= --data-urlencode lang=zh
is "a form without its token is refused" "$STATUS" 403
web_send POST /account --data-urlencode "csrf=$(printf '0%.0s' {1..64})" --data-urlencode name=x --data-urlencode mobile= --data-urlencode lang=zh
is "so is one with a forged token" "$STATUS" 403
web_csrf /account
own=$CSRF
web_as new
web_send POST /account --data-urlencode "csrf=$own" --data-urlencode name=x --data-urlencode mobile= --data-urlencode lang=zh
is "and one with another's" "$STATUS" 403
web_as fixed
web_send POST /account -H 'Origin: https://evil.example' --data-urlencode "csrf=$own" --data-urlencode name=x --data-urlencode mobile= --data-urlencode lang=zh
is "and one that another site sends" "$STATUS" 403
web_post /account name=王大明 mobile=13900000000 lang=en
web_get /account
ok "an honest one is taken" web_shown 王大明
web_logout
is "logging out" "$STATUS $LOCATION" "303 /login"
web_as stolen
web_get /account
is "really ends the session" "$STATUS ${LOCATION%%\?*}" "303 /login"
web_as fixed
web_get '/login?next=//evil.example/'
nok "a log-in leads to no other site" web_shown evil.example
web_post /login email=a@corp.com "password=$PASSWORD" next=/organisation
is "but back to where one was going" "$LOCATION" /organisation

# ---- the second factor
web_as staff
web_post /login email=first@example.com "password=$PASSWORD"
is "staff is asked for a code" "$STATUS $LOCATION" "303 /login/code"
web_get /review/first
is "and sees nothing before it" "$STATUS $LOCATION" "303 /login/code"
web_post /login/code code=000000
is "a wrong code is refused" "$STATUS" 422
half=$(awk '$6 == "sid" {print $7}' "$JAR")
code=$(web_code "$T/first@example.com.totp")
web_post /login/code "code=${code:0:3} ${code:3}"
is "the right one is taken" "$STATUS $LOCATION" "303 /workbench"
isnt "in a new session" "$(awk '$6 == "sid" {print $7}' "$JAR")" "$half"
web_get /review/first
is "which sees everything" "$STATUS" 200
web_as replay
web_post /login email=first@example.com "password=$PASSWORD"
web_post /login/code "code=$code"
is "the same code again is refused" "$STATUS" 422
web_logout /login/code
ok "the next one is not" web_login first@example.com "$PASSWORD" "$T/first@example.com.totp"

(umask 077 && echo "$PASSWORD" >"$T/password")
need "there is an administrator without a second factor" caportal user add admin@example.com --name 管理员 --role administrator --password-file "$T/password"
web_as admin
web_post /login email=admin@example.com "password=$PASSWORD"
is "staff without one has to set it up" "$STATUS $LOCATION" "303 /account/totp"
web_get /admin/users
is "and gets nowhere else" "$STATUS $LOCATION" "303 /account/totp"
web_get /account/totp
secret=$(sed -n 's/.*name="secret" value="\([A-Z2-7]*\)".*/\1/p' <<<"$BODY")
like "the page shows a secret" "$secret" '^[A-Z2-7]{32}$'
ok "and its QR code" web_shown '<svg class="qr"'
web_post /account/totp "secret=$secret" code=123456
is "a wrong code does not set it" "$STATUS" 422
is "and the secret stays" "$(sed -n 's/.*name="secret" value="\([A-Z2-7]*\)".*/\1/p' <<<"$BODY")" "$secret"
echo "$secret" >"$T/admin@example.com.totp"
web_post /account/totp "secret=$secret" "code=$(web_code "$T/admin@example.com.totp")"
is "a right one does" "$STATUS $LOCATION" "303 /workbench"
web_get /admin/users
is "and opens what is the role's" "$STATUS" 200
web_get /account/totp
next=$(sed -n 's/.*name="secret" value="\([A-Z2-7]*\)".*/\1/p' <<<"$BODY")
echo "$next" >"$T/next.totp"
web_post /account/totp "secret=$next" "code=$(web_code "$T/next.totp")" present=000000
is "changing it takes a code of the present one" "$STATUS" 422
web_post /account/totp "secret=$next" "code=$(web_code "$T/next.totp")" "present=$(web_code "$T/admin@example.com.totp")"
is "with which it is done" "$STATUS $LOCATION" "303 /account"

# ---- passwords
web_as elsewhere
ok "the applicant is logged in twice" web_login a@corp.com "$PASSWORD"
web_as fixed
web_post /account/password old=wrong password="another good one 7" password_again="another good one 7"
is "a change takes the old password" "$STATUS" 422
web_post /account/password "old=$PASSWORD" password=woaini1314520 password_again=woaini1314520
is "and a new one that is not common" "$STATUS" 422
web_post /account/password "old=$PASSWORD" password="another good one 7" password_again="another good one 7"
is "is made" "$STATUS $LOCATION" "303 /account"
web_get /account
is "and this browser goes on" "$STATUS" 200
web_as elsewhere
web_get /account
is "the other one does not" "$STATUS" 303

web_as forgot
for email in a@corp.com nobody@corp.com; do
    web_post /password/forgot "email=$email"
    is "who forgot $email's password gets the same answer" "$STATUS $LOCATION" "303 /password/forgot?sent=1"
done
is "but no mail goes to who has no account" "$(mails_to nobody@corp.com | wc -l)" 0
link=$(web_link a@corp.com /password/reset/)
like "it brings a link" "$link" '^/password/reset/[A-Za-z0-9_-]{43}$'
web_send POST "$link" --data-urlencode "password=another one of mine 1"
is "a form from elsewhere is refused, and the log (below) does not name the link" "$STATUS" 403
web_as fixed
cp "$JAR" "$T/running.jar"
web_as forgot
web_post "$link" password="a third good one 8" password_again="a third good one"
is "two that differ are refused" "$STATUS" 422
web_post "$link" password="a third good one 8" password_again="a third good one 8"
is "the link sets a new one" "$STATUS $LOCATION" "303 /login"
web_post "$link" password="a fourth good one 9" password_again="a fourth good one 9"
is "once" "$STATUS" 404
web_as running
web_get /account
is "every session is over with it" "$STATUS" 303
ok "the new password is right" web_login a@corp.com "a third good one 8"

# ---- colleagues
web_post /organisation action=invite email=colleague@corp.com
is "a colleague is invited" "$STATUS $LOCATION" "303 /organisation"
web_post /organisation action=invite email=li@corp.com
is "an address that has an account elsewhere: the same answer" "$STATUS $LOCATION" "303 /organisation"
link=$(web_link colleague@corp.com /invitation/)
web_as colleague
web_get "$link"
is "the invitation names who invites" "$STATUS $(web_shown 杭州示例科技有限公司 && echo there)" "200 there"
web_post "$link" name=赵六 mobile= "password=$PASSWORD" "password_again=$PASSWORD"
is "and makes an account" "$STATUS $LOCATION" "303 /workbench"
web_get /organisation
ok "of the same organisation" web_shown a@corp.com
id_of() { caportal user list --json | jq -r --arg e "$1" '.[] | select(.email == $e) | .id'; }
web_post /organisation action=disable "user=$(id_of colleague@corp.com)"
is "nobody disables himself" "$STATUS" 403
web_post /organisation action=disable "user=$(id_of li@corp.com)"
is "nor another organisation's user" "$STATUS" 404
web_as running
web_post /organisation action=disable "user=$(id_of colleague@corp.com)"
is "but a colleague" "$STATUS $LOCATION" "303 /organisation"
web_as colleague
web_get /account
is "whose session ends at once" "$STATUS" 303
web_post /login email=colleague@corp.com "password=$PASSWORD"
is "and who cannot come back" "$STATUS" 422
web_as running
web_post /organisation action=invite email=late@corp.com
link=$(web_link late@corp.com /invitation/)
web_post /organisation action=withdraw "user=$(id_of late@corp.com)"
web_get "$link"
is "a withdrawn invitation is over" "$STATUS" 404

# ---- many tries
web_as thief
tries=0
for _ in {1..14}; do
    web_post /login email=li@corp.com password="guess $tries"
    [ "$STATUS" = 429 ] && break
    tries=$((tries + 1))
done
is "who guesses is told to wait" "$STATUS" 429
ok "after a few tries" test "$tries" -ge 1
like "for how long" "$(web_header Retry-After)" '^[1-9][0-9]*$'
ok "in a sentence" web_shown 秒后再试

# ---- the command line
exits "an e-mail of 65 bytes would not fit an approval" 4 web_user a12345678901234567890123456789012345678901234567890bc@example.com 甲 final_reviewer
exits "an applicant holds no role of staff" 4 web_user mixed@corp.com 甲 applicant,auditor
exits "a role has to be known" 2 web_user mixed@corp.com 甲 reviewer
exits "who has an account has it already" 4 web_user A@Corp.com 甲 operator
(umask 077 && echo Admin@123456 >"$T/common" && echo "$PASSWORD" >"$T/open") && chmod 644 "$T/open"
exits "a common password is refused" 4 caportal user add x@example.com --name 甲 --role operator --password-file "$T/common"
exits "a password file that others can read is refused" 4 caportal user add x@example.com --name 甲 --role operator --password-file "$T/open"
exits "a secret's file is never overwritten" 4 caportal user totp admin@example.com --totp-file "$T/admin@example.com.totp"
ok "a new secret goes into a new file" caportal user totp admin@example.com --totp-file "$T/fresh.totp"
is "that is nobody else's to read" "$(stat -c %a "$T/fresh.totp")" 600
exits "without a terminal and a file there is no password" 2 setsid "$BIN/caportal" -c "$CONF" user password a@corp.com
ask() { # what is typed at each prompt
    local prompt
    : >"$T/tty"
    # shellcheck disable=SC2094 # what is typed waits for what is shown
    for prompt in 'New password:' 'Once more:'; do
        wait_for 20 grep -q "$prompt" "$T/tty"
        sleep 0.3 # the terminal is made silent after the prompt
        printf '%s\n' "$1"
        shift
    done | script -qefc "'$BIN/caportal' -c '$CONF' user password a@corp.com" /dev/null >"$T/tty"
    cat "$T/tty"
}
run ask "a fifth good one 6" "a fifth good one 6"
like "at a terminal it is asked for twice" "$OUT" 'New password:.*Once more:.*was set'
unlike "and not shown" "$OUT" 'fifth'
web_as fixed
ok "and is right from then on" web_login a@corp.com "a fifth good one 6"
run ask "a sixth good one 5" "a different good one 5"
like "two that differ set nothing" "$OUT" 'differ'
caportal user list --json >"$T/list.json"
is "the list says who may what" "$(jq -r '.[] | select(.email == "first@example.com") | "\(.state) \(.totp) \(.roles[0])"' "$T/list.json")" "active true first_reviewer"

# ---- what is written down
caportal user list >"$T/users"
ok "the audit names failed log-ins" test "$(sqlite3 "$T/portal.db" "SELECT count(*) FROM audit WHERE what = 'login.failed'")" -gt 5
ok "and successful ones" test "$(sqlite3 "$T/portal.db" "SELECT count(*) FROM audit WHERE what = 'login' AND who = 'user:a@corp.com'")" -gt 2
is "no password, secret or link stands in it" "$(sqlite3 "$T/portal.db" "SELECT count(*) FROM audit WHERE detail LIKE '%good one%' OR detail LIKE '%$secret%' OR detail LIKE '%/reset/%'")" 0
nok "nor in the log" contains "$T/portal.log" "good one|$secret|/password/reset/|/invitation/|/email/"
nok "no session's or link's token stands in the database" grep -qa -e "$sid" -e "${link##*/}" "$T/portal.db"
done_testing
