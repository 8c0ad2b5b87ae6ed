#include "portal/certificate_text.h"

#include <stdio.h>
#include <string.h>

#include <openssl/objects.h>

#include "base/utf8.h"

#define MORE "…"

int line_add(json_t *lines, const char *before, const void *data, size_t len, struct err *err)
{
    char line[CERTIFICATE_LINE_MAX + sizeof(MORE)];
    size_t n = strlen(before), room = CERTIFICATE_LINE_MAX - n;
    bool cut = len > room;
    memcpy(line, before, n + 1);
    memcpy(line + n, data, cut ? room : len);
    n += cut ? room : len;
    line[n] = '\0';
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)line[i] < ' ' || line[i] == '\x7f')
            line[i] = '?';
    utf8_scrub(line);
    if (cut)
        memcpy(line + strlen(line), MORE, sizeof(MORE));
    if (json_array_append_new(lines, json_string(line)) != 0)
        return err_set(err, ERR_MEMORY, "a certificate's words");
    return 0;
}

int line_add_string(json_t *lines, const char *before, const ASN1_STRING *s, struct err *err)
{
    unsigned char *utf8 = NULL;
    int len = s ? ASN1_STRING_to_UTF8(&utf8, s) : -1;
    if (len < 0)
        return s ? line_add_hex(lines, before, ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s), err)
                 : line_add(lines, before, "?", 1, err);
    int rc = line_add(lines, before, utf8, (size_t)len, err);
    OPENSSL_free(utf8);
    return rc;
}

int line_add_hex(json_t *lines, const char *before, const void *data, size_t len, struct err *err)
{
    static const char DIGITS[] = "0123456789ABCDEF";
    const unsigned char *octets = data;
    char hex[CERTIFICATE_LINE_MAX + 8];
    size_t n = 0;
    for (size_t i = 0; i < len && n < CERTIFICATE_LINE_MAX; i++) {
        if (i > 0)
            hex[n++] = ':';
        hex[n++] = DIGITS[octets[i] >> 4];
        hex[n++] = DIGITS[octets[i] & 15];
    }
    return line_add(lines, before, hex, n, err);
}

int line_add_object(json_t *lines, const char *before, const ASN1_OBJECT *o, struct err *err)
{
    char oid[256];
    int n = OBJ_obj2txt(oid, sizeof(oid), o, 1);
    return n < 1 ? line_add(lines, before, "?", 1, err) : line_add(lines, before, oid, strlen(oid), err);
}

/* ---- names */

static const struct {
    int nid;
    const char *abbreviation;
    enum text_id title;
} ATTRIBUTES[] = {
    {NID_countryName, "C", TEXT_CERT_DN_C},
    {NID_stateOrProvinceName, "ST", TEXT_CERT_DN_ST},
    {NID_localityName, "L", TEXT_CERT_DN_L},
    {NID_organizationName, "O", TEXT_CERT_DN_O},
    {NID_organizationalUnitName, "OU", TEXT_CERT_DN_OU},
    {NID_commonName, "CN", TEXT_CERT_DN_CN},
    {NID_serialNumber, "SERIALNUMBER", TEXT_CERT_DN_SERIAL},
    {NID_organizationIdentifier, "2.5.4.97", TEXT_CERT_DN_IDENTIFIER},
    {NID_pkcs9_emailAddress, "E", TEXT_CERT_DN_EMAIL},
};

static void attribute_title(const ASN1_OBJECT *o, enum lang lang, char ret[160])
{
    int nid = OBJ_obj2nid(o);
    char oid[96] = "?";
    for (size_t i = 0; i < sizeof(ATTRIBUTES) / sizeof(ATTRIBUTES[0]); i++)
        if (ATTRIBUTES[i].nid == nid) {
            snprintf(ret, 160, "%s (%s)%s", text(ATTRIBUTES[i].title, lang), ATTRIBUTES[i].abbreviation,
                     text(TEXT_CERT_COLON, lang));
            return;
        }
    OBJ_obj2txt(oid, sizeof(oid), o, 1);
    snprintf(ret, 160, "%s%s", oid, text(TEXT_CERT_COLON, lang));
}

int line_add_name(json_t *lines, const X509_NAME *name, enum lang lang, struct err *err)
{
    for (int i = 0; i < X509_NAME_entry_count(name); i++) {
        const X509_NAME_ENTRY *entry = X509_NAME_get_entry(name, i);
        char title[160];
        attribute_title(X509_NAME_ENTRY_get_object(entry), lang, title);
        if (line_add_string(lines, title, X509_NAME_ENTRY_get_data(entry), err) != 0)
            return -1;
    }
    return 0;
}
