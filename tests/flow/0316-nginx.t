#!/bin/bash
# The pages behind nginx, by the very configuration that is shipped: TLS, headers, cookies, addresses, sizes, logs.
# shellcheck disable=SC2119
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/portal.sh"
. "$ROOT/demo/accounts.sh"
NGINX=$(command -v nginx || echo /usr/sbin/nginx)

free_ports() { perl -MIO::Socket::INET -e 'my @s = map {IO::Socket::INET->new(Listen => 1, LocalAddr => "127.0.0.1")} 1 .. 3; print join(" ", map {$_->sockport} @s), "\n"'; }
read -r HTTP HTTPS PAGES_PORT <<<"$(free_ports)"
SITE=https://ca.example.org:$HTTPS

# ---- caportald as it is behind a proxy, and nginx as it is shipped but for names, ports and folders
portal_conf "mail = { folder = \"mail\"; from = \"ca@ca.example.org\"; };"
sed -i "s|pages = { listen = \"127.0.0.1:0\";|& public_url = \"$SITE\"; client_address_header = \"X-Real-IP\";|; s|pages = { listen = \"127.0.0.1:0\"|pages = { listen = \"127.0.0.1:$PAGES_PORT\"|" "$CONF"
mkdir -m 700 "$T/mail"
need "the portal is set up" caportal init --name localhost
BENCH=$T need "an account is made" bench_account admin administrator 郑管理
PASSWORD=$(awk '$1 == "admin" {print $3}' "$T/accounts.txt")
portal_up
need "a certificate of one's own" openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=ca.example.org \
    -addext subjectAltName=DNS:ca.example.org -keyout "$T/nginx.key" -out "$T/nginx.pem"
sed -e "s|127.0.0.1:7080|127.0.0.1:$PAGES_PORT|; s|listen 80;|listen 127.0.0.1:$HTTP;|; s|listen 443|listen 127.0.0.1:$HTTPS|" \
    -e '/listen \[::\]/d' -e "s|https://ca.example.org\\\$|$SITE\$|; s|/etc/ssl/castation/fullchain.pem|$T/nginx.pem|" \
    -e "s|/etc/ssl/castation/key.pem|$T/nginx.key|; s|/var/log/nginx/castation.log|$T/access|" "$ROOT/etc/nginx/castation.conf" >"$T/site.conf"
mkdir "$T/nginx"
{
    [ "$(id -u)" != 0 ] || echo "user root;"
    cat <<END
daemon off; pid $T/nginx.pid; error_log stderr warn; worker_processes 1;
events { worker_connections 256; }
http {
    client_body_temp_path $T/nginx/body; proxy_temp_path $T/nginx/proxy; fastcgi_temp_path $T/nginx/fastcgi;
    uwsgi_temp_path $T/nginx/uwsgi; scgi_temp_path $T/nginx/scgi; types_hash_max_size 4096;
    include $T/site.conf;
}
END
} >"$T/nginx.conf"
ok "nginx takes the configuration" "$NGINX" -t -p "$T" -e stderr -c "$T/nginx.conf"
unlike "without a warning" "$ERR" "warn"
start nginx "$NGINX" -p "$T" -e stderr -c "$T/nginx.conf"

get() { # PATH [CURL OPTIONS…]: HEAD and PAGE
    local path=$1
    shift
    STATUS=$(curl -s -m 30 --cacert "$T/nginx.pem" --resolve "ca.example.org:$HTTPS:127.0.0.1" -b "$T/jar" -c "$T/jar" -D "$T/head" \
        -o "$T/page" -w '%{http_code}' "$@" "$SITE$path")
    HEAD=$(tr -d '\r' <"$T/head")
}
: >"$T/jar"
up() { get /login && [ "$STATUS" = 200 ]; }
need "the log-in page comes through nginx" wait_for 10 up
header() { grep -ic "^$1:" <<<"$HEAD"; }
for name in Strict-Transport-Security Content-Security-Policy X-Content-Type-Options Referrer-Policy Cache-Control Set-Cookie; do
    [ "$name" = Set-Cookie ] || is "$name is sent, and once" "$(header "$name")" 1
