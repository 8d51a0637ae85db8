// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "conform_record.h"
#include "conform_reference.h"
#include "text.h"
#include "json.h"
#include "options.h"

/* The next word of *@list into @word, and *@list moves behind it. Returns whether there is one. */
static bool next_word(const char **list, char *word, size_t size)
{
	size_t len;

	*list += strspn(*list, " ");
	len = strcspn(*list, " ");
	if (!len || len >= size)
		return false;
	memcpy(word, *list, len);
	word[len] = '\0';
	*list += len;
	return true;
}

static bool parse_u32(const char *text, u32 *number)
{
	s64 value;

	if (options_parse_number(text, &value) || value < 0 || value > UINT32_MAX)
		return false;
	*number = value;
	return true;
}

/* A kernel's version as one number; false if @text does not begin with one. */
static bool parse_version(const char *text, u64 *version)
{
	unsigned int major, minor, patch = 0;

	if (sscanf(text, "%u.%u.%u", &major, &minor, &patch) < 2)
		return false;
	*version = (u64)major << 40 | (u64)minor << 20 | patch;
	return true;
}

static bool is_regex(const char *text)
{
	regex_t regex;

	if (regcomp(&regex, text, REG_EXTENDED | REG_NOSUB))
		return false;
	regfree(&regex);
	return true;
}

/* Returns NULL, or what is wrong. */
static const char *parse_outcomes(const char *line, struct expectation *expected)
{
	char kinds[128], statuses[128], kernels[128], word[16];
	const char *kind = kinds, *status = statuses, *kernel = kernels;
	u64 version;

	if (!record_text(line, "kinds", kinds, sizeof(kinds)) ||
	    !record_text(line, "status", statuses, sizeof(statuses)) ||
	    !record_text(line, "kernels", kernels, sizeof(kernels)))
		return "it lacks kinds, status or kernels";
	while (expected->nr < EXPECTATION_OUTCOMES && next_word(&kind, word, sizeof(word))) {
		struct outcome *outcome = &expected->outcomes[expected->nr++];

		if (!parse_u32(word, &outcome->kind))
			return "kinds has what is no number";
		if (!next_word(&status, word, sizeof(word)) || !parse_u32(word, &outcome->status))
			return "status is no list of as many numbers as kinds";
		if (!next_word(&kernel, outcome->kernel, sizeof(outcome->kernel)) ||
		    !parse_version(outcome->kernel, &version))
			return "kernels is no list of as many versions as kinds";
	}
	if (!expected->nr)
		return "kinds is empty";
	if (kind[strspn(kind, " ")] || status[strspn(status, " ")] || kernel[strspn(kernel, " ")])
		return "kinds, status and kernels are not of one length, or too long";
	return NULL;
}

static const char *parse_expectation(const char *line, struct expectation *expected)
{
	s64 seconds = 0;

	record_text(line, "summary", expected->summary, sizeof(expected->summary));
	record_text(line, "message", expected->message, sizeof(expected->message));
	if (!is_regex(expected->message) && expected->message[0])
		return "message is no extended regular expression";
	if (record_number(line, "seconds", &seconds) && (seconds < 0 || seconds > 3600))
		return "seconds is not from 0 to 3600";
	expected->seconds = seconds;
	expected->has_code = record_number(line, "code", &expected->code);
	return parse_outcomes(line, expected);
}

/* What was seen on one kernel is what is expected of all; but for the wording, and with some more time. */
static const char *parse_result(const char *line, struct expectation *expected)
{
	struct outcome *outcome = &expected->outcomes[0];
	s64 kind, status, seconds = 0;

	if (!record_number(line, "kind", &kind) || !record_number(line, "status", &status))
		return "it lacks kind or status";
	if (kind < 0 || kind > UINT32_MAX || status < 0 || status > 255)
		return "kind or status is out of range";
	if (record_number(line, "seconds", &seconds) && (seconds < 0 || seconds > 3600))
		return "seconds is not from 0 to 3600";
	strcpy(outcome->kernel, "0.0");
	outcome->kind = kind;
	outcome->status = status;
	expected->seconds = seconds;
	expected->has_code = kind && record_number(line, "code", &expected->code);
	expected->nr = 1;
	return NULL;
}

