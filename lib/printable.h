/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Text that is not ours, for a terminal: any task may call itself what it likes (prctl PR_SET_NAME), and its
 * name gets into what the kernel and the schedulers say. A terminal would obey the escape sequences in it.
 */
#ifndef SCX_PRINTABLE_H
#define SCX_PRINTABLE_H

#include <stddef.h>
#include <stdio.h>

/* printable_put - at most @len bytes of @text; what is neither printable ASCII nor a tab becomes '?' */
void printable_put(FILE *file, const char *text, size_t len);

/* printable_line - the same up to the end of the line, and a newline. Returns where the next one begins. */
const char *printable_line(FILE *file, const char *text);

#endif /* SCX_PRINTABLE_H */
