// SPDX-License-Identifier: GPL-2.0
/* The hooks that come before the kernel is asked for anything: what they return becomes of the run. */
#include <errno.h>
#include <string.h>

#include "check.h"
#include <scx/loader.h>

static int returns;
static u32 calls, number, seen_number;
static bool seen_json;
static const char *text;
static char seen_text[16];

static int check_options(struct scx_run *run)
{
	calls++;
	seen_number = number;
	seen_json = scx_run_json(run);
	snprintf(seen_text, sizeof(seen_text), "%s", text ? text : "");
	if (returns == -EINVAL)
		scx_error("these do not go together");
	return returns;
}

static const struct scx_option table[] = {
	{ .long_name = "number",
	  .arg = "N",
	  .help = "a number",
	  SCX_VARIABLE(number),
	  SCX_RANGE(1, 9) },
	{ .long_name = "text",
	  .arg = "TEXT",
	  .help = "a text",
	  .type = SCX_OPTION_STRING,
	  SCX_VARIABLE(text) },
};

/* No object: none of the tests may get as far as opening one. */
static const struct scx_sched sched = {
	.name = "test",
	.summary = "A scheduler for tests.",
	.options = table,
	.nr_options = ARRAY_SIZE(table),
	.check_options = check_options,
};

static int run(int result, const char *first, const char *second)
{
	char *argv[] = { (char *)"scx_test", (char *)first, (char *)second, NULL };

	returns = result;
	calls = number = 0;
	text = NULL;
	capture_stderr();
	return scx_main(&sched, !first ? 1 : !second ? 2 : 3, argv);
}

static void test_done(void)
{
	CHECK_EQ(run(SCX_DONE, "--number=7", "--text=some"), SCX_STATUS_OK);
	CHECK_STR(captured(), "");
	CHECK_EQ(calls, 1);
	CHECK_EQ(seen_number, 7);
	CHECK_STR(seen_text, "some");
	CHECK(!seen_json);

	CHECK_EQ(run(SCX_DONE, "--json", NULL), SCX_STATUS_OK);
	CHECK(seen_json);
	CHECK_EQ(seen_number, 0);
	CHECK_STR(seen_text, "");
}

static void test_bad(void)
{
	CHECK_EQ(run(-EINVAL, NULL, NULL), SCX_STATUS_USAGE);
	CHECK_STR(captured(), "scx_test: these do not go together\n"
			      "scx_test: try 'scx_test --help'\n");
	CHECK_EQ(calls, 1);

	CHECK_EQ(run(-EIO, NULL, NULL), SCX_STATUS_FAILED);
	CHECK_STR(captured(), "");
}

/* Bad options are found before the hook sees them. */
static void test_not_called(void)
{
	CHECK_EQ(run(SCX_DONE, "--number=10", NULL), SCX_STATUS_USAGE);
	CHECK_EQ(calls, 0);
	CHECK_HAS(captured(), "out of range");
}

int main(void)
{
	static const struct test tests[] = {
		TEST(test_done),
		TEST(test_bad),
		TEST(test_not_called),
	};

	return run_tests(tests, ARRAY_SIZE(tests));
}
