/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Messages for the user, which the loader prints, instead of the tracing pipe that nobody reads.
 */
#ifndef SCX_MESSAGE_BPF_H
#define SCX_MESSAGE_BPF_H

#include "compat.bpf.h"
#include "records.h"

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 64 * 1024);
} scx_messages SEC(".maps");

/* Only ever added to. A lost update among CPUs would miscount what is lost already: harmless. */
u32 scx_messages_lost;

static __always_inline void scx_message_bstr(char *fmt, unsigned long long *data, u32 size)
{
	struct scx_message *msg;

	msg = bpf_ringbuf_reserve(&scx_messages, sizeof(*msg), 0);
	if (!msg) {
		scx_messages_lost++;
		return;
	}
	msg->time_ns = bpf_ktime_get_ns();
	msg->kind = SCX_MESSAGE_TEXT;
	msg->lost = scx_messages_lost;
	msg->text[0] = '\0';
	bpf_snprintf(msg->text, sizeof(msg->text), fmt, data, size);
	bpf_ringbuf_submit(msg, 0);
}

/*
 * scx_message - print a line of up to 111 characters on the loader's side
 *
 * From any callback; never blocks. When the loader does not get to run, which a scheduler's fault
 * can bring about, the ring fills up and further messages are counted as lost.
 */
#define scx_message(fmt, args...) SCX_BSTR(static const char, scx_message_bstr, fmt, ##args)

#endif /* SCX_MESSAGE_BPF_H */
