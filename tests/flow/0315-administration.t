#!/bin/bash
# Administration: users, prices, terms, service points, calendar, settings, stations; who changed what; what a new portal
# begins with.
# shellcheck disable=SC2119
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/portal.sh"
. "$(dirname "$0")/pages.sh"

portal_pages_conf
sql() { sqlite3 -cmd '.timeout 10000' "$T/portal.db" "$@"; }
need "a portal is set up, with a sample service point" caportal init --sample
need "there is an administrator" web_user root@example.com 王管 administrator
need "there is an auditor" web_user audit@example.com 审计甲 auditor
need "there is an applicant" web_user a@corp.com 王小明 applicant --organisation-kind enterprise --organisation 杭州示例科技有限公司 --uscc 91330100799655058B
portal_up
audited() { sql "SELECT what || '|' || subject || '|' || detail FROM audit ORDER BY at DESC, id DESC LIMIT 1"; }
audits() { sql "SELECT count(*) FROM audit"; }

# ---- what a new portal begins with
is "terms" "$(sql "SELECT version || ' ' || published_by FROM terms")" "1 castation"
is "a price of each kind of organisation, profile and validity" "$(sql "SELECT count(*) FROM price")" 12
is "institutions pay nothing" "$(sql "SELECT DISTINCT fen FROM price WHERE kind = 'institution'")" 0
is "the calendar of 2026" "$(sql "SELECT working FROM calendar_day WHERE day = '2026-02-14'")" 1
is "a service point" "$(sql "SELECT count(*) FROM service_point")" 1
is "settings" "$(sql "SELECT value FROM setting WHERE key = 'promise_first_review_days'")" 3

web_as root
need "the administrator logs in" web_login root@example.com "$PASSWORD" "$T/root@example.com.totp"
for page in users prices terms points calendar settings stations mail; do
    web_get "/admin/$page"
    is "/admin/$page is shown" "$STATUS" 200
done

# ---- users
web_post /admin/users name= email=nonsense mobile=abc
is "a wrong user is shown again" "$STATUS" 422
for field in name email mobile roles; do ok "with an error at $field" web_shown "href=\"#f-$field\""; done
ok "and what was typed" web_shown 'value="nonsense"'
web_post /admin/users name=李四 email=root@example.com role_operator=yes
is "an e-mail address has one account" "$STATUS" 422
web_post /admin/users name=李四 email=LI@example.com mobile= role_operator=yes role_finance=yes lang=en
is "a user is invited" "$STATUS $LOCATION" "303 /admin/users"
is "which is audited" "$(audited)" "user.new|li@example.com|— → operator, finance"
LI=$(sql "SELECT id FROM account WHERE email = 'li@example.com'")
web_get /admin/users
ok "the list has the user" web_shown li@example.com
web_get "/admin/users?email=A@corp.com"
ok "anybody is found by e-mail address" web_shown 王小明
link=$(web_link li@example.com /invitation/)
like "a mail brings the invitation" "$link" '^/invitation/[A-Za-z0-9_-]{43}$'
web_as li
web_post "$link" name=李四 mobile= "password=$PASSWORD" "password_again=$PASSWORD"
is "with which a password is set, and then a second factor" "$STATUS $LOCATION" "303 /account/totp"
need "the factor is set" caportal user totp li@example.com --totp-file "$T/li.totp"
need "and the user logs in" web_login li@example.com "$PASSWORD" "$T/li.totp"
web_as root
web_post "/admin/users/$LI" action=roles
is "nobody is left without a role" "$STATUS" 422
web_post "/admin/users/$LI" action=roles role_first_reviewer=yes
is "roles are changed" "$STATUS" 303
is "before and after are kept" "$(audited)" "user.roles|li@example.com|operator, finance → first_reviewer"
web_post "/admin/users/$LI" action=disable
is "a user is disabled" "$STATUS" 303
web_as li
web_get /account
is "and is logged out by it" "$STATUS" 303
nok "for good" web_login li@example.com "$PASSWORD" "$T/li.totp"
web_as root
web_post "/admin/users/$LI" action=enable
is "and enabled again" "$STATUS $(audited)" "303 user.enable|li@example.com|disabled → enabled"
web_post "/admin/users/$(sql "SELECT id FROM account WHERE email = 'audit@example.com'")" action=totp
is "a second factor is reset" "$STATUS $(sql "SELECT totp_secret IS NULL FROM account WHERE email = 'audit@example.com'")" "303 1"
ME=$(sql "SELECT id FROM account WHERE email = 'root@example.com'")
for action in disable totp "roles role_operator=yes"; do
    # shellcheck disable=SC2086 # two fields
    web_post "/admin/users/$ME" action=$action
    is "nobody locks oneself out: ${action%% *}" "$STATUS" 403
