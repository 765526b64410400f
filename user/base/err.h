/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * err.h - how every room reports failure: one error (struct err), or a list of findings in a
 * lab file (struct diags). Library rooms fill these and never print; main prints once.
 */
#ifndef VETHLAB_USER_BASE_ERR_H
#define VETHLAB_USER_BASE_ERR_H

#include <stdbool.h>
#include <stddef.h>

/* What went wrong, as the exit status of the program (shared by all verbs); see err_statuses. */
enum err_code {
	ERR_NONE = 0,
	ERR_FAILED = 1,	   /* it depends on what runs: also a lab, node or end that is not there */
	ERR_USAGE = 2,	   /* the command line is wrong, whatever runs */
	ERR_INPUT = 3,	   /* a file that is read: a lab file, a recording, a saved document */
	ERR_PRIVILEGE = 4, /* privileges or kernel features */
	ERR_SYSTEM = 5,	   /* a system call failed; what was done is undone */
	ERR_UNKNOWN = 6,   /* no failure: what was asked cannot be known (`why`) */
};

/* The table of `vethlab help exit`, and docs/exit-status.md: err_statuses[code]. */
struct err_status {
	const char *what; /* in a few words */
	const char *when; /* the cases, as the rest of a sentence; NULL: none to tell */
};
enum { ERR_STATUSES = ERR_UNKNOWN + 1 };
extern const struct err_status err_statuses[ERR_STATUSES];
/* What a status means and when it is returned, in one sentence ("what: when") into buf. */
void err_status_text(enum err_code code, char *buf, size_t size);

/* A place in a lab file. file is borrowed (it lives as long as the lab); line 0: no place. */
struct where {
	const char *file;
	int line, column; /* from 1 */
};

/* One error: the object and what happened, what to do, and where in the lab file. */
struct err {
	enum err_code code;
	int error;	    /* the errno value that caused it, positive; 0: none did */
	struct where where; /* line 0: no place; where.file is borrowed from the lab */
	char file[256];	    /* where.file, copied: an error outlives the lab that it is about */
	char what[512];	    /* "blue:veth1: cannot add 10.1.1.1/24 (kernel: ...)" */
	char hint[640];	    /* what to do; empty if there is nothing to say */
};

/* The code of a system call that failed with this errno: ERR_PRIVILEGE or ERR_SYSTEM. */
enum err_code err_code_of(int error);

/*
 * Fill *err (NULL is allowed: then only the return value counts). Returns -error, or -EINVAL if
 * error is 0, so that `return err_set(...)` reads well. A first error is kept: setting an err
 * that is set already changes nothing, since the first failure is the cause.
 */
int err_set(struct err *err, enum err_code code, int error, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* Set the hint, and the place, of an error, unless it has one already. err NULL is allowed. */
void err_hint(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Say one thing more to do, behind the hint that there may be. err NULL is allowed. */
void err_hint_also(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void err_at(struct err *err, struct where where);
/* Forget an error that was handled. */
void err_clear(struct err *err);

/* SEVERITY_ALLOWED: a warning that the lab file declares as meant. */
enum severity { SEVERITY_ERROR, SEVERITY_WARNING, SEVERITY_ALLOWED };

/* One finding in a lab file. The strings belong to it. */
struct diag {
	enum severity severity;
	struct where where;
	char *what;
	char *hint;	  /* NULL: none */
	const char *name; /* by which a lab file allows a warning; borrowed; NULL: it cannot */
	char *reason;	  /* of SEVERITY_ALLOWED, as the lab file gives it; else NULL */
};

/* All findings of one reading, in the order of the file once diags_sort was called. */
struct diags {
	struct diag *list;
	size_t count;
	size_t errors; /* findings that are errors, also those that no memory was left for */
};

/* The most findings that are kept; one more then says that others are missing. */
enum { DIAGS_MAX = 1000 };

/* Append a finding; hint (NULL: none) and the name of the file are copied. */
void diags_add(struct diags *diags, enum severity severity, struct where where, const char *hint,
	       const char *fmt, ...) __attribute__((format(printf, 5, 6)));
/* The same of a warning that lab files may allow by a name, which lives as long as the program. */
void diags_warn(struct diags *diags, const char *name, struct where where, const char *hint,
		const char *fmt, ...) __attribute__((format(printf, 5, 6)));
/* How many are warnings, without those that are allowed. */
size_t diags_warnings(const struct diags *diags);
/* Sort by line and column; findings of one place keep their order. */
void diags_sort(struct diags *diags);
/* Move all findings of from to the end of diags; from is empty afterwards. */
void diags_move(struct diags *diags, struct diags *from);
/* Frees the contents, not diags itself. NULL is allowed. */
void diags_free(struct diags *diags);

#endif
