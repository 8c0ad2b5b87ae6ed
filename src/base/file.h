/* Files: read whole and bounded; replace atomically and durably. */
#ifndef CASTATION_BASE_FILE_H
#define CASTATION_BASE_FILE_H

#include <sys/types.h>

#include "base/buf.h"

/* Append the whole file to *b. ERR_NOT_FOUND, ERR_TOO_LARGE (over max), ERR_SYSTEM. */
int file_read(const char *path, size_t max, struct buf *b, struct err *err);

/* write → fsync → rename → fsync of the folder. Mode as given, whatever the umask. */
int file_replace(const char *path, const void *data, size_t len, mode_t mode, struct err *err);

/* As file_replace, but ERR_EXISTS when the path is there already (link(2), never overwrites). */
int file_create(const char *path, const void *data, size_t len, mode_t mode, struct err *err);

int file_fsync_folder_of(const char *path, struct err *err);

/* Create the folder and its parents (mode for the new ones); fine when it is there. */
int file_mkdir_p(const char *path, mode_t mode, struct err *err);

/* Refuse (ERR_PERMISSION, naming path and reason) a file that anybody but root or the caller can write,
 * and, with `secret`, one that group or others can read. */
int file_check_owner(const char *path, bool secret, struct err *err);

int path_join(char *dst, size_t cap, const char *dir, const char *name, struct err *err);

#endif
