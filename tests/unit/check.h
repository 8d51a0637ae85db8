/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Checks for the unit tests, with output in TAP: one line a test function. A check that fails says
 * what it saw and lets the test go on.
 *
 *	static void test_something(void)
 *	{
 *		CHECK_EQ(1 + 1, 2);
 *	}
 *
 *	int main(void)
 *	{
 *		static const struct test tests[] = { TEST(test_something) };
 *
 *		return run_tests(tests, ARRAY_SIZE(tests));
 *	}
 */
#ifndef CHECK_H
#define CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct test {
	const char *name;
	void (*run)(void);
};

#define TEST(function)	  { #function, function }
#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

/* run_tests - run them all; returns what main() has to return */
int run_tests(const struct test *tests, size_t nr);

void check_true(const char *file, int line, bool ok, const char *what);
void check_eq(const char *file, int line, long long is, long long should, const char *what);
void check_str(const char *file, int line, const char *is, const char *should);
void check_has(const char *file, int line, const char *text, const char *word, bool has);

#define CHECK(what)		check_true(__FILE__, __LINE__, (what), #what)
#define CHECK_EQ(is, should)	check_eq(__FILE__, __LINE__, (long long)(is), (long long)(should), #is)
#define CHECK_STR(is, should)	check_str(__FILE__, __LINE__, (is), (should))
#define CHECK_HAS(text, word)	check_has(__FILE__, __LINE__, (text), (word), true)
#define CHECK_LACKS(text, word) check_has(__FILE__, __LINE__, (text), (word), false)

/* check_context - what the checks from here on are about, for their messages; NULL: nothing more */
void check_context(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/*
 * capture_stderr, captured - keep what is written to stderr from here on, and hand it out
 *
 * The text stays valid until the next capture_stderr().
 */
void capture_stderr(void);
const char *captured(void);

/* text_file, text_of - a FILE in memory, and what was written to it; text_of() closes it */
FILE *text_file(void);
const char *text_of(FILE *file);

/* temporary_directory - the test program's own, removed with all that is in it at the end */
const char *temporary_directory(void);

/* temporary_path - the path of a file of it, valid until the next call */
const char *temporary_path(const char *name);

/* write_file - make a file of the temporary directory, with the folders on the way to it */
void write_file(const char *path, const char *text);

/* read_file - what is in a file of the temporary directory; NULL if there is none */
const char *read_file(const char *path);

#endif /* CHECK_H */
