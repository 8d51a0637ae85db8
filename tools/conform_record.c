// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "conform_record.h"

static const char *skip_spaces(const char *s)
{
	return s + strspn(s, " \t\r\n");
}

/* Behind the string that begins at @s; NULL if it does not end. */
static const char *skip_string(const char *s)
{
	for (s++; *s && *s != '"'; s++)
		if (*s == '\\' && !*++s)
			return NULL;
	return *s ? s + 1 : NULL;
}

/* Behind the value that begins at @s; NULL if the line ends within. */
static const char *skip_value(const char *s)
{
	int depth = 0;

	if (strchr(",}]", *s))
		return NULL;
	do {
		if (!*s)
			return NULL;
		if (*s == '"') {
			s = skip_string(s);
			if (!s)
				return NULL;
			continue;
		}
		depth += (*s == '{' || *s == '[') - (*s == '}' || *s == ']');
		s++;
	} while (depth > 0 || !strchr(",}]", *s));
	return s;
}

/* The value of @key; NULL if there is none, or the line is no object up to there. */
static const char *find(const char *line, const char *key)
{
	const char *s = skip_spaces(line), *name, *end;

	if (*s != '{')
		return NULL;
	do {
		name = skip_spaces(s + 1);
		if (*name != '"')
			return NULL;
		end = skip_string(name);
		if (!end)
			return NULL;
		s = skip_spaces(end);
		if (*s != ':')
			return NULL;
		s = skip_spaces(s + 1);
		if ((size_t)(end - name) == strlen(key) + 2 && !strncmp(name + 1, key, strlen(key)))
			return s;
		s = skip_value(s);
		if (s)
			s = skip_spaces(s);
	} while (s && *s == ',');
	return NULL;
}

/* The character of \uXXXX, of which @s is behind the u; '?' beyond ASCII: no message has more. */
static char unescape(const char *s)
{
	char hex[5] = "";
	unsigned long code;
	char *end;

	memcpy(hex, s, strnlen(s, 4));
	code = strtoul(hex, &end, 16);
	return end == hex + 4 && code && code < 0x80 ? (char)code : '?';
}

bool record_text(const char *line, const char *key, char *text, size_t size)
{
	const char *s = find(line, key);
	size_t len = 0;

	if (!s || *s != '"' || !skip_string(s))
		return false;
	for (s++; *s != '"'; s++) {
		char c = *s;

		if (c == '\\') {
			c = *++s;
			if (c == 'n' || c == 't') {
				c = c == 'n' ? '\n' : '\t';
			} else if (c == 'u') {
				c = unescape(s + 1);
				s += strspn(s + 1, "0123456789abcdefABCDEF") < 4 ? 0 : 4;
			}
		}
		if (len + 1 < size)
			text[len++] = c;
	}
	text[len] = '\0';
	return true;
}

bool record_number(const char *line, const char *key, s64 *number)
{
	const char *s = find(line, key);
	s64 value;
	char *end;

	if (!s || (*s != '-' && (*s < '0' || *s > '9')))
		return false;
	errno = 0;
	value = strtoll(s, &end, 10);
	if (errno || end == s || !strchr(",} \t", *end))
		return false;
	*number = value;
	return true;
}

const char *record_object(const char *line, const char *key)
{
	const char *s = find(line, key);

	return s && *s == '{' ? s : NULL;
}

bool record_is(const char *line, const char *type)
{
	char text[64];

	return record_text(line, "type", text, sizeof(text)) && !strcmp(text, type);
}
