// SPDX-License-Identifier: GPL-2.0
/*
 * Prints JSON lines of every kind with the worst of contents: test_json.py reads them with a parser
 * that is not ours and knows what has to be in them.
 */
#include <string.h>

#include "exit_report.h"
#include "json.h"
#include "options.h"
#include "stats.h"

static void strings(void)
{
	/* Each is a case of the list in test_json.py, in this order. */
	static const char *const cases[] = {
		"",
		"plain",
		"\"quoted\" \\ and / slashes",
		"line\nand\ttab\rreturn\bback\ffeed",
		"\x01\x1f\x7f\x1b[31m",
		"\xc3\xa4 \xe2\x82\xac \xf0\x9f\x90\xa7",
		/* A lone continuation, a byte that never occurs, sequences that end too early. */
		"a\x80z",
		"a\xff\xfez",
		"a\xc3z",
		"a\xe2\x82z",
		"a\xf0\x9f\x90z",
		"end\xc3",
		"end\xe2\x82",
		"end\xf0\x9f\x90",
		/* Longer than need be, a surrogate, beyond the last character. */
		"a\xc0\xafz",
		"a\xe0\x80\xafz",
		"a\xf0\x80\x80\xafz",
		"a\xed\xa0\x80z",
		"a\xf4\x90\x80\x80z",
		"a\xf8\x88\x80\x80\x80z",
		/* The first and last of each length. */
		"\xc2\x80\xdf\xbf",
		"\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf",
		"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf",
	};
	struct json json;
	char key[16];
	size_t i;

	json_begin(&json, stdout);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(key, sizeof(key), "%zu", i);
		json_string(&json, key, cases[i]);
	}
	json_end(&json);

	json_begin(&json, stdout);
	json_end(&json);

	json_begin(&json, stdout);
	json_begin_object(&json, "empty");
	json_end_object(&json);
	json_begin_object(&json, "outer");
	json_begin_object(&json, "inner \"key\"");
	json_number(&json, "min", INT64_MIN);
	json_end_object(&json);
	json_number(&json, "max", INT64_MAX);
	json_end_object(&json);
	json_number(&json, "zero", 0);
	json_end(&json);
}

static void exits(void)
{
	struct scx_exit_record record = {
		.kind = 1026,
		.cpu = 3,
		.code = 0x1000100000000LL,
		.time_ns = 1234567890123ULL,
		.bt_len = 2,
		.bt = { 0x10, 0x20 },
		.reason = "runnable task stall",
		.msg = "x\xff\"y\" failed\n\x1b[0m",
	};
	struct exit_report report = {
		.record = &record,
		.dump = "CPU 0\n\tR \xc3(\n",
		.ops = "test",
		.uptime_ms = 4294967296ULL,
		.kallsyms = "/nonexistent",
	};

	exit_report_json(&report, stdout);
	record = (struct scx_exit_record){ .kind = 64, .cpu = -1, .code = -1 };
	report.dump = "";
	exit_report_json(&report, stdout);
	/* A fault that could only be told by its code; a kind of kernels to come. */
	record = (struct scx_exit_record){ .kind = 65, .cpu = 0, .code = SCX_ECODE_ERROR_FALLBACK };
	exit_report_json(&report, stdout);
	record = (struct scx_exit_record){ .kind = 99, .cpu = -1 };
	memset(record.reason, 'r', sizeof(record.reason) - 1);
	memset(record.msg, '\x02', sizeof(record.msg) - 1);
	exit_report_json(&report, stdout);
}

static void statistics(void)
{
	static const struct scx_stat table[] = {
		{ "enqueued", "tasks", "help", false },
		{ "waiting", "tasks", "help", true },
	};
	static const struct scx_sched sched = { .name = "test", .stats = table, .nr_stats = 2 };
	static const struct scx_sched none = { .name = "none" };

	stats_json(&sched, (s64[]){ INT64_MAX, -1 }, 1, stdout);
	stats_json(&none, NULL, 2, stdout);
}

/* Of a scheduler's options numbers and flags are always told, texts if they were given. */
static void in_force(void)
{
	static u32 number = 5;
	static bool flag;
	static const char *text, *other;
	static const struct scx_option table[] = {
		{ .long_name = "number", .arg = "N", SCX_VARIABLE(number), SCX_RANGE(1, 9) },
		{ .long_name = "flag", SCX_VARIABLE(flag) },
		{ .long_name = "text",
		  .arg = "TEXT",
		  .type = SCX_OPTION_STRING,
		  SCX_VARIABLE(text) },
		{ .long_name = "other",
		  .arg = "TEXT",
		  .type = SCX_OPTION_STRING,
		  SCX_VARIABLE(other) },
	};
	static const struct scx_sched sched = { .name = "test", .options = table, .nr_options = 4 };
	char *argv[] = { (char *)"scx_test", (char *)"--flag", (char *)"--text=\"x\"", NULL };
	struct options options;
	struct json json;

	json_begin(&json, stdout);
	if (!options_parse(&options, &sched, 3, argv)) {
		options_set_variables(&options);
		options_json(&options, NULL, &json);
	}
	json_end(&json);
	options_free(&options);
}

int main(void)
{
	strings();
	exits();
	statistics();
	in_force();
	return 0;
}
