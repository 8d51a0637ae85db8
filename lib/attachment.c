// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <string.h>
#include <time.h>

#include "attachment.h"
#include "clock.h"
#include "kernel.h"
#include "object.h"

/* How long a detached scheduler may take to be gone. */
#define DISABLE_WAIT_MS 10000

int attachment_attach(struct attachment *attachment, struct bpf_object *obj)
{
	attachment->obj = obj;
	attachment->attached_ms = clock_ms();
	attachment->link = bpf_map__attach_struct_ops(object_ops(obj));
	return attachment->link ? 0 : -errno;
}

bool attachment_ended(struct attachment *attachment)
{
	struct scx_exit_record record;

	if (attachment->record.kind)
		return true;
	if (object_read(attachment->obj, SCX_RECORD_SECTION, &record, sizeof(record)) ||
	    !record.kind)
		return false;
	attachment->record = record;
	attachment->ended_ms = clock_ms();
	return true;
}

int attachment_detach(struct attachment *attachment)
{
	struct timespec pause = { 0, 10 * 1000000 };
	u64 deadline;
	char state[32];

	bpf_link__destroy(attachment->link);
	attachment->link = NULL;
	deadline = clock_ms() + DISABLE_WAIT_MS;
	while (!attachment_ended(attachment) ||
	       (!scx_running_state(state, sizeof(state)) && !strcmp(state, "disabling"))) {
		if (clock_ms() > deadline) {
			scx_error(
				"the kernel has not ended the scheduler %d s after it was asked to",
				DISABLE_WAIT_MS / 1000);
			return -ETIMEDOUT;
		}
		nanosleep(&pause, NULL);
	}
	return 0;
}

void attachment_close(struct attachment *attachment)
{
	bpf_link__destroy(attachment->link);
	*attachment = (struct attachment){ .attached_ms = attachment->attached_ms };
}

u64 attachment_uptime_ms(const struct attachment *attachment)
{
	return (attachment->ended_ms ? attachment->ended_ms : clock_ms()) - attachment->attached_ms;
}
