/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What is expected of a kernel, what was seen, and whether that is the same.
 *
 * Expectations are JSON lines of the type "expectation", as `scx_fault --list --json` and
 * `scx conform --list --json` write them: kinds, status and kernels are lists of as many words, each an
 * outcome; of those, the ones of the latest version that is not later than the running kernel hold. Kind 0
 * with SCX_STATUS_UNSUPPORTED is an outcome too: the fault's program refuses it there.
 */
#ifndef SCX_CONFORM_REFERENCE_H
#define SCX_CONFORM_REFERENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <scx/loader.h>

#define EXPECTATION_OUTCOMES 8

struct outcome {
	char kernel[16]; /* from which on it is so: "6.12" */
	u32 kind;	 /* exit kind; 0: it is not ended by the kernel, or not even loaded */
	u32 status; /* exit status of the scheduler's loader; 128 + N where signal N ended it */
};

struct expectation {
	char name[32];
	char summary[256];
	struct outcome outcomes[EXPECTATION_OUTCOMES];
	size_t nr;
	/* Extended regular expression that the exit message matches, or why it is not loaded; "": any. */
	char message[256];
	bool has_code;
	s64 code;    /* exit code, of those that the kernel ends; if has_code */
	u32 seconds; /* from the fault to the verdict at most; 0: no limit */
};

struct reference {
	struct expectation *list;
	size_t nr;
};

/* What came of a fault. */
struct observation {
	u32 kind;      /* exit kind; 0: none was reported, or the scheduler went on until stopped */
	s32 status;    /* as above; -1: none, it had to be killed */
	s64 code;      /* exit code */
	s64 committed; /* how often scx_fault has committed it; -1: not told */
	char message[768];  /* exit message, or why it was not loaded */
	s64 began_ns;	    /* CLOCK_MONOTONIC, when the fault began; 0: not known */
	s64 ended_ns;	    /* when the kernel had ended it; 0: it did not */
	bool not_ended;	    /* not within its time: it was ended by us */
	char problems[768]; /* what else was wrong, machine included, one a line; "": nothing */
};

/*
 * reference_add - add the expectation in @line, in place of one of the same name
 *
 * @line may also be a result, as `scx conform --json` writes it (type "conform"): then what was seen there
 * is what is expected. A line of another type is skipped. Returns 0; -EINVAL if it is none that can be
 * used, for the reason in *@why; -ENOMEM.
 */
int reference_add(struct reference *reference, const char *line, const char **why);

/* reference_read - add all lines of @path. Returns 0 or -errno after an error message. */
int reference_read(struct reference *reference, const char *path);

void reference_free(struct reference *reference);

/* reference_find - what is expected of the fault @name; NULL if the reference does not tell */
const struct expectation *reference_find(const struct reference *reference, const char *name);

/*
 * expectation_for - the outcomes that hold for the kernel @release, as uname tells it
 *
 * Fills @outcomes, which has room for EXPECTATION_OUTCOMES. Returns how many there are.
 */
size_t expectation_for(const struct expectation *expected, const char *release,
		       struct outcome *outcomes);

/* expectation_allows - is an outcome of that kind and status among those of @release? */
bool expectation_allows(const struct expectation *expected, const char *release, u32 kind,
			u32 status);

/* expectation_json - write @expected as a line of the type "expectation", less the outer braces */
struct json;
void expectation_json(const struct expectation *expected, struct json *out);

/* expectation_text - the outcomes for @release, for people: "goes on (status 0), or ..." */
void expectation_text(const struct expectation *expected, const char *release, char *text,
		      size_t size);

/* Milliseconds from the fault to its end; -1 where either is not known. */
s64 observation_ms(const struct observation *seen);

/*
 * reference_judge - is what was seen what is expected of the kernel @release?
 *
 * Writes what differs, one thing a line, into @differences. Returns whether nothing does.
 */
bool reference_judge(const struct expectation *expected, const char *release,
		     const struct observation *seen, char *differences, size_t size);

/*
 * reference_refused - the fault's program refuses it, for @reason: may it, on the kernel @release?
 *
 * If not, what differs is in @differences. Returns whether it may.
 */
bool reference_refused(const struct expectation *expected, const char *release, const char *reason,
		       char *differences, size_t size);

/* outcome_text - an outcome for people: "ended, exit kind 1026 (status 3)" */
void outcome_text(u32 kind, s32 status, char *text, size_t size);

#endif /* SCX_CONFORM_REFERENCE_H */
