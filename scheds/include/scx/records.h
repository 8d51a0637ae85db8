/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What passes from a scheduler's BPF side to its loader: the exit record, messages, and how an arena
 * is laid out. Included by both sides; needs fixed-width types only (u32, u64 ...) and brings none.
 */
#ifndef SCX_RECORDS_H
#define SCX_RECORDS_H

#define SCX_RECORD_BT_MAX     64
#define SCX_RECORD_REASON_LEN 128
#define SCX_RECORD_MSG_LEN    1024

/* Sections and maps by which the loader finds these records in any scheduler's object. */
#define SCX_RECORD_SECTION   ".data.scx_exit"
#define SCX_DUMP_SECTION     ".data.scx_dump"
#define SCX_DUMP_LEN_SECTION ".rodata.scx_dump"
#define SCX_MESSAGES_MAP     "scx_messages"
#define SCX_STATS_MAP	     "scx_stats"
#define SCX_ARENA_MAP	     "scx_arena"

/* The exit code that scx_bpf_error() leaves where it had to do with scx_bpf_exit(). */
#define SCX_ECODE_ERROR_FALLBACK 0x5343580aLL

/* Why the kernel ended the scheduler: struct scx_exit_info, copied. Complete once kind is not 0. */
struct scx_exit_record {
	s32 kind; /* enum scx_exit_kind */
	s32 cpu;  /* where the exit was started, -1 where the kernel does not tell (before 7.2) */
	s64 code; /* SCX_ECODE_* and the scheduler's own */
	u64 time_ns; /* CLOCK_MONOTONIC, of the call of ops.exit(): the tasks are back by then */
	u32 bt_len;  /* valid entries of bt */
	u32 reserved;
	u64 bt[SCX_RECORD_BT_MAX]; /* kernel addresses, innermost first */
	char reason[SCX_RECORD_REASON_LEN];
	char msg[SCX_RECORD_MSG_LEN];
};

enum scx_message_kind {
	SCX_MESSAGE_TEXT = 0, /* for the user: text is valid */
	SCX_MESSAGE_EXIT = 1, /* the exit record is complete */
};

/* An entry of the ring buffer SCX_MESSAGES_MAP. */
struct scx_message {
	u64 time_ns; /* CLOCK_MONOTONIC */
	u32 kind;    /* enum scx_message_kind */
	u32 lost;    /* messages lost for want of room so far */
	char text[112];
};

/* Objects of one size in an arena, see arena.bpf.h. */
struct scx_slab {
	u64 base; /* address of the bitmap of objects in use, which the objects follow; 0: none yet */
	u32 nr;	  /* objects */
	u32 size;   /* bytes of one */
	u32 live;   /* objects in use */
	u32 cursor; /* word of the bitmap where one is looked for first */
};

/* Bytes of the bitmap, whole cache lines, and of all of a slab. */
#define SCX_SLAB_MAP_BYTES(nr)	 (((u64)(nr) + 511) / 512 * 64)
#define SCX_SLAB_BYTES(nr, size) (SCX_SLAB_MAP_BYTES(nr) + (u64)(nr) * (size))

#endif /* SCX_RECORDS_H */