done
web_get "/admin/users/$(sql "SELECT id FROM account WHERE email = 'a@corp.com'")"
nok "an applicant is given no role of the operating organisation" web_shown role_operator
web_post "/admin/users/$(sql "SELECT id FROM account WHERE email = 'a@corp.com'")" action=roles role_administrator=yes
isnt "not even by force" "$STATUS" 303
is "and is none" "$(sql "SELECT roles FROM account WHERE email = 'a@corp.com'")" 1
web_get /admin/users/nobody
is "there is no page of nobody" "$STATUS" 404

# ---- prices
web_post /admin/prices action=put kind=enterprise profile=org-sign-p256 validity_days=365 amount=88.8
is "a price is changed" "$STATUS $(audited)" "303 price|enterprise/org-sign-p256/365|200.00 → 88.80"
is "to the fen" "$(sql "SELECT fen FROM price WHERE kind = 'enterprise' AND profile = 'org-sign-p256' AND validity_days = 365")" 8880
before=$(audits)
web_post /admin/prices action=put kind=enterprise profile=org-sign-p256 validity_days=365 amount=88.80
is "what changes nothing is not audited" "$STATUS $(audits)" "303 $before"
for amount in -1 1.234 1e3 1000000.01 abc "" " " ０; do
    web_post /admin/prices action=put kind=enterprise profile=org-sign-p256 validity_days=365 "amount=$amount"
    is "'$amount' is no price" "$STATUS" 422
done
web_post /admin/prices action=put kind=enterprise profile=unknown validity_days=365 amount=1
is "an unknown profile has no price" "$STATUS" 422
web_post /admin/prices action=delete kind=institution profile=org-sign-p256 validity_days=1095
is "a price is deleted" "$STATUS $(audited)" "303 price|institution/org-sign-p256/1095|0.00 → —"

# ---- terms
web_post /admin/terms zh= en=text
is "terms need both languages" "$STATUS" 422
web_post /admin/terms "zh=第二版
新条款 <b>" "en=Second
version"
is "a new version is published" "$STATUS $(audited)" "303 terms|terms|1 → 2"
is "with its lines" "$(sql "SELECT hex(en) FROM terms WHERE version = 2")" "$(printf 'Second\nversion' | xxd -p -u)"
is "the old one is kept" "$(sql "SELECT count(*) FROM terms WHERE version = 1 AND length(zh) > 500")" 1
web_get "/admin/terms?version=2"
ok "what it holds is text" web_shown '新条款 &lt;b&gt;'
web_post /admin/terms "zh=第二版
新条款 <b>" "en=Second
version"
is "the same again is no version" "$STATUS $(sql "SELECT count(*) FROM terms")" "422 2"
web_get "/admin/terms?version=9"
is "there is no ninth" "$STATUS" 404

# ---- service points
web_post /admin/points id= name=滨江网点 region= address= phone= hours=
is "a service point needs an address" "$STATUS" 422
ok "what was typed stays" web_shown 'value="滨江网点"'
web_post /admin/points id= name=滨江网点 region=浙江省杭州市滨江区 address='江南大道 1 号' phone=0571-12345678 hours=9–17
is "one is added" "$STATUS" 303
POINT=$(sql "SELECT id FROM service_point WHERE name = '滨江网点'")
web_post /admin/points "id=$POINT" name=滨江网点 region=浙江省杭州市滨江区 address='江南大道 2 号' phone=0571-12345678 hours=9–17
is "and changed" "$STATUS $(sql "SELECT address FROM service_point WHERE id = '$POINT'")" "303 江南大道 2 号"
web_post /admin/points "id=$POINT" action=close
is "and closed" "$STATUS $(sql "SELECT closed_at > 0 FROM service_point WHERE id = '$POINT'")" "303 1"
is "but kept" "$(sql "SELECT address FROM service_point WHERE id = '$POINT'")" "江南大道 2 号"

# ---- calendar
web_get "/admin/calendar?year=2027"
ok "a year without data is provisional" web_shown alert-warning
web_post /admin/calendar year=2027 source=通知 "csv=2027-01-01,holiday,元旦
2027-01-32,holiday,坏"
is "a bad line is refused" "$STATUS" 422
ok "and named" web_shown "第 2 行"
is "and nothing of it is kept" "$(sql "SELECT count(*) FROM calendar_day WHERE day LIKE '2027%'") $(sql "SELECT count(*) FROM calendar_year WHERE year = 2027")" "0 0"
web_post /admin/calendar year=2027 source=通知 "csv=2027-01-01,holiday,元旦
2027-01-02,working,调休"
is "a good year is loaded" "$STATUS $(audited)" "303 calendar|2027|— → 2 days"
web_get "/admin/calendar?year=2027"
nok "and no longer provisional" web_shown alert-warning
ok "its days are shown" web_shown "01-01 元旦"
web_post /admin/calendar year=2026 source= "csv=2026-01-01,holiday,
x"
is "a bad line leaves the year that was there" "$STATUS $(sql "SELECT count(*) > 20 FROM calendar_day WHERE day LIKE '2026%'")" "422 1"