done
like "HSTS lasts a year" "$HEAD" "[Ss]trict-[Tt]ransport-[Ss]ecurity: max-age=31536000"
like "HTTP/2 is spoken" "$HEAD" "^HTTP/2 200"
unlike "nginx keeps its version to itself" "$HEAD" "nginx/[0-9]"
unlike "a page is not compressed" "$(get /login --compressed && echo "$HEAD")" "[Cc]ontent-[Ee]ncoding"
is "old TLS is refused" "$(curl -s -m 10 --cacert "$T/nginx.pem" --tls-max 1.1 --resolve "ca.example.org:$HTTPS:127.0.0.1" "$SITE/login" -o /dev/null -w '%{http_code}')" 000
is "plain HTTP is sent on" "$(curl -s -m 10 -o /dev/null -w '%{http_code} %{redirect_url}' -H 'Host: ca.example.org' "http://127.0.0.1:$HTTP/login?x=1")" "308 $SITE/login?x=1"

# ---- log-in: cookies, and the address that is believed
log_in() { # PASSWORD [CURL OPTIONS…]
    local password=$1 csrf
    shift
    : >"$T/jar"
    get /login "$@"
    csrf=$(sed -n 's/.*name="csrf" value="\([^"]*\)".*/\1/p' "$T/page" | head -1)
    printf %s "$password" >"$T/password"
    get /login "$@" -H "Origin: $SITE" --data-urlencode "csrf=$csrf" --data-urlencode email=admin@castation.example --data-urlencode "password@$T/password"
}
log_in "$PASSWORD" -H 'X-Real-IP: 203.0.113.9' -H 'X-Forwarded-For: 203.0.113.9' -H 'Forwarded: for=203.0.113.9' --interface 127.0.0.2
is "a log-in goes on to the second factor" "$STATUS $(sed -n 's/^[Ll]ocation: //p' <<<"$HEAD" | sed 's|https://[^/]*||')" "303 /login/code"
cookie=$(grep -i '^set-cookie: __Host-sid=' <<<"$HEAD")
for flag in Secure HttpOnly SameSite Path=/; do like "its cookie is $flag" "$cookie" "; $flag"; done
unlike "and of no domain" "$cookie" "[Dd]omain="
addresses() { sqlite3 "$T/portal.db" "SELECT group_concat(DISTINCT address) FROM session"; }
is "the address is whose connection it was, not what its headers say" "$(addresses)" 127.0.0.2
get /login/code
code=$(oathtool --base32 --totp - <"$T/secrets/totp/admin")
csrf=$(sed -n 's/.*name="csrf" value="\([^"]*\)".*/\1/p' "$T/page" | head -1)
get /login/code -H "Origin: $SITE" --data-urlencode "csrf=$csrf" --data-urlencode "code=$code"
is "with it one is in" "$STATUS" 303
get /workbench
is "and sees the workbench" "$STATUS" 200
get /account -H "Origin: https://evil.example" --data-urlencode "csrf=$csrf" --data-urlencode name=x
is "a form from another site is refused" "$STATUS" 403

# ---- failures are counted for the address that nginx saw
for i in 1 2 3 4 5 6 7; do
    log_in wrong-password -H "X-Real-IP: 203.0.113.$i" --interface 127.0.0.3
done
is "failed log-ins of made-up addresses are the real one's" \
    "$(sqlite3 "$T/portal.db" "SELECT count(*) FROM throttle WHERE key LIKE '%203.0.113.%'")" 0
like "and are counted for it" "$(sqlite3 "$T/portal.db" "SELECT key FROM throttle")" "127\.0\.0\.3"

# ---- sizes, logs
head -c 13000000 /dev/zero >"$T/large"
get /login -H "Origin: $SITE" --data-binary "@$T/large"
is "what is larger than any form may be is refused by nginx" "$STATUS" 413
get /password/reset/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA
get "/login?secret=abc"
sleep 0.2
like "the log tells of a one-time link" "$(cat "$T/access")" "GET /password/reset/- "
unlike "but not which" "$(cat "$T/access")" "AAAAAAAA"
unlike "nor what stands behind a question mark" "$(cat "$T/access")" "secret=abc"
get /static/castation.css --compressed
is "the style sheet comes" "$STATUS" 200
like "compressed" "$HEAD" "[Cc]ontent-[Ee]ncoding: gzip"
stop portal
get /login
is "without caportald nginx says so" "$STATUS" 502
stop nginx
done_testing
