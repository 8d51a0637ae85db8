/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The manual page of a scheduler, from the tables that --help comes from: so neither can know an option
 * that the other does not.
 */
#ifndef SCX_MAN_H
#define SCX_MAN_H

#include <stdio.h>
#include "options.h"

/* man_print - write the page for section 8 as man(7) source; @rodata as for options_help() */
void man_print(const struct options *options, const void *rodata, FILE *file);

/* man_put_text - write @text so that man(7) takes nothing in it for a request or markup */
void man_put_text(const char *text, FILE *file);

#endif /* SCX_MAN_H */
