// SPDX-License-Identifier: GPL-2.0-only
/* undo.c - see undo.h. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "user/base/cleanup.h"
#include "user/lab/foreign.h"
#include "user/lab/netns_removal.h"
#include "user/lab/undo.h"

enum { UNREAD_TOLD = 10 }; /* lines of a journal, each in full */

/* ---- one step -------------------------------------------------------------------------------- */

/* A descriptor of a step's namespace. -ENOENT: it is gone, with all that was in it. */
static int open_netns(const struct netns_id *id, struct err *err)
{
	int fd = netns_find(id);

	if (fd < 0 && fd != -ENOENT)
		err_set(err, ERR_SYSTEM, -fd, "cannot look for a network namespace: %s",
			strerror(-fd));
	return fd;
}

/* A socket in a step's namespace. 1: the namespace is gone, with all that was in it. */
static int open_socket(struct nl **nl, const struct netns_id *id, struct err *err)
{
	cleanup_close int fd = open_netns(id, err);

	if (fd < 0)
		return fd == -ENOENT ? 1 : fd;
	return nl_open(nl, fd, err);
}

/* Remove an interface from a foreign namespace, if it is there and has the lab's group. */
static int undo_end(const struct journal_step *step, const struct journal_head *head,
		    struct err *err)
{
	struct nl_what what = {.object = step->name, .action = "be removed", .ignore = ENODEV};
	cleanup_nl struct nl *nl = NULL;
	struct link_info info;
	int ret = open_socket(&nl, &step->id, err);

	if (ret)
		return ret < 0 ? ret : 0;
	ret = link_get(nl, step->ifindex, NULL, &info, err);
	if (ret)
		return ret == -ENODEV ? 0 : ret;
	if (info.group != head->group)
		return 0;
	ret = link_delete(nl, step->ifindex, &what, err);
	return ret ? ret : nl_flush(nl, err);
}

static int restore_sysctl(void *arg)
{
	const struct journal_step *step = arg;

	return sysctl_restore(step->name, step->value);
}

static int undo_sysctl(const struct journal_step *step, struct err *err)
{
	cleanup_close int fd = open_netns(&step->id, err);
	int ret;

	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	ret = netns_run(fd, restore_sysctl, (void *)step, err);
	if (ret == -ENOENT) /* the interface that it is about was removed */
		return 0;
	if (ret < 0)
		err_set(err, ERR_SYSTEM, -ret, "cannot set sysctl %s back to \"%.80s%s\": %s",
			step->name, step->value, strlen(step->value) > 80 ? "..." : "",
			ret == -ERANGE ? "the kernel has another value after it was written"
				       : strerror(-ret));
	return ret;
}

static int undo_route(const struct journal_step *step, struct err *err)
{
	char text[IP_TEXT_SIZE];
	struct nl_what what = {
		.object = ip_prefix_format(&step->prefix, text, sizeof(text)),
		.action = "remove the route",
		.ignore = ESRCH,
	};
	struct route route = {.kind = step->route_kind, .metric = step->metric, .to = step->prefix};
	cleanup_nl struct nl *nl = NULL;
	int ret = open_socket(&nl, &step->id, err);

	if (ret)
		return ret < 0 ? ret : 0;
	ret = route_delete(nl, &route, ROUTE_OURS, NULL, NULL, &what, err);
	return ret ? ret : nl_flush(nl, err);
}

static int undo_address(const struct journal_step *step, struct err *err)
{
	char text[IP_TEXT_SIZE];
	struct nl_what what = {
		.object = ip_prefix_format(&step->prefix, text, sizeof(text)),
		.action = "remove the address",
		.ignore = EADDRNOTAVAIL,
	};
	cleanup_nl struct nl *nl = NULL;
	int ret = open_socket(&nl, &step->id, err);

	if (ret)
		return ret < 0 ? ret : 0;
	ret = address_is_marked(nl, step->ifindex, &step->prefix, ADDRESS_OURS, err);
	if (ret <= 0)
		return ret;
	ret = address_delete(nl, step->ifindex, &step->prefix, &what, err);
	return ret ? ret : nl_flush(nl, err);
}

/* A clsact qdisc, or a filter on it. */
static int undo_clsact_or_filter(const struct journal_step *step, struct err *err)
{
	struct watch_filter filter = {
		.ifindex = step->ifindex, .hook = step->hook, .prog_id = step->prog_id};
	cleanup_nl struct nl *nl = NULL;
	char object[32];
	int ret = open_socket(&nl, &step->id, err);

	if (ret)
		return ret < 0 ? ret : 0;
	snprintf(object, sizeof(object), "interface %" PRIu32, step->ifindex);
	return step->kind == JOURNAL_CLSACT ? watch_clsact_remove(nl, step->ifindex, object, err)
					    : watch_filter_remove(nl, &filter, object, err);
}

