#include <zlib.h>

#include "base/clock.h"
#include "portal/material.h"
#include "portal/promise.h"
#include "workflow_fixture.h"

/* ---- files, put together piece by piece ---- */

static struct buf file;

static int set_up_file(void **state)
{
    (void)state;
    buf_init(&file);
    return 0;
}

static int tear_down_file(void **state)
{
    (void)state;
    buf_done(&file);
    return 0;
}
#define FILE_TEST(f) cmocka_unit_test_setup_teardown(f, set_up_file, tear_down_file)

static void put(const void *data, size_t len)
{
    assert_int_equal(buf_put(&file, data, len, &err), 0);
}
static void put_text(const char *s)
{
    put(s, strlen(s));
}
static void put_be32(uint32_t v)
{
    const uint8_t b[] = {(uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v};
    put(b, 4);
}

static void chunk(const char *type, const void *body, size_t n)
{
    put_be32((uint32_t)n);
    size_t at = file.len;
    put_text(type);
    put(body, n);
    put_be32((uint32_t)crc32(0, file.data + at, (uInt)(n + 4)));
}

static void png_head(uint32_t width, uint32_t height)
{
    const uint8_t header[] = {(uint8_t)(width >> 24),
                              (uint8_t)(width >> 16),
                              (uint8_t)(width >> 8),
                              (uint8_t)width,
                              (uint8_t)(height >> 24),
                              (uint8_t)(height >> 16),
                              (uint8_t)(height >> 8),
                              (uint8_t)height,
                              8,
                              0,
                              0,
                              0,
                              0};
    buf_reset(&file);
    put("\x89PNG\r\n\x1a\n", 8);
    chunk("IHDR", header, sizeof(header));
}
static void png_tail(void)
{
    chunk("IDAT", "\x78\x9c\x63\x00\x00\x00\x02\x00\x01", 9);
    chunk("IEND", "", 0);
}
static void png(void)
{
    png_head(4, 4);
    png_tail();
}

static void segment(uint8_t marker, const void *body, size_t n)
{
    const uint8_t head[] = {0xff, marker, (uint8_t)((n + 2) >> 8), (uint8_t)(n + 2)};
    put(head, sizeof(head));
    put(body, n);
}
static void jpeg_head(void)
{
    buf_reset(&file);
    put("\xff\xd8", 2);
    segment(0xe0, "JFIF\0\1\1\0\0\1\0\1\0\0", 14);
}
static void jpeg_tail(void)
{
    segment(0xc0, "\x08\x00\x10\x00\x10\x01\x01\x11\x00", 9);
    segment(0xda, "\x01\x01\x00\x00\x3f\x00", 6);
    put("\x12\xff\x00\x34\xff\xd0\x56\xff\xd9", 9);
}
static void jpeg(void)
{
    jpeg_head();
    jpeg_tail();
}

#define PDF_HEAD "%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"
#define PDF_TAIL "startxref\n15\n%%EOF\n"
static void pdf(const char *objects)
{
    buf_reset(&file);
    put_text(PDF_HEAD);
    put_text(objects);
    put_text(PDF_TAIL);
}

/* An object stream that holds `objects`, compressed, under this dictionary. */
static void pdf_packed(const char *dictionary, const char *objects)
{
    uint8_t packed[4096];
    uLongf n = sizeof(packed);
    assert_int_equal(compress(packed, &n, (const uint8_t *)objects, strlen(objects)), Z_OK);
    buf_reset(&file);
    put_text(PDF_HEAD "7 0 obj\n<<");
    put_text(dictionary);
    put_text(">>\nstream\r\n");
    put(packed, n);
    put_text("\nendstream\nendobj\n" PDF_TAIL);
}
#define PACKED "/Type /ObjStm /N 1 /First 4 /Filter /FlateDecode /Length 99"

/* From memory of exactly its size, so that a byte read behind the end is caught. */
static const char *type_of_file(void)
{
    const char *type = NULL;
    void *exact = malloc(file.len ? file.len : 1);
    assert_non_null(exact);
    if (file.len > 0)
        memcpy(exact, file.data, file.len);
    err_clear(&err);
    int rc = material_type(exact, file.len, &type, &err);
    free(exact);
    return rc == 0 ? type : err.text;
}
#define assert_taken(media_type) assert_string_equal(type_of_file(), media_type)
#define assert_refused(words)                                                                                \
    do {                                                                                                     \
        const char *why = type_of_file();                                                                    \
        if (err.code != ERR_FIELD || !strstr(why, words))                                                    \
            fail_msg("line %d: %s", __LINE__, why);                                                          \
    } while (0)

/* ---- tests ---- */

static void whole_files_of_the_three_types_are_taken(void **state)
{
    (void)state;
    png();
    assert_taken("image/png");
    jpeg();
    assert_taken("image/jpeg");
    put("\r\n \0\0", 5); /* what scanners leave behind the end */
    assert_taken("image/jpeg");
    pdf("1 0 obj\n<< /Type /Catalog >>\nendobj\n");
    assert_taken("application/pdf");
    pdf_packed(PACKED, "8 0 << /Type /Font >>");
    assert_taken("application/pdf");
}

static void what_is_of_another_type_is_refused(void **state)
{
    static const char *const OTHERS[] = {"",           "GIF89a",      "<html></html>", "MZ\x90",
                                         "PK\x03\x04", "%!PS-A",      "\x89PN",        "\xff\xd8",
                                         "BM",         "#!/bin/sh\n", " %PDF-1.4",     "<?xml?><svg/>"};
    (void)state;
    for (size_t i = 0; i < COUNT(OTHERS); i++) {
        buf_reset(&file);
        put_text(OTHERS[i]);
        assert_refused("neither PDF nor JPEG nor PNG");
    }
}

/* Of a file that is cut off anywhere, no piece passes: a transfer that broke is noticed. */
static void a_file_that_is_cut_off_anywhere_is_refused(void **state)
{
    static void (*const MAKE[])(void) = {png, jpeg};
    (void)state;
    for (size_t m = 0; m < COUNT(MAKE); m++) {
        MAKE[m]();
        for (size_t n = file.len - 1; n > 0; n--) {
            file.len = n;
            type_of_file();
            assert_int_equal(err.code, ERR_FIELD);
        }
    }
    pdf("1 0 obj\n<< /Type /Catalog >>\nendobj\n");
    for (size_t n = file.len - 2; n > 0; n--) {
        file.len = n;
        type_of_file();
        assert_int_equal(err.code, ERR_FIELD);
    }
}

static void a_damaged_png_is_refused(void **state)
{
    (void)state;
    png();
    file.data[20] ^= 1; /* width */
    assert_refused("IHDR is damaged");
    png_head(12001, 10);
    png_tail();
    assert_refused("at most 12000");
    png_head(0, 10);
    png_tail();
    assert_refused("without an extent");
    png_head(4, 4);
    chunk("IEND", "", 0);
    assert_refused("no pixels");
    buf_reset(&file);
    put("\x89PNG\r\n\x1a\n", 8);
    png_tail();
    assert_refused("does not begin with its header");
    png();
    put_be32(0xffffffffu);
    assert_refused("follow its end");
}

static void a_damaged_jpeg_is_refused(void **state)
{
    (void)state;
    jpeg_head();
    segment(0xda, "\x01\x01\x00\x00\x3f\x00", 6);
    put("\xff\xd9", 2);
    assert_refused("a scan before its frame");
    jpeg_head();
    segment(0xc0, "\x08\x2e\xe1\x00\x10\x01\x01\x11\x00", 9);
    assert_refused("at most 12000");
    jpeg_head();
    segment(0xc0, "\x08\x00\x10\x00\x10\x09\x01\x11\x00", 9);
    assert_refused("frame is not valid");
    jpeg_head();
    put("\xff\xd9", 2);
    assert_refused("no pixels");
    jpeg_head();
    put("\xff\xe1\x00\x01", 4);
    assert_refused("cut off");
}

static void a_file_that_is_also_another_is_refused(void **state)
{
    static const char ZIP[] = "PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
    static const char HTML[] = "comment\0<HTML><script>alert(1)</script>";
    (void)state;
    png();
    put(ZIP, sizeof(ZIP) - 1);
    assert_refused("follow its end");
    png_head(4, 4);
    chunk("tEXt", ZIP, sizeof(ZIP) - 1);
    png_tail();
    assert_refused("ZIP archive");
    png_head(4, 4);
    chunk("tEXt", HTML, sizeof(HTML) - 1);
    png_tail();
    assert_refused("metadata hold <html");
    jpeg_head();
    segment(0xfe, "%PDF-1.4 1 0 obj", 16);
    jpeg_tail();
    assert_refused("metadata hold %pdf-");
    jpeg();
    put_text("<?php system('id'); ?>");
    assert_refused("follow its end");
    jpeg_head();
    segment(0xe1, "Exif <?php ?>", 13);
    jpeg_tail();
    assert_refused("metadata hold <?php");
    jpeg();
    put("\xff\xd8\xff\xe0", 4); /* one picture behind another */
    assert_refused("follow its end");
    pdf("1 0 obj\n(PK\x05\x06)\nendobj\n");
    assert_refused("ZIP archive");
    pdf("<html><body>\n");
    assert_refused("metadata hold <html");
    buf_reset(&file);
    put_text("%PDF-<svg");
    put_text(PDF_TAIL);
    assert_refused("version");
}

static void a_pdf_that_does_something_is_refused(void **state)
{
    static const char *const NAMES[] = {
        "/JavaScript", "/J#61vaScript", "/#4aavaScript", "/#4A#61#76#61#53#63#72#69#70#74",
        "/Launch",     "/Laun#63h",     "/EmbeddedFile", "/EmbeddedFiles",
        "/RichMedia",  "/SubmitForm",   "/ImportData",   "/Encrypt",
        "/Rendition",  "/JavaScript#00"};
    static const char *const AROUND[] = {"3 0 obj\n<</S%s/X 1>>\nendobj\n",
                                         "3 0 obj\n<</S %s(app.alert(1))>>\n", "(a string %s )",
                                         "4 0 obj\n<</Length 9>>\nstream\n%s\nendstream\n"};
    (void)state;
    for (size_t i = 0; i < COUNT(NAMES); i++)
        for (size_t k = 0; k < COUNT(AROUND); k++) {
            char objects[200];
            const char *gap = strstr(AROUND[k], "%s");
            snprintf(objects, sizeof(objects), "%.*s%s%s", (int)(gap - AROUND[k]), AROUND[k], NAMES[i],
                     gap + 2);
            pdf(objects);
            assert_refused("(/");
        }
    pdf("1 0 obj\n<</JavaScripts/Launches/Encrypted>>\nendobj\n"); /* longer names are other names */
    assert_taken("application/pdf");
}

static void objects_that_are_packed_are_looked_through(void **state)
{
    char far[3000];
    (void)state;
    pdf_packed(PACKED, "8 0 <</S/JavaScript/JS(app.alert(1))>>");
    assert_refused("/JavaScript");
    pdf_packed("/Type/Obj#53tm/N 1/First 4/Filter/FlateDecode", "8 0 <</S/J#61vaScript>>");
    assert_refused("/JavaScript");
    memset(far, ' ', sizeof(far));
    snprintf(far + sizeof(far) - 20, 20, "/Launch");
    pdf_packed(PACKED, far);
    assert_refused("/Launch");
    pdf_packed("/Type /ObjStm /Filter [/ASCIIHexDecode /FlateDecode]", "8 0 <<>>");
    assert_refused("cannot be looked through");
    pdf_packed("/Type /ObjStm /Filter 9 0 R", "8 0 <<>>");
    assert_refused("cannot be looked through");
    pdf_packed("/Type /ObjStm /Filter /FlateDecode /DecodeParms <</Predictor 12>>", "8 0 <<>>");
    assert_refused("cannot be looked through");
    pdf_packed("/Type /ObjStm /Filter /FlateDecode /X (>>stream)", "8 0 <<>>");
    assert_refused("cannot be looked through");
    pdf("5 0 obj\n/ObjStm\nendobj\n");
    assert_refused("cannot be looked through");
    pdf("7 0 obj\n<<" PACKED ">>\nstream\nno deflate\nendstream\nendobj\n");
    assert_refused("cannot be unpacked");
}

static void objects_that_unpack_without_end_are_refused(void **state)
{
    (void)state;
    size_t n = 70u << 20;
    uLongf packed_len = compressBound(n);
    char *blank = calloc(1, n);
    uint8_t *packed = malloc(packed_len);
    assert_int_equal(compress(packed, &packed_len, (const uint8_t *)blank, n), Z_OK);
    put_text(PDF_HEAD "7 0 obj\n<<" PACKED ">>\nstream\n");
    put(packed, packed_len);
    put_text("\nendstream\nendobj\n" PDF_TAIL);
    free(blank);
    free(packed);
    assert_refused("when unpacked");
}

/* A dictionary that says again and again what it is costs one look, not thousands of long ones. */
static void a_file_that_would_take_long_to_look_through_takes_no_time(void **state)
{
    uint8_t packed[64];
    uLongf n = sizeof(packed);
    (void)state;
    assert_int_equal(compress(packed, &n, (const uint8_t *)" ", 1), Z_OK);
    buf_reset(&file);
    put_text(PDF_HEAD);
    while (file.len < (2u << 20)) {
        put_text("7 0 obj\n<</Filter/FlateDecode");
        for (int i = 0; i < 570; i++)
            put_text("/ObjStm");
        put_text(">>stream\n");
        put(packed, n);
        put_text("\nendobj\n");
    }
    put_text(PDF_TAIL);
    int64_t begun = clock_mono_ms();
    assert_taken("application/pdf");
    assert_true(clock_mono_ms() - begun < 2000);
}

static void a_file_over_ten_megabytes_is_refused(void **state)
{
    const char *type;
    (void)state;
    void *much = calloc(1, MATERIAL_MAX + 1);
    assert_int_equal(material_type(much, MATERIAL_MAX + 1, &type, &err), -1);
    assert_int_equal(err.code, ERR_TOO_LARGE);
    free(much);
}

static void names_are_cleaned(void **state)
{
    static const struct {
        const char *name, *cleaned;
    } CASES[] = {
        {"scan.pdf", "scan.pdf"},
        {"营业执照 （副本）.pdf", "营业执照 （副本）.pdf"},
        {"C:\\Users\\li\\执照.png", "执照.png"},
        {"../../etc/passwd", "passwd"},
        {"..", "file"},
        {"", "file"},
        {"/", "file"},
        {".htaccess", "htaccess"},
        {"<script>alert(1)</script>.png", "script.png"},
        {"a\r\nSet-Cookie: x=1.png", "aSet-Cookie x=1.png"},
        {"\"; rm -rf *.png", "; rm -rf .png"},
        {"evil\xe2\x80\xae"
         "gnp.exe",
         "evilgnp.exe"},
        {"bad\xff\xc3.png", "bad.png"},
        {" a .png ", "a .png"},
    };
    char cleaned[256], many[1200] = "";
    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        material_clean_name(CASES[i].name, cleaned);
        assert_string_equal(cleaned, CASES[i].cleaned);
    }
    for (size_t i = 0; i < 390; i++)
        memcpy(many + 3 * i, "长", 4);
    material_clean_name(many, cleaned);
    assert_true(utf8_valid(cleaned, strlen(cleaned)) && utf8_chars(cleaned) <= 100 &&
                utf8_chars(cleaned) >= 80);
}

