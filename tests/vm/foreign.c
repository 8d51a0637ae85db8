// SPDX-License-Identifier: GPL-2.0
/*
 * vmforeign [twice|bare] - run a scheduler that has nothing of this collection, until SIGTERM
 *
 * Prints 'ready' when it is attached, 'calls=N', the calls of its dispatch so far, at SIGUSR1 and at the
 * end. With 'twice', it is there a second time, by the same name, loaded later and refused by the kernel;
 * with 'bare' it has no dispatch.
 */
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <bpf/libbpf.h>

#include "foreign.skel.h"

static struct foreign_bpf *load(bool bare)
{
	struct foreign_bpf *skeleton = foreign_bpf__open();

	if (!skeleton)
		return NULL;
	if (bare) {
		skeleton->struct_ops.foreign_ops->dispatch = NULL;
		bpf_program__set_autoload(skeleton->progs.foreign_scheduler_asks_for_more, false);
	}
	return foreign_bpf__load(skeleton) ? NULL : skeleton;
}

int main(int argc, char **argv)
{
	bool twice = argc > 1 && !strcmp(argv[1], "twice");
	bool bare = argc > 1 && !strcmp(argv[1], "bare");
	struct foreign_bpf *skeleton, *second = NULL;
	struct bpf_link *link;
	sigset_t signals;
	int number;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGUSR1);
	sigprocmask(SIG_BLOCK, &signals, NULL);

	skeleton = load(bare);
	link = skeleton ? bpf_map__attach_struct_ops(skeleton->maps.foreign_ops) : NULL;
	if (!link) {
		perror("vmforeign");
		return 1;
	}
	if (twice) {
		second = load(false);
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
