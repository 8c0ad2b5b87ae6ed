/* audit verify: reads station.db without castationd, so that a stopped or damaged station can be looked into.
 */
#include <inttypes.h>

#include "cli/args.h"
#include "cli/verbs.h"
#include "store/station_store.h"

static int verify(struct cli *cli, int64_t *ret_count, struct err *err)
{
    struct db *db = NULL;
    if (db_open(&db, cli->conf.database, &station_schema, DB_READ_ONLY, err) != 0)
        return -1;
    int rc = audit_verify(db, ret_count, err);
    if (rc != 0)
        err_prepend(err, "%s", cli->conf.database);
    db_close(&db);
    return rc;
}

int verb_audit_verify(struct cli *cli, int argc, char **argv, struct err *err)
{
    int64_t count = 0;
    if (args_parse(argc, argv, NULL, 0, NULL, 0, 0, NULL, err) != 0 || cli_conf(cli, err) != 0)
        return -1;
    int rc = verify(cli, &count, err);
    if (cli->json && (rc == 0 || err->code == ERR_AUDIT)) {
        struct err ignored;
        json_t *result = json_pack("{s:b, s:I}", "intact", rc == 0, "records", (json_int_t)count);
        if (rc != 0) {
            json_object_set_new(result, "first_broken", json_integer(count + 1));
            json_object_set_new(result, "detail", json_string(err->text));
        }
        cli_print_json(result, &ignored);
        json_decref(result);
    } else if (rc == 0) {
        cli_say(cli, TEXT_AUDIT_INTACT, (long long)count);
    }
    return rc;
}
