#!/bin/bash
# What people are told, on the site and by mail: into a folder, to a real SMTP server, through its absence and a crash.
# shellcheck disable=SC2119
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/portal.sh"
. "$(dirname "$0")/pages.sh"

portal_pages_conf
sql() { sqlite3 -cmd '.timeout 10000' "$T/portal.db" "$@"; }
need "a portal is set up" caportal init --sample
need "there is an applicant" web_user a@corp.com 王小明 applicant --organisation-kind enterprise --organisation 杭州示例科技有限公司 --uscc 91330100799655058B
need "and another of another organisation" web_user b@corp.com 李四 applicant --organisation-kind institution --organisation 示例机构
need "there is an operator" web_user op@example.com Operator operator
need "and a first reviewer" web_user first@example.com 初审甲 first_reviewer
need "there is an administrator" web_user root@example.com 王管 administrator
sql "UPDATE account SET lang = 'en' WHERE email = 'op@example.com'"
applications CA-1 CA-2
sql "UPDATE application SET owner = (SELECT organisation FROM account WHERE email = 'a@corp.com') WHERE id = 'CA-1'"
portal_up
station bench-1
notices() { sql "SELECT group_concat(kind, ' ') FROM (SELECT kind FROM notice n JOIN account a ON a.id = n.account WHERE a.email = '$1' ORDER BY n.created_at, n.id)"; }
head_of() { sed '/^\r*$/q' "$1" | tr -d '\r'; }

# ---- what a station says is told
api bench-1 POST /v1/claim "$CLAIM"
need "a station has the application" [ "$STATUS" = 200 ]
is "of which nobody is told" "$(notices a@corp.com)$(notices op@example.com)" ""
api bench-1 POST /v1/applications/CA-1/fail '{"generation": 1, "code": "token-failed", "detail": "the token broke"}'
is "a failure is told to operators" "$STATUS $(notices op@example.com)" "200 failed"
is "and to no applicant" "$(notices a@corp.com)" ""
text=$(web_mail op@example.com)
like "by mail, in the reader's language" "$text" "Making the token of application CA-1 .*failed: token-failed: the token broke"
like "with a link" "$text" "http://localhost:7080/applications/CA-1"
need "it is tried again" caportal retry CA-1
api bench-1 POST /v1/claim "$CLAIM"
api bench-1 POST /v1/applications/CA-1/report "$(made bench-1 CA-1 2 1a2b3c4d5e6f7081)"
is "a token that was made is told to its organisation" "$STATUS $(notices a@corp.com)" "200 made"
is "and to no other" "$(notices b@corp.com)" ""
web_mail a@corp.com >"$T/mail.txt"
ok "by mail" contains "$T/mail.txt" 申领.CA-1.的.USB.CA.已制作完成
nok "without anybody's identifier, phone or address" contains "$T/mail.txt" '13800000000|91330100799655058B|文三路'
mail=$(mails_to a@corp.com | tail -1)
like "its file's name says when and for whom" "${mail##*/}" '^[0-9]{8}-[0-9]{6}-a@corp.com-[0-9a-f]{12}\.eml$'
is "only its owner reads it" "$(stat -c %a "$mail")" 600
head=$(head_of "$mail")
like "its head is that of a mail" "$head" $'From: .*<ca@example.com>.*To: <a@corp.com>.*Subject: =[?]UTF-8[?]B[?].*Message-ID: <[0-9a-f-]{36}@example.com>'
is "what was sent is not kept" "$(sql "SELECT count(*) FROM mail WHERE sent_at > 0 AND body <> ''")" 0
api bench-1 POST /v1/applications/CA-1/void '{"generation": 2, "certificate_serial": "1a2b3c4d5e6f7081", "reason": "lost"}'
is "a void is told to both" "$STATUS $(notices a@corp.com), $(notices op@example.com)" "200 made voided, failed voided_staff"

