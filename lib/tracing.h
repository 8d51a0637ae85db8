/* SPDX-License-Identifier: GPL-2.0 */
/* The tracing programs that a scheduler has beside its callbacks: SEC("tp_btf/sched_switch"). */
#ifndef SCX_TRACING_H
#define SCX_TRACING_H

#include <stddef.h>
#include <bpf/libbpf.h>

/* Those that are attached. Zeroed, it has none. */
struct tracing {
	struct bpf_link **links;
	size_t nr;
};

/*
 * tracing_attach - attach the tracing programs of @obj, which is loaded
 *
 * Returns 0, also if there are none, or -errno. In any case to be undone by tracing_detach(), before
 * @obj is closed.
 */
int tracing_attach(struct tracing *tracing, const struct bpf_object *obj);
void tracing_detach(struct tracing *tracing);

#endif /* SCX_TRACING_H */
