// SPDX-License-Identifier: GPL-2.0
/* scx - about sched_ext on this machine, whichever scheduler is running */
#include <stdio.h>
#include <string.h>

#include "log.h"
#include "tool.h"

static const struct {
	const char *name;
	const char *summary;
	int (*run)(int argc, char **argv);
} commands[] = {
	{ "status", "which scheduler is running, and whose it is", tool_status },
	{ "probe", "what this kernel offers, and which schedulers it can run", tool_probe },
	{ "watch", "how often the running scheduler's dispatch is called, live", tool_watch },
};

#define NR_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void print_help(void)
{
	size_t i;

	puts("Usage: scx COMMAND [OPTION]...\n\n"
	     "About sched_ext on this machine, whichever scheduler is running.\n\n"
	     "Commands (scx COMMAND --help tells more):");
	for (i = 0; i < NR_COMMANDS; i++)
		printf("  %-10s %s\n", commands[i].name, commands[i].summary);
	puts("\nOptions:\n"
	     "  -V, --version  print the version and exit\n"
	     "  -h, --help     print this help and exit");
}

int main(int argc, char **argv)
{
	size_t i;

	log_init("scx", false);
	if (argc < 2) {
		scx_error("which command? try 'scx --help'");
		return SCX_STATUS_USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
		print_help();
		return fflush(stdout) ? SCX_STATUS_FAILED : SCX_STATUS_OK;
	}
	if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V")) {
		printf("scx %s\n", SCX_VERSION);
		return fflush(stdout) ? SCX_STATUS_FAILED : SCX_STATUS_OK;
	}
	for (i = 0; i < NR_COMMANDS; i++)
		if (!strcmp(argv[1], commands[i].name))
			return commands[i].run(argc - 1, argv + 1);
	scx_error("unknown command '%s': try 'scx --help'", argv[1]);
	return SCX_STATUS_USAGE;
}
