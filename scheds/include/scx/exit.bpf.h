/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The exit record: ops.exit() leaves in it why the kernel ended the scheduler, the loader reports it.
 *
 *	UEI_DEFINE(uei);
 *
 *	void BPF_STRUCT_OPS(NAME_exit, struct scx_exit_info *ei)
 *	{
 *		UEI_RECORD(uei, ei);
 *	}
 */
#ifndef SCX_EXIT_BPF_H
#define SCX_EXIT_BPF_H

#include "compat.bpf.h"
#include "message.bpf.h"
#include "records.h"

/* From 7.2: a vmlinux.h of an older kernel does not have the member, so it is named here. */
struct scx_exit_info___v702 {
	s32 exit_cpu;
} __attribute__((preserve_access_index));

static __always_inline void scx_exit_record(struct scx_exit_record *rec, char *dump, u32 dump_len,
					    struct scx_exit_info *ei)
{
	struct scx_exit_info___v702 *ei_v702 = (void *)ei;
	struct scx_message msg = { .kind = SCX_MESSAGE_EXIT };
	u32 bt_len = ei->bt_len;

	bpf_probe_read_kernel_str(rec->reason, sizeof(rec->reason), ei->reason);
	bpf_probe_read_kernel_str(rec->msg, sizeof(rec->msg), ei->msg);
	if (dump_len)
		bpf_probe_read_kernel_str(dump, dump_len, ei->dump);

	/* The backtrace array is of the kernel's length, which has been 64 so far. */
	if (bt_len > SCX_RECORD_BT_MAX)
		bt_len = SCX_RECORD_BT_MAX;
	if (bpf_probe_read_kernel(rec->bt, bt_len * sizeof(rec->bt[0]), ei->bt))
		bt_len = 0;
	rec->bt_len = bt_len;

	rec->cpu = bpf_core_field_exists(ei_v702->exit_cpu) ? ei_v702->exit_cpu : -1;
	rec->code = ei->exit_code;
	rec->time_ns = bpf_ktime_get_ns();
	/*
	 * The loader may look at any time and takes a kind as the sign that all else is in place: so
	 * it goes last, by an atomic, which orders it on every architecture.
	 */
	__sync_val_compare_and_swap(&rec->kind, 0, ei->kind);

	/* Wake the loader. If the ring is full it finds the record at its next look, a second on. */
	msg.time_ns = bpf_ktime_get_ns();
	msg.lost = scx_messages_lost;
	bpf_ringbuf_output(&scx_messages, &msg, sizeof(msg), BPF_RB_FORCE_WAKEUP);
}

/*
 * UEI_DEFINE - define the exit record, one a scheduler
 *
 * The dump lies apart: the loader makes that section as large as the user asked for and puts the
 * same length into NAME_dump_len (0: no dump is kept).
 */
#define UEI_DEFINE(name)                                     \
	struct scx_exit_record name SEC(SCX_RECORD_SECTION); \
	char name##_dump[1] SEC(SCX_DUMP_SECTION);           \
	const volatile u32 name##_dump_len SEC(SCX_DUMP_LEN_SECTION)

/* UEI_RECORD - fill the exit record; from ops.exit() */
#define UEI_RECORD(name, ei) scx_exit_record(&(name), (name##_dump), (name##_dump_len), (ei))

#endif /* SCX_EXIT_BPF_H */
