/* SPDX-License-Identifier: GPL-2.0 */
/* Reading JSON lines: one object a line, of which the members on top are asked for. */
#ifndef SCX_CONFORM_RECORD_H
#define SCX_CONFORM_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <scx/loader.h>

/*
 * record_text - the string @key of the object in @line into @text, without its escapes
 *
 * What does not fit into @size bytes is cut. Returns whether there is such a string.
 */
bool record_text(const char *line, const char *key, char *text, size_t size);

/* record_number - the whole number @key of the object in @line; returns whether there is one */
bool record_number(const char *line, const char *key, s64 *number);

/* record_object - the object @key of the object in @line, for the functions here; NULL if there is none */
const char *record_object(const char *line, const char *key);

/* record_is - is the object's "type" @type? */
bool record_is(const char *line, const char *type);

#endif /* SCX_CONFORM_RECORD_H */
