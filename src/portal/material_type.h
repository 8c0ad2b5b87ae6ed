/* The checks of one type each: the file is whole, and nothing else. All bytes are foreign. ERR_FIELD with the
 * reason. */
#ifndef CASTATION_PORTAL_MATERIAL_TYPE_H
#define CASTATION_PORTAL_MATERIAL_TYPE_H

#include "portal/material.h"

#define MATERIAL_SIDE_MAX 12000u /* pixels */

/* PNG (W3C, third edition, 5): signature, IHDR first, every chunk's length and CRC, IDAT, IEND, nothing
 * behind. */
int material_check_png(const uint8_t *data, size_t len, struct err *err);
/* JPEG (T.81 annex B): SOI, segments by their lengths, a frame, a scan, EOI, nothing behind. */
int material_check_jpeg(const uint8_t *data, size_t len, struct err *err);
/* PDF (ISO 32000-2, 7.5): header, startxref and %%EOF; no name that stands for a script, a launch, an
 * embedded file, a form that is sent, or encryption, be it written with #xx or in a compressed object stream.
 */
int material_check_pdf(const uint8_t *data, size_t len, struct err *err);

/* ---- shared by them */
const uint8_t *material_find(const uint8_t *data, size_t len, const char *bytes, size_t n);
bool material_is_blank(const uint8_t *data, size_t len); /* white space and NULs only, or nothing */
int material_check_remark(const uint8_t *data, size_t len, struct err *err);

#endif
