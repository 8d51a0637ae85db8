// SPDX-License-Identifier: GPL-2.0
#include "json.h"

/* The length of the UTF-8 sequence at @s, 0 if there is none that is well formed. */
static int utf8_len(const unsigned char *s)
{
	unsigned int min, code;
	int len, i;

	if (s[0] < 0x80)
		return 1;
	if ((s[0] & 0xe0) == 0xc0) {
		len = 2;
		min = 0x80;
		code = s[0] & 0x1f;
	} else if ((s[0] & 0xf0) == 0xe0) {
		len = 3;
		min = 0x800;
		code = s[0] & 0x0f;
	} else if ((s[0] & 0xf8) == 0xf0) {
		len = 4;
		min = 0x10000;
		code = s[0] & 0x07;
	} else {
		return 0;
	}
	for (i = 1; i < len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (s[i] & 0x3f);
	}
	if (code < min || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
		return 0;
	return len;
}

static void write_string(FILE *file, const char *value)
{
	const unsigned char *s = (const unsigned char *)value;

	fputc('"', file);
	while (*s) {
		int len = utf8_len(s);

		if (!len) {
			fputs("\\ufffd", file);
			s++;
		} else if (len > 1) {
			fwrite(s, 1, len, file);
			s += len;
		} else {
			if (*s == '"' || *s == '\\')
				fprintf(file, "\\%c", *s);
			else if (*s == '\n')
				fputs("\\n", file);
			else if (*s == '\t')
				fputs("\\t", file);
			else if (*s < 0x20)
				fprintf(file, "\\u%04x", *s);
			else
				fputc(*s, file);
			s++;
		}
	}
	fputc('"', file);
}

static void write_key(struct json *json, const char *key)
{
	if (!json->first)
		fputc(',', json->file);
	json->first = false;
	write_string(json->file, key);
	fputc(':', json->file);
}

void json_begin(struct json *json, FILE *file)
{
	json->file = file;
	json->first = true;
	fputc('{', file);
}

void json_end(struct json *json)
{
	fputs("}\n", json->file);
	fflush(json->file);
}

void json_string(struct json *json, const char *key, const char *value)
{
	write_key(json, key);
	write_string(json->file, value);
}

void json_number(struct json *json, const char *key, s64 value)
{
	write_key(json, key);
	fprintf(json->file, "%lld", (long long)value);
}

void json_begin_object(struct json *json, const char *key)
{
	write_key(json, key);
	fputc('{', json->file);
	json->first = true;
}

void json_end_object(struct json *json)
{
	fputc('}', json->file);
	json->first = false;
}
