// SPDX-License-Identifier: GPL-2.0
/* scx probe - what this kernel offers, and which schedulers it can run */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/utsname.h>
#include <sys/wait.h>

#include "arguments.h"
#include "conform_loader.h"
#include "json.h"
#include "kernel.h"
#include "kfuncs_list.h"
#include "tool.h"

const char probe_help[] =
	"Usage: scx probe [--json]\n"
	"\n"
	"What the running kernel offers sched_ext schedulers: the bound on the dispatch\n"
	"loop, operations, kfuncs (present, malformed, absent), flags, events and exit\n"
	"kinds; and which schedulers of this collection it can run. Needs no root.\n"
	"\n"
	"  --json      as one line of JSON\n"
	"  -h, --help  print this help and exit\n"
	"\n"
	"Exit status: 0 if every scheduler can run, 4 if one cannot.\n";

/* The kernel names of all kfuncs that our headers declare. */
#define KFUNC(declared, kernel) kernel,
static const char *const declared[] = { KFUNCS };

static const char *const schedulers[] = { SCX_SCHEDULERS };

#define NR(array) (sizeof(array) / sizeof((array)[0]))

/* Text is wrapped; JSON is an object's members. */
struct output {
	bool json;
	struct json out;
	int column;
	bool decimal;
	enum scx_kfunc_state wanted;
	int count;
};

static void begin_list(struct output *output, const char *key, const char *title)
{
	if (output->json) {
		json_begin_object(&output->out, key);
		return;
	}
	printf("%s:", title);
	output->column = strlen(title) + 1;
	output->count = 0;
}

static void end_list(struct output *output)
{
	if (output->json)
		json_end_object(&output->out);
	else
		puts(output->count ? "" : " none");
}

static void put_word(struct output *output, const char *word)
{
	int len = strlen(word);

	if (output->column + 1 + len > 80) {
		printf("\n   ");
		output->column = 3;
	}
	printf(" %s", word);
	output->column += 1 + len;
	output->count++;
}

static void put_enum(void *context, const char *name, u64 value)
{
	struct output *output = context;
	char word[160];

	/* Masks are not for schedulers. */
	if (!strncmp(name, "__", 2) || !strcmp(name, "SCX_OPS_ALL_FLAGS"))
		return;
	if (output->json) {
		json_number(&output->out, name, value);
		return;
	}
	snprintf(word, sizeof(word), output->decimal ? "%s=%llu" : "%s=%#llx", name, value);
	put_word(output, word);
}

static void put_member(void *context, const char *name)
{
	struct output *output = context;

	if (output->json)
		json_number(&output->out, name, 1);
	else
		put_word(output, name);
}

static void put_kfunc(void *context, const char *name, enum scx_kfunc_state state)
{
	static const char *const states[] = {
		[SCX_KFUNC_ABSENT] = "absent",
		[SCX_KFUNC_PRESENT] = "present",
		[SCX_KFUNC_MALFORMED] = "malformed",
	};
	struct output *output = context;

	if (output->json)
		json_string(&output->out, name, states[state]);
	else if (state == output->wanted)
		put_word(output, name);
}

static void put_absent(struct output *output, const struct scx_kernel *kernel)
{
	size_t i;

	for (i = 0; i < NR(declared); i++) {
		/* Only sched_ext's own: the others' absence has no rule. */
		if (!strstr(declared[i], "scx_"))
			continue;
		if (scx_kernel_kfunc(kernel, declared[i]) == SCX_KFUNC_ABSENT)
			put_kfunc(output, declared[i], SCX_KFUNC_ABSENT);
	}
}

static void put_kfuncs(struct output *output, const struct scx_kernel *kernel)
{
	if (output->json) {
		begin_list(output, "kfuncs", "");
		scx_kernel_each_kfunc(kernel, put_kfunc, output);
		put_absent(output, kernel);
		end_list(output);
		return;
	}
	begin_list(output, "", "kfuncs");
	output->wanted = SCX_KFUNC_PRESENT;
	scx_kernel_each_kfunc(kernel, put_kfunc, output);
	end_list(output);
	begin_list(output, "", "malformed kfuncs");
	output->wanted = SCX_KFUNC_MALFORMED;
	scx_kernel_each_kfunc(kernel, put_kfunc, output);
	end_list(output);
	begin_list(output, "", "absent kfuncs");
	output->wanted = SCX_KFUNC_ABSENT;
	put_absent(output, kernel);
	end_list(output);
}

/* The program of scheduler @name. */
static bool find_program(const char *name, char *path, size_t size)
{
	char program[64];

	snprintf(program, sizeof(program), "scx_%s", name);
	return !loader_find(NULL, program, path, size);
}