int reference_add(struct reference *reference, const char *line, const char **why)
{
	bool is_result = record_is(line, "conform");
	struct expectation expected = {}, *list;
	char verdict[16] = "", type[32];
	s64 number;
	size_t i;

	if (!record_text(line, "type", type, sizeof(type))) {
		*why = "it is no JSON object with a type";
		return -EINVAL;
	}
	if (!is_result && strcmp(type, "expectation"))
		return 0;
	if (!record_text(line, "name", expected.name, sizeof(expected.name)) || !expected.name[0]) {
		*why = "it has no name";
		return -EINVAL;
	}
	/* What did not run there tells nothing, nor does what had to be killed there. */
	if (is_result && record_text(line, "verdict", verdict, sizeof(verdict)) &&
	    strcmp(verdict, "passed") && strcmp(verdict, "failed"))
		return 0;
	if (is_result && ((record_number(line, "ended", &number) && !number) ||
			  (record_number(line, "status", &number) && number == -1)))
		return 0;
	*why = is_result ? parse_result(line, &expected) : parse_expectation(line, &expected);
	if (*why)
		return -EINVAL;

	for (i = 0; i < reference->nr; i++) {
		if (strcmp(reference->list[i].name, expected.name))
			continue;
		reference->list[i] = expected;
		return 0;
	}
	list = realloc(reference->list, (reference->nr + 1) * sizeof(*list));
	if (!list)
		return -ENOMEM;
	reference->list = list;
	list[reference->nr++] = expected;
	return 0;
}

int reference_read(struct reference *reference, const char *path)
{
	FILE *file = fopen(path, "re");
	unsigned long nr = 0;
	const char *why;
	char *line = NULL;
	size_t size = 0;
	ssize_t len;
	int err = 0;

	if (!file) {
		err = -errno;
		scx_error("cannot read '%s': %s", path, strerror(-err));
		return err;
	}
	while (!err && (len = getline(&line, &size, file)) > 0) {
		nr++;
		/* A NUL would hide what is behind it. */
		if (strlen(line) != (size_t)len) {
			scx_error("'%s', line %lu: it is no text", path, nr);
			err = -EINVAL;
			break;
		}
		if (!line[strspn(line, " \t\r\n")])
			continue;
		err = reference_add(reference, line, &why);
		if (err)
			scx_error("'%s', line %lu: %s", path, nr,
				  err == -EINVAL ? why : strerror(-err));
	}
	if (!err && ferror(file)) {
		err = -EIO;
		scx_error("cannot read '%s' to its end", path);
	}
	if (!err && !reference->nr) {
		err = -EINVAL;
		scx_error("'%s' has no expectation", path);
	}
	free(line);
	fclose(file);
	return err;
}

void reference_free(struct reference *reference)
{
	free(reference->list);
	reference->list = NULL;
	reference->nr = 0;
}

const struct expectation *reference_find(const struct reference *reference, const char *name)
{
	size_t i;

	for (i = 0; i < reference->nr; i++)
		if (!strcmp(reference->list[i].name, name))
			return &reference->list[i];
	return NULL;
}

size_t expectation_for(const struct expectation *expected, const char *release,
		       struct outcome *outcomes)
{
	u64 running = 0, version, latest = 0;
	size_t i, nr = 0;

	parse_version(release, &running);
	for (i = 0; i < expected->nr; i++)
		if (parse_version(expected->outcomes[i].kernel, &version) && version <= running &&
		    version > latest)
			latest = version;
	for (i = 0; i < expected->nr; i++)
		if (parse_version(expected->outcomes[i].kernel, &version) && version == latest)
			outcomes[nr++] = expected->outcomes[i];
	return nr;
}

bool expectation_allows(const struct expectation *expected, const char *release, u32 kind,
			u32 status)
{
	struct outcome outcomes[EXPECTATION_OUTCOMES];
	size_t i, nr = expectation_for(expected, release, outcomes);

	for (i = 0; i < nr; i++)
		if (outcomes[i].kind == kind && outcomes[i].status == status)
			return true;
	return false;
}

