// SPDX-License-Identifier: GPL-2.0
#include <scx/loader.h>
#include "scx_outside.skel.h"

static const struct scx_option options[] = {
	{
		.short_name = 's',
		.long_name = "slice",
		.arg = "US",
		.help = "time slice",
		SCX_RODATA(scx_outside, slice_ns),
		SCX_RANGE(1, 1000000),
		.unit = "us",
		.scale = 1000,
	},
};

static const struct scx_sched sched = {
	.name = "outside",
	.summary = "A scheduler outside the tree.",
	.elf = scx_outside__elf_bytes,
	.options = options,
	.nr_options = sizeof(options) / sizeof(options[0]),
};

int main(int argc, char **argv)
{
	return scx_main(&sched, argc, argv);
}
