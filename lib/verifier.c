// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "verifier.h"

/* BPF_LOG_STATS of the kernel: only the line with the counts. */
#define LOG_STATS 4

/*
 * Room for it, and for a line on each function that is verified by itself. A log that does not fit makes
 * the load fail.
 */
#define LOG_SIZE (16 * 1024)

struct verifier_log {
	size_t nr;
	struct {
		const char *program;
		char text[LOG_SIZE];
	} entries[];
};

struct verifier_log *verifier_watch(struct bpf_object *obj)
{
	struct verifier_log *log;
	struct bpf_program *prog;
	size_t nr = 0;

	bpf_object__for_each_program(prog, obj)
		nr++;
	log = calloc(1, sizeof(*log) + nr * sizeof(log->entries[0]));
	if (!log)
		return NULL;
	bpf_object__for_each_program(prog, obj) {
		int err;

		log->entries[log->nr].program = bpf_program__name(prog);
		err = bpf_program__set_log_buf(prog, log->entries[log->nr].text,
					       sizeof(log->entries[log->nr].text));
		if (!err)
			err = bpf_program__set_log_level(prog, LOG_STATS);
		if (err) {
			free(log);
			errno = -err;
			return NULL;
		}
		log->nr++;
	}
	return log;
}

void verifier_free(struct verifier_log *log)
{
	free(log);
}

void verifier_print(const struct verifier_log *log, const struct scx_sched *sched, bool json)
{
	size_t i;

	for (i = 0; i < log->nr; i++) {
		const char *line = log->entries[i].text;
		unsigned int insns, states, peak;
		struct json out;

		/* 7.2 has a line "insns processed N" before the one that counts. */
		while ((line = strstr(line, "processed ")) &&
		       sscanf(line,
			      "processed %u insns (limit %*u) max_states_per_insn %*u "
			      "total_states %u peak_states %u",
			      &insns, &states, &peak) != 3)
			line++;
		if (!line) {
			scx_warn("the kernel did not count for %s", log->entries[i].program);
			continue;
		}
		if (!json) {
			printf("%s: %s: %u instructions verified, %u states, %u at most at once\n",
			       sched->name, log->entries[i].program, insns, states, peak);
			continue;
		}
		json_begin(&out, stdout);
		json_string(&out, "type", "verifier");
		json_string(&out, "scheduler", sched->name);
		json_string(&out, "program", log->entries[i].program);
		json_number(&out, "insns", insns);
		json_number(&out, "states", states);
		json_number(&out, "peak_states", peak);
		json_end(&out);
	}
}
