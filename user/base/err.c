// SPDX-License-Identifier: GPL-2.0-only
/* err.c - one error, and the list of findings in a lab file. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/array.h"
#include "user/base/err.h"

const struct err_status err_statuses[ERR_STATUSES] = {
	[ERR_NONE] = {"good", NULL},
	[ERR_FAILED] = {"the lab did not do what was asked",
			"no answer to a ping; no lab, node, end, address, namespace or process of "
			"that name; the lab runs already, or was taken down meanwhile"},
	[ERR_USAGE] = {"the command line is wrong", "an option, a word or a value, whatever runs"},
	[ERR_INPUT] =
		{"a file that is read is missing or wrong",
		 "a lab file, a recording or a saved document; also what a lab file asks of "
		 "the kernel and the kernel does not know, such as a sysctl or a rule of nft"},
	[ERR_PRIVILEGE] = {"privileges or kernel features are missing", NULL},
	[ERR_SYSTEM] = {"a system call failed, or the output could not be written",
			"what was done is undone"},
	[ERR_UNKNOWN] = {"it cannot be known",
			 "`why` names what it did not evaluate, such as rules of nft"},
};

void err_status_text(enum err_code code, char *buf, size_t size)
{
	const struct err_status *status = &err_statuses[code];

	snprintf(buf, size, "%s%s%s", status->what, status->when ? ": " : "",
		 status->when ? status->when : "");
}

enum err_code err_code_of(int error)
{
	return error == EPERM || error == EACCES ? ERR_PRIVILEGE : ERR_SYSTEM;
}

int err_set(struct err *err, enum err_code code, int error, const char *fmt, ...)
{
	int result = error ? -error : -EINVAL;
	va_list args;

	if (!err || err->code != ERR_NONE)
		return result;
	err->code = code;
	err->error = error;
	va_start(args, fmt);
	vsnprintf(err->what, sizeof(err->what), fmt, args);
	va_end(args);
	return result;
}

void err_hint(struct err *err, const char *fmt, ...)
{
	va_list args;

	if (!err || err->hint[0])
		return;
	va_start(args, fmt);
	vsnprintf(err->hint, sizeof(err->hint), fmt, args);
	va_end(args);
}

void err_hint_also(struct err *err, const char *fmt, ...)
{
	va_list args;
	size_t used;

	if (!err)
		return;
	used = strlen(err->hint);
	if (used)
		snprintf(err->hint + used, sizeof(err->hint) - used, "; ");
	used = strlen(err->hint);
	va_start(args, fmt);
	vsnprintf(err->hint + used, sizeof(err->hint) - used, fmt, args);
	va_end(args);
}

void err_at(struct err *err, struct where where)
{
	if (!err || err->where.line)
		return;
	err->where = where;
	snprintf(err->file, sizeof(err->file), "%s", where.file ? where.file : "");
}

void err_clear(struct err *err)
{
	if (err)
		memset(err, 0, sizeof(*err));
}

/* One more, zeroed, that is not counted yet; NULL: out of memory. */
static struct diag *diags_room(struct diags *diags)
{
	if (array_reserve_one(&diags->list, diags->count, sizeof(*diags->list)))
		return NULL;
	return memset(&diags->list[diags->count], 0, sizeof(*diags->list));
}

/* The last finding stands for all that come after it; it is as bad as the worst of them. */
static void diags_overflow(struct diags *diags, enum severity severity)
{
	struct diag *last = &diags->list[diags->count - 1];

	if (severity != SEVERITY_ERROR || last->severity == SEVERITY_ERROR)
		return;
	last->severity = severity;
	diags->errors++;
}

/* What is added: all but its words. */
struct new_diag {
	enum severity severity;
	const char *name;
	struct where where;
	const char *hint;
};

static void add(struct diags *diags, const struct new_diag *new, const char *fmt, va_list args)
{
	struct diag *diag;

	if (diags->count > DIAGS_MAX) {
		diags_overflow(diags, new->severity);
		return;
	}
	/* Counted even if there is no memory to keep it: an error must not pass for success. */
	if (new->severity == SEVERITY_ERROR)
		diags->errors++;
	diag = diags_room(diags);
	if (!diag)
		return;
	diag->severity = new->severity;
	diag->name = new->name;
	diag->where = new->where;
	/* A finding outlives the lab that could not be read. */
	diag->where.file = new->where.file ? strdup(new->where.file) : NULL;
	diag->hint = new->hint ? strdup(new->hint) : NULL;
	if (diags->count == DIAGS_MAX) {
		diag->where.line = diag->where.column = 0;
		diag->name = NULL;
		free(diag->hint);
		diag->hint = NULL;
		diag->what = strdup("there are more findings than these 1000");
	} else if (vasprintf(&diag->what, fmt, args) < 0) {
		diag->what = NULL;
	}
	if (!diag->what) {
		free((char *)diag->where.file);
		free(diag->hint);
		return;
	}
	diags->count++;
}

void diags_add(struct diags *diags, enum severity severity, struct where where, const char *hint,
	       const char *fmt, ...)
{
	const struct new_diag new = {severity, NULL, where, hint};
	va_list args;

	va_start(args, fmt);
	add(diags, &new, fmt, args);
	va_end(args);
}

void diags_warn(struct diags *diags, const char *name, struct where where, const char *hint,
		const char *fmt, ...)
{
	const struct new_diag new = {SEVERITY_WARNING, name, where, hint};
	va_list args;

	va_start(args, fmt);
	add(diags, &new, fmt, args);
	va_end(args);
}

size_t diags_warnings(const struct diags *diags)
{
	size_t n = 0;

	for (size_t i = 0; i < diags->count; i++)
		n += diags->list[i].severity == SEVERITY_WARNING;
	return n;
}

static bool diag_before(const struct diag *a, const struct diag *b)
{
	if (a->where.line != b->where.line)
		return a->where.line < b->where.line;
	return a->where.column < b->where.column;
}

/* Merge sort, since qsort is not stable. Halves are sorted into each other's place. */
static void sort_range(struct diag *list, struct diag *spare, size_t n)
{
	size_t half = n / 2, left = 0, right = half, out = 0;

	if (n < 2)
		return;
	sort_range(list, spare, half);
	sort_range(list + half, spare + half, n - half);
	memcpy(spare, list, n * sizeof(*list));
	while (left < half && right < n)
		list[out++] =
			diag_before(&spare[right], &spare[left]) ? spare[right++] : spare[left++];
	while (left < half)
		list[out++] = spare[left++];
	while (right < n)
		list[out++] = spare[right++];
}

void diags_sort(struct diags *diags)
{
	struct diag *spare = calloc(diags->count + 1, sizeof(*spare));

	if (!spare)
		return; /* unsorted is still true */
	sort_range(diags->list, spare, diags->count);
	free(spare);
}

void diags_move(struct diags *diags, struct diags *from)
{
	size_t kept = 0;

	for (; kept < from->count; kept++) {
		struct diag *place = diags_room(diags);

		if (!place)
			break;
		*place = from->list[kept];
		diags->count++;
	}
	diags->errors += from->errors;
	/* What found no room is freed with from. */
	from->count -= kept;
	if (from->count)
		memmove(from->list, from->list + kept, from->count * sizeof(*from->list));
	diags_free(from);
}

void diags_free(struct diags *diags)
{
	if (!diags)
		return;
	for (size_t i = 0; i < diags->count; i++) {
		free((char *)diags->list[i].where.file);
		free(diags->list[i].what);
		free(diags->list[i].hint);
		free(diags->list[i].reason);
	}
	free(diags->list);
	memset(diags, 0, sizeof(*diags));
}
