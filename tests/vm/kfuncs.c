// SPDX-License-Identifier: GPL-2.0
/*
 * Are the kfuncs declared as the kernel has them? libbpf takes a weak kfunc with another prototype
 * than the kernel's for absent, silently: a wrong type in a declaration loses a function for good.
 */
#include <stdio.h>
#include <string.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "kernel.h"
#include "kfuncs_list.h"
#include "kfuncs.skel.h"

static const struct {
	const char *declared;
	const char *kernel;
} kfuncs[NR_KFUNCS] = {
#define KFUNC(declared_, kernel_) { #declared_, kernel_ },
	KFUNCS
#undef KFUNC
};

/*
 * Declarations that are right not to match on some kernels, where the same name has another
 * prototype: from a kernel to the last one before the next.
 *
 * So far there is none: where a prototype changed, the kernel changed the name with it.
 */
static const char *const other_prototype[] = {
	NULL,
};

static bool may_differ(const char *declared)
{
	size_t i;

	for (i = 0; other_prototype[i]; i++)
		if (!strcmp(other_prototype[i], declared))
			return true;
	return false;
}

int main(void)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	struct scx_kernel *kernel = scx_kernel_open(NULL);
	struct kfuncs_bpf *skeleton = kfuncs_bpf__open_and_load();
	int failed = 0, found = 0;
	size_t i;

	if (!kernel || !skeleton) {
		puts("Bail out! cannot read the kernel's BTF or load the BPF program");
		return 1;
	}
	if (bpf_prog_test_run_opts(bpf_program__fd(skeleton->progs.look), &opts) ||
	    opts.retval != NR_KFUNCS) {
		puts("Bail out! the BPF program did not run");
		return 1;
	}
	for (i = 0; i < NR_KFUNCS; i++) {
		enum scx_kfunc_state state = scx_kernel_kfunc(kernel, kfuncs[i].kernel);
		bool resolved = skeleton->bss->resolved[i], good;
		const char *is = state == SCX_KFUNC_PRESENT   ? "present" :
				 state == SCX_KFUNC_MALFORMED ? "malformed" :
								"absent";

		good = state == SCX_KFUNC_PRESENT ? resolved : !resolved;
		if (state != SCX_KFUNC_ABSENT && may_differ(kfuncs[i].declared))
			good = !resolved;
		found += resolved;
		failed += !good;
		printf("%sok %zu - %s: %s in the kernel%s\n", good ? "" : "not ", i + 1,
		       kfuncs[i].declared, is, resolved ? ", resolved" : "");
	}
	/* None at all would satisfy each test above on a kernel without BTF of functions. */
	failed += found < NR_KFUNCS / 2;
	printf("%sok %d - %d of %d are there\n", found < NR_KFUNCS / 2 ? "not " : "", NR_KFUNCS + 1,
	       found, NR_KFUNCS);
	printf("1..%d\n", NR_KFUNCS + 1);
	kfuncs_bpf__destroy(skeleton);
	scx_kernel_close(kernel);
	return failed ? 1 : 0;
}
