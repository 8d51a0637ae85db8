/* SPDX-License-Identifier: GPL-2.0 */
/* The subcommands of `scx`. */
#ifndef SCX_TOOL_H
#define SCX_TOOL_H

/*
 * The functions; each with its --help, of which the manual page is made, too.
 *
 * Each gets its own arguments, with argv[0] being its name, and returns an exit status (enum
 * scx_exit_status).
 */
extern const char probe_help[], status_help[], watch_help[], conform_help[];

int tool_probe(int argc, char **argv);
int tool_status(int argc, char **argv);
int tool_watch(int argc, char **argv);
int tool_conform(int argc, char **argv);

#endif /* SCX_TOOL_H */
