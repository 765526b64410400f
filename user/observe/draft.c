// SPDX-License-Identifier: GPL-2.0-only
/* draft.c - see draft.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/observe/draft.h"

enum { ROOM = 256 }; /* ends that may come; each has 21 kB of counters and bins */

static int no_memory(const struct draft *draft, struct err *err)
{
	return err_set(err, ERR_SYSTEM, ENOMEM, "lab %s: out of memory", draft->options->name);
}

/* Who an end is, whatever it is called. */
struct draft_place {
	struct netns_id id;
	uint32_t ifindex;
};

static bool same_place(const struct draft_place *a, const struct draft_place *b)
{
	return a->ifindex == b->ifindex && netns_same(&a->id, &b->id);
}

/* A namespace that cannot be seen is known by who knows it, and as what. */
static struct draft_place seen_place(const struct discovery *seen,
				     const struct discovered_link *link, int side)
{
	const struct discovered_end *end = link->ends[side], *near = link->ends[0];
	uint64_t inode = seen->netns[near->netns].id.inode;

	if (end)
		return (struct draft_place){seen->netns[end->netns].id, end->ifindex};
	return (struct draft_place){{0, inode << 32 | (uint32_t)near->peer_nsid},
				    near->peer_ifindex};
}

static struct draft_place was_place(const struct running *was, const struct end *end)
{
	return (struct draft_place){was->nodes[end->node->index].id, running_ifindex(was, end)};
}

/* ---- which links ----------------------------------------------------------------------------- */

static bool in_scope(const struct observe_options *options, const struct netns_id *id)
{
	for (size_t i = 0; i < options->n_scope; i++)
		if (netns_same(&options->scope[i], id))
			return true;
	return false;
}

static bool is_wanted(const struct draft *draft, const struct discovered_link *link)
{
	const struct discovery *seen = draft->seen;

	if (draft->options->all)
		return true;
	for (int side = 0; side < 2; side++) {
		const struct discovered_end *end = link->ends[side];

		if (end &&
		    (draft->options->n_scope ? in_scope(draft->options, &seen->netns[end->netns].id)
					     : !end->netns))
			return true;
	}
	return false;
}

/* The labs that watch links already, this one not among them. */
struct others {
	struct running **list;
	size_t n;
	size_t *links; /* of each, that were left out */
};

static int others_read(struct others *others, const char *but)
{
	char **names;
	size_t n;

	*others = (struct others){0};
	if (lab_list(&names, &n, NULL))
		return 0;
	others->list = calloc(n + 1, sizeof(*others->list));
	others->links = calloc(n + 1, sizeof(*others->links));
	for (size_t i = 0; others->list && others->links && i < n; i++)
		if (strcmp(names[i], but) != 0 &&
		    !lab_open(&others->list[others->n], names[i], NULL))
			others->n++;
	lab_list_free(names, n);
	return others->list && others->links ? 0 : -ENOMEM;
}

static void others_free(struct others *others)
{
	for (size_t i = 0; i < others->n; i++)
		running_free(others->list[i]);
	free(others->list);
	free(others->links);
}

static bool has_end(const struct running *run, const struct draft_place *place)
{
	for (size_t i = 0; i < run->lab->n_nodes; i++) {
		const struct node *node = run->lab->nodes[i];

		if (!netns_same(&run->nodes[i].id, &place->id))
			continue;
		for (size_t k = 0; k < node->n_ends; k++)
			if (running_ifindex(run, node->ends[k]) == place->ifindex)
				return true;
	}
	return false;
}

/* Whether another lab watches an end of the link; it is counted then. */
static bool is_taken(struct others *others, const struct discovery *seen,
		     const struct discovered_link *link)
{
	for (size_t i = 0; i < others->n; i++)
		for (int side = 0; side < 2; side++) {
			struct draft_place place = seen_place(seen, link, side);

			if (!has_end(others->list[i], &place))
				continue;
			others->links[i]++;
			return true;
		}
	return false;
}

static bool can_be_named(const struct draft *draft, const struct discovered_link *link,
			 const struct notes *notes)
{
	for (int side = 0; side < 2; side++) {
		const struct discovered_end *end = link->ends[side];
		const char *problem = end ? observed_ifname_problem(end->ifname) : NULL;

		if (!problem)
			continue;
		notes_tell(notes, "interface %s of %s is left out: %s", end->ifname,
			   draft->seen->netns[end->netns].name, problem);
		return false;
	}
	return true;
}

/* ---- nodes ----------------------------------------------------------------------------------- */

