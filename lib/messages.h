/* SPDX-License-Identifier: GPL-2.0 */
/* The messages of a scheduler's BPF side (scx/message.bpf.h), in the order that they were sent in. */
#ifndef SCX_MESSAGES_H
#define SCX_MESSAGES_H

#include <bpf/libbpf.h>
#include <scx/loader.h>

/* Zeroed, there are none. */
struct messages {
	struct ring_buffer *ring; /* NULL: the scheduler sends none */
	u32 lost;		  /* for want of room in it, as far as was told */
	void (*take)(void *context, u64 time_ns, const char *text);
	void *context;
};

/*
 * messages_open - have messages_consume() call @take for the messages of @obj, which is loaded
 *
 * @time_ns is when a message was sent, or 0 for one from here: that messages before the next one were
 * lost. @messages is to stay where it is until messages_close(). Returns 0, also for a scheduler that
 * sends none, or -errno.
 */
int messages_open(struct messages *messages, const struct bpf_object *obj,
		  void (*take)(void *context, u64 time_ns, const char *text), void *context);
void messages_close(struct messages *messages);

/* messages_fd - can be read from (poll) while there are messages; -1 for a scheduler that sends none */
int messages_fd(const struct messages *messages);

/* messages_consume - take all messages that are there by now, without waiting for any */
void messages_consume(struct messages *messages);

#endif /* SCX_MESSAGES_H */
