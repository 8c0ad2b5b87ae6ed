#include "portal/caportal.h"

const struct caportal_verb caportal_verbs[] = {
    {"init", "[--name HOST]… [--sample]", 0, OPTION_NAME | OPTION_SAMPLE, 0, true, TEXT_CAPORTAL_INIT, caportal_init},
    {"approve", "--import FILE.json [--first NAME] [--final NAME] [--json]", 0,
     OPTION_IMPORT | OPTION_FIRST | OPTION_FINAL | OPTION_JSON, OPTION_IMPORT, true, TEXT_CAPORTAL_APPROVE,
     caportal_approve},
    {"applications", "[--state STATE] [--after ID] [--limit N] [--json]", 0,
     OPTION_STATE | OPTION_AFTER | OPTION_LIMIT | OPTION_JSON, 0, true, TEXT_CAPORTAL_APPLICATIONS,
     caportal_applications},
    {"application", "ID [--json]", 1, OPTION_JSON, 0, true, TEXT_CAPORTAL_APPLICATION, caportal_application},
    {"retry", "ID [--reason TEXT]", 1, OPTION_REASON, 0, true, TEXT_CAPORTAL_RETRY, caportal_retry},
    {"station enrol", "NAME CSR.pem [-o FILE] [--renew]", 2, OPTION_OUTPUT | OPTION_RENEW, 0, true,
     TEXT_CAPORTAL_ENROL, caportal_station_enrol},
    {"station list", "[--json]", 0, OPTION_JSON, 0, true, TEXT_CAPORTAL_STATIONS, caportal_station_list},
    {"station revoke", "NAME", 1, 0, 0, true, TEXT_CAPORTAL_REVOKE, caportal_station_revoke},
    {"calendar load", "YEAR FILE.csv", 2, 0, 0, true, TEXT_CAPORTAL_CALENDAR_LOAD, caportal_calendar_load},
    {"calendar show", "YEAR [--json]", 1, OPTION_JSON, 0, true, TEXT_CAPORTAL_CALENDAR_SHOW,
     caportal_calendar_show},
    {"user add",
     "EMAIL --name NAME --role ROLE[,ROLE] [--password-file FILE] [--totp-file FILE] "
     "[--organisation-kind enterprise|institution --organisation NAME --uscc CODE]",
     1,
     OPTION_NAME | OPTION_ROLE | OPTION_PASSWORD_FILE | OPTION_TOTP_FILE | OPTION_ORGANISATION_KIND |
         OPTION_ORGANISATION | OPTION_USCC,
     OPTION_NAME | OPTION_ROLE, true, TEXT_CAPORTAL_USER_ADD_HELP, caportal_user_add},
    {"user list", "[--json]", 0, OPTION_JSON, 0, true, TEXT_CAPORTAL_USER_LIST, caportal_user_list},
    {"user disable", "EMAIL", 1, 0, 0, true, TEXT_CAPORTAL_USER_DISABLE, caportal_user_disable},
    {"user enable", "EMAIL", 1, 0, 0, true, TEXT_CAPORTAL_USER_ENABLE, caportal_user_enable},
    {"user password", "EMAIL [--password-file FILE]", 1, OPTION_PASSWORD_FILE, 0, true,
     TEXT_CAPORTAL_USER_PASSWORD_HELP, caportal_user_password},
    {"user totp", "EMAIL --totp-file FILE", 1, OPTION_TOTP_FILE, OPTION_TOTP_FILE, true,
     TEXT_CAPORTAL_USER_TOTP_HELP, caportal_user_totp},
    {"server-certificate", "[--name HOST]…", 0, OPTION_NAME, 0, true, TEXT_CAPORTAL_SERVER,
     caportal_server_certificate},
    {"api", "", 0, OPTION_JSON, 0, false, TEXT_CAPORTAL_API, caportal_api},
    {"help", "", 0, 0, 0, false, TEXT_CAPORTAL_HELP, caportal_help},
};
const size_t caportal_n_verbs = sizeof(caportal_verbs) / sizeof(caportal_verbs[0]);
