#!/bin/bash
# The table of pages is kept: every page with every role, as nobody, and with another organisation's application.
# shellcheck disable=SC2119
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/portal.sh"

portal_conf 'mail = { folder = "mail"; };'
mkdir -p "$T/mail"
need "a portal is set up" caportal init
"$BIN/caportald" --pages >"$T/pages.json"
ok "the program prints its table" jq -e 'length > 50' "$T/pages.json"
is "no two pages have one path" "$(jq -r '.[].path' "$T/pages.json" | sort | uniq -d)" ""
is "an auditor changes nothing, but looks behind a mask" "$(jq -r '.[] | select(.writers | index("auditor")) | .name' "$T/pages.json")" PAGE_REVEAL

# ---- one of each role, another organisation's applicant, one whose second factor is not done, one without any
printf 'correct horse battery staple' >"$T/password"
chmod 600 "$T/password"
sql() { sqlite3 -cmd '.timeout 10000' "$T/portal.db" "$@"; }
user() { # NAME ROLE [OPTION…]
    need "an account of $1" caportal user add "$1@example.com" --name "$1" --role "$2" --password-file "$T/password" "${@:3}"
}
ROLES=(first_reviewer final_reviewer operator finance auditor administrator)
user applicant applicant --organisation-kind enterprise --organisation 杭州示例科技有限公司 --uscc 91330100799655058B
user other applicant --organisation-kind institution --organisation 示例机构
for role in "${ROLES[@]}"; do user "$role" "$role" --totp-file "$T/totp-$role"; done
user coded operator --totp-file "$T/totp-coded"
user fresh operator

session() { # NAME SECOND_FACTOR: its token in TOKEN
    TOKEN=$(openssl rand -base64 32 | tr '+/' '-_' | tr -d '=\n')
    local hash now
    hash=$(printf %s "$TOKEN" | sha256sum | cut -d' ' -f1)
    now=$(($(date +%s) * 1000))
    sql "INSERT INTO session (sha256, account, second_factor, created_at, seen_at, address)
         SELECT '$hash', id, $2, $now, $now, '127.0.0.1' FROM account WHERE email = '$1@example.com'"
}
portal_up
URL=http://127.0.0.1:$PAGES
: >"$T/people.tsv"
for who in applicant other "${ROLES[@]}" fresh; do
    session "$who" 1
    printf '%s\t%s\n' "$who" "$TOKEN" >>"$T/people.tsv"
done
session coded 0
printf 'coded\t%s\n' "$TOKEN" >>"$T/people.tsv"
now=$(($(date +%s) * 1000))
for who in applicant other; do # a draft of each organisation
    sql "INSERT INTO application (id, state, owner, created_by, created_at, form, organisation, identifier, profile, updated_at)
         SELECT 'CA-$who', 'draft', organisation, id, $now, '{}', '', '', '', $now FROM account WHERE email = '$who@example.com'"
done
is "there are two drafts" "$(sql "SELECT count(*) FROM application WHERE owner IS NOT NULL")" 2

# ---- every page by everybody: a line "PAGE fault" for each that is answered otherwise
cat >"$T/ask.pl" <<'END'
use strict; use warnings; use HTTP::Tiny; use JSON::PP;
my ($url, $pages_file, $people_file) = @ARGV;
sub slurp { open my $in, '<', shift or die; local $/; <$in> }
my %token = map { split /\t/ } split /\n/, slurp($people_file);
my %param = (PAGE_STATIC_FILE => 'castation.css', PAGE_LANGUAGE => 'zh', PAGE_FORM => 'people', PAGE_EXPORT => 'xlsx',
    PAGE_APPLICATIONS_FILE => 'csv');
