// SPDX-License-Identifier: GPL-2.0-only
/* draft.c - see draft.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/observe/draft.h"
#include "user/observe/link_choice.h"

/* Ends that a new lab has room for beside those that it begins with; each takes 21 kB of maps. */
enum { ROOM = 256 };

static int no_memory(const struct draft *draft, struct err *err)
{
	return err_set(err, ERR_SYSTEM, ENOMEM, "lab %s: out of memory", draft->options->name);
}

/* ---- nodes ----------------------------------------------------------------------------------- */

static bool is_name_taken(const char *name, void *arg)
{
	const struct draft *draft = arg;

	for (size_t i = 0; i < draft->n_nodes; i++)
		if (!strcmp(draft->nodes[i].node.name, name))
			return true;
	/* The name of a node that was removed is not given to another one in the same change. */
	return draft->was && lab_find_node(draft->was->lab, name);
}

static const char *was_name(const struct draft *draft, const struct netns_id *id)
{
	for (size_t i = 0; draft->was && i < draft->was->lab->n_nodes; i++)
		if (netns_same(&draft->was->nodes[i].id, id))
			return draft->was->lab->nodes[i]->name;
	return NULL;
}

/* The index of a namespace's node, which is added if there is none. The array has room for it. */
static unsigned node_for(struct draft *draft, const struct netns_id *id)
{
	struct draft_node *node = &draft->nodes[draft->n_nodes];
	const struct discovered_netns *netns;
	const char *name = was_name(draft, id);

	for (size_t i = 0; i < draft->n_nodes; i++)
		if (netns_same(&draft->nodes[i].id, id))
			return i;
	*node = (struct draft_node){
		.id = *id,
		.discovered = id->inode ? discovery_find_netns(draft->discovery, id) : -1};
	node->node.kind = NETNS_NEW;
	node->node.netns = UINT32_MAX;
	if (node->discovered >= 0) {
		netns = &draft->discovery->netns[node->discovered];
		node->node.kind = netns->kind;
		node->node.path = netns->path;
		node->node.pid = netns->pid;
		node->node.netns = node->discovered;
	}
	strcpy(node->node.name, name ? name : node->discovered >= 0 ? netns->name : "unseen");
	if (!name)
		observed_distinct(node->node.name, is_name_taken, draft);
	return draft->n_nodes++;
}

/* The namespaces that the options name are nodes even if they have no links. */
static void add_scope_nodes(struct draft *draft)
{
	const struct observe_options *options = draft->options;

	if (options->all || !options->n_scope)
		node_for(draft, &draft->discovery->netns[0].id);
	for (size_t i = 0; !options->all && i < options->n_scope; i++)
		if (discovery_find_netns(draft->discovery, &options->scope[i]) >= 0)
			node_for(draft, &options->scope[i]);
}

/* ---- links ----------------------------------------------------------------------------------- */

static void add_link(struct draft *draft, const struct chosen_link *chosen)
{
	struct draft_link *link = &draft->links[draft->n_links++];

	*link = (struct draft_link){.was = chosen->was};
	for (int side = 0; side < 2; side++) {
		int from = chosen->swapped ? !side : side;
		const struct discovered_end *end = chosen->link->ends[from];
		struct end_identity identity =
			end_identity_of(draft->discovery, chosen->link, from);
		char *ifname = link->link.ifnames[side];

		link->link.nodes[side] = node_for(draft, &identity.netns);
		link->link.ifindexes[side] = identity.ifindex;
		link->bridges[side] = end ? end->bridge : "";
		if (chosen->was)
			link->numbers[side] = chosen->was->ends[side]->number;
		if (end)
			strcpy(ifname, end->ifname);
		else
			snprintf(ifname, IFNAME_MAX + 1, "if%u", identity.ifindex);
	}
}

static int add_links(struct draft *draft, const struct notes *notes)
{
	cleanup_free struct chosen_link *list = NULL;
	size_t n;
	int ret = link_choice_make(&list, &n, draft->discovery, draft->was, draft->options, notes);

	for (size_t i = 0; !ret && i < n; i++)
		add_link(draft, &list[i]);
	return ret;
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
 * Kept links keep their numbers, and so their counters. A new link gets a pair of numbers that was
 * never used, or if there is none, one that is free. Links for which none is free are left out.
 */
static int number_links(struct draft *draft, const struct notes *notes)
{
	size_t n_new = 0, kept = 0, wanted;
	bool *taken;

	for (size_t i = 0; i < draft->n_links; i++)
		n_new += !draft->links[i].was;
	draft->capacity = draft->was ? draft->was->capacity : (2 * n_new + ROOM + 1) & ~1u;
	draft->next_end = draft->was ? draft->was->next_end : 0;
	taken = calloc(draft->capacity + 1, sizeof(*taken));
	if (!taken)
		return -ENOMEM;
	for (size_t i = 0; i < draft->n_links; i++)
		if (draft->links[i].was)
			taken[draft->links[i].numbers[0] / 2] = true;
	wanted = draft->n_links;
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
	if (kept < wanted)
		notes_tell(notes,
			   "%zu more link%s not watched: the lab has room for %u; `vethlab down "
			   "%s`, then observe again",
			   wanted - kept, wanted - kept == 1 ? " is" : "s are", draft->capacity / 2,
			   draft->options->name);
	return 0;
}

/* ---- the draft ------------------------------------------------------------------------------- */

static int write_text(struct draft *draft)
{
	struct observed observed = {
		.name = draft->options->name,
		.addresses = draft->discovery->addresses,
		.n_addresses = draft->discovery->n_addresses,
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

static int fill(struct draft *draft, const struct notes *notes)
{
	int ret;

	if (!draft->nodes || !draft->links)
		return -ENOMEM;
	add_scope_nodes(draft);
	ret = add_links(draft, notes);
	if (ret)
		return ret;
	ret = number_links(draft, notes);
	return ret ? ret : write_text(draft);
}

int draft_make(struct draft *draft, const struct discovery *discovery, struct running *was,
	       const struct observe_options *options, const struct notes *notes, struct err *err)
{
	int ret;

	*draft = (struct draft){.discovery = discovery, .was = was, .options = options};
	/* One node for each namespace, and one for each link with an invisible namespace. */
	draft->nodes = calloc(discovery->n_netns + discovery->n_links + 1, sizeof(*draft->nodes));
	draft->links = calloc(discovery->n_links + 1, sizeof(*draft->links));
	ret = fill(draft, notes);
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
	int i = draft->nodes[node->index].discovered;

	return i < 0 ? -1 : draft->discovery->netns[i].fd;
}

/* The model that the text describes. An error in the text is an error of this program. */
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
	run->lab_copy = NULL;
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
