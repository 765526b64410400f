// SPDX-License-Identifier: GPL-2.0-only
/* find.c - nodes and ends of a running lab by the names that people type. */
#include <errno.h>
#include <stdlib.h>

#include "user/lab/lab.h"

static void suggest(const struct running *run, const char *typed, const char *const *names,
		    size_t n, const char *what, struct err *err)
{
	const char *near = n ? nearest_name(typed, names, n) : NULL;

	if (near)
		err_hint(err, "did you mean '%s'?", near);
	else
		err_hint(err, "`vethlab show %s` lists the %s", run->name, what);
}

struct node *running_find_node(const struct running *run, const char *name, struct err *err)
{
	struct node *node = lab_find_node(run->lab, name);
	const char **names;
	size_t n = run->lab->n_nodes;

	if (node)
		return node;
	err_set(err, ERR_USAGE, ENOENT, "lab %s has no node '%s'", run->name, name);
	names = calloc(n + 1, sizeof(*names));
	for (size_t i = 0; names && i < n; i++)
		names[i] = run->lab->nodes[i]->name;
	suggest(run, name, names, names ? n : 0, "nodes", err);
	free(names);
	return NULL;
}

struct end *running_find_end(const struct running *run, const char *name, struct err *err)
{
	struct end *end = lab_find_end(run->lab, name);
	const char **names;
	size_t n = lab_n_ends(run->lab);

	if (end)
		return end;
	err_set(err, ERR_USAGE, ENOENT, "lab %s has no end '%s'", run->name, name);
	names = calloc(n + 1, sizeof(*names));
	for (size_t i = 0; names && i < n; i++)
		names[i] = lab_end(run->lab, i)->name;
	suggest(run, name, names, names ? n : 0, "ends, written node:interface", err);
	free(names);
	return NULL;
}
