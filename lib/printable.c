// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "printable.h"

void printable_put(FILE *file, const char *text, size_t len)
{
	const char *end = text + strnlen(text, len);

	for (; text < end; text++)
		putc((*text >= ' ' && *text <= '~') || *text == '\t' ? *text : '?', file);
}

const char *printable_line(FILE *file, const char *text)
{
	size_t len = strcspn(text, "\n");

	printable_put(file, text, len);
	putc('\n', file);
	return text + len + (text[len] == '\n');
}
