// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "log.h"
#include "options.h"

#define MAX_ARGS 32

/* As a skeleton declares the BPF side's const volatile variables. */
struct scx_test__rodata {
	bool fifo;
	u8 byte;
	u16 half;
	u32 word;
	s32 negative;
	u64 slice_ns;
	s64 below;
	u8 guard;
};

static u32 count;
static bool chatty;
static const char *path;

static const struct scx_option table[] = {
	{ .short_name = 'f', .long_name = "fifo", .help = "a flag", SCX_RODATA(scx_test, fifo) },
	{ .short_name = 'b',
	  .long_name = "byte",
	  .arg = "N",
	  .help = "one byte",
	  SCX_RODATA(scx_test, byte),
	  SCX_RANGE(0, UINT8_MAX) },
	{ .long_name = "half",
	  .arg = "N",
	  .help = "two bytes",
	  SCX_RODATA(scx_test, half),
	  SCX_RANGE(0, UINT16_MAX),
	  .unit = "things" },
	{ .short_name = 'w',
	  .long_name = "word",
	  .arg = "N",
	  .help = "four bytes",
	  SCX_RODATA(scx_test, word),
	  SCX_RANGE(1, UINT32_MAX),
	  .unit = "calls" },
	{ .short_name = 'n',
	  .long_name = "negative",
	  .arg = "N",
	  .help = "may be below zero",
	  SCX_RODATA(scx_test, negative),
	  SCX_RANGE(INT32_MIN, INT32_MAX) },
	{ .short_name = 's',
	  .long_name = "slice",
	  .arg = "US",
	  .help = "eight bytes, scaled",
	  SCX_RODATA(scx_test, slice_ns),
	  SCX_RANGE(1, 10 * 1000 * 1000),
	  .unit = "us",
	  .scale = 1000 },
	{ .long_name = "below",
	  .arg = "N",
	  .help = "eight bytes with a sign",
	  SCX_RODATA(scx_test, below),
	  SCX_RANGE(INT64_MIN, INT64_MAX) },
	{ .short_name = 'c',
	  .long_name = "count",
	  .arg = "N",
	  .help = "into a variable",
	  SCX_VARIABLE(count),
	  SCX_RANGE(0, 100) },
	{ .long_name = "chatty",
	  .help = "a flag in a variable",
	  .needs = "count",
	  SCX_VARIABLE(chatty) },
	{ .long_name = "path",
	  .arg = "FILE",
	  .help = "a string",
	  .type = SCX_OPTION_STRING,
	  SCX_VARIABLE(path) },
	{ .short_name = 'p',
	  .long_name = "partial",
	  .help = "a bit of ops.flags",
	  SCX_OPS_FLAG(SCX_OPS_SWITCH_PARTIAL_FLAG) },
	{ .long_name = "batch",
	  .arg = "N",
	  .help = "a number in the ops",
	  SCX_RANGE(1, 64),
	  SCX_OPS_MEMBER(dispatch_max_batch) },
	SCX_EXIT_DUMP_LEN_OPTION('D'),
	SCX_STATS_OPTION('i'),
};

static const struct scx_sched sched = {
	.name = "test",
	.summary = "A scheduler for tests.",
	.options = table,
	.nr_options = ARRAY_SIZE(table),
};

static const struct scx_sched plain = {
	.name = "plain",
	.summary = "A scheduler without options.",
};

/* Split @line at blanks, but '' is an empty argument, and an underscore becomes a blank. */
static int split(char *line, char **argv)
{
	int argc = 0;
	char *word, *save, *c;

	argv[argc++] = (char *)"scx_test";
	for (word = strtok_r(line, " ", &save); word && argc < MAX_ARGS - 1;
	     word = strtok_r(NULL, " ", &save)) {
		for (c = word; *c; c++)
			if (*c == '_')
				*c = ' ';
		argv[argc++] = strcmp(word, "''") ? word : (char *)"";
	}
	argv[argc] = NULL;
	return argc;
}

static char parsed_line[256];

/* Parse @line for @for_sched; what was said on stderr is in captured() after it. */
static int parse_for(const struct scx_sched *for_sched, struct options *options, const char *line)
{
	char *argv[MAX_ARGS];
	int argc;

	check_context("%s", line);
	snprintf(parsed_line, sizeof(parsed_line), "%s", line);
	argc = split(parsed_line, argv);
	return options_parse(options, for_sched, argc, argv);
}