static bool is_name_taken(const char *name, void *arg)
{
	const struct draft *draft = arg;

	for (size_t i = 0; i < draft->n_nodes; i++)
		if (!strcmp(draft->nodes[i].node.name, name))
			return true;
	/* What a node is called that is there no more is not given to another one at once. */
	return draft->was && lab_find_node(draft->was->lab, name);
}

static const char *was_name(const struct draft *draft, const struct netns_id *id)
{
	for (size_t i = 0; draft->was && i < draft->was->lab->n_nodes; i++)
		if (netns_same(&draft->was->nodes[i].id, id))
			return draft->was->lab->nodes[i]->name;
	return NULL;
}

/* The place of a namespace's node, which is made if there is none. There is room for it. */
static unsigned node_for(struct draft *draft, const struct netns_id *id)
{
	struct draft_node *node = &draft->nodes[draft->n_nodes];
	const struct discovered_netns *netns;
	const char *name = was_name(draft, id);

	for (size_t i = 0; i < draft->n_nodes; i++)
		if (netns_same(&draft->nodes[i].id, id))
			return i;
	*node = (struct draft_node){.id = *id,
				    .seen = id->inode ? discovery_find_netns(draft->seen, id) : -1};
	node->node.kind = NETNS_NEW;
	node->node.netns = UINT32_MAX;
	if (node->seen >= 0) {
		netns = &draft->seen->netns[node->seen];
		node->node.kind = netns->kind;
		node->node.path = netns->path;
		node->node.pid = netns->pid;
		node->node.netns = node->seen;
	}
	strcpy(node->node.name, name ? name : node->seen >= 0 ? netns->name : "unseen");
	if (!name)
		observed_distinct(node->node.name, is_name_taken, draft);
	return draft->n_nodes++;
}

/* Nodes without links: those that were asked about. */
static void add_scope_nodes(struct draft *draft)
{
	const struct observe_options *options = draft->options;

	if (options->all || !options->n_scope)
		node_for(draft, &draft->seen->netns[0].id);
	for (size_t i = 0; !options->all && i < options->n_scope; i++)
		if (discovery_find_netns(draft->seen, &options->scope[i]) >= 0)
			node_for(draft, &options->scope[i]);
}

/* ---- links ----------------------------------------------------------------------------------- */

static void add_link(struct draft *draft, const struct discovered_link *seen,
		     const struct link *was)
{
	struct draft_link *link = &draft->links[draft->n_links++];
	struct draft_place first = seen_place(draft->seen, seen, 0), before;
	bool turned = false;

	*link = (struct draft_link){.was = was};
	if (was) {
		before = was_place(draft->was, was->ends[0]);
		turned = !same_place(&first, &before);
	}
	for (int side = 0; side < 2; side++) {
		int from = turned ? !side : side;
		struct draft_place place = seen_place(draft->seen, seen, from);
		const struct discovered_end *end = seen->ends[from];
		char *ifname = link->link.ifnames[side];

		link->link.nodes[side] = node_for(draft, &place.id);
		link->link.ifindexes[side] = place.ifindex;
		link->bridges[side] = end ? end->bridge : "";
		if (was)
			link->numbers[side] = was->ends[side]->number;
		if (end)
			strcpy(ifname, end->ifname);
		else
			snprintf(ifname, IFNAME_MAX + 1, "if%u", place.ifindex);
	}
}

/* What is seen of a link of the lab that was; NULL: it is gone. */
static size_t find_seen(const struct draft *draft, const struct link *was)
{
	struct draft_place a = was_place(draft->was, was->ends[0]);
	struct draft_place b = was_place(draft->was, was->ends[1]);

	for (size_t i = 0; i < draft->seen->n_links; i++) {
		struct draft_place c = seen_place(draft->seen, &draft->seen->links[i], 0);
		struct draft_place d = seen_place(draft->seen, &draft->seen->links[i], 1);

		if ((same_place(&a, &c) && same_place(&b, &d)) ||
		    (same_place(&a, &d) && same_place(&b, &c)))
			return i;
	}
	return SIZE_MAX;
}

/*
 * Half of a link that was whole a moment ago: the other namespace is being taken apart, and the
 * link with it. If it stays, the next look finds it.
 */
static bool is_going(const struct draft *draft, const struct discovered_link *link)
{
	struct draft_place near = seen_place(draft->seen, link, 0);

	return !link->ends[1] && draft->was && has_end(draft->was, &near);
}