static int undo_step(const struct journal_step *step, const struct journal_head *head,
		     struct err *err)
{
	switch (step->kind) {
	case JOURNAL_NETNS: /* all of them at the end */
		return 0;
	case JOURNAL_END:
		return undo_end(step, head, err);
	case JOURNAL_SYSCTL:
		return undo_sysctl(step, err);
	case JOURNAL_ROUTE:
		return undo_route(step, err);
	case JOURNAL_ADDRESS:
		return undo_address(step, err);
	case JOURNAL_CLSACT:
	case JOURNAL_FILTER:
		return undo_clsact_or_filter(step, err);
	}
	return 0;
}

/* ---- what else tells of the lab -------------------------------------------------------------- */

/* What a step is about: a state and marks tell of the same, maybe. */
struct step_key {
	enum journal_kind kind;
	uint32_t ifindex;
	uint64_t inode;
};

static int compare_keys(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct step_key));
}

static struct step_key key_of(const struct journal_step *step)
{
	struct step_key key;

	memset(&key, 0, sizeof(key));
	key.kind = step->kind;
	key.ifindex = step->ifindex;
	key.inode = step->id.inode;
	return key;
}

/* Steps that are added to those of a journal. */
struct addition {
	struct journal_lines *lines;
	struct step_key *known; /* sorted: those of the journal */
	size_t n_known;
	const char *mark;
	bool no_memory;
};

static void add_missing(struct addition *add, struct journal_step *step, const char *name)
{
	struct step_key key = key_of(step);

	if (bsearch(&key, add->known, add->n_known, sizeof(key), compare_keys))
		return;
	snprintf(step->name, sizeof(step->name), "%s", name);
	add->no_memory |= journal_add_step(add->lines, step) != 0;
}

/* The namespaces of the lab, and its bridges and ends in others, by its state. */
static void add_state(struct addition *add, const struct running *run)
{
	if (run->observed) /* it made no namespace and no link */
		return;
	for (size_t i = 0; i < run->lab->n_nodes; i++) {
		const struct running_node *running_node = &run->nodes[i];
		const struct node *node = run->lab->nodes[i];
		struct journal_step step = {.kind = JOURNAL_NETNS, .id = running_node->id};

		if (running_node->ours) {
			add_missing(add, &step, running_node->netns_name);
		} else if (node->kind == NODE_BRIDGE) {
			step.kind = JOURNAL_END;
			step.ifindex = running_bridge_ifindex(run, node);
			add_missing(add, &step, node->bridge.dev);
		}
	}
	for (size_t i = 0; i < lab_n_ends(run->lab); i++) {
		const struct end *end = lab_end(run->lab, i);
		const struct running_node *running_node = &run->nodes[end->node->index];
		struct journal_step step = {.kind = JOURNAL_END,
					    .id = running_node->id,
					    .ifindex = running_ifindex(run, end)};

		if (!running_node->ours)
			add_missing(add, &step, end->ifname);
	}
}

/* A file below NETNS_DIR that this lab made, with the namespace that is mounted on it. */
static bool on_mark(const char *name, const char *mark, void *arg)
{
	struct journal_step step = {.kind = JOURNAL_NETNS};
	struct addition *add = arg;
	cleanup_close int fd = -1;
	struct step_key key;
	struct stat st;

	if (strcmp(mark, add->mark) != 0)
		return true;
	fd = netns_open(name, NULL);
	if (fd < 0) { /* without a namespace */
		add_missing(add, &step, name);
		return !add->no_memory;
	}
	if (fstat(fd, &st))
		return true;
	step.id.inode = st.st_ino;
	key = key_of(&step);
	/* It is entered for its cookie: only if nothing else knows of it. */
	if (bsearch(&key, add->known, add->n_known, sizeof(key), compare_keys) ||
	    netns_identify(fd, &step.id, NULL))
		return true;
	add_missing(add, &step, name);
	return !add->no_memory;
}

static int add_others(struct journal_lines *lines, const char *name, const struct running *run,
		      bool by_marks, struct err *err)
{
	cleanup_free struct step_key *known = calloc(lines->n + 1, sizeof(*known));
	struct addition add = {.lines = lines, .known = known, .n_known = lines->n};
	char mark[64];

	if (!known)
		return err_set(err, ERR_SYSTEM, ENOMEM, "lab %s: out of memory", name);
	for (size_t i = 0; i < lines->n; i++)
		known[i] = key_of(&lines->steps[i]);
	qsort(known, lines->n, sizeof(*known), compare_keys);
	if (run)
		add_state(&add, run);
	netns_mark(name, mark);
	add.mark = mark;
	if (by_marks)
		netns_each_mark(on_mark, &add);
	return add.no_memory ? err_set(err, ERR_SYSTEM, ENOMEM, "lab %s: out of memory", name) : 0;
}

/* ---- all of them ----------------------------------------------------------------------------- */