/* ---- stored ---- */

static char id[41];

static int set_up_draft(void **state)
{
    return set_up_workflow(state) == 0 && IN_TRANSACTION(draft_of(&applicant, id)) == 0 ? 0 : -1;
}
#define STORED_TEST(f) cmocka_unit_test_setup_teardown(f, set_up_draft, tear_down)

static size_t n_stored(void)
{
    json_t *list = NULL;
    assert_int_equal(material_list(act.db, id, &list, &err), 0);
    size_t n = json_array_size(list);
    json_decref(list);
    return n;
}

static int add(const char *kind, const char *seed, char ret_id[UUID_SIZE])
{
    char data[200];
    snprintf(data, sizeof(data), "%%PDF-1.4\n%% %s\nstartxref\n0\n%%%%EOF\n", seed);
    struct material_file looked;
    if (material_look(data, strlen(data), &looked, &err) != 0)
        return -1;
    return IN_TRANSACTION(material_add(&act, id, kind, "a/b.pdf", &looked, ret_id, &err));
}

static void a_material_is_kept_listed_given_back_and_removed(void **state)
{
    char first_id[UUID_SIZE], again[UUID_SIZE];
    struct material m;
    struct buf content;
    (void)state;
    buf_init(&content);
    assert_int_equal(add("licence", "one", first_id), 0);
    assert_int_equal(add("licence", "one", again), 0);
    assert_string_equal(first_id, again); /* the same bytes twice are one */
    assert_int_equal(n_stored(), 1);
    assert_int_equal(material_get(act.db, id, first_id, &m, &content, &err), 0);
    assert_string_equal(m.name, "b.pdf");
    assert_string_equal(m.media_type, "application/pdf");
    assert_int_equal(content.len, (size_t)m.size);
    assert_int_equal(material_get(act.db, "CA20260101-00000000", first_id, &m, NULL, &err), -1);
    assert_int_equal(err.code, ERR_NOT_FOUND);
    assert_int_equal(IN_TRANSACTION(material_remove(&act, id, first_id, &err)), 0);
    assert_int_equal(n_stored(), 0);
    assert_int_equal(IN_TRANSACTION(material_remove(&act, id, first_id, &err)), -1);
    assert_int_equal(err.code, ERR_NOT_FOUND);
    buf_done(&content);
}