static uint32_t free_pair(struct draft *draft, bool *taken)
{
	uint32_t pair = (draft->next_end + 1) / 2;

	if (pair >= draft->capacity / 2)
		for (pair = 0; pair < draft->capacity / 2 && taken[pair]; pair++)
			;
	if (pair < draft->capacity / 2) {
		taken[pair] = true;
		if (2 * pair >= draft->next_end)
			draft->next_end = 2 * pair + 2;
	}
	return pair;
}

/*
 * Kept links keep their numbers, and so their counters; a fresh one gets two that were never used,
 * as long as there are some. Links without room are left out.
 */
static int number_links(struct draft *draft, const struct notes *notes)
{
	size_t fresh = 0, kept = 0, room;
	bool *taken;

	for (size_t i = 0; i < draft->n_links; i++)
		fresh += !draft->links[i].was;
	draft->capacity = draft->was ? draft->was->capacity : (2 * fresh + ROOM + 1) & ~1u;
	draft->next_end = draft->was ? draft->was->next_end : 0;
	taken = calloc(draft->capacity + 1, sizeof(*taken));
	if (!taken)
		return -ENOMEM;
	for (size_t i = 0; i < draft->n_links; i++)
		if (draft->links[i].was)
			taken[draft->links[i].numbers[0] / 2] = true;
	room = draft->n_links;
	for (size_t i = 0; i < draft->n_links; i++) {
		struct draft_link link = draft->links[i];

		if (!link.was) {
			uint32_t pair = free_pair(draft, taken);

			if (pair >= draft->capacity / 2)
				continue;
			link.numbers[0] = 2 * pair;
			link.numbers[1] = 2 * pair + 1;
		}
		draft->links[kept++] = link;
	}
	draft->n_links = kept;
	free(taken);
	if (kept < room)
		notes_tell(notes,
			   "%zu more link%s not watched: the lab has room for %u; `vethlab down "
			   "%s`, then observe again",
			   room - kept, room - kept == 1 ? " is" : "s are", draft->capacity / 2,
			   draft->options->name);
	return 0;
}

static void tell_others(const struct others *others, const struct notes *notes)
{
	for (size_t i = 0; i < others->n; i++)
		if (others->links[i])
			notes_tell(notes, "%zu link%s already watched by lab %s", others->links[i],
				   others->links[i] == 1 ? " is" : "s are", others->list[i]->name);
}

static int choose_links(struct draft *draft, const struct notes *notes)
{
	const struct discovery *seen = draft->seen;
	const struct running *was = draft->was;
	bool *done = calloc(seen->n_links + 1, sizeof(*done));
	struct others others = {0};
	int ret = done ? 0 : -ENOMEM;
	bool read = false;

	for (size_t i = 0; !ret && was && i < was->lab->n_links; i++) {
		size_t at = find_seen(draft, was->lab->links[i]);

		if (at == SIZE_MAX || !is_wanted(draft, &seen->links[at]) ||
		    !can_be_named(draft, &seen->links[at], NULL))
			continue;
		done[at] = true;
		add_link(draft, &seen->links[at], was->lab->links[i]);
	}
	for (size_t i = 0; !ret && i < seen->n_links; i++) {
		if (done[i] || !is_wanted(draft, &seen->links[i]) ||
		    is_going(draft, &seen->links[i]) ||
		    !can_be_named(draft, &seen->links[i], notes))
			continue;
		if (!read) /* only if there is something new */
			ret = others_read(&others, draft->options->name);
		read = true;
		if (!ret && !is_taken(&others, seen, &seen->links[i]))
			add_link(draft, &seen->links[i], NULL);
	}
	if (!ret)
		tell_others(&others, notes);
	others_free(&others);
	free(done);
	return ret;
}

/* ---- the whole ------------------------------------------------------------------------------- */

static int write_text(struct draft *draft)
{
	struct observed observed = {
		.name = draft->options->name,
		.addresses = draft->seen->addresses,
		.n_addresses = draft->seen->n_addresses,
		.n_nodes = draft->n_nodes,
		.n_links = draft->n_links,
	};
	struct observed_node *nodes = calloc(draft->n_nodes + 1, sizeof(*nodes));
	struct observed_link *links = calloc(draft->n_links + 1, sizeof(*links));
	size_t size;
	FILE *f = nodes && links ? open_memstream(&draft->text, &size) : NULL;

	for (size_t i = 0; f && i < draft->n_nodes; i++)
		nodes[i] = draft->nodes[i].node;
	for (size_t i = 0; f && i < draft->n_links; i++)
		links[i] = draft->links[i].link;
	observed.nodes = nodes;
	observed.links = links;
	if (f)
		observed_write(f, &observed);
	if (f && fclose(f))
		f = NULL;
	free(nodes);
	free(links);
	return f ? 0 : -ENOMEM;
}

