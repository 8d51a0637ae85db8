// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "options.h"

/* What getopt_long() returns for the option with index 0 in options.parsed. */
#define FIRST_VAL 0x1000

#define COMMON_FLAG(letter, name, text, field)                    \
	{                                                         \
		.short_name = (letter),                           \
		.long_name = (name),                              \
		.help = (text),                                   \
		.type = SCX_OPTION_FLAG,                          \
		.target = SCX_TARGET_VARIABLE,                    \
		.offset = offsetof(struct common_options, field), \
		.size = sizeof(bool),                             \
	}

/* Variables here are offsets into struct common_options, see store_common(). */
static const struct scx_option common_table[] = {
	SCX_STATS_OPTION(0),
	COMMON_FLAG(0, "json", "print statistics, messages and the exit report as JSON lines",
		    json),
	COMMON_FLAG(0, "per-cpu", "print the statistics of each CPU too, where they are not 0",
		    per_cpu),
	{
		.long_name = "openmetrics",
		.arg = "FILE",
		.help = "write statistics to FILE as OpenMetrics, at the interval of --stats (default 1 s)",
		.type = SCX_OPTION_STRING,
		.target = SCX_TARGET_VARIABLE,
		.offset = offsetof(struct common_options, openmetrics),
		.size = sizeof(char *),
	},
	COMMON_FLAG(0, "probe", "tell whether this kernel can run it, and exit", probe),
	COMMON_FLAG(0, "dry-run", "load into the kernel and verify, but do not attach", dry_run),
	COMMON_FLAG(0, "force",
		    "go ahead on a kernel that may be lost to this, until it is booted again",
		    force),
	SCX_EXIT_DUMP_LEN_OPTION(0),
	{
		.long_name = "timeout-ms",
		.arg = "MS",
		.help = "let the kernel end the scheduler when a task waits longer than this",
		SCX_RANGE(1, 30000),
		.unit = "ms",
		.target = SCX_TARGET_VARIABLE,
		.offset = offsetof(struct common_options, timeout_ms),
		.size = sizeof(u32),
	},
	{
		.long_name = "man",
		.help = "print the manual page and exit",
		.type = SCX_OPTION_FLAG,
		.target = SCX_TARGET_VARIABLE,
		.offset = offsetof(struct common_options, man),
		.size = sizeof(bool),
		.hidden = true,
	},
	{
		.long_name = "verifier-stats",
		.help = "tell what verifying each program cost the kernel",
		.type = SCX_OPTION_FLAG,
		.target = SCX_TARGET_VARIABLE,
		.offset = offsetof(struct common_options, verifier_stats),
		.size = sizeof(bool),
		.hidden = true,
	},
	{
		/* A test brings a CPU down in between. */
		.long_name = "test-attach-delay",
		.arg = "MS",
		.help = "wait between opening and attaching",
		SCX_RANGE(0, 60000),
		.unit = "ms",
		.target = SCX_TARGET_VARIABLE,
		.offset = offsetof(struct common_options, attach_delay_ms),
		.size = sizeof(u32),
		.hidden = true,
	},
	COMMON_FLAG('v', "verbose", "show what libbpf does", verbose),
	COMMON_FLAG('V', "version", "print the version and exit", version),
	COMMON_FLAG('h', "help", "print this help and exit", help),
};

#define NR_COMMON (sizeof(common_table) / sizeof(common_table[0]))

/* Does the scheduler's table have its own variant of a common option? */
static bool overridden(const struct scx_sched *sched, const struct scx_option *common)
{
	size_t i;

	for (i = 0; i < sched->nr_options; i++)
		if (!strcmp(sched->options[i].long_name, common->long_name))
			return true;
	return false;
}

static int collect(struct options *options)
{
	const struct scx_sched *sched = options->sched;
	size_t i;

	options->parsed = calloc(sched->nr_options + NR_COMMON, sizeof(*options->parsed));
	if (!options->parsed)
		return -ENOMEM;
	for (i = 0; i < sched->nr_options; i++)
		options->parsed[options->nr++].option = &sched->options[i];
	for (i = 0; i < NR_COMMON; i++)
		if (!overridden(sched, &common_table[i]))
			options->parsed[options->nr++].option = &common_table[i];
	return 0;
}

