// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "check.h"

static bool failed;
static char context[256];
static char temporary[64];
static char *text;
static size_t text_size;
static char *stderr_text;
static int stderr_saved = -1;

/* The harness itself cannot go on: no test may pass for that. */
static void die(const char *what)
{
	printf("Bail out! %s: %s\n", what, strerror(errno));
	exit(1);
}

/* Diagnostics begin with a '#' on every line, whatever is in @value. */
static void show(const char *label, const char *value)
{
	printf("#   %s ", label);
	for (; *value; value++) {
		putchar(*value);
		if (*value == '\n')
			fputs("#     ", stdout);
	}
	putchar('\n');
}

static void fail(const char *file, int line, const char *what)
{
	failed = true;
	printf("# %s:%d: %s\n", file, line, what);
	if (*context)
		show("about:", context);
}

void check_true(const char *file, int line, bool ok, const char *what)
{
	if (!ok)
		fail(file, line, what);
}

void check_eq(const char *file, int line, long long is, long long should, const char *what)
{
	if (is == should)
		return;
	fail(file, line, what);
	printf("#   is:     %lld\n#   should: %lld\n", is, should);
}

void check_str(const char *file, int line, const char *is, const char *should)
{
	if (is && !strcmp(is, should))
		return;
	fail(file, line, "strings differ");
	show("is:    ", is ? is : "(null)");
	show("should:", should);
}

void check_has(const char *file, int line, const char *in, const char *word, bool has)
{
	if (in && !!strstr(in, word) == has)
		return;
	fail(file, line, has ? "a word is missing" : "a word should not be there");
	show("word:", word);
	show("text:", in ? in : "(null)");
}

void check_context(const char *fmt, ...)
{
	va_list args;

	context[0] = '\0';
	if (!fmt)
		return;
	va_start(args, fmt);
	vsnprintf(context, sizeof(context), fmt, args);
	va_end(args);
}

void capture_stderr(void)
{
	int fd = memfd_create("stderr", MFD_CLOEXEC);

	fflush(stderr);
	stderr_saved = dup(STDERR_FILENO);
	if (fd < 0 || stderr_saved < 0 || dup2(fd, STDERR_FILENO) < 0)
		die("cannot capture stderr");
	close(fd);
}

const char *captured(void)
{
	off_t size;

	fflush(stderr);
	size = lseek(STDERR_FILENO, 0, SEEK_END);
	free(stderr_text);
	stderr_text = size >= 0 ? calloc(1, size + 1) : NULL;
	if (!stderr_text || pread(STDERR_FILENO, stderr_text, size, 0) != size)
		die("cannot read what was captured");
	if (dup2(stderr_saved, STDERR_FILENO) < 0)
		die("cannot restore stderr");
	close(stderr_saved);
	stderr_saved = -1;
	return stderr_text;
}

FILE *text_file(void)
{
	FILE *file;

	free(text);
	text = NULL;
	file = open_memstream(&text, &text_size);
	if (!file)
		die("open_memstream");
	return file;
}

const char *text_of(FILE *file)
{
	if (fclose(file))
		die("fclose");
	return text;
}

const char *temporary_directory(void)
{
	if (!*temporary) {
		strcpy(temporary, "/tmp/scx-unit-XXXXXX");
		if (!mkdtemp(temporary)) {
			*temporary = '\0';
			die("mkdtemp");
		}
	}
	return temporary;
}

const char *temporary_path(const char *name)
{
	static char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", temporary_directory(), name);
	return path;
}

void write_file(const char *path, const char *content)
{
	char full[PATH_MAX];
	FILE *file;
	char *slash;

	snprintf(full, sizeof(full), "%s/%s", temporary_directory(), path);
	for (slash = strchr(full + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(full, 0755) && errno != EEXIST)
			die(full);
		*slash = '/';
	}
	file = fopen(full, "we");
	if (!file || fputs(content, file) < 0 || fclose(file))
		die(full);
}

const char *read_file(const char *path)
{
	static char buf[64 * 1024];
	char full[PATH_MAX];
	FILE *file;
	size_t len;

	snprintf(full, sizeof(full), "%s/%s", temporary_directory(), path);
	file = fopen(full, "re");
	if (!file)
		return NULL;
	len = fread(buf, 1, sizeof(buf) - 1, file);
	buf[len] = '\0';
	fclose(file);
	return buf;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

int run_tests(const struct test *tests, size_t nr)
{
	size_t i, nr_failed = 0;

	/* A crash must not lose what was said before it. */
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("1..%zu\n", nr);
	for (i = 0; i < nr; i++) {
		failed = false;
		check_context(NULL);
		tests[i].run();
		nr_failed += failed;
		printf("%sok %zu - %s\n", failed ? "not " : "", i + 1, tests[i].name);
	}
	if (*temporary)
		nftw(temporary, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(text);
	free(stderr_text);
	return nr_failed ? 1 : 0;
}
