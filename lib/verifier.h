/* SPDX-License-Identifier: GPL-2.0 */
/* What verifying each program cost the kernel, to see a change that explodes one of them. */
#ifndef SCX_VERIFIER_H
#define SCX_VERIFIER_H

#include <stdbool.h>
#include <bpf/libbpf.h>
#include <scx/loader.h>

struct verifier_log;

/*
 * verifier_watch - have the kernel count for every program of @obj, before it is loaded
 *
 * Returns NULL with errno set. To be freed after the object is closed.
 */
struct verifier_log *verifier_watch(struct bpf_object *obj);
void verifier_free(struct verifier_log *log);

/* verifier_print - a line a program of the loaded object, as text or JSON */
void verifier_print(const struct verifier_log *log, const struct scx_sched *sched, bool json);

#endif /* SCX_VERIFIER_H */
