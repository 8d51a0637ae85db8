// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "check.h"
#include "stats.h"

static const struct scx_stat table[] = {
	{ "enqueued", "tasks", "tasks handed over", false },
	{ "handed_over", "calls", "calls that did so", false },
	{ "waiting", "tasks", "tasks that wait", true },
};
#define NR ARRAY_SIZE(table)

static const struct scx_sched sched = {
	.name = "test",
	.stats = table,
	.nr_stats = NR,
};

static void test_sum(void)
{
	/* CPU by CPU; a gauge may go down on another CPU than where it went up. */
	static const s64 values[] = { 1, 10, 5, 2, 20, -3, 4, 40, -2, 0, INT32_MAX, 0 };
	s64 sums[NR + 1] = { 99, 99, 99, 99 };

	stats_sum(values, 4, NR, sums);
	CHECK_EQ(sums[0], 7);
	CHECK_EQ(sums[1], 70LL + INT32_MAX);
	CHECK_EQ(sums[2], 0);
	CHECK_EQ(sums[3], 99);
	stats_sum(values, 1, NR, sums);
	CHECK_EQ(sums[0], 1);
	stats_sum(values, 0, NR, sums);
	CHECK_EQ(sums[1], 0);
}

static void test_text(void)
{
	static const s64 before[NR] = { 5, 7, 9 }, sums[NR] = { 15, 7, 4 };
	FILE *file = text_file();

	stats_text(&sched, sums, before, file);
	CHECK_STR(text_of(file), "test: enqueued=15(+10) handed_over=7 waiting=4\n");
	file = text_file();
	stats_text(&sched, sums, NULL, file);
	CHECK_STR(text_of(file), "test: enqueued=15 handed_over=7 waiting=4\n");
}

static void test_cpus(void)
{
	/* CPU 1 has nothing to tell; a gauge may be below 0 on one CPU. */
	static const s64 values[] = { 1, 10, 0, 0, 0, 0, 2, 0, -3 };
	FILE *file = text_file();

	stats_cpus_text(&sched, values, 3, file);
	CHECK_STR(text_of(file), "test: CPU 0: enqueued=1 handed_over=10\n"
				 "test: CPU 2: enqueued=2 waiting=-3\n");
	file = text_file();
	stats_cpus_json(&sched, values, 3, 12, file);
	CHECK_STR(text_of(file),
		  "{\"type\":\"cpu_stats\",\"scheduler\":\"test\",\"uptime_ms\":12,\"cpu\":0,"
		  "\"stats\":{\"enqueued\":1,\"handed_over\":10,\"waiting\":0}}\n"
		  "{\"type\":\"cpu_stats\",\"scheduler\":\"test\",\"uptime_ms\":12,\"cpu\":2,"
		  "\"stats\":{\"enqueued\":2,\"handed_over\":0,\"waiting\":-3}}\n");
	file = text_file();
	stats_cpus_text(&sched, values, 0, file);
	CHECK_STR(text_of(file), "");
}

static void test_json(void)
{
	static const s64 sums[NR] = { 15, 9223372036854775807LL, -4 };
	FILE *file = text_file();

	stats_json(&sched, sums, 1500, file);
	CHECK_STR(text_of(file),
		  "{\"type\":\"stats\",\"scheduler\":\"test\",\"uptime_ms\":1500,\"stats\":{"
		  "\"enqueued\":15,\"handed_over\":9223372036854775807,\"waiting\":-4}}\n");
}

static void test_openmetrics(void)
{
	static const s64 sums[NR] = { 15, 7, -4 };
	FILE *file = text_file();

	stats_openmetrics(&sched, sums, file);
	CHECK_STR(text_of(file), "# TYPE scx_test_enqueued counter\n"
				 "# HELP scx_test_enqueued tasks handed over (tasks)\n"
				 "scx_test_enqueued_total 15\n"
				 "# TYPE scx_test_handed_over counter\n"
				 "# HELP scx_test_handed_over calls that did so (calls)\n"
				 "scx_test_handed_over_total 7\n"
				 "# TYPE scx_test_waiting gauge\n"
				 "# HELP scx_test_waiting tasks that wait (tasks)\n"
				 "scx_test_waiting -4\n"
				 "# EOF\n");
}

