// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <bpf/libbpf.h>

#include "log.h"

static const char *program = "scx";
static bool log_verbose;

/* The end of what libbpf said: the verifier tells at the end why it refused. */
static char kept[16 * 1024];
static size_t kept_len;

static int __attribute__((format(printf, 2, 0))) keep_libbpf(enum libbpf_print_level level,
							     const char *fmt, va_list args)
{
	char *line;
	size_t len;
	int n;

	if (log_verbose)
		return vfprintf(stderr, fmt, args);
	if (level != LIBBPF_WARN)
		return 0;

	/* A verifier log is one message, of any length. */
	n = vasprintf(&line, fmt, args);
	if (n < 0)
		return 0;
	len = (size_t)n < sizeof(kept) ? (size_t)n : sizeof(kept);
	if (kept_len + len > sizeof(kept)) {
		size_t drop = kept_len + len - sizeof(kept);

		memmove(kept, kept + drop, kept_len - drop);
		kept_len -= drop;
	}
	memcpy(kept + kept_len, line + n - len, len);
	kept_len += len;
	free(line);
	return 0;
}

void log_init(const char *program_name, bool verbose)
{
	program = program_name;
	log_verbose = verbose;
	log_drop_libbpf();
	libbpf_set_print(keep_libbpf);
}

void log_drop_libbpf(void)
{
	kept_len = 0;
}

void log_show_libbpf(void)
{
	const char *line = kept, *end = kept + kept_len;

	if (kept_len)
		fprintf(stderr, "%s: libbpf's messages:\n", program);
	while (line < end) {
		const char *newline = memchr(line, '\n', end - line);
		const char *stop = newline ? newline : end;

		fprintf(stderr, "    %.*s\n", (int)(stop - line), line);
		line = stop + 1;
	}
	log_drop_libbpf();
}

static void __attribute__((format(printf, 2, 0))) print_line(const char *kind, const char *fmt,
							     va_list args)
{
	/* stdout may be a pipe to the same place: keep the order that things happened in. */
	fflush(stdout);
	fprintf(stderr, "%s: %s", program, kind);
	vfprintf(stderr, fmt, args);
	fputc('\n', stderr);
}

void scx_error(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	print_line("", fmt, args);
	va_end(args);
}

void scx_warn(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	print_line("warning: ", fmt, args);
	va_end(args);
}
