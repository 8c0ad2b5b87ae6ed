#include "cmocka_all.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/conf.h"
#include "base/file.h"

static char folder[] = "/tmp/castation-test-conf-XXXXXX";
static char path[64];

static int make_folder(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof(path), "%s/c.conf", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder);
}

struct sample {
    char name[8], data[PATH_MAX], url[64];
    int64_t bays, big;
    bool letters;
    struct conf_strs keys;
};

static const struct conf_key KEYS[] = {
    {"name", CONF_STR, CONF_FIELD(struct sample, name), .required = true},
    {"data", CONF_PATH, CONF_FIELD(struct sample, data), .fallback = "var"},
    {"portal.url", CONF_STR, CONF_FIELD(struct sample, url)},
    {"portal.limits.big", CONF_INT, CONF_FIELD(struct sample, big), .min = INT64_MIN, .max = INT64_MAX},
    {"bays", CONF_INT, CONF_FIELD(struct sample, bays), .min = 1, .max = 64, .fallback = "4"},
    {"letters", CONF_BOOL, CONF_FIELD(struct sample, letters), .fallback = "true"},
    {"keys", CONF_STRS, CONF_FIELD(struct sample, keys), .fallback = "p256,rsa2048"},
    {.path = "rack", .kind = CONF_LIST},
};

static int load(const char *content, struct sample *s, struct err *err)
{
    struct err write_err;
    assert_int_equal(file_replace(path, content, strlen(content), 0600, &write_err), 0);
    return conf_load(path, KEYS, COUNT(KEYS), s, err);
}

static void every_kind_is_read(void **state)
{
    (void)state;
    struct err err;
    struct sample s;
    memset(&s, 0xff, sizeof(s));
    int ret = load("name = \"工位\"; # a comment\ndata = \"/srv/x\";\nbays = 64; letters = false;\n"
                   "portal: { url = \"https://a\"; limits = { big = 5000000000L; }; };\n"
                   "keys = [\"a\", \"b\", \"c\"]; rack = ( { x = 1; } );\n",
                   &s, &err);
    assert_int_equal(ret, 0);
    assert_string_equal(s.name, "工位");
    assert_string_equal(s.data, "/srv/x");
    assert_string_equal(s.url, "https://a");
    assert_int_equal(s.bays, 64);
    assert_true(s.big == 5000000000);
    assert_false(s.letters);
    assert_int_equal(s.keys.n, 3);
    assert_string_equal(s.keys.items[2], "c");
    assert_null(s.keys.items[3]);
    conf_free(KEYS, COUNT(KEYS), &s);
    assert_null(s.keys.items);
}

static void what_is_absent_takes_its_fallback_or_is_empty(void **state)
{
    (void)state;
    struct err err;
    struct sample s;
    char data[sizeof(folder) + 8];
    snprintf(data, sizeof(data), "%s/var", folder); /* from the file's folder */
    memset(&s, 0xff, sizeof(s));
    assert_int_equal(load("name = \"x\";", &s, &err), 0);
    assert_string_equal(s.data, data);
    assert_string_equal(s.url, "");
    assert_int_equal(s.bays, 4);
    assert_int_equal(s.big, 0);
    assert_true(s.letters);
    assert_int_equal(s.keys.n, 2);
    assert_string_equal(s.keys.items[1], "rsa2048");
    conf_free(KEYS, COUNT(KEYS), &s);
}

static void every_fault_is_told_with_file_line_key_and_reason(void **state)
{
    (void)state;
    static const struct {
        const char *content, *error; /* behind the path */
    } CASES[] = {
        {"name = \"x\";\nnmae = \"y\";\n", ":2: nmae: unknown key"},
        {"name = \"x\";\n\nportal = {\n  uri = \"\"; };", ":4: portal.uri: unknown key"},
        {"name = \"x\";\nportal = { limits = { big = 1; small = 2; }; };",
         ":2: portal.limits.small: unknown key"},
        {"name = \"x\";\nextra = { a = 1; };", ":2: extra: unknown key"},
        {"name = \"x\";\nportal = 1;", ":2: portal: must be a group { … }"},
        {"bays = 3;", ": name: is missing"},
        {"name = 3;", ":1: name: must be a string (\"…\")"},
        {"name = \"12345678\";", ":1: name: is longer than 7 bytes"},
        {"name = \"a\\xff\";", ":1: name: is not valid UTF-8"},
        {"name = \"a\\n\";", ":1: name: has a control character in it"},
        {"name = \"x\";\nbays = 0;", ":2: bays: 0 is not within 1 … 64"},
        {"name = \"x\";\nbays = 65;", ":2: bays: 65 is not within 1 … 64"},
        {"name = \"x\"; # 5000000000\n/* 5000000000\n */ bays = 4294967300;",
         ":3: 4294967300: an integer over 2147483647 needs the suffix L"},
        {"name = \"x\";\nbays = 0x100000004;",
         ":2: 0x100000004: an integer over 2147483647 needs the suffix L"},
        {"name = \"5000000000 \\\" @\";\n@include \"other\"", ":2: @include is not supported"},
        {"name = \"x\";\nbays = \"4\";", ":2: bays: must be an integer"},
        {"name = \"x\";\nbays = 4.0;", ":2: bays: must be an integer"},
        {"name = \"x\";\nletters = 1;", ":2: letters: must be true or false"},
        {"name = \"x\";\nkeys = \"a\";", ":2: keys: must be a list of strings"},
        {"name = \"x\";\nkeys = [1, 2];", ":2: keys: must hold strings only"},
        {"name = \"x\";\nkeys = (\"a\", \"b\\xff\");", ":2: keys: element 1 is not valid UTF-8"},
        {"name = \"x\";\nrack = \"a\";", ":2: rack: must be a list of groups ( { … }, … )"},
        {"name = \"x\";\nname = \"y\";\n", ":2: duplicate setting name"},
        {"name = \"x\";\nbays = ;\n", ":2: syntax error"},
    };
    for (size_t i = 0; i < COUNT(CASES); i++) {
        struct err err;
        struct sample s;
        assert_int_equal(load(CASES[i].content, &s, &err), -1);
        assert_int_equal(err.code, ERR_CONFIG);
        assert_int_equal(strncmp(err.text, path, strlen(path)), 0);
        assert_string_equal(err.text + strlen(path), CASES[i].error);
        assert_null(s.keys.items); /* nothing to free */
    }
}

