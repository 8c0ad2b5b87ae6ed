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
    {"server-certificate", "[--name HOST]…", 0, OPTION_NAME, 0, true, TEXT_CAPORTAL_SERVER,
     caportal_server_certificate},
    {"api", "", 0, OPTION_JSON, 0, false, TEXT_CAPORTAL_API, caportal_api},
    {"help", "", 0, 0, 0, false, TEXT_CAPORTAL_HELP, caportal_help},
};
const size_t caportal_n_verbs = sizeof(caportal_verbs) / sizeof(caportal_verbs[0]);
