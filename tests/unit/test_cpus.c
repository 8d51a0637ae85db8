// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <string.h>

#include "check.h"
#include "cpus.h"
#include "log.h"

static void test_lists(void)
{
	CHECK_EQ(cpus_room("0"), 1);
	CHECK_EQ(cpus_room("0-3"), 4);
	/* With gaps, there are more places than CPUs. */
	CHECK_EQ(cpus_room("0-1,4,16-17"), 18);
	CHECK_EQ(cpus_room("8,2"), 9);
	CHECK_EQ(cpus_room(""), -EINVAL);
	CHECK_EQ(cpus_room("0,x"), -EINVAL);
	CHECK(cpus_in_list("0", 0));
	CHECK(!cpus_in_list("0", 1));
	CHECK(cpus_in_list("0-3", 0));
	CHECK(cpus_in_list("0-3", 3));
	CHECK(!cpus_in_list("0-3", 4));
	CHECK(cpus_in_list("0,2-3,8", 2));
	CHECK(cpus_in_list("0,2-3,8", 8));
	CHECK(!cpus_in_list("0,2-3,8", 1));
	CHECK(!cpus_in_list("0,2-3,8", 9));
	CHECK(cpus_in_list("10-11", 11));
	/* Not lists. */
	CHECK(!cpus_in_list("", 0));
	CHECK(!cpus_in_list("\n", 0));
	CHECK(!cpus_in_list("none", 0));
	CHECK(!cpus_in_list("1,", 0));
	CHECK(!cpus_in_list("-1", 1));
	CHECK(!cpus_in_list("0-", 0));
	CHECK(!cpus_in_list("3-1", 2));
}

static void test_read(void)
{
	char list[256];

	CHECK_EQ(cpus_read_list("possible", list, sizeof(list)), 0);
	CHECK(cpus_in_list(list, 0));
	CHECK_EQ(cpus_read_list("no-such-list", list, sizeof(list)), -ENOENT);
}

static void test_check(void)
{
	log_init("scx_test", false);
	capture_stderr();
	/* Whether this process has CPU 0 is the machine's business; no machine has CPU 60000. */
	CHECK_EQ(scx_check_cpu(60000, "the first"), -ENODEV);
	CHECK(!strncmp(captured(),
		       "scx_test: CPU 60000 cannot be the first: this machine has CPUs ", 63));
}

int main(void)
{
	static const struct test tests[] = { TEST(test_lists), TEST(test_read), TEST(test_check) };

	return run_tests(tests, ARRAY_SIZE(tests));
}
