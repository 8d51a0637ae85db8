// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>

#include "tracing.h"

int tracing_attach(struct tracing *tracing, const struct bpf_object *obj)
{
	struct bpf_program *program;
	struct bpf_link *link, **links;

	bpf_object__for_each_program(program, obj) {
		if (bpf_program__type(program) != BPF_PROG_TYPE_TRACING)
			continue;
		links = realloc(tracing->links, (tracing->nr + 1) * sizeof(*links));
		if (!links)
			return -ENOMEM;
		tracing->links = links;
		link = bpf_program__attach(program);
		if (!link)
			return -errno;
		tracing->links[tracing->nr++] = link;
	}
	return 0;
}

void tracing_detach(struct tracing *tracing)
{
	while (tracing->nr)
		bpf_link__destroy(tracing->links[--tracing->nr]);
	free(tracing->links);
	tracing->links = NULL;
}
