/* SPDX-License-Identifier: GPL-2.0 */
/* Fitting a BPF object to the command line and to the kernel that is to run it. */
#ifndef SCX_ADAPT_H
#define SCX_ADAPT_H

#include <bpf/libbpf.h>
#include "kernel.h"
#include "options.h"

/*
 * adapt_object - set in @obj, which is open and not loaded, what @options say
 *
 * In the variables of the BPF side, and in struct sched_ext_ops, where flags that @kernel would refuse or
 * warn of are left out. A CPU that comes or goes after this call makes the kernel end the scheduler for
 * a restart. Returns 0 or -errno; -ENOENT if @obj is not a whole scheduler.
 */
int adapt_object(struct bpf_object *obj, const struct options *options,
		 const struct scx_kernel *kernel);

#endif /* SCX_ADAPT_H */