# ---- on the site
web_as a
need "the applicant logs in" web_login a@corp.com "$PASSWORD"
web_get /notices
ok "the notices stand there" web_shown "申领 CA-1 的证书已作废"
ok "with their number" web_shown '<span class="badge">2<'
id=$(sql "SELECT n.id FROM notice n JOIN account a ON a.id = n.account WHERE a.email = 'a@corp.com' AND n.kind = 'made'")
web_as b
need "another applicant logs in" web_login b@corp.com "$PASSWORD"
web_get "/notices/$id"
is "another's notice is not there" "$STATUS" 404
is "nor read by that" "$(sql "SELECT read_at FROM notice WHERE id = '$id'")" 0
web_as a
web_get "/notices/$id"
is "one leads to its application" "$STATUS $LOCATION" "303 /applications/CA-1"
web_get /notices
ok "and is read by that" web_shown '<span class="badge">1<'
web_post /notices
is "all can be marked at once" "$STATUS" 303
web_get /notices
nok "then none is unread" web_shown '<span class="badge">'
web_get /language/en
web_get /notices
ok "in English, too" web_shown "The certificate of application CA-1 was voided"

# ---- promises about to be broken, papers that did not arrive: told once
stop portal
now=$(($(date +%s) * 1000))
sql "UPDATE application SET state = 'first_review', promise_due = $now + 3600000, promise_days = 3 WHERE id = 'CA-2'"
portal_up
told() { [ "$(notices "$1")" = "$2" ]; }
ok "who has to act is warned before a promise is broken" wait_for 20 told first@example.com promise_first
stop portal
portal_up
sleep 3
is "once" "$(notices first@example.com)" promise_first
stop portal
sql "UPDATE application SET state = 'final_review', promise_due = 0, promise_warned = 0, paper_number = NULL WHERE id = 'CA-1';
     INSERT INTO review (id, application, stage, decision, reviewer, review_sha256, reasons, note, at)
     VALUES ('r1', 'CA-1', 'first', 'approve', 'x', 'x', '{}', '', $now - 16 * 86400000)"
portal_up
ok "an applicant whose paper does not come is reminded" wait_for 20 told a@corp.com "made voided paper_overdue"
stop portal
like "of where to send it" "$(web_mail a@corp.com 3)" "浙江省杭州市西湖区示例路 1 号"

# ---- a real SMTP server, which asks for STARTTLS and a password
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$T/smtp.key" -out "$T/smtp.pem" -subj /CN=localhost \
    -addext "subjectAltName=DNS:localhost,IP:127.0.0.1" -days 2 2>/dev/null
PORT=$(perl -MIO::Socket::INET -e 'print IO::Socket::INET->new(Listen => 1, LocalAddr => "127.0.0.1")->sockport')
mkdir "$T/inbox"
smtp_up() {
    rm -f "$T/smtp.log"
    start smtp /usr/bin/python3 -u "$ROOT/tests/fake/smtp_server.py" "$PORT" "$T/inbox" --user ca --password 'mail secret' --refuse nobody@corp.com "$@"
    need "an SMTP server listens" wait_for 20 contains "$T/smtp.log" ready
}
tls=(--certificate "$T/smtp.pem" --key "$T/smtp.key")
(umask 077 && echo 'mail secret' >"$T/smtp.password")
smtp_conf() { # LINES
    portal_conf "mail = { url = \"smtp://localhost:$PORT\"; from = \"ca@example.com\"; from_name = \"数字证书服务平台\"; retry_seconds = 1; timeout_seconds = 5; $1 };"
}
TRUST='user = "ca"; password_file = "smtp.password"; ca = "smtp.pem";'
put() { # RECIPIENT SUBJECT: straight into the outbox
    sql "INSERT INTO mail (id, recipient, subject, body, kind, created_at, next_try_at) VALUES ('$(cat /proc/sys/kernel/random/uuid)', '$1', '$2',
         '正文 {site}/x' || char(10) || '.' || char(10) || '结尾', 'test', $(($(date +%s) * 1000)), 0)"
}
outbox() { sql "SELECT count(*) FROM mail WHERE sent_at = 0 AND given_up_at = 0"; }
empty() { [ "$(outbox)" = 0 ]; }
tried() { [ "$(sql "SELECT count(*) FROM mail WHERE sent_at = 0 AND tries >= $1")" -ge 1 ]; }

