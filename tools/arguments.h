/* SPDX-License-Identifier: GPL-2.0 */
/* Options of subcommands that have no more than --json and --help. */
#ifndef SCX_ARGUMENTS_H
#define SCX_ARGUMENTS_H

#include <stdbool.h>

/*
 * parse_arguments - parse @argv of the subcommand argv[0]
 *
 * Stores whether --json was given in *@json. Returns -1 to go on, or the exit status to end with:
 * after --help, for which @help is printed, or after an error.
 */
int parse_arguments(int argc, char **argv, const char *help, bool *json);

#endif /* SCX_ARGUMENTS_H */
