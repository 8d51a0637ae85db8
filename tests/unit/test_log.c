// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <bpf/libbpf.h>

#include "check.h"
#include "log.h"

/* What libbpf would call: log_init() handed it over, and this takes it back for a look. */
static libbpf_print_fn_t print;

static void __attribute__((format(printf, 2, 3))) say(enum libbpf_print_level level,
						      const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	print(level, fmt, args);
	va_end(args);
}

static void start(bool verbose)
{
	log_init("scx_test", verbose);
	print = libbpf_set_print(NULL);
	libbpf_set_print(print);
	CHECK(print);
}

static void test_own_messages(void)
{
	start(false);
	capture_stderr();
	scx_error("no %s in %d", "luck", 5);
	scx_warn("careful with %s", "this");
	CHECK_STR(captured(), "scx_test: no luck in 5\nscx_test: warning: careful with this\n");
}

static void test_kept(void)
{
	start(false);
	capture_stderr();
	say(LIBBPF_WARN, "libbpf: first\n");
	say(LIBBPF_INFO, "libbpf: of no interest\n");
	say(LIBBPF_DEBUG, "libbpf: of less\n");
	say(LIBBPF_WARN, "libbpf: second, with %d\nand a line more\n", 7);
	CHECK_STR(captured(), "");

	capture_stderr();
	log_show_libbpf();
	CHECK_STR(captured(), "scx_test: libbpf's messages:\n"
			      "    libbpf: first\n"
			      "    libbpf: second, with 7\n"
			      "    and a line more\n");
	/* Once. */
	capture_stderr();
	log_show_libbpf();
	CHECK_STR(captured(), "");

	say(LIBBPF_WARN, "libbpf: forgotten\n");
	log_drop_libbpf();
	say(LIBBPF_WARN, "no newline at the end");
	capture_stderr();
	log_show_libbpf();
	CHECK_STR(captured(), "scx_test: libbpf's messages:\n    no newline at the end\n");
}

static void test_tail(void)
{
	char first[32], last[32];
	const char *shown;
	size_t len;
	int i, nr;

	/* Far more than is kept: the end stays, in order, and nothing is missing in between. */
	start(false);
	for (i = 0; i < 5000; i++)
		say(LIBBPF_WARN, "line %d of many\n", i);
	capture_stderr();
	log_show_libbpf();
	shown = captured();
	len = strlen(shown);
	CHECK(len > 15 * 1024 && len < 32 * 1024);
	CHECK_HAS(shown, "\n    line 4999 of many\n");
	CHECK_LACKS(shown, "line 0 of many");
	for (i = 4999, nr = 0; i >= 0; i--, nr++) {
		snprintf(last, sizeof(last), "    line %d of many\n", i);
		snprintf(first, sizeof(first), "    line %d of many\n", i - 1);
		if (!strstr(shown, first))
			break;
		CHECK(strstr(shown, first) + strlen(first) == strstr(shown, last));
	}
	CHECK(nr > 700);
	/* What was longest ago may be cut in the middle of a line, but is not a line of its own. */
	CHECK(!strncmp(shown, "scx_test: libbpf's messages:\n    ", 33));
}

static void test_long_message(void)
{
	size_t size = 100 * 1024;
	char *message = malloc(size + 1);
	const char *shown;

	if (!message)
		exit(1);
	/* A verifier log comes as one message, whose end tells why. */
	memset(message, 'x', size);
	message[size] = '\0';
	strcpy(message + size - 20, "\nthe reason at last\n");
	start(false);
	say(LIBBPF_WARN, "before\n");
	say(LIBBPF_WARN, "%s", message);
	say(LIBBPF_WARN, "after\n");
	capture_stderr();
	log_show_libbpf();
	shown = captured();
	CHECK_HAS(shown, "x\n    the reason at last\n    after\n");
	CHECK_LACKS(shown, "before");
	CHECK(strlen(shown) < 20 * 1024);
	free(message);
}

static void test_verbose(void)
{
	start(true);
	capture_stderr();
	say(LIBBPF_DEBUG, "libbpf: detail %d\n", 1);
	say(LIBBPF_WARN, "libbpf: warning\n");
	CHECK_STR(captured(), "libbpf: detail 1\nlibbpf: warning\n");
	/* It has been said already. */
	capture_stderr();
	log_show_libbpf();
	CHECK_STR(captured(), "");
	log_init("scx_test", false);
}

int main(void)
{
	static const struct test tests[] = {
		TEST(test_own_messages), TEST(test_kept),    TEST(test_tail),
		TEST(test_long_message), TEST(test_verbose),
	};

	return run_tests(tests, ARRAY_SIZE(tests));
}