static void there_are_at_most_five_of_a_kind(void **state)
{
    static const char *const SEEDS[] = {"1", "2", "3", "4", "5"};
    char material[UUID_SIZE];
    (void)state;
    for (size_t i = 0; i < COUNT(SEEDS); i++)
        assert_int_equal(add("licence", SEEDS[i], material), 0);
    assert_int_equal(add("licence", "6", material), -1);
    assert_int_equal(err.code, ERR_EXISTS);
    assert_int_equal(add("licence", "5", material), 0);
    assert_int_equal(add("agent_id", "6", material), 0);
    assert_int_equal(add("passport", "7", material), -1);
    assert_int_equal(err.code, ERR_FIELD);
    assert_int_equal(n_stored(), 6);
}

static void materials_stand_once_the_application_is_submitted(void **state)
{
    char material[UUID_SIZE];
    (void)state;
    assert_int_equal(add("licence", "one", material), 0);
    assert_int_equal(IN_TRANSACTION(fill(id, "org-sign-rsa2048", "365")), 0);
    assert_int_equal(IN_TRANSACTION(submit(id)), 0);
    assert_string_equal(state_of(id), "first_review");
    assert_int_equal(add("licence", "two", material), -1);
    assert_int_equal(err.code, ERR_WRONG_STATE);
    json_t *list = NULL;
    assert_int_equal(material_list(act.db, id, &list, &err), 0);
    snprintf(material, sizeof(material), "%s", json_str(json_array_get(list, 0), "id"));
    json_decref(list);
    assert_int_equal(IN_TRANSACTION(material_remove(&act, id, material, &err)), -1);
    assert_int_equal(err.code, ERR_WRONG_STATE);
    assert_int_equal(n_stored(), 4);
}

