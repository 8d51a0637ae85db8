/* SPDX-License-Identifier: GPL-2.0 */
/* Files that others read while they are written anew. */
#ifndef SCX_REPLACE_H
#define SCX_REPLACE_H

#include <stdio.h>

/*
 * replace_file - have @write write the file @path, which is replaced in one step, so that a reader never
 * sees half of it
 *
 * It is written beside it, as PATH.new. Returns 0 or -errno, and then leaves @path as it was: -EISDIR for a
 * folder, -ELOOP for a symbolic link, -EEXIST for a device or whatever else is no regular file.
 */
int replace_file(const char *path, void (*write)(FILE *file, void *context), void *context);

/* remove_replaced - remove the file that replace_file() wrote, unless something else lies there by now */
void remove_replaced(const char *path);

#endif /* SCX_REPLACE_H */