my $http = HTTP::Tiny->new(max_redirect => 0, keep_alive => 1, timeout => 60);
my %csrf;
sub ask {
    my ($who, $method, $path, $form) = @_;
    my %headers = ('Accept-Language' => 'en');
    $headers{Cookie} = $who eq 'nobody' ? "pre=" . 'A' x 43 : "sid=$token{$who}";
    if ($form) { $headers{'Content-Type'} = 'application/x-www-form-urlencoded' }
    my $r = $http->request($method, "$url$path", {headers => \%headers, $form ? (content => $form) : ()});
    return ($r->{status}, $r->{headers}{location} // '', $r->{content} // '');
}
for my $who (keys %token, 'nobody') {
    my (undef, undef, $page) = ask($who, 'GET', $who eq 'nobody' ? '/login' : $who eq 'coded' ? '/login/code' : $who eq 'fresh' ? '/account/totp' : '/notices');
    ($csrf{$who}) = $page =~ /name="csrf" value="([0-9a-f]{64})"/ or print "ALL no form token for $who\n";
}
my $asked = 0;
for my $p (@{decode_json(slurp($pages_file))}) {
    my $name = $p->{name};
    for my $method ('GET', 'POST') {
        my %may = map { $_ => 1 } @{$p->{$method eq 'GET' ? 'readers' : 'writers'}};
        for my $who (sort(keys %token), 'nobody', "another's") {
            my $path = $p->{path};
            my $foreign = $who eq "another's";
            next if $foreign && ($path !~ /\{application\}/ || !$may{applicant});
            next if $name eq 'PAGE_LOGOUT' && $method eq 'POST' && $who ne 'nobody'; # at the end
            my $asker = $foreign ? 'applicant' : $who;
            my $id = $foreign || $asker eq 'other' ? 'CA-other' : 'CA-applicant';
            $path =~ s/\{application\}/$id/;
            my $value = $param{$name} // 'A' x 43;
            $path =~ s/\{param\}/$value/;
            my ($status, $location) = ask($asker, $method, $path, $method eq 'POST' ? "csrf=" . ($csrf{$asker} // '') : undef);
            $asked++;
            my $role = $asker eq 'other' ? 'applicant' : $asker;
            my $got = "$status $location";
            my $fault = sub { print "$name $method as $who: $got, not $_[0]\n" };
            if ($status >= 500) { $fault->('an answer') }
            elsif (!%may) { $status == 405 or $fault->(405) }
            elsif ($p->{static} || $name eq 'PAGE_LANGUAGE') { $status =~ /^(200|303)$/ or $fault->('200') }
            elsif ($asker eq 'coded') {
                if ($name =~ /^PAGE_(LOGIN_CODE|LOGOUT)$/) { $status =~ /^(200|303|422|429)$/ or $fault->('its page') }
                else { $location eq '/login/code' or $fault->('/login/code') }
            } elsif ($asker eq 'fresh') {
                if ($name =~ /^PAGE_(TOTP|LOGOUT)$/) { $status =~ /^(200|303|422)$/ or $fault->('its page') }
                else { $location eq '/account/totp' or $fault->('/account/totp') }
            } elsif ($foreign) { $status == 404 or $fault->(404) }
            elsif ($asker eq 'nobody' && !$may{public}) { $location =~ m{^/login\?next=/} or $fault->('/login') }
            elsif ($may{public} || $may{user} || $may{$role}) {
                $fault->('something') if $status == 403 || $status == 405 || ($location =~ m{^/login} && $name ne 'PAGE_LOGIN_CODE');
                $fault->('the page') if $status == 404 && $path !~ /A{43}$|csv/ && $path !~ m{/(certificate|review|payment|submitted|handover|retry|paper|reveal)|^/admin/(mail|stations)$};
            } else { $status == 403 or $fault->(403) }
            # a form with another's token, or none, is nobody's
            next if $method eq 'GET' || !%may || $asker eq 'coded' || $asker eq 'fresh' || $foreign;
            for my $forged ('csrf=' . ('0' x 64), 'a=1', "csrf=$csrf{$asker eq 'auditor' ? 'finance' : 'auditor'}") {
                ($status) = ask($asker, 'POST', $path, $forged);
                $asked++;
                $status == 403 or print "$name POST as $who with a forged token: $status, not 403\n";
            }
        }
    }
}
my ($status, $location) = ask('finance', 'POST', '/logout', "csrf=$csrf{finance}");
$status == 303 or print "PAGE_LOGOUT POST: $status\n";
($status, $location) = ask('finance', 'GET', '/finance/orders');
$location =~ m{^/login\?next=/finance/orders} or print "PAGE_LOGOUT leaves a session: $status $location\n";
print STDERR "$asked\n";
END
perl "$T/ask.pl" "$URL" "$T/pages.json" "$T/people.tsv" >"$T/faults" 2>"$T/asked"
ok "everything was asked ($(tail -n 1 "$T/asked") requests)" grep -qE '^[0-9]{4,}$' "$T/asked"
is "everybody has a form token" "$(grep '^ALL' "$T/faults")" ""
for page in $(jq -r '.[].name' "$T/pages.json"); do
    is "$page is for whom the table says" "$(grep "^$page " "$T/faults")" ""
done
ok "the portal has run through all of it" alive portal
done_testing
