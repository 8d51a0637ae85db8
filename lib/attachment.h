/* SPDX-License-Identifier: GPL-2.0 */
/* A scheduler in the kernel's hands: from being attached until its end is complete. */
#ifndef SCX_ATTACHMENT_H
#define SCX_ATTACHMENT_H

#include <stdbool.h>
#include <bpf/libbpf.h>
#include <scx/loader.h>

/* Zeroed, it was never attached. */
struct attachment {
	struct bpf_object *obj;
	struct bpf_link *link;
	struct scx_exit_record record; /* its kind is 0 until attachment_ended() has seen the end */
	u64 attached_ms;	       /* when it was last attached, by clock_ms(); 0: never */
	u64 ended_ms;		       /* when the end was seen; 0: not yet */
};

/*
 * attachment_attach - have the kernel enable the scheduler @obj, which is loaded
 *
 * Returns 0 or -errno; -EBUSY if there is another scheduler. The kernel may have ended it before it was
 * enabled: ask attachment_ended() after an error, too. In any case to be followed by attachment_close(),
 * before @obj is closed.
 */
int attachment_attach(struct attachment *attachment, struct bpf_object *obj);

/* attachment_ended - look whether the kernel has ended the scheduler, for whatever reason */
bool attachment_ended(struct attachment *attachment);

/*
 * attachment_detach - take the scheduler off, if the kernel has not done so, and wait for its end
 *
 * On return all tasks are back with the default scheduler and the exit record is complete. Returns 0,
 * or -ETIMEDOUT after an error message.
 */
int attachment_detach(struct attachment *attachment);

/*
 * attachment_close - forget the end, for another start; a scheduler still there is taken off without a wait
 *
 * When it was attached stays known: until the next time, attachment_uptime_ms() counts from there.
 */
void attachment_close(struct attachment *attachment);

/* attachment_uptime_ms - milliseconds from attaching to the end, or until now */
u64 attachment_uptime_ms(const struct attachment *attachment);

#endif /* SCX_ATTACHMENT_H */
