/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The command line of a scheduler: its own option table and the common one, parsed once and
 * strictly, and applied to every freshly opened BPF object.
 */
#ifndef SCX_OPTIONS_H
#define SCX_OPTIONS_H

#include <stdbool.h>
#include <stdio.h>
#include <scx/loader.h>
#include "json.h"

/* How much of the debug dump is kept: the kernel's own default, so that it is cut nowhere but there. */
#define DEFAULT_DUMP_LEN 32768

/* The options that all schedulers have in common, as parsed. */
struct common_options {
	bool verbose;
	bool version;
	bool help;
	bool man;
	bool json;
	bool per_cpu;
	bool dry_run;
	bool probe;
	bool force;
	bool verifier_stats;
	u32 attach_delay_ms;
	u32 stats_interval_s; /* 0: no statistics */
	u32 timeout_ms;	      /* 0: the scheduler's own */
	const char *openmetrics;
};

struct parsed_option {
	const struct scx_option *option;
	bool given;
	s64 number; /* scaled; 1 for a flag */
	const char *string;
};

struct options {
	const struct scx_sched *sched;
	struct common_options common;
	size_t nr;
	struct parsed_option *parsed; /* the scheduler's, then the common ones */
};

/*
 * options_parse - parse @argv
 *
 * Returns 0, -EINVAL after a message about bad options, or -ENOMEM. To be freed by options_free()
 * in any case.
 */
int options_parse(struct options *options, const struct scx_sched *sched, int argc, char **argv);
void options_free(struct options *options);

/* options_parse_number - parse a whole decimal number. 0, -EINVAL, or -ERANGE if it does not even fit. */
int options_parse_number(const char *arg, s64 *number);

/* options_set_variables - store the values whose target is a variable of the scheduler's own */
void options_set_variables(const struct options *options);

/* options_set_rodata - store the values whose target is a variable of the BPF side, at @rodata */
void options_set_rodata(const struct options *options, void *rodata);

/*
 * options_find - the value of the option that sets @target, if it was given
 *
 * For targets that exist once (SCX_TARGET_DUMP_LEN, SCX_TARGET_STATS). Returns whether it was given.
 */
bool options_find(const struct options *options, enum scx_option_target target, s64 *number);

/*
 * options_help - print --help to @file
 *
 * @rodata are the BPF side's const volatile variables, for the defaults; NULL leaves theirs out.
 */
void options_help(const struct options *options, const void *rodata, FILE *file);

/* options_default - the default of @option as text into @buf: empty if it is 0 or not known */
void options_default(const struct scx_option *option, const void *rodata, char *buf, size_t size);

/*
 * options_json - the scheduler's own options as they are in force, as members of an object of @json;
 * texts only if they were given
 *
 * @rodata as for options_help(), after all was set.
 */
void options_json(const struct options *options, const void *rodata, struct json *json);

#endif /* SCX_OPTIONS_H */
