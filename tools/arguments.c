// SPDX-License-Identifier: GPL-2.0
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "arguments.h"
#include "options.h"

enum { HELP = 'h', FIRST = 256 };

/* Store the value @text of an option. Returns whether it is good, after a message if it is not. */
static bool store(const struct argument *argument, const char *text)
{
	int err;

	if (argument->flag) {
		*argument->flag = true;
		return true;
	}
	if (argument->string) {
		*argument->string = text;
		if (!*text)
			scx_error("--%s needs an argument that is not empty", argument->name);
		return *text;
	}
	err = options_parse_number(text, argument->number);
	if (!err && *argument->number >= argument->min && *argument->number <= argument->max)
		return true;
	scx_error("--%s: '%s' is not a whole number from %lld to %lld%s%s", argument->name, text,
		  argument->min, argument->max, argument->unit ? " " : "",
		  argument->unit ? argument->unit : "");
	return false;
}

/* Returns an exit status, or -1 to go on. */
static int parse(int argc, char **argv, const char *help, const struct argument *arguments,
		 const struct option *longs, struct operands *operands)
{
	int letter;

	opterr = 0;
	while ((letter = getopt_long(argc, argv, ":h", longs, NULL)) != -1) {
		switch (letter) {
		case HELP:
			fputs(help, stdout);
			return fflush(stdout) ? SCX_STATUS_FAILED : SCX_STATUS_OK;
		case ':':
			scx_error("%s needs an argument: try 'scx %s --help'", argv[optind - 1],
				  argv[0]);
			return SCX_STATUS_USAGE;
		case '?':
			if (optopt > 0 && optopt < FIRST && optopt != HELP)
				scx_error("unknown option '-%c': try 'scx %s --help'", optopt,
					  argv[0]);
			else if (optopt)
				scx_error("'%s': this option takes no argument", argv[optind - 1]);
			else
				scx_error("unknown option '%s': try 'scx %s --help'",
					  argv[optind - 1], argv[0]);
			return SCX_STATUS_USAGE;
		default:
			if (!store(&arguments[letter - FIRST], optarg))
				return SCX_STATUS_USAGE;
		}
	}
	if (operands) {
		*operands = (struct operands){ argv + optind, argc - optind };
	} else if (optind < argc) {
		scx_error("unexpected argument '%s': try 'scx %s --help'", argv[optind], argv[0]);
		return SCX_STATUS_USAGE;
	}
	return -1;
}

int parse_arguments(int argc, char **argv, const char *help, const struct argument *arguments,
		    size_t nr)
{
	struct operands *operands = nr ? arguments[nr - 1].operands : NULL;
	struct option *longs = calloc(nr + 2, sizeof(*longs));
	int status;
	size_t i;

	if (!longs) {
		scx_error("out of memory");
		return SCX_STATUS_FAILED;
	}
	nr -= operands ? 1 : 0;
	for (i = 0; i < nr; i++)
		longs[i] = (struct option){ arguments[i].name,
					    arguments[i].flag ? no_argument : required_argument,
					    NULL, FIRST + i };
	longs[nr] = (struct option){ "help", no_argument, NULL, HELP };
	status = parse(argc, argv, help, arguments, longs, operands);
	free(longs);
	return status;
}
