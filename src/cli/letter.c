/* letter: the vault writes the PIN letter straight into a new file; it never passes through here. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "cli/args.h"
#include "cli/verbs.h"

static int open_new(const char *path, int *ret_fd, struct err *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) {
        int sys = errno;
        err_sys(err, "%s", path);
        if (sys == EEXIST)
            err->code = ERR_EXISTS;
        return -1;
    }
    if (fchmod(fd, 0600) != 0) {
        err_sys(err, "%s", path);
        close(fd);
        unlink(path);
        return -1;
    }
    *ret_fd = fd;
    return 0;
}

/* When no answer came, the letter may be in the file already, and is never printed a second time: then it
 * stays. */
static void clean_up(const struct cli *cli, int fd, const char *path, const struct err *err)
{
    struct stat st;
    bool unsure = err->code == ERR_TIMEOUT || err->code == ERR_PEER_GONE || err->code == ERR_PROTOCOL;
    if (unsure && fstat(fd, &st) == 0 && st.st_size > 0)
        cli_warn(cli, TEXT_LETTER_KEPT, path);
    else
        unlink(path);
}

static int finish(int fd, const char *path, struct err *err)
{
    struct stat st;
    if (fstat(fd, &st) != 0 || fsync(fd) != 0)
        return err_sys(err, "%s", path);
    if (st.st_size == 0)
        return err_set(err, ERR_LETTER, "%s: the vault wrote nothing", path);
    return file_fsync_folder_of(path, err);
}

int verb_letter(struct cli *cli, int argc, char **argv, struct err *err)
{
    const char *serial, *path = NULL;
    const struct arg_option options[] = {{"-o", &path, NULL}};
    json_t *result = NULL;
    int fd = -1;
    if (args_parse(argc, argv, options, 1, &serial, 1, 1, NULL, err) != 0)
        return -1;
    if (!path)
        return err_set(err, ERR_USAGE, "-o FILE is missing: where the letter goes");
    if (cli_conf(cli, err) != 0 || open_new(path, &fd, err) != 0)
        return -1;
    int rc = cli_ask_with_fd(cli, "letter", json_pack("{s:s}", "serial", serial), fd, &result, err);
    if (rc != 0)
        clean_up(cli, fd, path, err);
    else if ((rc = finish(fd, path, err)) == 0)
        cli_say(cli, TEXT_LETTER_WRITTEN, serial, json_str(result, "organisation"), path);
    close(fd);
    json_decref(result);
    return rc;
}
