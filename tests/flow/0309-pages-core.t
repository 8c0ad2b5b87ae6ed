#!/bin/bash
# What every page does alike: languages, cookies, form tokens, caching, log-in and back, limits.
# shellcheck disable=SC2119
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/portal.sh"

PUBLIC='' # further lines of pages = { … }
conf() {
    portal_conf
    sed -i "s|^pages = .*|pages = { listen = \"127.0.0.1:0\"; port_file = \"pages.port\"; upload_max = 300000; client_address_header = \"X-Real-IP\"; $PUBLIC };|" "$CONF"
}
conf
need "a portal is set up" caportal init
printf 'correct horse battery staple' >"$T/password"
chmod 600 "$T/password"
need "there is an applicant" caportal user add applicant@example.com --name 张三 --role applicant --password-file "$T/password" \
    --organisation-kind enterprise --organisation 杭州示例科技有限公司 --uscc 91330100799655058B
portal_up
pid=${PIDS[portal]}
is "passwords that pass through it end in no core" "$(awk '/Max core file size/ { print $5, $6 }' "/proc/$pid/limits")" "0 0"
is "no new privileges" "$(awk '$1 == "NoNewPrivs:" { print $2 }' "/proc/$pid/status")" 1
sql() { sqlite3 -cmd '.timeout 10000' "$T/portal.db" "$@"; }
now=$(($(date +%s) * 1000))
sql "INSERT INTO application (id, state, owner, created_by, created_at, form, organisation, identifier, profile, updated_at)
     SELECT 'CA-1', 'draft', organisation, id, $now, '{}', '', '', '', $now FROM account WHERE email = 'applicant@example.com'"

# METHOD PATH [CURL OPTION…]: STATUS, HEAD, PAGE, LOCATION; cookies are kept in $T/jar
ask() {
    local method=$1 path=$2
    shift 2
    : >"$T/.page"
    STATUS=$(curl -s -m 30 -X "$method" -b "$T/jar" -c "$T/jar" -D "$T/.head" -o "$T/.page" -w '%{http_code}' "$@" "http://127.0.0.1:$PAGES$path")
    HEAD=$(tr -d '\r' <"$T/.head")
    PAGE=$(tr -d '\0' <"$T/.page")
    LOCATION=$(sed -n 's/^Location: //p' <<<"$HEAD")
}
token() { sed -n 's/.*name="csrf" value="\([0-9a-f]*\)".*/\1/p' <<<"$PAGE" | head -n 1; }
session() { # a session of the applicant's in the jar
    local token hash at=$(($(date +%s) * 1000))
    token=$(openssl rand -base64 32 | tr '+/' '-_' | tr -d '=\n')
    hash=$(printf %s "$token" | sha256sum | cut -d' ' -f1)
    sql "INSERT INTO session (sha256, account, second_factor, created_at, seen_at, address)
         SELECT '$hash', id, 1, $at, $at, '127.0.0.1' FROM account WHERE email = 'applicant@example.com'"
    printf '#HttpOnly_127.0.0.1\tFALSE\t/\tFALSE\t0\tsid\t%s\n' "$token" >>"$T/jar"
}
no_cookies() { rm -f "$T/jar"; }

# ---- languages
no_cookies
ask GET /
like "a visitor is spoken to in Chinese" "$PAGE" '<html lang="zh-CN">'
ask GET / -H 'Accept-Language: fr, en;q=0.8, zh;q=0.5'
like "or in English, when that is asked for" "$PAGE" '<html lang="en">'
ask GET /language/en -H "Referer: http://127.0.0.1:$PAGES/login?next=%2Fworkbench"
is "the language can be chosen, and leads back" "$STATUS $LOCATION" "303 /login?next=%2Fworkbench"
ask GET / -H 'Accept-Language: zh'
like "the choice is kept" "$PAGE" '<html lang="en">'
ask GET /language/en -H 'Referer: https://evil.example//evil.example/'
is "a foreign page is nothing to go back to" "$LOCATION" /
ask GET /language/fr
is "there is no third one" "$STATUS" 404
for page in / /nothing /login; do
    no_cookies
    ask GET "$page"
    for field in "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'" "frame-ancestors 'none'" "X-Frame-Options: DENY" \
        "Cache-Control: no-store" "Referrer-Policy: same-origin" "X-Content-Type-Options: nosniff" "Cross-Origin-Opener-Policy: same-origin"; do
        like "$page carries $field" "$HEAD" "$field"
    done
    unlike "$page: plain http promises no https" "$HEAD" "Strict-Transport"
    unlike "$page has neither script nor style of its own" "$PAGE" '<style|<script>| style=| on[a-z]+="'
    like "$page: its cookie is for the server only" "$HEAD" "Set-Cookie: pre=[A-Za-z0-9_-]{43}; Path=/; HttpOnly; SameSite=Lax"
done