/* Ask the scheduler's own program. Returns its exit status and what it wrote to stderr in @said. */
static int ask_program(const char *path, char *said, size_t size)
{
	extern char **environ;
	posix_spawn_file_actions_t actions;
	char *argv[] = { (char *)path, (char *)"--probe", NULL };
	int fds[2], status, err;
	size_t len = 0;
	ssize_t n;
	pid_t pid;

	said[0] = '\0';
	if (pipe2(fds, O_CLOEXEC))
		return -errno;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, fds[1], STDERR_FILENO);
	err = posix_spawn(&pid, path, &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	close(fds[1]);
	if (err) {
		close(fds[0]);
		return -err;
	}
	while (len + 1 < size && (n = read(fds[0], said + len, size - 1 - len)) > 0)
		len += n;
	said[len] = '\0';
	close(fds[0]);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -ECHILD;
}

/* Returns how many schedulers cannot run here. */
static int put_schedulers(struct output *output)
{
	char path[PATH_MAX], said[4096];
	int unable = 0;
	size_t i;

	if (output->json)
		begin_list(output, "schedulers", "");
	for (i = 0; i < NR(schedulers); i++) {
		char *line = said, *newline;
		int status;

		if (find_program(schedulers[i], path, sizeof(path))) {
			status = ask_program(path, said, sizeof(said));
		} else {
			status = -ENOENT;
			snprintf(said, sizeof(said), "its program is not installed\n");
		}
		unable += status != 0;
		if (output->json) {
			json_begin_object(&output->out, schedulers[i]);
			json_number(&output->out, "runs", status == 0);
			if (said[0])
				json_string(&output->out, "said", said);
			json_end_object(&output->out);
			continue;
		}
		printf("scx_%s: %s\n", schedulers[i], status ? "cannot run here" : "can run");
		for (; *line; line = newline + 1) {
			newline = strchr(line, '\n');
			if (newline)
				*newline = '\0';
			printf("    %s\n", line);
			if (!newline)
				break;
		}
	}
	if (output->json)
		end_list(output);
	return unable;
}

int tool_probe(int argc, char **argv)
{
	struct output output = { 0 };
	const struct argument arguments[] = { ARGUMENT_JSON(&output.json) };
	struct scx_kernel *kernel;
	char state[32] = "unknown";
	struct utsname uts;
	int status, unable;
	bool has;
	u64 bound;

	status = parse_arguments(argc, argv, probe_help, arguments, NR(arguments));
	if (status >= 0)
		return status;

	uname(&uts);
	kernel = scx_kernel_open(NULL);
	if (!kernel) {
		scx_error("kernel %s has no BTF (CONFIG_DEBUG_INFO_BTF): no scheduler can run",
			  uts.release);
		return SCX_STATUS_UNSUPPORTED;
	}
	has = scx_kernel_has_sched_ext(kernel);
	bound = scx_kernel_loop_bound(kernel);
	scx_running_state(state, sizeof(state));

	if (output.json) {
		json_begin(&output.out, stdout);
		json_string(&output.out, "type", "probe");
		json_string(&output.out, "kernel", uts.release);
		json_number(&output.out, "sched_ext", has);
		json_string(&output.out, "state", has ? state : "absent");
		json_number(&output.out, "loop_bound", bound);
	} else {
		printf("kernel: %s\n", uts.release);
		printf("sched_ext: %s\n", has ? state : "absent");
		if (bound)
			printf("dispatch loop: bounded, %llu calls in one pass\n", bound);
		else if (has)
			puts("dispatch loop: NOT BOUNDED, a faulty scheduler can hang this kernel");
	}
	if (has) {
		begin_list(&output, "ops", "operations");
		scx_kernel_each_member(kernel, "sched_ext_ops", put_member, &output);
		end_list(&output);
		put_kfuncs(&output, kernel);
		begin_list(&output, "flags", "flags");
		scx_kernel_each_enum(kernel, "scx_ops_flags", put_enum, &output);
		end_list(&output);
		begin_list(&output, "events", "events");
		scx_kernel_each_member(kernel, "scx_event_stats", put_member, &output);
		end_list(&output);
		begin_list(&output, "exit_kinds", "exit kinds");
		output.decimal = true;
		scx_kernel_each_enum(kernel, "scx_exit_kind", put_enum, &output);
		end_list(&output);
	}
	unable = put_schedulers(&output);
	if (output.json)
		json_end(&output.out);
	scx_kernel_close(kernel);
	if (fflush(stdout) || ferror(stdout))
		return SCX_STATUS_FAILED;
	return unable ? SCX_STATUS_UNSUPPORTED : SCX_STATUS_OK;
}
