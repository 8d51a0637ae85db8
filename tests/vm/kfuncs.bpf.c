// SPDX-License-Identifier: GPL-2.0
/* Notes which of the kfuncs declared in kfuncs.bpf.h libbpf found in the running kernel. */
#include <scx/kfuncs.bpf.h>
#include "kfuncs_list.h"

char _license[] SEC("license") = "GPL";

u8 resolved[NR_KFUNCS];

/* A function each: in one, the compiler would have more addresses at once than the stack has room for. */
#define KFUNC(declared, kernel)                     \
	static __noinline bool has_##declared(void) \
	{                                           \
		return bpf_ksym_exists(declared);   \
	}
KFUNCS
#undef KFUNC

SEC("syscall")
int look(void *ctx)
{
	u32 i = 0;

#define KFUNC(declared, kernel) resolved[i++] = has_##declared();
	KFUNCS
#undef KFUNC
	return i;
}
