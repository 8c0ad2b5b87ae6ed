#!/bin/bash
# What nobody meant to send, and what a reader must not see: odd values in a form, what an earlier answer left behind, pages
# that are only sent to, who reads an application's contents.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/portal.sh"
. "$(dirname "$0")/pages.sh"

portal_pages_conf ""
need "a portal is set up" caportal init --sample
for user in first:first_reviewer operator:operator finance:finance auditor:auditor admin:administrator; do
    need "there is ${user%%:*}" web_user "${user%%:*}@example.com" "员工${user%%:*}" "${user#*:}"
done
need "there is an applicant" web_user wang@corp.com 王小明 applicant --organisation-kind enterprise \
    --organisation 杭州示例科技有限公司 --uscc 91330100799655058B
portal_up
staff() { web_as "$1" && web_login "$1@example.com" "$PASSWORD" "$T/$1@example.com.totp"; }
for who in first operator finance auditor admin; do need "$who logs in" staff "$who"; done
web_as wang
need "the applicant logs in" web_login wang@corp.com "$PASSWORD"
web_post /account name=王小明 mobile=13712345678 lang=zh
web_post /apply terms=1
ID=$(sed -n 's,^/applications/\([^/]*\)/.*,\1,p' <<<"$LOCATION")
need "a draft is begun" test -n "$ID"
F=/applications/$ID/form

web_post /apply terms=1
web_get "$LOCATION"
ok "a second one is not begun, and that is no success" web_shown 'class="alert alert-warning" role="status"'
web_post "$F/people" legal_representative=陈建国 go=save
web_get "$LOCATION"
ok "saving is one" web_shown 'class="alert alert-success" role="status"'

# ---- values that no page offers
web_post "$F/organisation" profile=a字字字字字字字字字字字字字字字字字字 validity_days=字字字字字字 go=save
web_get "$F/organisation"
is "a profile that is none, cut in the middle of a character, does not lock the form" "$STATUS" 200
web_post "$F/organisation" profile=org-sign-p256 validity_days=365 name=甲 name=乙 go=save
web_get "$F/organisation"
like "of a field that came twice the first is taken" "$BODY" 'name="name" value="甲"'

# ---- what an earlier answer left behind
AGENT=(agent_name=张代办 agent_id_number=11010519491231002X agent_mobile=13912345678)
web_post "$F/people" legal_representative=陈建国 agent=yes "${AGENT[@]}" go=save
web_get "/applications/$ID/export/csv"
ok "the agent is in the export" web_shown 11010519491231002X
web_post "$F/people" legal_representative=陈建国 agent=no go=save
web_get "/applications/$ID/export/csv"
nok "of who applies without one, the agent typed before is not" web_shown 11010519491231002X
nok "nor the name" web_shown 张代办

# ---- pages that are only sent to
web_csrf "$F/materials"
web_send POST "/applications/$ID/materials" -F "csrf=$CSRF" -F kind=licence -F "file=@$CONF;type=image/png"
is "a file that is none is refused" "$STATUS" 422
web_get /language/en -H "Referer: http://127.0.0.1:$PAGES/applications/$ID/materials"
is "from there, another language leads to what can be read" "$STATUS $LOCATION" "303 /applications/$ID"
web_get /language/zh -H "Referer: http://127.0.0.1:$PAGES$F/people?check=1"
is "a form's page is itself, with its query" "$LOCATION" "$F/people?check=1"
for bad in //evil.example/ '/\evil.example/' '/language/en' ''; do
    web_get /language/zh -H "Referer: http://127.0.0.1:$PAGES$bad"
    is "'$bad' is no way to go" "$LOCATION" /
done
rm -f "$T/again.jar"
web_as again
web_post /login email=first@example.com "password=$PASSWORD" "next=/$(printf '%%%.0s' {1..990})"
is "a way too long to be kept is forgotten, not the log-in" "$STATUS $LOCATION" "303 /login/code"

# ---- who reads what
for who in first operator auditor; do
    web_as "$who"
    web_get "/applications/$ID"
    ok "$who reads the contents" web_shown 陈建国
done
for who in finance admin; do
    web_as "$who"
    web_get "/applications/$ID"
    is "$who sees where it stands" "$STATUS" 200
    nok "$who does not read the contents" web_shown 陈建国
done
USER=$(sqlite3 "$T/portal.db" "SELECT id FROM account WHERE email = 'wang@corp.com'")
for who in auditor admin; do
    web_as "$who"
    web_get "/admin/users/$USER"
    ok "$who sees a user's phone masked" web_shown '137****5678'
    nok "never whole" web_shown 13712345678
done
done_testing