static void test_file(void)
{
	static const s64 sums[NR] = { 1, 2, 3 }, later[NR] = { 4, 5, 6 };
	struct stat before, after;
	FILE *reader;
	char line[128];
	int i;

	write_file("metrics", "old\n");
	CHECK_EQ(stat(temporary_path("metrics"), &before), 0);
	reader = fopen(temporary_path("metrics"), "re");
	CHECK_EQ(stats_write_openmetrics(&sched, sums, temporary_path("metrics")), 0);
	CHECK_HAS(read_file("metrics"), "scx_test_enqueued_total 1\n");
	CHECK_HAS(read_file("metrics"), "# EOF\n");
	CHECK_LACKS(read_file("metrics"), "old");
	/* Replaced, not written over: who reads the old file reads it to its end. */
	CHECK_EQ(stat(temporary_path("metrics"), &after), 0);
	CHECK(before.st_ino != after.st_ino);
	CHECK(reader && fgets(line, sizeof(line), reader) && !strcmp(line, "old\n"));
	if (reader)
		fclose(reader);
	CHECK_EQ(access(temporary_path("metrics.new"), F_OK), -1);

	for (i = 0; i < 3; i++)
		CHECK_EQ(stats_write_openmetrics(&sched, later, temporary_path("metrics")), 0);
	CHECK_HAS(read_file("metrics"), "scx_test_enqueued_total 4\n");
	CHECK_EQ(access(temporary_path("metrics.new"), F_OK), -1);
}

static void test_file_errors(void)
{
	static const s64 sums[NR] = { 1, 2, 3 };
	struct rlimit old, none;
	char path[PATH_MAX + 16];

	CHECK_EQ(stats_write_openmetrics(&sched, sums, temporary_path("missing/metrics")), -ENOENT);
	CHECK_EQ(stats_write_openmetrics(&sched, sums, ""), -ENOENT);
	/* An empty name would make a file ".new" in the current folder. */
	unlink(".new");

	memset(path, 'x', sizeof(path));
	path[0] = '/';
	path[PATH_MAX + 8] = '\0';
	CHECK_EQ(stats_write_openmetrics(&sched, sums, path), -ENAMETOOLONG);
	/* Fits by itself, but not with what is put behind it for a while; cut, it would be a good one. */
	snprintf(path, sizeof(path), "%s", temporary_directory());
	while (strlen(path) < PATH_MAX - 4)
		strcat(path, "/.");
	path[PATH_MAX - 4] = '\0';
	strcat(path, "/m");
	CHECK_EQ(stats_write_openmetrics(&sched, sums, path), -ENAMETOOLONG);
	CHECK_EQ(access(path, F_OK), -1);

	write_file("folder/inside", "");
	CHECK_EQ(stats_write_openmetrics(&sched, sums, temporary_path("folder")), -EISDIR);
	CHECK_EQ(access(temporary_path("folder.new"), F_OK), -1);
	CHECK_EQ(access(temporary_path("folder/inside"), F_OK), 0);

	/* No room: the file that was there stays as it is. */
	write_file("full", "old\n");
	signal(SIGXFSZ, SIG_IGN);
	CHECK_EQ(getrlimit(RLIMIT_FSIZE, &old), 0);
	none = old;
	none.rlim_cur = 0;
	CHECK_EQ(setrlimit(RLIMIT_FSIZE, &none), 0);
	CHECK_EQ(stats_write_openmetrics(&sched, sums, temporary_path("full")), -EFBIG);
	CHECK_EQ(setrlimit(RLIMIT_FSIZE, &old), 0);
	CHECK_STR(read_file("full"), "old\n");
	CHECK_EQ(access(temporary_path("full.new"), F_OK), -1);
}

int main(void)
{
	static const struct test tests[] = {
		TEST(test_sum),		TEST(test_text), TEST(test_cpus),	 TEST(test_json),
		TEST(test_openmetrics), TEST(test_file), TEST(test_file_errors),
	};

	return run_tests(tests, ARRAY_SIZE(tests));
}