/* The namespaces that are to be removed, each once; the caller frees *list. */
static int list_netns(const struct journal_lines *lines, struct removed_netns **list, size_t *n,
		      struct err *err)
{
	struct removed_netns *all = calloc(lines->n + 1, sizeof(*all));

	if (!all)
		return err_set(err, ERR_SYSTEM, ENOMEM, "journal: out of memory");
	*n = 0;
	for (size_t i = 0; i < lines->n; i++) {
		const struct journal_step *step = &lines->steps[i];
		struct removed_netns *netns = &all[*n];

		if (step->kind != JOURNAL_NETNS || strlen(step->name) >= sizeof(netns->name))
			continue;
		netns->id = step->id;
		memcpy(netns->name, step->name, strlen(step->name) + 1);
		++*n;
	}
	*list = all;
	return 0;
}

static int undo_steps(const char *name, const struct journal_lines *lines,
		      const struct notes *notes, struct err *err)
{
	cleanup_free struct removed_netns *netns = NULL;
	char mark[64];
	size_t n = 0;
	int ret, first = list_netns(lines, &netns, &n, err);

	if (first)
		return first;
	/* If hardware cannot be moved out, undo nothing: it would be lost with its namespace. */
	first = foreign_move_out(netns, n, &lines->head, notes, err);
	if (first) {
		netns_removal_close(netns, n);
		return first;
	}
	for (size_t i = lines->n; i-- > 0;) {
		ret = undo_step(&lines->steps[i], &lines->head, err);
		first = first ? first : ret;
	}
	netns_mark(name, mark);
	ret = netns_removal_wait(netns, n, mark, notes, err);
	return first ? first : ret;
}

/* Lines that are not understood: what they were about may be left. */
static void tell_unread(const char *name, const struct journal_lines *lines,
			const struct notes *notes)
{
	size_t most = lines->n_unread < UNREAD_TOLD ? lines->n_unread : UNREAD_TOLD;

	for (size_t i = 0; i < most; i++)
		notes_tell(notes,
			   "lab %s: line %zu of its journal is damaged, and not undone: "
			   "\"%.100s\"",
			   name, lines->unread[i].number, lines->unread[i].text);
	if (lines->n_unread > most)
		notes_tell(notes, "lab %s: so are %zu more lines of its journal", name,
			   lines->n_unread - most);
}

/*
 * Without a first line it is not known of which boot a journal is, and which group and ifindexes
 * the lab has: its state tells. Else what is the lab's is known by marks alone.
 */
static void replace_head(const char *name, struct journal_lines *lines, const struct running *run,
			 const struct notes *notes)
{
	if (run) {
		lines->head.ifindex_base = run->ifindex_base;
		lines->head.range = run->capacity + run->slots;
		lines->head.group = run->group;
		return;
	}
	if (lines->n)
		notes_tell(notes,
			   "lab %s: %zu steps of its journal are not undone: without its first "
			   "line and without state.json it is not known whether they are of "
			   "this boot",
			   name, lines->n);
	for (size_t i = 0; i < lines->n; i++)
		free(lines->steps[i].value);
	lines->n = 0;
	lines->head.ifindex_base = LAB_IFINDEX_START;
	lines->head.range = LAB_IFINDEX_END - LAB_IFINDEX_START;
}

int undo_lab(const char *name, const struct running *run, bool by_marks, const struct notes *notes,
	     struct err *err)
{
	struct journal_lines lines;
	char boot[BOOT_ID_SIZE];
	int ret = boot_id(boot, err);

	if (ret)
		return ret;
	ret = journal_read(&lines, name, err);
	if (ret && ret != -ENOENT)
		return ret;
	if (ret && run)
		notes_tell(notes,
			   "lab %s: its journal is missing: what the lab changed in namespaces of "
			   "others, as sysctls, is not put back",
			   name);
	/* Nothing that an earlier boot made is left. */
	if (lines.has_head && strcmp(lines.head.boot, boot) != 0) {
		journal_lines_free(&lines);
		return 0;
	}
	tell_unread(name, &lines, notes);
	if (!lines.has_head)
		replace_head(name, &lines, run, notes);
	ret = add_others(&lines, name, run, by_marks, err);
	if (!ret)
		ret = undo_steps(name, &lines, notes, err);
	journal_lines_free(&lines);
	return ret;
}

int undo_filters(const char *name, const struct netns_id *id, uint32_t ifindex, struct err *err)
{
	struct journal_lines lines;
	int ret = journal_read(&lines, name, err), first = 0;

	if (ret)
		return ret == -ENOENT ? 0 : ret;
	for (size_t i = lines.n; i-- > 0;) {
		const struct journal_step *step = &lines.steps[i];

		if (step->kind != JOURNAL_FILTER || step->ifindex != ifindex ||
		    !netns_same(&step->id, id))
			continue;
		ret = undo_step(step, &lines.head, err);
		first = first ? first : ret;
	}
	journal_lines_free(&lines);
	return first;
}