static size_t content_length(const char *material)
{
    struct material m;
    struct buf content;
    buf_init(&content);
    assert_int_equal(material_get(act.db, id, material, &m, &content, &err), 0);
    size_t n = content.len;
    buf_done(&content);
    return n;
}

static void what_ended_long_ago_is_purged_and_only_that(void **state)
{
    const int64_t day = 86400000;
    char material[UUID_SIZE];
    (void)state;
    assert_int_equal(add("licence", "one", material), 0);
    assert_int_equal(IN_TRANSACTION(material_purge(act.db, act.now + 1000 * day, &err)), 0);
    assert_true(content_length(material) > 0); /* a draft has not ended */
    assert_int_equal(IN_TRANSACTION(act_withdraw(&act, id, "不需要了", &err)), 0);
    assert_int_equal(IN_TRANSACTION(material_purge(act.db, act.now + 179 * day, &err)), 0);
    assert_true(content_length(material) > 0);
    assert_int_equal(IN_TRANSACTION(setting_set(act.db, "materials_keep_days", "30", &err)), 0);
    assert_int_equal(IN_TRANSACTION(material_purge(act.db, act.now + 31 * day, &err)), 0);
    assert_int_equal(content_length(material), 0);
    assert_int_equal(n_stored(), 1); /* that it was there is still known */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FILE_TEST(whole_files_of_the_three_types_are_taken),
        FILE_TEST(what_is_of_another_type_is_refused),
        FILE_TEST(a_file_that_is_cut_off_anywhere_is_refused),
        FILE_TEST(a_damaged_png_is_refused),
        FILE_TEST(a_damaged_jpeg_is_refused),
        FILE_TEST(a_file_that_is_also_another_is_refused),
        FILE_TEST(a_pdf_that_does_something_is_refused),
        FILE_TEST(objects_that_are_packed_are_looked_through),
        FILE_TEST(objects_that_unpack_without_end_are_refused),
        cmocka_unit_test(a_file_that_would_take_long_to_look_through_takes_no_time),
        cmocka_unit_test(a_file_over_ten_megabytes_is_refused),
        cmocka_unit_test(names_are_cleaned),
        STORED_TEST(a_material_is_kept_listed_given_back_and_removed),
        STORED_TEST(there_are_at_most_five_of_a_kind),
        STORED_TEST(materials_stand_once_the_application_is_submitted),
        STORED_TEST(what_ended_long_ago_is_purged_and_only_that),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
