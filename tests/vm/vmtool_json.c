// SPDX-License-Identifier: GPL-2.0
/* A strict reader of JSON lines: says whether each line of a file is one JSON object. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vmtool.h"

/* Each of these takes a value at @s and returns what comes behind it, or NULL. */
static const char *value(const char *s, int depth);

static const char *spaces(const char *s)
{
	return s + strspn(s, " \t\r");
}

static const char *digits(const char *s)
{
	size_t len = strspn(s, "0123456789");

	return len ? s + len : NULL;
}

static const char *numeral(const char *s)
{
	s += *s == '-';
	s = *s == '0' ? s + 1 : digits(s);
	if (s && *s == '.')
		s = digits(s + 1);
	if (s && (*s == 'e' || *s == 'E')) {
		s++;
		s = digits(s + (*s == '+' || *s == '-'));
	}
	return s;
}

/* The bytes of one UTF-8 character. */
static const char *character(const char *s)
{
	unsigned char c = *s;
	int more = c < 0x80		 ? 0 :
		   c >= 0xc2 && c < 0xe0 ? 1 :
		   c >= 0xe0 && c < 0xf0 ? 2 :
		   c >= 0xf0 && c < 0xf5 ? 3 :
					   -1;

	if (more < 0 || c < 0x20)
		return NULL;
	for (s++; more; more--, s++)
		if ((*s & 0xc0) != 0x80)
			return NULL;
	return s;
}

static const char *string(const char *s)
{
	if (*s++ != '"')
		return NULL;
	while (s && *s != '"') {
		if (*s != '\\') {
			s = character(s);
		} else if (s[1] == 'u') {
			s = strspn(s + 2, "0123456789abcdefABCDEF") >= 4 ? s + 6 : NULL;
		} else {
			s = s[1] && strchr("\"\\/bfnrt", s[1]) ? s + 2 : NULL;
		}
	}
	return s ? s + 1 : NULL;
}

/* An object (close is '}') or an array. */
static const char *container(const char *s, char close, int depth)
{
	s = spaces(s + 1);
	if (*s == close)
		return s + 1;
	for (;;) {
		if (close == '}') {
			s = string(s);
			if (!s || *(s = spaces(s)) != ':')
				return NULL;
			s = spaces(s + 1);
		}
		s = value(s, depth);
		if (!s)
			return NULL;
		s = spaces(s);
		if (*s == close)
			return s + 1;
		if (*s != ',')
			return NULL;
		s = spaces(s + 1);
	}
}

static const char *value(const char *s, int depth)
{
	static const char *const words[] = { "true", "false", "null" };
	size_t i;

	if (depth > 20)
		return NULL;
	if (*s == '{')
		return container(s, '}', depth + 1);
	if (*s == '[')
		return container(s, ']', depth + 1);
	if (*s == '"')
		return string(s);
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (!strncmp(s, words[i], strlen(words[i])))
			return s + strlen(words[i]);
	return numeral(s);
}

int cmd_json(int argc, char **argv)
{
	FILE *file = fopen(argv[1], "re");
	unsigned long nr = 0;
	char *line = NULL;
	size_t size = 0;
	ssize_t len;

	if (!file)
		die(argv[1]);
	while ((len = getline(&line, &size, file)) > 0) {
		const char *end = NULL;

		nr++;
		/* The newline must be there (a line cut short is none), and nothing else behind. */
		if (*line == '{' && line[len - 1] == '\n' && strlen(line) == (size_t)len)
			end = value(line, 0);
		if (!end || strcmp(end, "\n")) {
			printf("line %lu is no JSON object: %.200s\n", nr, line);
			return 1;
		}
	}
	printf("%lu lines\n", nr);
	return nr ? 0 : 1;
}
