/* SPDX-License-Identifier: GPL-2.0 */
/* The command line of a subcommand: a few long options, --help and -h. */
#ifndef SCX_ARGUMENTS_H
#define SCX_ARGUMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <scx/loader.h>

/* What is left of the command line when its options are taken out. */
struct operands {
	char **list;
	int nr;
};

/*
 * An option, and the one of @flag, @number and @string where its value goes; the others are NULL. The
 * last one may be no option, but has @operands: a subcommand without it takes none.
 */
struct argument {
	const char *name;
	const char *unit; /* of a number, for messages */
	bool *flag;	  /* an option without an argument */
	s64 *number;
	const char **string;
	struct operands *operands;
	s64 min, max;
};

#define ARGUMENT_JSON(json_flag) { .name = "json", .flag = (json_flag) }

/*
 * parse_arguments - parse @argv of the subcommand argv[0], whose options are the @nr in @arguments
 *
 * Numbers are whole, decimal, and checked against min and max. Returns -1 to go on, or the exit status
 * to end with: after --help, for which @help is printed, or after an error.
 */
int parse_arguments(int argc, char **argv, const char *help, const struct argument *arguments,
		    size_t nr);

#endif /* SCX_ARGUMENTS_H */
