// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <regex.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "text.h"

void text_add_line_va(char *text, size_t size, const char *fmt, va_list args)
{
	size_t len = strlen(text);

	if (len + 1 >= size)
		return;
	if (len)
		text[len++] = '\n';
	vsnprintf(text + len, size - len, fmt, args);
}

void text_add_line(char *text, size_t size, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	text_add_line_va(text, size, fmt, args);
	va_end(args);
}

bool text_matches(const char *text, const char *pattern)
{
	regex_t regex;
	bool found;

	if (!pattern[0])
		return true;
	if (regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB))
		return false;
	found = !regexec(&regex, text, 0, NULL, 0);
	regfree(&regex);
	return found;
}

int text_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), err = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		err = -errno;
	close(fd);
	return err;
}