int draft_make(struct draft *draft, const struct discovery *seen, struct running *was,
	       const struct observe_options *options, const struct notes *notes, struct err *err)
{
	int ret;

	*draft = (struct draft){.seen = seen, .was = was, .options = options};
	/* A node a namespace, and one a link whose other end is unseen. */
	draft->nodes = calloc(seen->n_netns + seen->n_links + 1, sizeof(*draft->nodes));
	draft->links = calloc(seen->n_links + 1, sizeof(*draft->links));
	ret = draft->nodes && draft->links ? 0 : -ENOMEM;
	if (!ret)
		add_scope_nodes(draft);
	if (!ret)
		ret = choose_links(draft, notes);
	if (!ret)
		ret = number_links(draft, notes);
	if (!ret)
		ret = write_text(draft);
	if (ret) {
		no_memory(draft, err);
		draft_free(draft);
	}
	return ret;
}

void draft_free(struct draft *draft)
{
	free(draft->nodes);
	free(draft->links);
	free(draft->text);
	*draft = (struct draft){0};
}

bool draft_keeps(const struct draft *draft, const struct link *was)
{
	for (size_t i = 0; i < draft->n_links; i++)
		if (draft->links[i].was == was)
			return true;
	return false;
}

bool draft_changes_nothing(const struct draft *draft)
{
	const struct lab *was = draft->was->lab;

	if (draft->n_links != was->n_links || strcmp(draft->text, was->text) != 0)
		return false;
	for (size_t i = 0; i < draft->n_links; i++) {
		if (draft->links[i].was != was->links[i])
			return false;
		for (int side = 0; side < 2; side++)
			if (strcmp(draft->links[i].bridges[side],
				   was->links[i]->ends[side]->bridge))
				return false;
	}
	return true;
}

int draft_netns_fd(const struct draft *draft, const struct node *node)
{
	int at = draft->nodes[node->index].seen;

	return at < 0 ? -1 : draft->seen->netns[at].fd;
}

/* The model that the text says; what it says is ours, so that it can be read is, too. */
static struct lab *read_text(const struct draft *draft, struct err *err)
{
	struct diags diags = {0};
	char path[128];
	struct lab *lab;

	snprintf(path, sizeof(path), LAB_DIR "/%s/lab.yaml", draft->options->name);
	lab = lab_read_text(draft->text, strlen(draft->text), path, &diags);
	for (size_t i = 0; !lab && i < diags.count; i++)
		if (diags.list[i].severity == SEVERITY_ERROR)
			err_set(err, ERR_FAILED, EINVAL,
				"what is there cannot be a lab: line %d: %s",
				diags.list[i].where.line, diags.list[i].what);
	if (!lab)
		no_memory(draft, err);
	diags_free(&diags);
	return lab;
}

static int fill_ends(struct running *run, const struct draft *draft)
{
	for (size_t i = 0; i < run->lab->n_links; i++)
		for (int side = 0; side < 2; side++) {
			const struct draft_link *link = &draft->links[i];
			struct end *end = run->lab->links[i]->ends[side];
			struct observed_end *observed = &run->observed[link->numbers[side]];

			end->number = link->numbers[side];
			snprintf(end->bridge, sizeof(end->bridge), "%s", link->bridges[side]);
			*observed = link->was ? draft->was->observed[end->number]
					      : (struct observed_end){.hooks = HOOKS_NONE,
								      .xdp = XDP_MODE_OFF};
			observed->ifindex = link->link.ifindexes[side];
		}
	return lab_index(run->lab);
}

int draft_running(struct running **out, const struct draft *draft, struct err *err)
{
	struct running *run = calloc(1, sizeof(*run));

	if (!run)
		return no_memory(draft, err);
	if (draft->was)
		*run = *draft->was;
	snprintf(run->name, sizeof(run->name), "%s", draft->options->name);
	run->capacity = draft->capacity;
	run->next_end = draft->next_end;
	run->nodes = calloc(draft->n_nodes + 1, sizeof(*run->nodes));
	run->observed = calloc(draft->capacity + 1, sizeof(*run->observed));
	run->lab = read_text(draft, err);
	if (!run->nodes || !run->observed || !run->lab || fill_ends(run, draft)) {
		running_free(run);
		return no_memory(draft, err);
	}
	for (size_t i = 0; i < draft->n_nodes; i++)
		run->nodes[i] = (struct running_node){.slot = i, .id = draft->nodes[i].id};
	run->slots = draft->n_nodes;
	*out = run;
	return 0;
}
