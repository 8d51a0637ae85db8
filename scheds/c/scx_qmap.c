// SPDX-License-Identifier: GPL-2.0
#include <string.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <scx/loader.h>
#include "scx_qmap.h"
#include "scx_qmap.skel.h"

static u32 queue_len;
static bool print_dsqs_and_events;

#define INJECTOR_RANGE SCX_RANGE(1, UINT32_MAX)

static const struct scx_option options[] = {
	SCX_SLICE_OPTION('s', scx_qmap, slice_ns, 1, "time slice"),
	{
		.short_name = 'e',
		.long_name = "error-after",
		.arg = "COUNT",
		.help = "report an error to the kernel after COUNT enqueues",
		SCX_RODATA(scx_qmap, error_after),
		INJECTOR_RANGE,
		.unit = "enqueues",
	},
	{
		.short_name = 't',
		.long_name = "stall-user",
		.arg = "COUNT",
		.help = "never dispatch every COUNTth user thread that is enqueued",
		SCX_RODATA(scx_qmap, stall_user_nth),
		INJECTOR_RANGE,
		.unit = "enqueues",
	},
	{
		.short_name = 'T',
		.long_name = "stall-kernel",
		.arg = "COUNT",
		.help = "never dispatch every COUNTth kernel thread that is enqueued (but for workers of unbound "
			"workqueues, which run the kernel's watchdog)",
		SCX_RODATA(scx_qmap, stall_kernel_nth),
		INJECTOR_RANGE,
		.unit = "enqueues",
	},
	{
		.short_name = 'l',
		.long_name = "loop-after",
		.arg = "COUNT",
		.help = "after COUNT dispatches, dispatch nothing but kthreadd, which sleeps: an endless dispatch "
			"loop. The machine needs load, or COUNT is never reached",
		SCX_RODATA(scx_qmap, dsp_inf_loop_after),
		INJECTOR_RANGE,
		.unit = "dispatches",
		.needs_loop_bound = true,
	},
	{
		.short_name = 'b',
		.long_name = "batch",
		.arg = "COUNT",
		.help = "dispatch COUNT tasks at once",
		SCX_RODATA(scx_qmap, dsp_batch),
		SCX_RANGE(1, 1024),
		.unit = "tasks",
	},
	{
		.short_name = 'P',
		.long_name = "print",
		.help = "print the shared DSQ, the queues and the kernel's event counters each second",
		SCX_VARIABLE(print_dsqs_and_events),
	},
	{
		.short_name = 'M',
		.long_name = "messages",
		.help = "print messages for debugging: tasks that come, overtake, or change CPU",
		SCX_RODATA(scx_qmap, print_msgs),
	},
	{
		.short_name = 'H',
		.long_name = "boost",
		.help = "let tasks with nice -20 overtake in the shared DSQ",
		.needs = "batch",
		SCX_RODATA(scx_qmap, highpri_boosting),
	},
	{
		.short_name = 'd',
		.long_name = "disallow",
		.arg = "PID",
		.help = "leave process PID to the default scheduler (-1: this program itself), with -p",
		SCX_RODATA(scx_qmap, disallow_tgid),
		SCX_RANGE(-1, 1 << 22),
		.needs = "partial",
	},
	SCX_EXIT_DUMP_LEN_OPTION('D'),
	{
		.short_name = 'S',
		.long_name = "suppress-dump",
		.help = "add nothing of the scheduler's own to the debug dump",
		SCX_RODATA(scx_qmap, suppress_dump),
	},
	SCX_PARTIAL_OPTION,
	{
		.long_name = "queue-len",
		.arg = "COUNT",
		.help = "length of each of the five queues [default: 4096]; what finds its queue full waits in a "
			"DSQ for its turn, one task a round",
		SCX_VARIABLE(queue_len),
		SCX_RANGE(1, 1 << 20),
		.unit = "tasks",
	},
};

static const struct scx_stat stats[QMAP_NR_STATS] = {
	[QMAP_STAT_ENQUEUED] = { "enqueued", "tasks", "tasks handed to the scheduler" },
	[QMAP_STAT_LOCAL] = { "local", "tasks",
			      "of these, sent to an idle CPU, or to theirs as its kernel threads" },
	[QMAP_STAT_QUEUED] = { "queued", "tasks", "of these, put into a queue" },
	[QMAP_STAT_OVERFLOWED] = { "overflowed", "tasks",
				   "of these, put into a DSQ because their queue was full" },
	[QMAP_STAT_STALLED] = { "stalled", "tasks", "of these, dropped by -t or -T" },
	[QMAP_STAT_DISPATCHED] = { "dispatched", "tasks", "tasks dispatched from a queue" },
	[QMAP_STAT_DEQUEUED] = { "dequeued", "tasks",
				 "tasks that the kernel took back from a queue" },
	[QMAP_STAT_STALE] = { "stale", "entries",
			      "entries taken out whose task had been taken back" },
	[QMAP_STAT_BATCHES] = { "batches", "calls",
				"calls of dispatch that dispatched from a queue" },
	[QMAP_STAT_HANDED_OVER] = { "handed_over", "tasks",
				    "dispatched tasks that another CPU had to run" },
	[QMAP_STAT_BOOSTED] = { "boosted", "tasks", "tasks with nice -20 that overtook (-H)" },
	[QMAP_STAT_CORE_SCHED] = { "core_sched", "tasks",
				   "tasks taken back to run by core scheduling" },
	[QMAP_STAT_CPUPERF] = { "cpuperf", "calls", "performance targets set" },
	[QMAP_STAT_LOOP_CALLS] = { "loop_calls", "calls", "calls of dispatch after -l fired" },
	[QMAP_STAT_WAITING0] = { "waiting0", "tasks", "waiting in the queue for weights up to 25",
				 true },
	[QMAP_STAT_WAITING0 + 1] = { "waiting1", "tasks", "waiting, weights up to 50", true },
	[QMAP_STAT_WAITING0 + 2] = { "waiting2", "tasks", "waiting, weights below 200", true },
	[QMAP_STAT_WAITING0 + 3] = { "waiting3", "tasks", "waiting, weights below 400", true },
	[QMAP_STAT_WAITING0 + 4] = { "waiting4", "tasks", "waiting, weights from 400", true },
};

