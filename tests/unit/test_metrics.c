// SPDX-License-Identifier: GPL-2.0
/* The file of --openmetrics over a run; what is in it is tested with the statistics. */
#include <string.h>

#include "check.h"
#include "log.h"
#include "metrics.h"

static const struct scx_stat table[] = {
	{ "enqueued", "tasks", "tasks handed over", false },
};
static const struct scx_sched sched = {
	.name = "test",
	.stats = table,
	.nr_stats = ARRAY_SIZE(table),
};
static const s64 sums[] = { 15 };

static void test_removed(void)
{
	struct metrics metrics = { .path = temporary_path("metrics") };

	metrics_write(&metrics, &sched, sums);
	CHECK_HAS(read_file("metrics"), "scx_test_enqueued_total 15\n");
	metrics_remove(&metrics);
	CHECK(!read_file("metrics"));
	/* A later start has it again. */
	metrics_write(&metrics, &sched, sums);
	CHECK(read_file("metrics"));
	metrics_remove(&metrics);
	CHECK(!read_file("metrics"));
}

static void test_not_ours(void)
{
	struct metrics metrics = { .path = temporary_path("others") };

	write_file("others", "another scheduler's\n");
	metrics_remove(&metrics);
	CHECK_STR(read_file("others"), "another scheduler's\n");
	/* Nor is one that came after ours was removed. */
	metrics_write(&metrics, &sched, sums);
	metrics_remove(&metrics);
	write_file("others", "another scheduler's\n");
	metrics_remove(&metrics);
	CHECK_STR(read_file("others"), "another scheduler's\n");
}

static void test_none(void)
{
	struct metrics metrics = { 0 };

	capture_stderr();
	metrics_write(&metrics, &sched, sums);
	metrics_remove(&metrics);
	CHECK_STR(captured(), "");
}

static void test_error(void)
{
	struct metrics metrics = { .path = temporary_path("missing/metrics") };

	log_init("scx_test", false);
	capture_stderr();
	metrics_write(&metrics, &sched, sums);
	CHECK_HAS(captured(), "missing/metrics': No such file or directory; going on without it\n");

	/* Said once, and not tried again. */
	write_file("missing/another", "");
	capture_stderr();
	metrics_write(&metrics, &sched, sums);
	CHECK_STR(captured(), "");
	CHECK(!read_file("missing/metrics"));
}

/* What cannot be brought up to date any more does not stay behind. */
static void test_error_later(void)
{
	struct metrics metrics = { .path = temporary_path("later") };

	metrics_write(&metrics, &sched, sums);
	CHECK(read_file("later"));
	/* Where the new one would be written, there is a directory. */
	write_file("later.new/file", "");
	capture_stderr();
	metrics_write(&metrics, &sched, sums);
	CHECK_HAS(captured(), "going on without it\n");
	CHECK(!read_file("later"));
	metrics_remove(&metrics);
}

int main(void)
{
	static const struct test tests[] = {
		TEST(test_removed), TEST(test_not_ours),    TEST(test_none),
		TEST(test_error),   TEST(test_error_later),
	};

	return run_tests(tests, ARRAY_SIZE(tests));
}
