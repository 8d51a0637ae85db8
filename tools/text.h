/* SPDX-License-Identifier: GPL-2.0 */
/* Lines of text, and files of one. */
#ifndef SCX_TEXT_H
#define SCX_TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * text_add_line - add a line to @text, which has room for @size bytes
 *
 * Lines are parted by newlines; what does not fit is cut off.
 */
void text_add_line(char *text, size_t size, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void text_add_line_va(char *text, size_t size, const char *fmt, va_list args)
	__attribute__((format(printf, 3, 0)));

/* text_matches - does @pattern, an extended regular expression, match in @text? An empty one does. */
bool text_matches(const char *text, const char *pattern);

/* text_write - @text into the file @path of procfs or sysfs, at once. Returns 0 or -errno. */
int text_write(const char *path, const char *text);

#endif /* SCX_TEXT_H */
