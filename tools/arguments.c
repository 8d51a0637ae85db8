// SPDX-License-Identifier: GPL-2.0
#include <getopt.h>
#include <stdio.h>

#include "arguments.h"
#include <scx/loader.h>

int parse_arguments(int argc, char **argv, const char *help, bool *json)
{
	static const struct option longs[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int letter;

	opterr = 0;
	while ((letter = getopt_long(argc, argv, "h", longs, NULL)) != -1) {
		switch (letter) {
		case 'j':
			*json = true;
			break;
		case 'h':
			fputs(help, stdout);
			return fflush(stdout) ? SCX_STATUS_FAILED : SCX_STATUS_OK;
		default:
			if (optopt > 0 && optopt < 128)
				scx_error("unknown option '-%c': try 'scx %s --help'", optopt,
					  argv[0]);
			else
				scx_error("unknown option '%s': try 'scx %s --help'",
					  argv[optind - 1], argv[0]);
			return SCX_STATUS_USAGE;
		}
	}
	if (optind < argc) {
		scx_error("unexpected argument '%s': try 'scx %s --help'", argv[optind], argv[0]);
		return SCX_STATUS_USAGE;
	}
	return -1;
}
