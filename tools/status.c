// SPDX-License-Identifier: GPL-2.0
/* scx status - which scheduler is running, and whose it is */
#include <stdio.h>

#include "arguments.h"
#include "json.h"
#include "kernel.h"
#include "running.h"
#include "tool.h"

const char status_help[] =
	"Usage: scx status [--json]\n"
	"\n"
	"Which sched_ext scheduler is running, and which process holds it.\n"
	"\n"
	"  --json      as one line of JSON\n"
	"  -h, --help  print this help and exit\n"
	"\n"
	"Exit status: 0, also when none is running; 4 if the kernel has no sched_ext.\n";

int tool_status(int argc, char **argv)
{
	char state[32], name[128] = "", comm[32] = "";
	bool json = false;
	const struct argument arguments[] = { ARGUMENT_JSON(&json) };
	struct json out;
	pid_t pid = 0;
	int status;

	status = parse_arguments(argc, argv, status_help, arguments, 1);
	if (status >= 0)
		return status;
	if (scx_running_state(state, sizeof(state))) {
		scx_error("this kernel has no sched_ext");
		return SCX_STATUS_UNSUPPORTED;
	}
	if (!scx_running_ops(name, sizeof(name)))
		pid = scx_running_process(comm, sizeof(comm));

	if (json) {
		json_begin(&out, stdout);
		json_string(&out, "type", "status");
		json_string(&out, "state", state);
		if (name[0])
			json_string(&out, "scheduler", name);
		if (pid) {
			json_number(&out, "pid", pid);
			json_string(&out, "program", comm);
		}
		json_end(&out);
	} else if (pid) {
		printf("%s: '%s', started by %s, process %d\n", state, name, comm, pid);
	} else if (name[0]) {
		/* Only root sees other users' open files. */
		printf("%s: '%s'\n", state, name);
	} else {
		printf("%s\n", state);
	}
	return fflush(stdout) || ferror(stdout) ? SCX_STATUS_FAILED : SCX_STATUS_OK;
}