smtp_conf "$TRUST"
put a@corp.com '一封信'
portal_up
ok "no server: the mail is tried, and again" wait_for 30 tried 2
like "the reason is kept" "$(sql "SELECT last_error FROM mail WHERE sent_at = 0")" '^unreachable: '
is "and nothing is lost" "$(outbox)" 1
smtp_up "${tls[@]}"
ok "when it is there, the mail goes out" wait_for 30 empty
is "once" "$(find "$T/inbox" -name '*.eml' | wc -l)" 1
mail=$(find "$T/inbox" -name '*.eml')
head=$(head_of "$mail")
like "over TLS, by one who logged in" "$head" $'X-Test-TLS: True\nX-Test-User: True\nX-Test-From: ca@example.com\nX-Test-To: a@corp.com'
is "its subject is the one that was given" "$(/usr/bin/python3 -c 'import email, email.policy, sys; m = email.message_from_binary_file(open(sys.argv[1], "rb"), policy=email.policy.default); print(m["subject"], "|", m["from"], "|", m.defects)' "$mail")" "一封信 | 数字证书服务平台 <ca@example.com> | []"
is "its text, too, with the site's address, and a line that is only a dot" "$(mail_text "$mail" | tr -d '\r')" $'正文 http://localhost:7080/x\n.\n结尾'
put nobody@corp.com refused
put a@corp.com after
left() { [ "$(sql "SELECT group_concat(recipient) FROM mail WHERE sent_at = 0")" = "$1" ]; }
ok "one that is refused does not keep the others" wait_for 30 left nobody@corp.com
ok "why it was refused is said" wait_for 20 tried 1
like "in the server's words" "$(sql "SELECT last_error FROM mail WHERE sent_at = 0")" '^refused: 550 5.1.1 nobody of that name lives here'
nok "no password and no text of a mail stands in the log" contains "$T/portal.log" 'mail secret|正文'

# ---- the administrator's outbox
web_as root
need "the administrator logs in" web_login root@example.com "$PASSWORD" "$T/root@example.com.totp"
web_get /admin/mail
ok "what waits is shown, with its reason" web_shown "550 5.1.1 nobody of that name"
nok "but not what it says" web_shown 结尾
sql "UPDATE mail SET given_up_at = 1 WHERE sent_at = 0"
web_get "/admin/mail?show=failed"
ok "what was given up is shown" web_shown nobody@corp.com
id=$(sql "SELECT id FROM mail WHERE sent_at = 0")
sql "UPDATE mail SET recipient = 'a@corp.com' WHERE id = '$id'"
web_post /admin/mail "id=$id"
is "it can be tried again" "$STATUS" 303
ok "and goes out" wait_for 30 empty
web_post /admin/mail "id=$id"
is "what went out cannot" "$STATUS" 404

# ---- killed
before=$(find "$T/inbox" -name '*.eml' | wc -l)
stop smtp
for i in 1 2 3 4 5; do put a@corp.com "number $i"; done
strike portal
smtp_up "${tls[@]}"
portal_up
ok "after a crash everything goes out" wait_for 40 empty
subjects() { for f in "$T"/inbox/*.eml; do /usr/bin/python3 -c 'import email, email.policy, sys; print(email.message_from_binary_file(open(sys.argv[1], "rb"), policy=email.policy.default)["subject"])' "$f"; done; }
is "each of them" "$(subjects | grep '^number' | sort -u | wc -l) $before" "5 3"

# ---- what must not be
stop smtp
smtp_up
put a@corp.com plain
last() { contains <(sql "SELECT last_error FROM mail WHERE sent_at = 0") "$1"; }
ok "a server without TLS gets nothing" wait_for 30 last '^tls: '
is "at all" "$(subjects | grep -c plain)" 0
stop smtp
stop portal
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$T/other.key" -out "$T/other.pem" -subj /CN=localhost \
    -addext "subjectAltName=DNS:localhost" -days 2 2>/dev/null
smtp_up --certificate "$T/other.pem" --key "$T/other.key"
sql "UPDATE mail SET last_error = NULL, next_try_at = 0, tries = 0"
portal_up
ok "nor does one that shows another certificate" wait_for 30 last '^tls: .*certificate'
stop portal
echo wrong >"$T/smtp.password"
stop smtp
smtp_up "${tls[@]}"
sql "UPDATE mail SET last_error = NULL, next_try_at = 0, tries = 0"
portal_up
ok "a wrong password is said" wait_for 30 last '^permission: '
stop portal
chmod 644 "$T/smtp.password"
sql "UPDATE mail SET last_error = NULL, next_try_at = 0, tries = 0"
portal_up
ok "a password that all can read is not used" wait_for 30 last 'password_file'
stop portal
portal_conf 'mail = { url = "smtp://localhost:1"; folder = "mail"; };'
exits "both ways at once are refused" 7 "$BIN/caportald" -c "$CONF"
like "with the reason" "$ERR" "url or folder"
done_testing
