/* SPDX-License-Identifier: GPL-2.0 */
/* Writing JSON lines: one object a line, members in the order of the calls. */
#ifndef SCX_JSON_H
#define SCX_JSON_H

#include <stdbool.h>
#include <stdio.h>
#include <scx/loader.h>

struct json {
	FILE *file;
	bool first;
};

/* json_begin, json_end - the outer braces; json_end() writes the newline and flushes */
void json_begin(struct json *json, FILE *file);
void json_end(struct json *json);

/* A member of the object. Strings are escaped; bytes that are not UTF-8 become U+FFFD. */
void json_string(struct json *json, const char *key, const char *value);
void json_number(struct json *json, const char *key, s64 value);

/* An inner object. */
void json_begin_object(struct json *json, const char *key);
void json_end_object(struct json *json);

#endif /* SCX_JSON_H */