static void a_file_that_is_absent_or_binary_is_refused(void **state)
{
    (void)state;
    struct err err;
    struct sample s;
    assert_int_equal(conf_load("/nonexistent/c.conf", KEYS, COUNT(KEYS), &s, &err), -1);
    assert_int_equal(err.code, ERR_NOT_FOUND);
    assert_int_equal(file_replace(path, "name = \"x\";\0evil = 1;", 21, 0600, &err), 0);
    assert_int_equal(conf_load(path, KEYS, COUNT(KEYS), &s, &err), -1);
    assert_int_equal(err.code, ERR_CONFIG);
}

struct bay {
    char name[16];
    int64_t slot;
    struct conf_strs env;
};

static const struct conf_key BAY_KEYS[] = {
    {"name", CONF_STR, CONF_FIELD(struct bay, name), .required = true},
    {"slot", CONF_INT, CONF_FIELD(struct bay, slot), .min = 0, .max = 9},
    {"env", CONF_STRS, CONF_FIELD(struct bay, env)},
};

struct collected {
    struct bay bays[4];
    size_t n, refuse_at;
};

static int collect(void *element, void *arg, struct err *err)
{
    struct collected *c = arg;
    if (c->n == c->refuse_at)
        return err_set(err, ERR_EXISTS, "twice the same bay");
    memcpy(&c->bays[c->n++], element, sizeof(struct bay));
    return 0;
}

static int load_bays(const char *content, struct collected *c, struct err *err)
{
    assert_int_equal(file_replace(path, content, strlen(content), 0600, err), 0);
    return conf_load_list(path, "bays", BAY_KEYS, COUNT(BAY_KEYS), sizeof(struct bay), collect, c, err);
}

static void each_element_of_a_list_is_given_once(void **state)
{
    (void)state;
    struct err err;
    struct collected c = {.refuse_at = 9};
    assert_int_equal(
        load_bays(
            "other = 1;\nbays = ( { name = \"one\"; slot = 3; }, { name = \"two\"; env = [\"A=1\"]; } );", &c,
            &err),
        0);
    assert_int_equal(c.n, 2);
    assert_string_equal(c.bays[0].name, "one");
    assert_int_equal(c.bays[0].slot, 3);
    assert_string_equal(c.bays[1].name, "two");
    assert_int_equal(c.bays[1].slot, 0);
    assert_string_equal(c.bays[1].env.items[0], "A=1");
    conf_free(BAY_KEYS, COUNT(BAY_KEYS), &c.bays[1]);
    c.n = 0;
    assert_int_equal(load_bays("other = 1;", &c, &err), 0);
    assert_int_equal(load_bays("bays = ();", &c, &err), 0);
    assert_int_equal(c.n, 0);
}

static void a_fault_in_an_element_names_it(void **state)
{
    (void)state;
    static const struct {
        const char *content, *error;
        enum err_code code;
    } CASES[] = {
        {"bays = ( { name = \"one\"; },\n { nme = \"two\"; } );", ":2: bays[1].nme: unknown key", ERR_CONFIG},
        {"bays = ( { name = \"one\"; },\n { slot = 3; } );", ":2: bays[1].name: is missing", ERR_CONFIG},
        {"bays = ( { name = \"one\";\n slot = 10; } );", ":2: bays[0].slot: 10 is not within 0 … 9",
         ERR_CONFIG},
        {"bays = (\n 7 );", ":2: bays[0].: must be a group { … }", ERR_CONFIG},
        {"\nbays = { a = 1; };", ":2: bays: must be a list of groups ( { … }, … )", ERR_CONFIG},
        {"bays = ( { name = \"a\"; },\n { name = \"b\"; env = (\"x\"); } );",
         ":2: bays[1]: twice the same bay", ERR_EXISTS},
    };
    for (size_t i = 0; i < COUNT(CASES); i++) {
        struct err err;
        struct collected c = {.refuse_at = 1};
        assert_int_equal(load_bays(CASES[i].content, &c, &err), -1);
        assert_int_equal(err.code, CASES[i].code);
        assert_string_equal(err.text + strlen(path), CASES[i].error);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_is_read),
        cmocka_unit_test(what_is_absent_takes_its_fallback_or_is_empty),
        cmocka_unit_test(every_fault_is_told_with_file_line_key_and_reason),
        cmocka_unit_test(a_file_that_is_absent_or_binary_is_refused),
        cmocka_unit_test(each_element_of_a_list_is_given_once),
        cmocka_unit_test(a_fault_in_an_element_names_it),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