static const struct scx_kfunc kfuncs[] = {
	{ .name = "scx_bpf_select_cpu_dfl" },
	{ .name = "scx_bpf_dsq_insert", .also = "scx_bpf_dispatch" },
	{ .name = "scx_bpf_create_dsq",
	  .without = "the global DSQ is used in its place, -H and -P's DSQ have no effect" },
	{ .name = "scx_bpf_pick_idle_cpu",
	  .without = "idle CPUs are not looked for when a slice ends" },
	{ .name = "scx_bpf_test_and_clear_cpu_idle",
	  .without = "a task bound to one CPU waits in a queue even if that is idle" },
	{ .name = "scx_bpf_cpuperf_set", .without = "CPUs are given no performance targets" },
	SCX_KFUNC_KICK_CPU,
};

/* The lengths and the batch size are not variables of the BPF side alone. */
static int prepare(struct scx_run *run)
{
	struct scx_qmap__rodata *rodata = scx_run_rodata(run);
	char name[16];
	int err, i;

	if (rodata->disallow_tgid == -1)
		rodata->disallow_tgid = getpid();

	for (i = 0; queue_len && i < QMAP_NR_QUEUES; i++) {
		snprintf(name, sizeof(name), "queue%d", i);
		err = scx_run_size_map(run, name, queue_len);
		if (err)
			return err;
	}

	/* The kernel's buffer has 32 places; a larger batch would overflow it. */
	if (rodata->dsp_batch <= 32)
		return 0;
	err = scx_run_set_ops(run, "dispatch_max_batch", rodata->dsp_batch);
	if (err)
		scx_error("cannot set the batch size: %s", strerror(-err));
	return err;
}

/* Tell how far -l is: until it fires nothing is to be seen, and on an idle machine it never does. */
static void report_injector(struct scx_run *run, u32 loop_after)
{
	struct scx_qmap__bss bss;
	u64 left;

	if (scx_run_bss(run, &bss, sizeof(bss)))
		return;
	/* It fires with the call after the last one, which may have dispatched a whole batch. */
	left = bss.nr_dispatches < loop_after ? loop_after - bss.nr_dispatches : 0;
	if (!bss.loop_started_ns)
		scx_run_print(
			run,
			"injector: %llu of %u dispatches to go until it fires, load brings them on",
			left, loop_after);
	else
		scx_run_print(run, "injector: %lld calls of dispatch since it fired",
			      scx_run_stat(run, QMAP_STAT_LOOP_CALLS));
}

static void print_events(struct scx_run *run)
{
	FILE *file = fopen("/sys/kernel/sched_ext/root/events", "re");
	char line[128];

	if (!file) {
		scx_run_print(run, "events: this kernel counts none");
		return;
	}
	while (fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		scx_run_print(run, "events: %s", line);
	}
	fclose(file);
}

static int print_dsqs(struct scx_run *run)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	struct bpf_program *program;
	int err;

	program = bpf_object__find_program_by_name(scx_run_object(run), "qmap_print_dsq");
	err = bpf_prog_test_run_opts(bpf_program__fd(program), &opts);
	if (err)
		scx_error("cannot look at the DSQ: %s", strerror(-err));
	return err;
}

static int each_second(struct scx_run *run)
{
	struct scx_qmap__rodata *rodata = scx_run_rodata(run);

	if (rodata->dsp_inf_loop_after)
		report_injector(run, rodata->dsp_inf_loop_after);
	if (!print_dsqs_and_events)
		return 0;
	scx_run_print(run, "queues: %lld %lld %lld %lld %lld waiting",
		      scx_run_stat(run, QMAP_STAT_WAITING0),
		      scx_run_stat(run, QMAP_STAT_WAITING0 + 1),
		      scx_run_stat(run, QMAP_STAT_WAITING0 + 2),
		      scx_run_stat(run, QMAP_STAT_WAITING0 + 3),
		      scx_run_stat(run, QMAP_STAT_WAITING0 + 4));
	print_events(run);
	return print_dsqs(run);
}

static void report(struct scx_run *run)
{
	struct scx_qmap__rodata *rodata = scx_run_rodata(run);

	if (rodata->dsp_inf_loop_after)
		report_injector(run, rodata->dsp_inf_loop_after);
}

static const struct scx_sched sched = {
	.name = "qmap",
	.summary =
		"Five queues by weight, and faults on request, to see what the kernel does about them.",
	.description =
		"Not for work, but for exercising a kernel: queues in BPF maps, core scheduling, performance "
		"hints, hotplug, debug dumps. The options -e, -t, -T and -l inject faults, which end in the "
		"kernel ending the scheduler (exit status 3).",
	.elf = scx_qmap__elf_bytes,
	.options = options,
	.nr_options = sizeof(options) / sizeof(options[0]),
	.stats = stats,
	.nr_stats = QMAP_NR_STATS,
	.kfuncs = kfuncs,
	.nr_kfuncs = sizeof(kfuncs) / sizeof(kfuncs[0]),
	.prepare = prepare,
	.each_second = each_second,
	.report = report,
};

int main(int argc, char **argv)
{
	return scx_main(&sched, argc, argv);
}
