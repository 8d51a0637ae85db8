// SPDX-License-Identifier: GPL-2.0
/*
 * vmforeign [twice|bare|plain|loop K] - run a scheduler that has nothing of this collection, until SIGTERM
 *
 * Prints 'ready' when it is attached, 'calls=N', the calls of its dispatch so far, at SIGUSR1 and at the
 * end. With 'twice', it is there a second time, by the same name, loaded later and refused by the kernel;
 * with 'bare' it has no dispatch; with 'plain' its programs are loaded without BTF of their own, as a loader
 * other than libbpf may do; with 'loop' its dispatch is called K times in each pass.
 */
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "foreign.skel.h"

enum how { USUAL, BARE, LOOP };

/* Called by libbpf, before it loads a program. */
static int without_btf(struct bpf_program *prog, struct bpf_prog_load_opts *opts, long cookie)
{
	(void)prog;
	(void)cookie;
	opts->prog_btf_fd = 0;
	opts->func_info_cnt = 0;
	opts->line_info_cnt = 0;
	return 0;
}

static struct foreign_bpf *load(enum how how, int loop)
{
	struct foreign_bpf *skeleton = foreign_bpf__open();

	if (!skeleton)
		return NULL;
	bpf_program__set_autoload(skeleton->progs.foreign_scheduler_asks_for_more, how == USUAL);
	bpf_program__set_autoload(skeleton->progs.foreign_loop, how == LOOP);
	bpf_program__set_autoload(skeleton->progs.foreign_enqueue, how == LOOP);
	bpf_program__set_autoload(skeleton->progs.foreign_init, how == LOOP);
	if (how == BARE)
		skeleton->struct_ops.foreign_ops->dispatch = NULL;
	if (how == LOOP) {
		skeleton->struct_ops.foreign_ops->dispatch = skeleton->progs.foreign_loop;
		skeleton->struct_ops.foreign_ops->enqueue = skeleton->progs.foreign_enqueue;
		skeleton->struct_ops.foreign_ops->init = skeleton->progs.foreign_init;
		skeleton->data->loop = loop;
	}
	return foreign_bpf__load(skeleton) ? NULL : skeleton;
}

int main(int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : "";
	bool twice = !strcmp(word, "twice");
	enum how how = !strcmp(word, "bare") ? BARE : !strcmp(word, "loop") ? LOOP : USUAL;
	LIBBPF_OPTS(libbpf_prog_handler_opts, plain, .prog_prepare_load_fn = without_btf);
	struct foreign_bpf *skeleton, *second = NULL;
	struct bpf_link *link;
	sigset_t signals;
	int number;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGUSR1);
	sigprocmask(SIG_BLOCK, &signals, NULL);

	if (!strcmp(word, "plain") &&
	    libbpf_register_prog_handler("struct_ops+", BPF_PROG_TYPE_STRUCT_OPS, 0, &plain) < 0) {
		perror("vmforeign: no handler");
		return 1;
	}
	skeleton = load(how, how == LOOP && argc > 2 ? atoi(argv[2]) : 1);
	link = skeleton ? bpf_map__attach_struct_ops(skeleton->maps.foreign_ops) : NULL;
	if (!link) {
		perror("vmforeign");
		return 1;
	}
	if (twice) {
		second = load(USUAL, 1);
		if (!second || bpf_map__attach_struct_ops(second->maps.foreign_ops)) {
			fprintf(stderr, "vmforeign: the second one was not refused\n");
			return 1;
		}
	}
	puts("ready");
	do {
		fflush(stdout);
		number = sigwaitinfo(&signals, NULL);
		printf("calls=%llu\n", (unsigned long long)skeleton->bss->calls);
	} while (number != SIGTERM);
	bpf_link__destroy(link);
	foreign_bpf__destroy(second);
	foreign_bpf__destroy(skeleton);
	return 0;
}