# ---- files
ask GET /static/castation.css
is "a style sheet is there" "$STATUS" 200
like "a file is asked about again each time" "$HEAD" "Cache-Control: no-cache"
etag=$(sed -n 's/^ETag: //p' <<<"$HEAD")
ask GET /static/castation.css -H "If-None-Match: $etag"
is "and not sent again when it is the same" "$STATUS $PAGE" "304 "
ask GET "/static/castation.css?v=1"
like "one that is asked for by its content's name is kept for ever" "$HEAD" "max-age=31536000, immutable"
ask GET /static/../portal.db --path-as-is
is "there is no way out of the folder" "$STATUS" 404
ask GET /static/templates.def
is "nor to what is not listed" "$STATUS" 404
ask POST /static/castation.css -d a=1
is "a file takes no form" "$STATUS" 405
ask PUT /login -d a=1
like "a method that a page has not is refused with those that it has" "$STATUS $HEAD" "^405 .*Allow: GET, HEAD, POST"

# ---- forms
no_cookies
ask GET /login
csrf=$(token)
login() { ask POST /login -d "email=nobody@example.com&password=wrong-password&csrf=${CSRF-$csrf}" "$@"; }
login
is "a form with its token is taken" "$STATUS" 422
CSRF='' login
is "one without is not" "$STATUS" 403
CSRF=$(printf '0%.0s' {1..64}) login
is "nor one with another" "$STATUS" 403
login -H 'Origin: https://evil.example'
is "nor one that another site sends" "$STATUS" 403
login -H 'Origin: null'
is "nor one from nowhere" "$STATUS" 403
login -H 'Sec-Fetch-Site: cross-site'
is "nor one that the browser calls another site's" "$STATUS" 403
login -H "Origin: http://127.0.0.1:$PAGES" -H 'Sec-Fetch-Site: same-origin'
is "one of this site is taken" "$STATUS" 422
cp "$T/jar" "$T/kept.jar"
no_cookies
login
is "a token is no good in another browser" "$STATUS" 403
ask POST /login -H 'Content-Type: text/plain' --data-binary 'csrf=1'
is "what is no form is refused" "$STATUS" 415
ask POST /login -d "csrf=%ff"
is "what is not UTF-8 is refused" "$STATUS" 400
ask POST /login -d "$(printf 'a%d=1&' {1..201})"
is "201 fields are too many" "$STATUS" 413
head -c 300000 /dev/zero | tr '\0' a >"$T/long"
ask POST /login --data-binary @"$T/long"
is "300000 bytes are too long" "$STATUS" 413
like "and that is said in a page" "$PAGE" "10 MB"
ask GET "/login?next=%ff"
is "a query that is not UTF-8 is refused" "$STATUS" 400

# ---- logging in, and back to where one was
no_cookies
ask GET '/applications/CA-1?a=1%20%26&b='
is "who is not logged in is sent there" "$STATUS $LOCATION" "303 /login?next=/applications/CA-1%3Fa%3D1%2520%2526%26b%3D"
ask GET '/applications/CA-1' -H 'HX-Request: true'
is "htmx is told to load the whole page" "$STATUS $(sed -n 's/^HX-Redirect: //p' <<<"$HEAD")" "200 /login?next=/applications/CA-1"
session
ask GET /
is "who is logged in goes to work" "$STATUS $LOCATION" "303 /workbench"
ask GET /workbench
is "the workbench is there" "$STATUS" 200
like "it knows the name" "$PAGE" 张三
ask GET /applications/CA-2
is "an application that there is not" "$STATUS" 404
like "is said in the layout" "$PAGE" '<header class="bar">'

# ---- a session that ended in the middle of a form
ask GET /applications/CA-1/form/people
is "the form is there" "$STATUS" 200
csrf=$(token)
sql "UPDATE session SET seen_at = seen_at - 1800001"
ask POST /applications/CA-1/form/people -d "csrf=$csrf&legal_representative=欧阳修&go=next"
is "a form that comes too late leads to the log-in" "$STATUS $LOCATION" "303 /login?next=/applications/CA-1/form/people"
is "nothing was saved" "$(sql "SELECT form FROM application WHERE id = 'CA-1'")" '{}'
cp "$T/jar" "$T/late.jar"
grep -v '	sid	' "$T/late.jar" >"$T/jar"
session
ask GET /applications/CA-1/form/people
like "after logging in what was typed is there" "$PAGE" 'value="欧阳修"'
ask GET /applications/CA-1/form/people
unlike "once" "$PAGE" 'value="欧阳修"'
cp "$T/late.jar" "$T/jar"
ask POST /applications/CA-1/form/people -d "csrf=$(printf '0%.0s' {1..64})&legal_representative=forged"
is "a forged form is not kept" "$STATUS" 403

# ---- over https, behind a proxy
stop portal
PUBLIC='public_url = "https://ca.example.org";'
conf
portal_up
no_cookies
ask GET /login
like "cookies are secure then" "$HEAD" "Set-Cookie: __Host-pre=[A-Za-z0-9_-]{43}; Path=/; HttpOnly; SameSite=Lax; Secure"
like "and https is promised" "$HEAD" "Strict-Transport-Security: max-age=31536000"
cookie=$(sed -n 's/^Set-Cookie: \(__Host-pre=[^;]*\).*/\1/p' <<<"$HEAD")
no_cookies
ask POST /login -H "Cookie: $cookie" -H 'Origin: https://ca.example.org' -d "email=a@b.example&password=wrong-password&csrf=$(token)"
is "forms come from the public address" "$STATUS" 422
done_testing
