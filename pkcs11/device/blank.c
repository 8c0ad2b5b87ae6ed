/* castation-blank: makes and moves the folders that SoftHSM takes for tokens: blanks of the virtual rack, and
 * HSMs for tests and demos. PINs are read from files, never from the command line. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "device/pin.h"
#include "device/softhsm_folder.h"
#include "products/products.h"

#define PIN_FILE_MAX  256
#define HSM_PIN_CHARS 24
#define HSM_ALPHABET  "23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghjkmnpqrstuvwxyz"

struct options {
    const char *label, *so_pin_file, *pin_file, *module;
};

static const struct option OPTIONS[] = {
    {"label", required_argument, NULL, 'l'},
    {"so-pin-file", required_argument, NULL, 's'},
    {"pin-file", required_argument, NULL, 'p'},
    {"module", required_argument, NULL, 'm'},
    {NULL, 0, NULL, 0},
};

/* ---- PIN files
 * ----------------------------------------------------------------------------------------------------- */

static int create_pin_file(const char *path, struct buf *pin, struct err *err)
{
    return pin_make(HSM_ALPHABET, HSM_PIN_CHARS, NULL, 0, pin, err) == 0
               ? file_create(path, pin->data, pin->len, 0600, err)
               : -1;
}

/* The first line; a file that is not there is made, with a random PIN. */
static int pin_file(const char *path, struct buf *pin, struct err *err)
{
    if (access(path, F_OK) != 0)
        return create_pin_file(path, pin, err);
    if (file_check_owner(path, true, err) != 0 || file_read(path, PIN_FILE_MAX, pin, err) != 0)
        return -1;
    while (pin->len > 0 && (pin->data[pin->len - 1] == '\n' || pin->data[pin->len - 1] == '\r'))
        pin->len--;
    if (pin->len == 0 || memchr(pin->data, '\n', pin->len))
        return err_set(err, ERR_FIELD, "%s: one line with a PIN is expected", path);
    return 0;
}

/* ---- verbs
 * -------------------------------------------------------------------------------------------------------- */

static int make_token(char **args, const struct options *o, struct err *err)
{
    const struct product *p = product_find("softhsm");
    char serial[SERIAL_SIZE];
    struct buf so_pin;
    buf_init_secret(&so_pin);
    int rc = buf_put_str(&so_pin, p->factory_so_pin, err);
    if (rc == 0)
        rc = softhsm_folder_make(args[0], o->module ? o->module : p->module, o->label ? o->label : "BLANK",
                                 &so_pin, NULL, serial, err);
    buf_done(&so_pin);
    if (rc == 0)
        printf("%s\n", serial);
    return rc;
}

static int make_hsm(char **args, const struct options *o, struct err *err)
{
    const struct product *p = product_find("softhsm");
    char serial[SERIAL_SIZE];
    struct buf so_pin, pin;
    if (!o->label || !o->so_pin_file || !o->pin_file)
        return err_set(err, ERR_USAGE, "hsm needs --label, --so-pin-file and --pin-file");
    buf_init_secret(&so_pin);
    buf_init_secret(&pin);
    int rc = pin_file(o->so_pin_file, &so_pin, err);
    if (rc == 0)
        rc = pin_file(o->pin_file, &pin, err);
    if (rc == 0)
        rc = softhsm_folder_make(args[0], o->module ? o->module : p->module, o->label, &so_pin, &pin, serial,
                                 err);
    buf_done(&so_pin);
    buf_done(&pin);
    if (rc == 0)
        printf("%s\n", serial);
    return rc;
}

static int move(char **args, const struct options *o, struct err *err)
{
    (void)o;
    return softhsm_folder_move(args[0], args[1], err);
}

static const struct {
    const char *name, *usage, *says;
    int args;
    int (*run)(char **args, const struct options *o, struct err *err);
} VERBS[] = {
    {"token", "token DIR [--label L] [--module FILE]",
     "make a factory-initialised blank, print its serial number", 1, make_token},
    {"hsm", "hsm DIR --label L --so-pin-file F --pin-file F [--module FILE]",
     "make an HSM for tests; PIN files that are not there are made, with random PINs", 1, make_hsm},
    {"move", "move FROM TO", "move a token's folder; FROM = TO mends one whose move was broken off", 2, move},
};
#define VERB_COUNT (sizeof(VERBS) / sizeof(VERBS[0]))

static int usage(void)
{
    for (size_t i = 0; i < VERB_COUNT; i++)
        fprintf(stderr, "%s castation-blank %s\n        %s\n", i == 0 ? "usage:" : "      ", VERBS[i].usage,
                VERBS[i].says);
    return err_exit_code(ERR_USAGE);
}

static int options(int argc, char **argv, struct options *ret)
{
    memset(ret, 0, sizeof(*ret));
    for (int c; (c = getopt_long(argc, argv, "", OPTIONS, NULL)) != -1;) {
        const char **to = c == 'l'   ? &ret->label
                          : c == 's' ? &ret->so_pin_file
                          : c == 'p' ? &ret->pin_file
                          : c == 'm' ? &ret->module
                                     : NULL;
        if (!to)
            return -1;
        *to = optarg;
    }
    return 0;
}

int main(int argc, char **argv)
{
    struct options o;
    struct err err;
    log_init("castation-blank");
    err_clear(&err);
    if (options(argc, argv, &o) != 0 || optind >= argc)
        return usage();
    for (size_t i = 0; i < VERB_COUNT; i++) {
        if (strcmp(VERBS[i].name, argv[optind]) != 0)
            continue;
        if (argc - optind - 1 != VERBS[i].args)
            return usage();
        if (VERBS[i].run(argv + optind + 1, &o, &err) == 0)
            return 0;
        log_err(&err, "%s", VERBS[i].name);
        return err_exit_code(err.code);
    }
    return usage();
}