static bool is_common(const struct scx_option *option)
{
	return option >= common_table && option < common_table + NR_COMMON;
}

int options_parse_number(const char *arg, s64 *number)
{
	const char *digits = arg + (*arg == '-');
	char *end;

	/* strtoll() would take leading blanks and a plus sign. */
	if (*digits < '0' || *digits > '9')
		return -EINVAL;
	errno = 0;
	*number = strtoll(arg, &end, 10);
	if (*end)
		return -EINVAL;
	return errno ? -ERANGE : 0;
}

static int parse_argument(struct parsed_option *parsed, const char *arg)
{
	const struct scx_option *option = parsed->option;
	int err;

	parsed->given = true;
	switch (option->type) {
	case SCX_OPTION_FLAG:
		parsed->number = 1;
		return 0;
	case SCX_OPTION_STRING:
		if (!*arg) {
			scx_error("--%s needs a %s that is not empty", option->long_name,
				  option->arg);
			return -EINVAL;
		}
		parsed->string = arg;
		return 0;
	case SCX_OPTION_NUMBER:
		break;
	}

	err = options_parse_number(arg, &parsed->number);
	if (err == -EINVAL) {
		scx_error("--%s: '%s' is not a whole number", option->long_name, arg);
		return err;
	}
	if (err || parsed->number < option->min || parsed->number > option->max) {
		scx_error("--%s: '%s' is out of range: %lld to %lld%s%s", option->long_name, arg,
			  option->min, option->max, option->unit ? " " : "",
			  option->unit ? option->unit : "");
		return -EINVAL;
	}
	if (option->scale)
		parsed->number *= option->scale;
	return 0;
}

static void store(void *to, const struct parsed_option *parsed)
{
	const struct scx_option *option = parsed->option;

	if (option->type == SCX_OPTION_STRING)
		memcpy(to, &parsed->string, sizeof(parsed->string));
	else if (option->size == 1)
		*(u8 *)to = parsed->number;
	else if (option->size == 2)
		*(u16 *)to = parsed->number;
	else if (option->size == 4)
		*(u32 *)to = parsed->number;
	else
		*(u64 *)to = parsed->number;
}

static void store_common(struct options *options)
{
	s64 number;
	size_t i;

	for (i = 0; i < options->nr; i++) {
		const struct parsed_option *parsed = &options->parsed[i];

		if (parsed->given && is_common(parsed->option) &&
		    parsed->option->target == SCX_TARGET_VARIABLE)
			store((char *)&options->common + parsed->option->offset, parsed);
	}
	/* The scheduler's own table may have this one, with a letter. */
	if (options_find(options, SCX_TARGET_STATS, &number))
		options->common.stats_interval_s = number;
}

static struct parsed_option *find_long(const struct options *options, const char *name)
{
	size_t i;

	for (i = 0; i < options->nr; i++)
		if (!strcmp(options->parsed[i].option->long_name, name))
			return &options->parsed[i];
	return NULL;
}

static void warn_needs(const struct options *options)
{
	size_t i;

	for (i = 0; i < options->nr; i++) {
		const struct scx_option *option = options->parsed[i].option;

		if (options->parsed[i].given && option->needs &&
		    !find_long(options, option->needs)->given)
			scx_warn("--%s has no effect without --%s", option->long_name,
				 option->needs);
	}
}

