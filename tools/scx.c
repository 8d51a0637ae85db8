// SPDX-License-Identifier: GPL-2.0
/* scx - about sched_ext on this machine, whichever scheduler is running */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "log.h"
#include "man.h"
#include "tool.h"

static const struct {
	const char *name;
	const char *summary;
	const char *help;
	int (*run)(int argc, char **argv);
} commands[] = {
	{ "status", "which scheduler is running, and whose it is", status_help, tool_status },
	{ "probe", "what this kernel offers, and which schedulers it can run", probe_help,
	  tool_probe },
	{ "watch", "how often the running scheduler's dispatch is called, live", watch_help,
	  tool_watch },
	{ "conform", "whether this kernel does about faulty schedulers what it should",
	  conform_help, tool_conform },
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

/* --man, for the build: not in --help. */
static void print_man(void)
{
	size_t i;

	/* No date: two builds of one commit are identical. */
	printf(".TH SCX 8 \"\" \"scx\\-c\\-schedulers %s\"\n", SCX_VERSION);
	puts(".SH NAME\nscx \\- about sched_ext, whichever scheduler is running\n"
	     ".SH SYNOPSIS\n.B scx\n\\fICOMMAND\\fR [\\fIOPTION\\fR]...\n"
	     ".SH COMMANDS");
	for (i = 0; i < NR_COMMANDS; i++) {
		printf(".TP\n.B %s\n", commands[i].name);
		man_put_text(commands[i].summary, stdout);
		puts("");
	}
	/* As it is typed and set: line by line. */
	for (i = 0; i < NR_COMMANDS; i++) {
		printf(".SH scx %s\n.nf\n", commands[i].name);
		man_put_text(commands[i].help, stdout);
		puts(".fi");
	}
	puts(".SH SEE ALSO\n.BR scx_simple (8)");
}

int main(int argc, char **argv)
{
	size_t i;

	log_init("scx", false);
	/* Who ignores the end of children cannot wait for them, and it is handed down. */
	signal(SIGCHLD, SIG_DFL);
	if (argc < 2) {
		scx_error("which command? try 'scx --help'");
		return SCX_STATUS_USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
		print_help();
		return fflush(stdout) ? SCX_STATUS_FAILED : SCX_STATUS_OK;
	}
	if (!strcmp(argv[1], "--man")) {
		print_man();
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
