# Browsers without a browser: after lib.sh and portal.sh.
#   web_as NAME              from now on this browser (cookies of its own: $T/NAME.jar)
#   web_get PATH             STATUS, BODY, LOCATION ("" but for a redirect)
#   web_post PATH K=V…       the form's token is fetched from PATH, or from FORM=PATH, or from any page that has one
#   web_login EMAIL PASSWORD [FILE]    FILE holds the TOTP secret; good when a page that needs a log-in is shown
#   web_logout [PATH]        PATH: a page with a form, /account by default
#   web_shown TEXT           stands in BODY; web_title: its h1
#   web_mail EMAIL [N]       the text of the latest mail to it (when it is the Nth or a later one) on stdout; waits 20 s
#   web_link EMAIL PATH [N]  the path that begins with PATH in that mail
#   web_user EMAIL NAME ROLES [OPTION…]    an account with the password $PASSWORD; staff gets $T/EMAIL.totp
# Mails need mail = { folder = "mail"; … }, which portal_pages_conf writes.
# shellcheck shell=bash disable=SC2034 # the tests read the variables
PASSWORD='correct horse battery 9'
LOCATION='' JAR=$T/browser.jar

portal_pages_conf() { # [LINES]
    portal_conf "mail = { folder = \"mail\"; from = \"ca@example.com\"; };
${1-}"
    mkdir -p "$T/mail"
}
web_as() { JAR=$T/$1.jar; }
web_send() { # METHOD PATH [CURL'S ARGUMENTS…]
    local method=$1 path=$2
    shift 2
    STATUS=$(curl -s -m 60 -X "$method" -b "$JAR" -c "$JAR" -o "$T/.page" -D "$T/.head" -w '%{http_code}' \
        "$@" "http://127.0.0.1:$PAGES$path")
    BODY=$(cat "$T/.page" 2>/dev/null)
    LOCATION=$(sed -n 's/^Location: *//Ip' "$T/.head" | tr -d '\r')
}
web_get() { web_send GET "$@"; }
web_header() { sed -n "s/^$1: *//Ip" "$T/.head" | tr -d '\r'; }
web_csrf() { # PATH…: the first that has one
    local path
    CSRF=''
    for path; do
        web_get "$path"
        CSRF=$(sed -n 's/.*name="csrf" value="\([0-9a-f]*\)".*/\1/p' <<<"$BODY" | head -1)
        [ -n "$CSRF" ] && return
    done
}
web_post() {
    local path=$1 pair args=()
    shift
    for pair; do args+=(--data-urlencode "$pair"); done
    web_csrf "${FORM:-$path}" /account /login
    web_send POST "$path" --data-urlencode "csrf=$CSRF" "${args[@]}"
}
# Each code works once: the next unused step of the three that are taken now, but none that is about to be too old.
web_code() { # FILE
    local file=$1 seconds now step last
    for _ in {1..70}; do
        seconds=$(date +%s)
        now=$((seconds / 30)) last=$(cat "$file.used" 2>/dev/null || echo 0)
        for step in $((now - 1)) $now $((now + 1)); do
            if [ "$step" -gt "$last" ] && { [ "$step" -ge "$now" ] || [ $((seconds % 30)) -lt 20 ]; }; then
                echo "$step" >"$file.used"
                oathtool --totp -b -N "@$((step * 30))" "@$file"
                return
            fi
        done
        sleep 1
    done
    return 1
}
web_login() {
    web_post /login "email=$1" "password=$2"
    if [[ $LOCATION = /login/code* ]]; then
        [ -n "${3-}" ] || return 1
        web_post /login/code "code=$(web_code "$3")"
    fi
    [ "$STATUS" = 303 ] && web_get /account && [ "$STATUS" = 200 ]
}
web_logout() { FORM=${1:-/account} web_post /logout; } # [PAGE WITH A FORM]
web_shown() { [[ $BODY = *"$1"* ]]; }
web_title() { sed -n 's/.*<h1>\(.*\)<\/h1>.*/\1/p' <<<"$BODY" | head -1; }

mail_text() { # FILE
    perl -MMIME::Base64 -MMIME::QuotedPrint -0777 -ne '
        my ($head, $body) = split /\r?\n\r?\n/, $_, 2;
        $body = decode_base64($body) if $head =~ /^Content-Transfer-Encoding: *base64/mi;
        $body = decode_qp($body) if $head =~ /^Content-Transfer-Encoding: *quoted-printable/mi;
        print $body' "$1"
}
mails_to() { # EMAIL [TEXT IN IT]: files, oldest first
    local file
    # shellcheck disable=SC2012 # the names are the mailer's own
    ls -tr "$T"/mail/*.eml 2>/dev/null | while read -r file; do
        grep -qi "^To: *<$1>" "$file" || continue
        [ -z "${2-}" ] || mail_text "$file" | grep -qF -- "$2" || continue
        echo "$file"
    done
}
enough_mails() { [ "$(mails_to "$1" "$2" | wc -l)" -ge "$3" ]; }
web_mail() { # the third argument: a text in it
    wait_for 20 enough_mails "$1" "${3-}" "${2:-1}" || return 1
    mail_text "$(mails_to "$1" "${3-}" | tail -1)"
}
web_link() { web_mail "$1" "${3:-1}" "$2" | grep -o "http[^ ]*$2[A-Za-z0-9_-]*" | tail -1 | sed 's,^https*://[^/]*,,'; }

web_user() {
    local email=$1 name=$2 roles=$3 totp=()
    shift 3
    [ -f "$T/password" ] || (umask 077 && echo "$PASSWORD" >"$T/password")
    [ "$roles" = applicant ] || totp=(--totp-file "$T/$email.totp")
    caportal user add "$email" --name "$name" --role "$roles" --password-file "$T/password" "${totp[@]}" "$@"
}
