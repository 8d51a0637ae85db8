/* SPDX-License-Identifier: GPL-2.0 */
/*
 * loader.h - the userspace side of a sched_ext scheduler
 *
 * A scheduler is a constant descriptor and one call:
 *
 *	#include <scx/loader.h>
 *	#include "scx_NAME.skel.h"
 *
 *	static const struct scx_sched sched = {
 *		.name = "NAME",
 *		.summary = "...",
 *		.elf = scx_NAME__elf_bytes,
 *	};
 *
 *	int main(int argc, char **argv)
 *	{
 *		return scx_main(&sched, argc, argv);
 *	}
 *
 * The library does the rest: options, asking the kernel, loading, attaching, statistics, messages,
 * the exit report, restarting after CPU hotplug, and the exit status. It works on the BPF object
 * inside the skeleton; of the skeleton header it takes the bytes and the types of the variables.
 * Tracing programs in the object (SEC("tp_btf/sched_switch")) are attached before the scheduler and
 * detached after it.
 */
#ifndef SCX_LOADER_H
#define SCX_LOADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* As the BPF side names them: skeletons use these in the types of the variables. */
typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef unsigned long long u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef long long s64;

#include <scx/records.h>

struct bpf_object;
struct scx_run;

/* Exit status of every scheduler. */
enum scx_exit_status {
	SCX_STATUS_OK = 0,	    /* stopped on request: signal, sysrq-S; help; version */
	SCX_STATUS_FAILED = 1,	    /* could not be loaded or attached */
	SCX_STATUS_USAGE = 2,	    /* bad options, or one that does not fit this machine */
	SCX_STATUS_EJECTED = 3,	    /* ended by the kernel for a fault */
	SCX_STATUS_UNSUPPORTED = 4, /* this kernel or machine cannot run it */
	SCX_STATUS_BUSY = 5,	    /* another scheduler is running */
};

/*
 * Options
 *
 * Short names are one letter, 0 for none; every option has a long name. Numbers are whole, decimal,
 * and checked against min and max before anything else happens.
 */
enum scx_option_type {
	SCX_OPTION_FLAG,   /* takes no argument */
	SCX_OPTION_NUMBER, /* min..max; what is stored is the argument times scale */
	SCX_OPTION_STRING, /* a const char * that points into argv */
};

/* Where the value goes. */
enum scx_option_target {
	SCX_TARGET_RODATA,     /* a const volatile variable of the BPF side, by offset */
	SCX_TARGET_VARIABLE,   /* a variable of the scheduler's own */
	SCX_TARGET_OPS_MEMBER, /* a number in struct sched_ext_ops */
	SCX_TARGET_OPS_FLAG,   /* a bit of sched_ext_ops.flags; flag options only */
	SCX_TARGET_DUMP_LEN,   /* how much of the debug dump is kept */
	SCX_TARGET_STATS,      /* the interval at which statistics are printed */
};

struct scx_option {
	char short_name;
	const char *long_name;
	const char *arg; /* what --help calls the argument, NULL for a flag */
	const char *help;
	enum scx_option_type type;
	enum scx_option_target target;
	size_t offset;	       /* SCX_TARGET_RODATA */
	size_t size;	       /* bytes: SCX_TARGET_RODATA, SCX_TARGET_VARIABLE */
	void *variable;	       /* SCX_TARGET_VARIABLE: bool, a number of size bytes, const char * */
	const char *member;    /* SCX_TARGET_OPS_MEMBER */
	u64 flag;	       /* SCX_TARGET_OPS_FLAG */
	const char *unit;      /* of the argument, for --help and messages */
	s64 min, max;	       /* of the argument */
	s64 scale;	       /* argument times this is stored; 0 counts as 1 */
	bool needs_loop_bound; /* may hang a kernel that does not bound its dispatch loop */
	bool hidden;	       /* not in --help: for tests */
	const char *needs;     /* long name of the option without which this one has no effect */
};