# ---- settings
settings=()
while IFS='|' read -r key value; do settings+=("$key=$value"); done < <(sql "SELECT key, value FROM setting WHERE key <> 'seeded'")
before=$(audits)
web_post /admin/settings "${settings[@]}"
is "saving what is there changes nothing" "$STATUS $(audits)" "303 $before"
web_post /admin/settings "${settings[@]/promise_first_review_days=3/promise_first_review_days=5}"
is "one is changed" "$STATUS $(audited)" "303 setting|promise_first_review_days|3 → 5"
for value in 0 61 -1 x ""; do
    web_post /admin/settings "${settings[@]/promise_first_review_days=3/promise_first_review_days=$value}"
    is "'$value' are no promised days" "$STATUS" 422
done
web_post /admin/settings "${settings[@]/paper_days=15/paper_days=9999}"
is "nothing is saved when anything is wrong" "$STATUS $(sql "SELECT value FROM setting WHERE key = 'promise_first_review_days'")" "422 5"

# ---- stations
station bench-1
web_get /admin/stations
ok "a station is shown" web_shown bench-1
api bench-1 POST /v1/claim "$CLAIM"
is "it may claim" "$STATUS" 200
web_post /admin/stations name=bench-1
is "it is revoked" "$STATUS $(audited)" "303 station.revoke|bench-1|enrolled → revoked"
api bench-1 POST /v1/claim "$CLAIM"
is "and may not claim any more" "$STATUS" 403
web_post /admin/stations name=bench-1
is "once" "$STATUS" 404

# ---- the auditor reads everything, and the log
web_as audit
need "the auditor's factor, which was reset, is set again" caportal user totp audit@example.com --totp-file "$T/audit.totp"
need "the auditor logs in" web_login audit@example.com "$PASSWORD" "$T/audit.totp"
for page in users prices terms points calendar settings stations mail; do
    web_get "/admin/$page"
    is "the auditor reads /admin/$page" "$STATUS" 200
    nok "and finds nothing to press there" grep -q "action=\"/admin/$page\"[^>]*method=\"post\"\|method=\"post\" action=\"/admin/$page\"" <<<"$BODY"
    FORM=/account web_post "/admin/$page" action=put
    is "nor by force" "$STATUS" 403
done
web_get "/audit?subject=bench-1"
ok "the log is searched by subject" web_shown station.revoke
nok "and only that is shown" web_shown user.roles
web_get "/audit?who=user:root@example.com"
ok "and by who did it" web_shown user.roles
nok "and nobody else" web_shown caportal:
is "no secret stands in it" "$(sql "SELECT count(*) FROM audit WHERE detail LIKE '%$PASSWORD%'")" 0
sql "WITH RECURSIVE n(v) AS (SELECT 1 UNION ALL SELECT v + 1 FROM n WHERE v < 120)
    INSERT INTO audit SELECT 'x-' || v, v / 3, 'test', 'test', 'many', 'entry-' || v || ';' FROM n"
seen='' next='/audit?subject=many'
while [ -n "$next" ]; do
    web_get "$next"
    seen+=$(grep -o 'entry-[0-9]*;' <<<"$BODY")$'\n'
    next=$(grep -o 'href="/audit[^"]*after=[^"]*"' <<<"$BODY" | sed 's/href="//; s/"$//; s/&amp;/\&/g' | head -1)
done
is "paging misses nothing and repeats nothing" "$(sort -u <<<"$seen" | grep -c entry) $(grep -c entry <<<"$seen")" "120 120"

# ---- a portal that was there before: what it never had is found, what was taken away stays away
stop portal
sql "DELETE FROM setting; DELETE FROM price; DELETE FROM calendar_year; DELETE FROM calendar_day; DELETE FROM terms"
portal_up
is "an upgraded database finds terms, prices, settings and calendar" "$(sql "SELECT (SELECT count(*) FROM terms) || ' ' ||
    (SELECT count(*) FROM price) || ' ' || (SELECT count(*) > 10 FROM setting) || ' ' || (SELECT count(*) FROM calendar_year)")" "1 12 1 1"
stop portal
sql "DELETE FROM price; UPDATE setting SET value = '7' WHERE key = 'paper_days'"
portal_up
is "what an administrator took away, or changed, stays so" "$(sql "SELECT (SELECT count(*) FROM price) || ' ' || (SELECT value FROM setting WHERE key = 'paper_days')")" "0 7"
done_testing
