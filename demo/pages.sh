# The pages by curl, as a person would use them: log in, fill forms, press buttons. Sourced after bench.sh and accounts.sh.
#
#   pages_login NAME                   with password and second factor; the session is $RUN/NAME.jar
#   pages_get NAME PATH                the page, in $RUN/NAME.page; PAGE_STATUS, PAGE_AT (where redirects led)
#   pages_post NAME PATH [FIELD=VALUE | FIELD@FILE]…   a form with its CSRF token
#   pages_upload NAME PATH [FIELD=VALUE]… FILE_FIELD=@FILE;type=…
# shellcheck shell=bash disable=SC2034
PAGE_STATUS='' PAGE_AT=''
pages_url() { echo "http://127.0.0.1:$(bench_port pages)"; }
pages_curl() { # NAME PATH OPTIONS…
    local name=$1 path=$2 url
    shift 2
    url=$(pages_url)
    [ -e "$RUN/$name.jar" ] || (umask 077 && : >"$RUN/$name.jar")
    read -r PAGE_STATUS PAGE_AT < <(curl -s -L -m 30 -b "$RUN/$name.jar" -c "$RUN/$name.jar" -o "$RUN/$name.page" -w '%{http_code} %{url_effective}\n' \
        -H "Origin: $url" "$@" "$url$path")
    PAGE_AT=/${PAGE_AT#"$url"/}
    [ "${PAGE_STATUS:0:1}" = 2 ]
}
pages_get() { pages_curl "$1" "$2"; }
pages_csrf() { sed -n 's/.*name="csrf" value="\([^"]*\)".*/\1/p' "$RUN/$1.page" | head -1; }
pages_post() {
    local name=$1 path=$2 options=() field
    shift 2
    options=(--data-urlencode "csrf=$(pages_csrf "$name")")
    for field; do options+=(--data-urlencode "$field"); done
    pages_curl "$name" "$path" "${options[@]}"
}
pages_upload() {
    local name=$1 path=$2 options=() field
    shift 2
    options=(-F "csrf=$(pages_csrf "$name")")
    for field; do options+=(-F "$field"); done
    pages_curl "$name" "$path" "${options[@]}"
}
pages_login() {
    local name=$1 secret=$BENCH/secrets/totp/$1
    (umask 077 && awk -v n="$name" '$1 == n {printf "%s", $3}' "$BENCH/accounts.txt" >"$RUN/password")
    pages_get "$name" /login && pages_post "$name" /login "email=$name@castation.example" "password@$RUN/password"
    rm -f "$RUN/password"
    [ "$PAGE_AT" != /login/code ] || pages_post "$name" /login/code "code=$(oathtool --base32 --totp - <"$secret")"
    [[ ${PAGE_STATUS:0:1} = 2 && $PAGE_AT != /login* ]]
}