/* A const volatile variable @var in the BPF side of the skeleton @skel (scx_NAME). */
#define SCX_RODATA(skel, var)                                                        \
	.target = SCX_TARGET_RODATA, .offset = offsetof(struct skel##__rodata, var), \
	.size = sizeof(((struct skel##__rodata *)0)->var)
/* A variable of the scheduler's userspace side. */
#define SCX_VARIABLE(var)    .target = SCX_TARGET_VARIABLE, .variable = &(var), .size = sizeof(var)
#define SCX_OPS_MEMBER(name) .target = SCX_TARGET_OPS_MEMBER, .member = #name
#define SCX_OPS_FLAG(bit)    .target = SCX_TARGET_OPS_FLAG, .flag = (bit)
#define SCX_RANGE(low, high) .type = SCX_OPTION_NUMBER, .min = (low), .max = (high)

/* Bits of sched_ext_ops.flags for SCX_OPS_FLAG(). */
#define SCX_OPS_SWITCH_PARTIAL_FLAG	    (1ULL << 3)
#define SCX_OPS_ENQ_MIGRATION_DISABLED_FLAG (1ULL << 4)
#define SCX_OPS_HAS_CGROUP_WEIGHT_FLAG	    (1ULL << 16)

/* The common option --exit-dump-len, with a short name of the scheduler's own. */
#define SCX_EXIT_DUMP_LEN_OPTION(letter)                                                           \
	{                                                                                          \
		.short_name = (letter),                                                            \
		.long_name = "exit-dump-len",                                                      \
		.arg = "BYTES",                                                                    \
		.help = "keep so much of the kernel's debug dump for the exit report, 0 for none", \
		SCX_RANGE(0, 16 << 20),                                                            \
		.unit = "bytes",                                                                   \
		.target = SCX_TARGET_DUMP_LEN,                                                     \
	}

/* The common option --stats, with a short name of the scheduler's own. */
#define SCX_STATS_OPTION(letter)                              \
	{                                                     \
		.short_name = (letter),                       \
		.long_name = "stats",                         \
		.arg = "SEC",                                 \
		.help = "print statistics every SEC seconds", \
		SCX_RANGE(1, 86400),                          \
		.unit = "seconds",                            \
		.target = SCX_TARGET_STATS,                   \
	}

/* -p: all other tasks stay where they are. */
#define SCX_PARTIAL_OPTION                                               \
	{                                                                \
		.short_name = 'p',                                       \
		.long_name = "partial",                                  \
		.help = "schedule only tasks with the policy SCHED_EXT", \
		SCX_OPS_FLAG(SCX_OPS_SWITCH_PARTIAL_FLAG),               \
	}

/* The option --slice, for a u64 @var of nanoseconds in the BPF side; from @least us to 10 s. */
#define SCX_SLICE_OPTION(letter, skel, var, least, text) \
	{                                                \
		.short_name = (letter),                  \
		.long_name = "slice",                    \
		.arg = "US",                             \
		.help = (text),                          \
		SCX_RODATA(skel, var),                   \
		SCX_RANGE(least, 10 * 1000 * 1000),      \
		.unit = "us",                            \
		.scale = 1000,                           \
	}

/*
 * Statistics: the line with index i explains counter i of the BPF side's SCX_STATS_DEFINE(), summed
 * over the CPUs. Names are lower case with underscores: JSON keys and OpenMetrics names.
 */
struct scx_stat {
	const char *name;
	const char *unit; /* "tasks", "calls", "ns" ... */
	const char *help;
	bool gauge; /* goes up and down; a counter otherwise */
};

/* A kfunc that the scheduler cannot do without, or (without is set) what is missing when it is. */
struct scx_kfunc {
	const char *name;
	const char *also;    /* does as well: the same kfunc under another name */
	const char *without; /* NULL: essential */
};

/* For who needs it for scx_kick_unless_selected() (idle.bpf.h) alone. */
#define SCX_KFUNC_KICK_CPU                                                          \
	{                                                                           \
		.name = "scx_bpf_kick_cpu",                                         \
		.without = "an idle CPU is not woken for a task whose slice ended", \
	}

/* What the hook check_options() returns when there is nothing left to do. */
#define SCX_DONE 1

struct scx_sched {
	const char *name;		  /* sched_ext_ops.name: the program is scx_NAME */
	const char *summary;		  /* one line, for --help */
	const char *description;	  /* a paragraph or more, for --help; may be NULL */
	const void *(*elf)(size_t *size); /* scx_NAME__elf_bytes of the skeleton */
	const struct scx_option *options;
	size_t nr_options;
	const struct scx_stat *stats;
	size_t nr_stats;
	const struct scx_kfunc *kfuncs;
	size_t nr_kfuncs;
	/* It has cgroup callbacks: a kernel without them (CONFIG_EXT_GROUP_SCHED) cannot run it. */
	bool needs_cgroups;

	/* Hooks, each optional. They return 0 or -errno after an error message of their own. */

	/*
	 * The command line is parsed and the variables of SCX_VARIABLE() are set; nothing was asked of
	 * the kernel. With -EINVAL, the options are bad together (exit status 2). With SCX_DONE, they
	 * asked for something that needs no kernel, such as a list, and that is printed: the end.
	 */
	int (*check_options)(struct scx_run *run);
	/*
	 * The kernel can run the scheduler: also with these options? With -EOPNOTSUPP, it cannot (exit
	 * status 4). Called for --probe too.
	 */
	int (*check_kernel)(struct scx_run *run);
	/*
	 * The options are set, nothing is loaded: last changes to the object. With -EOPNOTSUPP, this
	 * kernel or machine cannot run the scheduler (exit status 4); with -ERANGE, the value of an
	 * option does not fit this machine (exit status 2).
	 */
	int (*prepare)(struct scx_run *run);
	/*
	 * All is loaded and about to be attached: from this call's end on the kernel may call the
	 * scheduler. For what has to be there then, such as a thread that takes part in it.
	 */
	int (*start)(struct scx_run *run);
	/*
	 * The scheduler is off, or never came on; the object is still there. Called once for each
	 * start(), also for one that failed, and before a next one.
	 */
	void (*stop)(struct scx_run *run);
	/* Called each second while the scheduler runs. */
	int (*each_second)(struct scx_run *run);
	/* More lines for the exit report, by scx_run_print(). */
	void (*report)(struct scx_run *run);
};

/*
 * scx_main - run @sched as the options in @argv say
 *
 * Returns an enum scx_exit_status, for main() to return. Prints to stdout what was asked for, and
 * errors, warnings and the exit report to stderr.
 */
int scx_main(const struct scx_sched *sched, int argc, char **argv);

/* For hooks. */

/* scx_run_object - the BPF object, to find maps and programs by name */
struct bpf_object *scx_run_object(const struct scx_run *run);

/*
 * scx_run_rodata - the BPF side's const volatile variables
 *
 * To be used as struct scx_NAME__rodata *; only to be read once it is loaded. NULL if there are none.
 */
void *scx_run_rodata(const struct scx_run *run);

/*
 * scx_run_bss - copy the BPF side's global variables that start as zero
 *
 * @bss is a struct scx_NAME__bss of @size bytes. Returns 0; -ENOENT if the object has none, -EINVAL if it
 * has fewer bytes, or what the kernel says, as before it is loaded.
 */
int scx_run_bss(const struct scx_run *run, void *bss, size_t size);

/*
 * scx_run_set_ops - set the number @member of struct sched_ext_ops; in prepare()
 *
 * A callback can be set to 0: then it is neither loaded nor known to the kernel. Returns 0; -ENOENT if the
 * object has no such member, -EINVAL if the value does not fit it or it is no number of 4 or 8 bytes.
 *
 * scx_run_get_ops - what it is, options considered; -ENOENT and -EINVAL as there
 */
int scx_run_set_ops(struct scx_run *run, const char *member, u64 value);
int scx_run_get_ops(const struct scx_run *run, const char *member, u64 *value);

/*
 * scx_run_stat - the sum of counter @index over the CPUs, as last read
 *
 * 0 where there is none: before it was read first, or beyond the last counter.
 */
s64 scx_run_stat(const struct scx_run *run, unsigned int index);

/*
 * scx_check_cpu - can @cpu play a part of its own?
 *
 * It must be one that the machine has, online, and in the cpuset of this process. @role completes
 * "CPU 3 cannot be ...". For prepare(), which is called again when the scheduler starts again after
 * hotplug. Returns 0, or after an error message -ENODEV (the machine has none of that number), -ENXIO (it
 * is offline) or -EPERM (not in the cpuset).
 */
int scx_check_cpu(u32 cpu, const char *role);

/*
 * scx_online_cpus - which CPUs are online
 *
 * Fills @cpus, which has room for @size, in ascending order. Returns how many there are, which may be
 * more than @size, or -errno.
 */
int scx_online_cpus(u32 *cpus, size_t size);

/* scx_now_ns - nanoseconds by the clock of the BPF side's bpf_ktime_get_ns() */
u64 scx_now_ns(void);

/* scx_run_json - was --json given? */
bool scx_run_json(const struct scx_run *run);

/* scx_run_release - the running kernel's version, as uname tells it; from check_kernel() on */
const char *scx_run_release(const struct scx_run *run);

/*
 * What the running kernel has, by its BTF; from check_kernel() on.
 *
 * scx_run_kernel_func - is there a function @name, and if it is a kfunc, can it be called?
 * scx_run_kernel_member - does the structure @type have @member?
 */
bool scx_run_kernel_func(const struct scx_run *run, const char *name);
bool scx_run_kernel_member(const struct scx_run *run, const char *type, const char *member);

/*
 * scx_run_may_lose - the running kernel would be lost: for check_kernel() to return
 *
 * The words complete "kernel 6.12 @why, and with @with would @loss". Returns -EOPNOTSUPP after an error
 * message, or 0 after a warning if --force was given.
 *
 * scx_run_check_loop_bound - the same, if the kernel does not bound its dispatch loop; 0 if it does
 */
int scx_run_may_lose(const struct scx_run *run, const char *why, const char *loss,
		     const char *with);
int scx_run_check_loop_bound(const struct scx_run *run, const char *with);

/*
 * scx_run_print - a line for the user, as text or JSON as asked for
 *
 * At most 511 bytes, the rest is cut. As text, what is no printable ASCII becomes '?'.
 */
void scx_run_print(const struct scx_run *run, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * scx_print_wrapped - words on lines of 80 columns, as --help has them
 *
 * @text begins at column @from, on the line that has come to @column; so do its next lines. A newline ends
 * it.
 */
void scx_print_wrapped(FILE *file, const char *text, int column, int from);

/* A named value: @text, or @number where that is NULL. */
struct scx_field {
	const char *name;
	const char *text;
	s64 number;
};

/*
 * scx_run_print_fields - a line of named values
 *
 * As JSON an object with that type ("task"), the scheduler's name and, while it runs or when it has
 * ended, its uptime; as text "NAME: TYPE FIELD=VALUE ...", where bytes of a
 * value that are no printable ASCII become '?'.
 */
void scx_run_print_fields(const struct scx_run *run, const char *type,
			  const struct scx_field *fields, size_t nr);

/*
 * scx_run_size_map - give the BPF map @name room for @entries (of a ring buffer: bytes); in prepare()
 *
 * Returns 0, or -errno after an error message: -ENOENT if there is no such map, -EBUSY if it is too late.
 */
int scx_run_size_map(struct scx_run *run, const char *name, u32 entries);

/*
 * scx_run_size_arena - size the arena (arena.bpf.h) for one allocation of @bytes; in prepare()
 *
 * Returns the pages to allocate on the BPF side, or -errno after an error message: -EOPNOTSUPP where
 * the JIT of this architecture knows no arenas.
 */
s32 scx_run_size_arena(struct scx_run *run, u64 bytes);

/* scx_error, scx_warn - a line on stderr that starts with the program's name */
void scx_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void scx_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif /* SCX_LOADER_H */