static int parse(struct options *options, const char *line)
{
	return parse_for(&sched, options, line);
}

static void test_bad_values(void)
{
	static const struct {
		const char *line, *word;
	} cases[] = {
		{ "-w 10x", "'10x'" },
		{ "-w x10", "'x10'" },
		{ "-w -1", "'-1'" },
		{ "-w 0", "'0'" },
		{ "-w ''", "''" },
		{ "--word=", "''" },
		{ "-w _1", "' 1'" },
		{ "-w 1_", "'1 '" },
		{ "-w +1", "'+1'" },
		{ "-w -", "'-'" },
		{ "-w --", "'--'" },
		{ "-w -_1", "'- 1'" },
		{ "-w 0x10", "'0x10'" },
		{ "-w 1e3", "'1e3'" },
		{ "-w 1.5", "'1.5'" },
		{ "-w 1,000", "'1,000'" },
		{ "-w 99999999999", "'99999999999'" },
		{ "-w 4294967296", "'4294967296'" },
		{ "-w 9223372036854775808", "'9223372036854775808'" },
		{ "-w -9223372036854775809", "'-9223372036854775809'" },
		{ "-w 99999999999999999999999", "'99999999999999999999999'" },
		{ "--word=10x", "'10x'" },
		{ "--word 10x", "'10x'" },
		{ "-w10x", "'10x'" },
		{ "-fw 10x", "'10x'" },
		{ "--below 9223372036854775808", "'9223372036854775808'" },
		{ "--below -9223372036854775809", "'-9223372036854775809'" },
		{ "-b 256", "'256'" },
		{ "-b -1", "'-1'" },
		{ "--half 65536", "'65536'" },
		{ "-n 2147483648", "'2147483648'" },
		{ "-n -2147483649", "'-2147483649'" },
		{ "-s 10000001", "'10000001'" },
		{ "--batch 65", "'65'" },
		{ "-D 16777217", "'16777217'" },
		{ "--exit-dump-len -1", "'-1'" },
		{ "--stats 0", "'0'" },
		{ "--stats 86401", "'86401'" },
		{ "--timeout-ms 0", "'0'" },
		{ "--timeout-ms 30001", "'30001'" },
		{ "--path ''", "--path" },
		{ "--path=", "--path" },
		/* A good value later does not make up for it, nor one before. */
		{ "-w 10x -w 10", "'10x'" },
		{ "-w 10 -w 10x", "'10x'" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct options options;
		int err;

		capture_stderr();
		err = parse(&options, cases[i].line);
		CHECK_EQ(err, -EINVAL);
		CHECK_HAS(captured(), cases[i].word);
		options_free(&options);
	}
}

static void test_bad_options(void)
{
	static const struct {
		const char *line, *word, *also;
	} cases[] = {
		{ "-x", "'-x'", "unknown" },
		{ "-fx", "'-x'", "unknown" },
		{ "--unknown", "'--unknown'", "unknown" },
		{ "--unknown=1", "'--unknown=1'", "unknown" },
		{ "--fifo=1", "'--fifo=1'", "no argument" },
		{ "--verbose=yes", "'--verbose=yes'", "no argument" },
		{ "--help=x", "'--help=x'", "no argument" },
		{ "-w", "-w", "needs an argument" },
		{ "-fw", "-fw", "needs an argument" },
		{ "--word", "--word", "needs an argument" },
		{ "--stats", "--stats", "needs an argument" },
		{ "stray", "'stray'", "unexpected" },
		{ "-f stray", "'stray'", "unexpected" },
		{ "stray -f", "'stray'", "unexpected" },
		{ "-- -f", "'-f'", "unexpected" },
		{ "-", "'-'", "unexpected" },
		{ "''", "''", "unexpected" },
		{ "-f1", "'-1'", "unknown" },
		/* The start of more than one name. */
		{ "--b", "'--b'", "" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct options options;
		const char *said;
		int err;

		capture_stderr();
		err = parse(&options, cases[i].line);
		said = captured();
		CHECK_EQ(err, -EINVAL);
		CHECK_HAS(said, cases[i].word);
		CHECK_HAS(said, cases[i].also);
		options_free(&options);
	}
}

static void test_messages(void)
{
	struct options options;
	const char *said;

	capture_stderr();
	parse(&options, "-s 10000001");
	said = captured();
	CHECK_STR(said, "scx_test: --slice: '10000001' is out of range: 1 to 10000000 us\n");
	options_free(&options);

	capture_stderr();
	parse(&options, "-b 256");
	CHECK_STR(captured(), "scx_test: --byte: '256' is out of range: 0 to 255\n");
	options_free(&options);

	capture_stderr();
	parse(&options, "-b 1k");
	CHECK_STR(captured(), "scx_test: --byte: '1k' is not a whole number\n");
	options_free(&options);
}

/* Parse what has to be right, silently, and store it into a rodata full of @fill. */
static struct scx_test__rodata rodata_of(const char *line, int fill)
{
	struct scx_test__rodata rodata;
	struct options options;
	int err;

	memset(&rodata, fill, sizeof(rodata));
	capture_stderr();
	err = parse(&options, line);
	CHECK_STR(captured(), "");
	CHECK_EQ(err, 0);
	if (!err) {
		options_set_variables(&options);
		options_set_rodata(&options, &rodata);
	}
	options_free(&options);
	return rodata;
}

static void test_rodata_sizes(void)
{
	struct scx_test__rodata rodata, before;

	/* Each at both ends of its range, its neighbours untouched. */
	memset(&before, 0xff, sizeof(before));
	rodata = rodata_of("-b 0 --half 0 -w 1 -n 0 -s 1 --below 0", 0xff);
	CHECK_EQ(rodata.byte, 0);
	CHECK_EQ(rodata.half, 0);
	CHECK_EQ(rodata.word, 1);
	CHECK_EQ(rodata.negative, 0);
	CHECK_EQ(rodata.slice_ns, 1000);
	CHECK_EQ(rodata.below, 0);
	CHECK_EQ(rodata.guard, 0xff);
	CHECK(!memcmp(&rodata.fifo, &before.fifo, 1));

	rodata = rodata_of("-b 255 --half 65535 -w 4294967295 -s 10000000", 0);
	CHECK_EQ(rodata.byte, 255);
	CHECK_EQ(rodata.half, 65535);
	CHECK_EQ(rodata.word, 4294967295LL);
	CHECK_EQ(rodata.slice_ns, 10000000000LL);
	CHECK_EQ(rodata.fifo, 0);
	CHECK_EQ(rodata.negative, 0);
	CHECK_EQ(rodata.guard, 0);

	rodata = rodata_of("-n -2147483648 --below -9223372036854775808", 0);
	CHECK_EQ(rodata.negative, INT32_MIN);
	CHECK(rodata.below == INT64_MIN);
	rodata = rodata_of("-n 2147483647 --below 9223372036854775807", 0);
	CHECK_EQ(rodata.negative, INT32_MAX);
	CHECK(rodata.below == INT64_MAX);

	rodata = rodata_of("-n -1 --below -1", 0);
	CHECK_EQ(rodata.negative, -1);
	CHECK_EQ(rodata.below, -1);
	CHECK_EQ(rodata.slice_ns, 0);

	/* One at a time, the last of each size must not reach into what lies behind it. */
	before.byte = 0;
	rodata = rodata_of("-b 0", 0xff);
	CHECK(!memcmp(&rodata, &before, offsetof(struct scx_test__rodata, guard)));
	memset(&before, 0xff, sizeof(before));
	before.half = 0;
	rodata = rodata_of("--half 0", 0xff);
	CHECK(!memcmp(&rodata, &before, offsetof(struct scx_test__rodata, guard)));
	memset(&before, 0xff, sizeof(before));
	before.word = 1;
	rodata = rodata_of("-w 1", 0xff);
	CHECK(!memcmp(&rodata, &before, offsetof(struct scx_test__rodata, guard)));
	memset(&before, 0xff, sizeof(before));

	/* Nothing given, nothing stored. */
	rodata = rodata_of("", 0xff);
	CHECK(!memcmp(&rodata, &before, offsetof(struct scx_test__rodata, guard)));
}

static void test_spellings(void)
{
	static const char *const lines[] = {
		"-w 7",
		"-w7",
		"--word 7",
		"--word=7",
		"--wor 7",
		"-fw7",
		"-fw 7",
		"-w 007",
		"-w 8 -w 7",
		"--word=8 -w 7 -f",
		"-w 9 --word 8 -w7 --",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(lines); i++)
		CHECK_EQ(rodata_of(lines[i], 0).word, 7);
	CHECK_EQ(rodata_of("-f", 0).fifo, 1);
	CHECK_EQ(rodata_of("--fifo", 0).fifo, 1);
	CHECK_EQ(rodata_of("-ff", 0).fifo, 1);
	/* A flag is written as one byte with the value 1. */
	CHECK_EQ(rodata_of("-f", 0xff).byte, 0xff);
}

static void test_variables(void)
{
	struct options options;

	count = 1;
	chatty = false;
	path = NULL;
	CHECK_EQ(parse(&options, "-c 100 --chatty --path a/b --path c/d"), 0);
	/* Not before it is asked for: a restart sets them again. */
	CHECK_EQ(count, 1);
	options_set_variables(&options);
	CHECK_EQ(count, 100);
	CHECK(chatty);
	CHECK(path && !strcmp(path, "c/d"));
	count = 5;
	options_set_variables(&options);
	CHECK_EQ(count, 100);
	options_free(&options);

	CHECK_EQ(parse(&options, "-c 0"), 0);
	options_set_variables(&options);
	CHECK_EQ(count, 0);
	options_free(&options);
}

static void test_common(void)
{
	struct options options;

	CHECK_EQ(parse(&options, ""), 0);
	CHECK(!options.common.verbose && !options.common.version && !options.common.help);
	CHECK(!options.common.json && !options.common.dry_run && !options.common.openmetrics);
	CHECK_EQ(options.common.stats_interval_s, 0);
	CHECK_EQ(options.common.timeout_ms, 0);
	options_free(&options);

	CHECK_EQ(parse(&options, "--stats 86400 --json --openmetrics f --timeout-ms 30000"), 0);
	CHECK_EQ(options.common.stats_interval_s, 86400);
	CHECK_EQ(options.common.timeout_ms, 30000);
	CHECK(options.common.json && !options.common.dry_run && !options.common.verbose);
	CHECK_STR(options.common.openmetrics, "f");
	options_free(&options);

	CHECK_EQ(parse(&options, "--stats=1 --timeout-ms=1 --dry-run -v"), 0);
	CHECK_EQ(options.common.stats_interval_s, 1);
	CHECK_EQ(options.common.timeout_ms, 1);
	CHECK(options.common.dry_run && options.common.verbose && !options.common.json);
	options_free(&options);

	CHECK_EQ(parse(&options, "-V"), 0);
	CHECK(options.common.version && !options.common.help);
	options_free(&options);
	CHECK_EQ(parse(&options, "-h"), 0);
	CHECK(options.common.help && !options.common.version);
	options_free(&options);
}

static void test_targets(void)
{
	struct options options;
	size_t i, nr_given = 0;
	s64 number = -1;

	CHECK_EQ(parse(&options, "-p --batch 64"), 0);
	for (i = 0; i < options.nr; i++) {
		const struct parsed_option *parsed = &options.parsed[i];

		nr_given += parsed->given;
		if (parsed->option->target == SCX_TARGET_OPS_FLAG && parsed->given)
			CHECK_EQ(parsed->option->flag, SCX_OPS_SWITCH_PARTIAL_FLAG);
	}
	CHECK_EQ(nr_given, 2);
	CHECK(options_find(&options, SCX_TARGET_OPS_MEMBER, &number));
	CHECK_EQ(number, 64);
	number = -1;
	CHECK(!options_find(&options, SCX_TARGET_DUMP_LEN, &number));
	CHECK_EQ(number, -1);
	options_free(&options);
}

static void test_override(void)
{
	struct options options;
	s64 number = -1;
	size_t i, seen = 0;
	FILE *file;

	/* The scheduler's own table has the common option, with a short name. */
	CHECK_EQ(parse(&options, "-D 16777216"), 0);
	CHECK(options_find(&options, SCX_TARGET_DUMP_LEN, &number));
	CHECK_EQ(number, 16777216);
	for (i = 0; i < options.nr; i++)
		seen += !strcmp(options.parsed[i].option->long_name, "exit-dump-len");
	CHECK_EQ(seen, 1);
	options_free(&options);

	CHECK_EQ(parse(&options, "--exit-dump-len 0"), 0);
	number = -1;
	CHECK(options_find(&options, SCX_TARGET_DUMP_LEN, &number));
	CHECK_EQ(number, 0);
	file = text_file();
	options_help(&options, NULL, file);
	CHECK_HAS(text_of(file), "-D, --exit-dump-len BYTES");
	options_free(&options);

	/* A scheduler without it has the common one, without a short name. */
	CHECK_EQ(parse_for(&plain, &options, "--exit-dump-len 5"), 0);
	CHECK(options_find(&options, SCX_TARGET_DUMP_LEN, &number));
	CHECK_EQ(number, 5);
	options_free(&options);
	capture_stderr();
	CHECK_EQ(parse_for(&plain, &options, "-D 5"), -EINVAL);
	CHECK_HAS(captured(), "'-D'");
	options_free(&options);

	/* The interval of the statistics, whose value is with the common options. */
	CHECK_EQ(parse(&options, "-i 3"), 0);
	CHECK_EQ(options.common.stats_interval_s, 3);
	options_free(&options);
	CHECK_EQ(parse(&options, "--stats 4"), 0);
	CHECK_EQ(options.common.stats_interval_s, 4);
	options_free(&options);
	CHECK_EQ(parse(&options, "-D 5"), 0);
	CHECK_EQ(options.common.stats_interval_s, 0);
	file = text_file();
	options_help(&options, NULL, file);
	CHECK_HAS(text_of(file), "-i, --stats SEC");
	options_free(&options);
	CHECK_EQ(parse_for(&plain, &options, "--stats 5"), 0);
	CHECK_EQ(options.common.stats_interval_s, 5);
	options_free(&options);
	capture_stderr();
	CHECK_EQ(parse(&options, "-i 0"), -EINVAL);
	CHECK_HAS(captured(), "--stats");
	options_free(&options);
}

static void test_needs(void)
{
	struct options options;
	const char *said;

	capture_stderr();
	CHECK_EQ(parse(&options, "--chatty"), 0);
	said = captured();
	CHECK_HAS(said, "warning");
	CHECK_HAS(said, "--chatty");
	CHECK_HAS(said, "--count");
	options_free(&options);

	capture_stderr();
	CHECK_EQ(parse(&options, "--chatty -c 1"), 0);
	CHECK_STR(captured(), "");
	options_free(&options);

	capture_stderr();
	CHECK_EQ(parse(&options, "-c 1 --chatty"), 0);
	CHECK_STR(captured(), "");
	options_free(&options);
}

static void test_parse_again(void)
{
	struct options one, two;

	/* Where getopt_long() stopped within "-fw" must not matter to the next command line. */
	capture_stderr();
	CHECK_EQ(parse(&one, "-fx -w 3"), -EINVAL);
	captured();
	options_free(&one);

	CHECK_EQ(parse(&one, "-w 3 -f"), 0);
	CHECK_EQ(parse(&two, "-w 4"), 0);
	CHECK_EQ(one.parsed[3].number, 3);
	CHECK_EQ(two.parsed[3].number, 4);
	CHECK(one.parsed[0].given && !two.parsed[0].given);
	options_free(&one);
	options_free(&two);
	options_free(&two); /* again does no harm */
}

/* The length of the longest line of @text. */
static size_t longest(const char *text)
{
	size_t max = 0, len;

	for (; *text; text += len + !!text[len]) {
		len = strcspn(text, "\n");
		if (len > max)
			max = len;
	}
	return max;
}

static void test_help_defaults(void)
{
	struct scx_test__rodata rodata = {
		.byte = 12,
		.half = 3456,
		.word = 4000000000U,
		.negative = -5,
		.slice_ns = 20000000,
		.below = -6,
	};
	struct options options;
	const char *help;
	FILE *file;

	CHECK_EQ(parse(&options, ""), 0);
	file = text_file();
	options_help(&options, &rodata, file);
	help = text_of(file);
	CHECK_HAS(help, "Usage: scx_test [OPTION]...\n\nA scheduler for tests.\n");
	CHECK_HAS(help, "\n  -f, --fifo                  a flag\n");
	CHECK_HAS(help, "\n  -b, --byte N                one byte [default: 12]\n");
	CHECK_HAS(help, "\n      --half N                two bytes [default: 3456 things]\n");
	CHECK_HAS(help, "[default: 4000000000 calls]");
	CHECK_HAS(help, "below zero [default: -5]");
	CHECK_HAS(help, "[default: 20000 us]");
	CHECK_HAS(help, "with a sign [default: -6]");
	CHECK_HAS(help, "\n      --path FILE             a string\n");
	CHECK_HAS(help, "\nOptions:\n");
	CHECK_HAS(help, "\nCommon options:\n");
	CHECK_HAS(help, "\n  -v, --verbose               ");
	CHECK_HAS(help, "\n  -V, --version               ");
	CHECK_HAS(help, "\n  -h, --help                  ");
	CHECK_HAS(help, "Exit status: 0 ");
	CHECK(longest(help) <= 80);

	/* No object, no defaults; a default of 0 means off, and says nothing. */
	file = text_file();
	options_help(&options, NULL, file);
	CHECK_LACKS(text_of(file), "[default");
	memset(&rodata, 0, sizeof(rodata));
	file = text_file();
	options_help(&options, &rodata, file);
	CHECK_LACKS(text_of(file), "[default");
	options_free(&options);

	CHECK_EQ(parse_for(&plain, &options, ""), 0);
	file = text_file();
	options_help(&options, NULL, file);
	help = text_of(file);
	CHECK_LACKS(help, "\nOptions:\n");
	CHECK_HAS(help, "\nCommon options:\n");
	options_free(&options);
}

static void test_help_wraps(void)
{
	static const struct scx_option wide[] = {
		{ .short_name = 'a',
		  .long_name = "a-name-that-leaves-no-room",
		  .arg = "ARGUMENT",
		  .help = "begins on a line of its own",
		  SCX_VARIABLE(count),
		  SCX_RANGE(0, 1) },
		{ .long_name = "words",
		  .help = "one two three four five six seven eight nine ten eleven twelve thirteen "
			  "fourteen fifteen sixteen seventeen eighteen nineteen twenty",
		  SCX_VARIABLE(chatty) },
		/* 50 characters beside the column of names: exactly 80, and one more. */
		{ .long_name = "exact",
		  .help = "4444 4444 4444 4444 4444 4444 4444 4444 4444 44449",
		  SCX_VARIABLE(chatty) },
		{ .long_name = "over",
		  .help = "4444 4444 4444 4444 4444 4444 4444 4444 4444 444499",
		  SCX_VARIABLE(chatty) },
		{ .long_name = "lines", .help = "first\nsecond", SCX_VARIABLE(chatty) },
	};
	static const struct scx_sched wide_sched = {
		.name = "wide",
		.summary =
			"Words enough for more than one line of eighty characters, which is where the "
			"line has to end.",
		.description = "First paragraph.\nSecond one.",
		.options = wide,
		.nr_options = ARRAY_SIZE(wide),
	};
	struct options options;
	const char *help;
	FILE *file;

	CHECK_EQ(parse_for(&wide_sched, &options, ""), 0);
	file = text_file();
	options_help(&options, NULL, file);
	help = text_of(file);
	CHECK_EQ(longest(help), 80);
	CHECK_HAS(help, "\n  -a, --a-name-that-leaves-no-room ARGUMENT\n"
			"                              begins on a line of its own\n");
	CHECK_HAS(help,
		  "\n      --words                 one two three four five six seven eight nine"
		  " ten\n                              eleven twelve ");
	CHECK_HAS(help,
		  "--exact                 4444 4444 4444 4444 4444 4444 4444 4444 4444 44449\n");
	CHECK_HAS(help, "4444 4444\n                              444499\n");
	CHECK_HAS(help, "first\n                              second\n");
	CHECK_HAS(help, "\nFirst paragraph.\nSecond one.\n");
	CHECK_LACKS(help, " \n");
	options_free(&options);
}

int main(void)
{
	static const struct test tests[] = {
		TEST(test_bad_values),	 TEST(test_bad_options), TEST(test_messages),
		TEST(test_rodata_sizes), TEST(test_spellings),	 TEST(test_variables),
		TEST(test_common),	 TEST(test_targets),	 TEST(test_override),
		TEST(test_needs),	 TEST(test_parse_again), TEST(test_help_defaults),
		TEST(test_help_wraps),
	};

	log_init("scx_test", false);
	return run_tests(tests, ARRAY_SIZE(tests));
}