void expectation_json(const struct expectation *expected, struct json *out)
{
	char kinds[128] = "", statuses[128] = "", kernels[160] = "";
	size_t kind = 0, status = 0, kernel = 0, i;

	for (i = 0; i < expected->nr; i++) {
		const struct outcome *outcome = &expected->outcomes[i];
		const char *gap = i ? " " : "";

		kind += snprintf(kinds + kind, sizeof(kinds) - kind, "%s%u", gap, outcome->kind);
		status += snprintf(statuses + status, sizeof(statuses) - status, "%s%u", gap,
				   outcome->status);
		kernel += snprintf(kernels + kernel, sizeof(kernels) - kernel, "%s%s", gap,
				   outcome->kernel);
	}
	json_string(out, "type", "expectation");
	json_string(out, "name", expected->name);
	json_string(out, "summary", expected->summary);
	json_string(out, "kinds", kinds);
	json_string(out, "status", statuses);
	json_string(out, "kernels", kernels);
	json_string(out, "message", expected->message);
	json_number(out, "seconds", expected->seconds);
	if (expected->has_code)
		json_number(out, "code", expected->code);
}

s64 observation_ms(const struct observation *seen)
{
	if (!seen->began_ns || !seen->ended_ns || seen->ended_ns < seen->began_ns)
		return -1;
	return (seen->ended_ns - seen->began_ns) / 1000000;
}

void outcome_text(u32 kind, s32 status, char *text, size_t size)
{
	if (kind)
		snprintf(text, size, "ended, exit kind %u (status %d)", kind, status);
	else if (status < 0)
		snprintf(text, size, "no exit record: it had to be killed");
	else
		snprintf(text, size, "%s (status %d)",
			 status == SCX_STATUS_UNSUPPORTED ? "refused" :
			 status				  ? "not loaded" :
							    "goes on",
			 status);
}

void expectation_text(const struct expectation *expected, const char *release, char *text,
		      size_t size)
{
	struct outcome outcomes[EXPECTATION_OUTCOMES];
	size_t i, nr = expectation_for(expected, release, outcomes), len = 0;
	char one[128];

	text[0] = '\0';
	for (i = 0; i < nr && len < size; i++) {
		outcome_text(outcomes[i].kind, outcomes[i].status, one, sizeof(one));
		len += snprintf(text + len, size - len, "%s%s", i ? ", or " : "", one);
	}
}

bool reference_refused(const struct expectation *expected, const char *release, const char *reason,
		       char *differences, size_t size)
{
	char all[512];

	differences[0] = '\0';
	if (expectation_allows(expected, release, 0, SCX_STATUS_UNSUPPORTED))
		return true;
	expectation_text(expected, release, all, sizeof(all));
	text_add_line(differences, size, "expected: %s; refused: %s", all, reason);
	return false;
}

bool reference_judge(const struct expectation *expected, const char *release,
		     const struct observation *seen, char *differences, size_t size)
{
	struct outcome outcomes[EXPECTATION_OUTCOMES];
	size_t nr = expectation_for(expected, release, outcomes);
	s64 ms = observation_ms(seen);
	char text[128], all[512];

	differences[0] = '\0';
	if (!nr)
		text_add_line(differences, size,
			      "the reference tells nothing of a kernel as old as %s", release);
	expectation_text(expected, release, all, sizeof(all));
	if (seen->not_ended)
		text_add_line(differences, size, "expected: %s; seen: not ended", all);
	else if (nr && !expectation_allows(expected, release, seen->kind, seen->status)) {
		outcome_text(seen->kind, seen->status, text, sizeof(text));
		text_add_line(differences, size, "expected: %s; seen: %s", all, text);
	}
	/* A scheduler that goes on has no message. */
	if ((seen->kind || seen->status > 0) && !text_matches(seen->message, expected->message))
		text_add_line(differences, size,
			      "expected: a message that matches '%s'; seen: '%s'",
			      expected->message, seen->message);
	if (expected->has_code && seen->kind && seen->code != expected->code)
		text_add_line(differences, size, "expected: exit code %lld; seen: %lld",
			      (long long)expected->code, (long long)seen->code);
	if (expected->seconds && ms > expected->seconds * 1000LL)
		text_add_line(differences, size, "expected: within %u s; seen: after %lld.%03lld s",
			      expected->seconds, ms / 1000, ms % 1000);
	if (seen->problems[0])
		text_add_line(differences, size, "%s", seen->problems);
	return !differences[0];
}