int options_parse(struct options *options, const struct scx_sched *sched, int argc, char **argv)
{
	struct option *longs = NULL;
	char *shorts = NULL, *s;
	size_t i;
	int err, val;

	memset(options, 0, sizeof(*options));
	options->sched = sched;
	err = collect(options);
	if (err)
		goto out;

	err = -ENOMEM;
	longs = calloc(options->nr + 1, sizeof(*longs));
	shorts = malloc(2 * options->nr + 2);
	if (!longs || !shorts)
		goto out;

	/* The colon in front: tell a missing argument from an unknown option. */
	s = shorts;
	*s++ = ':';
	for (i = 0; i < options->nr; i++) {
		const struct scx_option *option = options->parsed[i].option;
		bool has_arg = option->type != SCX_OPTION_FLAG;

		longs[i].name = option->long_name;
		longs[i].has_arg = has_arg ? required_argument : no_argument;
		longs[i].val = FIRST_VAL + i;
		if (option->short_name) {
			*s++ = option->short_name;
			if (has_arg)
				*s++ = ':';
		}
	}
	*s = '\0';

	err = -EINVAL;
	opterr = 0;
	optind = 0; /* as often as it is called in one process */
	while ((val = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		struct parsed_option *parsed = NULL;

		if (val == ':') {
			scx_error("%s needs an argument", argv[optind - 1]);
			goto out;
		}
		if (val == '?') {
			/* optopt: an unknown letter, or the long option that takes no argument. */
			if (optopt && optopt < FIRST_VAL)
				scx_error("unknown option '-%c'", optopt);
			else if (optopt)
				scx_error("'%s': the option takes no argument", argv[optind - 1]);
			else
				scx_error("unknown option '%s'", argv[optind - 1]);
			goto out;
		}
		if (val >= FIRST_VAL) {
			parsed = &options->parsed[val - FIRST_VAL];
		} else {
			for (i = 0; i < options->nr; i++)
				if (options->parsed[i].option->short_name == val)
					parsed = &options->parsed[i];
		}
		if (parse_argument(parsed, optarg))
			goto out;
	}
	if (optind < argc) {
		scx_error("unexpected argument '%s'", argv[optind]);
		goto out;
	}

	store_common(options);
	warn_needs(options);
	err = 0;
out:
	free(shorts);
	free(longs);
	return err;
}

void options_free(struct options *options)
{
	free(options->parsed);
	options->parsed = NULL;
	options->nr = 0;
}

void options_set_variables(const struct options *options)
{
	size_t i;

	for (i = 0; i < options->nr; i++) {
		const struct parsed_option *parsed = &options->parsed[i];

		if (parsed->given && !is_common(parsed->option) &&
		    parsed->option->target == SCX_TARGET_VARIABLE)
			store(parsed->option->variable, parsed);
	}
}

void options_set_rodata(const struct options *options, void *rodata)
{
	size_t i;

	for (i = 0; i < options->nr; i++) {
		const struct parsed_option *parsed = &options->parsed[i];

		if (parsed->given && parsed->option->target == SCX_TARGET_RODATA)
			store((char *)rodata + parsed->option->offset, parsed);
	}
}

bool options_find(const struct options *options, enum scx_option_target target, s64 *number)
{
	size_t i;

	for (i = 0; i < options->nr; i++) {
		const struct parsed_option *parsed = &options->parsed[i];

		if (parsed->given && parsed->option->target == target) {
			*number = parsed->number;
			return true;
		}
	}
	return false;
}

void scx_print_wrapped(FILE *file, const char *text, int column, int from)
{
	while (*text) {
		int len = strcspn(text, " \n");

		if (column > from && column + 1 + len > 80) {
			fprintf(file, "\n%*s", from, "");
			column = from;
		} else if (column > from) {
			fputc(' ', file);
			column++;
		} else if (column < from) {
			fprintf(file, "%*s", from - column, "");
			column = from;
		}
		fprintf(file, "%.*s", len, text);
		column += len;
		text += len;
		if (*text == '\n') {
			fprintf(file, "\n%*s", from, "");
			column = from;
		}
		text += !!*text;
	}
	fputc('\n', file);
}

/* The number of @size bytes at @at, sign-extended if @is_signed. */
static s64 load_number(const void *at, size_t size, bool is_signed)
{
	switch (size) {
	case 1:
		return is_signed ? *(const s8 *)at : *(const u8 *)at;
	case 2:
		return is_signed ? *(const s16 *)at : *(const u16 *)at;
	case 4:
		return is_signed ? (s64) * (const s32 *)at : *(const u32 *)at;
	default:
		return *(const s64 *)at;
	}
}

/* The value in force of an option, in the unit of its argument; false if it is no number. */
static bool effective(const struct parsed_option *parsed, const void *rodata, s64 *value)
{
	const struct scx_option *option = parsed->option;

	if (option->type == SCX_OPTION_STRING)
		return false;
	if (option->target == SCX_TARGET_RODATA && rodata)
		*value = load_number((const char *)rodata + option->offset, option->size,
				     option->min < 0);
	else if (option->target == SCX_TARGET_VARIABLE && option->variable)
		*value = load_number(option->variable, option->size, option->min < 0);
	else if (option->target == SCX_TARGET_DUMP_LEN && !parsed->given)
		*value = DEFAULT_DUMP_LEN;
	else
		*value = parsed->number;
	if (option->scale)
		*value /= option->scale;
	return true;
}

void options_default(const struct scx_option *option, const void *rodata, char *buf, size_t size)
{
	const struct parsed_option initial = { .option = option };
	s64 value;

	buf[0] = '\0';
	if (option->type != SCX_OPTION_NUMBER || (option->target != SCX_TARGET_VARIABLE &&
						  (option->target != SCX_TARGET_RODATA || !rodata)))
		return;
	if (effective(&initial, rodata, &value) && value)
		snprintf(buf, size, "%lld%s%s", value, option->unit ? " " : "",
			 option->unit ? option->unit : "");
}

void options_json(const struct options *options, const void *rodata, struct json *json)
{
	s64 value;
	size_t i;

	/* The common options change how we run, not what the scheduler does. */
	for (i = 0; i < options->sched->nr_options; i++) {
		const struct parsed_option *parsed = &options->parsed[i];

		if (effective(parsed, rodata, &value))
			json_number(json, parsed->option->long_name, value);
		else if (parsed->given)
			json_string(json, parsed->option->long_name, parsed->string);
	}
}

static void print_option(const struct scx_option *option, const void *rodata, FILE *file)
{
	char left[64], text[512], initial[64];
	char letter[] = { '-', option->short_name, ',', '\0' };
	int column;

	if (option->hidden)
		return;

	snprintf(left, sizeof(left), "  %-3s --%s%s%s", option->short_name ? letter : "",
		 option->long_name, option->arg ? " " : "", option->arg ? option->arg : "");
	fputs(left, file);
	column = strlen(left);
	if (column >= 30) {
		fputc('\n', file);
		column = 0;
	}
	options_default(option, rodata, initial, sizeof(initial));
	snprintf(text, sizeof(text), initial[0] ? "%s [default: %s]" : "%s", option->help, initial);
	scx_print_wrapped(file, text, column, 30);
}

void options_help(const struct options *options, const void *rodata, FILE *file)
{
	const struct scx_sched *sched = options->sched;
	size_t i;

	fprintf(file, "Usage: scx_%s [OPTION]...\n\n", sched->name);
	scx_print_wrapped(file, sched->summary, 0, 0);
	if (sched->description) {
		fputc('\n', file);
		scx_print_wrapped(file, sched->description, 0, 0);
	}
	if (sched->nr_options)
		fputs("\nOptions:\n", file);
	for (i = 0; i < sched->nr_options; i++)
		print_option(&sched->options[i], rodata, file);
	fputs("\nCommon options:\n", file);
	for (i = sched->nr_options; i < options->nr; i++)
		print_option(options->parsed[i].option, rodata, file);
	fputc('\n', file);
	scx_print_wrapped(
		file,
		"Exit status: 0 stopped on request, 1 could not be loaded or attached, 2 bad options, "
		"3 ended by the kernel for a fault, 4 this kernel cannot run it, 5 another scheduler "
		"is running.",
		0, 0);
}
