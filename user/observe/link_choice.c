// SPDX-License-Identifier: GPL-2.0-only
/* link_choice.c - see link_choice.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "user/observe/link_choice.h"

struct link_choice {
	const struct discovery *discovery;
	const struct running *was; /* NULL: there is none */
	const struct observe_options *options;
	struct chosen_link *list;
	size_t n;
};

/* ---- identity of ends ------------------------------------------------------------------------ */

static bool same_end(const struct end_identity *a, const struct end_identity *b)
{
	return a->ifindex == b->ifindex && netns_same(&a->netns, &b->netns);
}

struct end_identity end_identity_of(const struct discovery *discovery,
				    const struct discovered_link *link, int side)
{
	const struct discovered_end *end = link->ends[side], *near = link->ends[0];
	uint64_t inode = discovery->netns[near->netns].id.inode;

	if (end)
		return (struct end_identity){discovery->netns[end->netns].id, end->ifindex};
	return (struct end_identity){{0, inode << 32 | (uint32_t)near->peer_nsid},
				     near->peer_ifindex};
}

static struct end_identity identity_in(const struct running *run, const struct end *end)
{
	return (struct end_identity){run->nodes[end->node->index].id, running_ifindex(run, end)};
}

static bool has_end(const struct running *run, const struct end_identity *identity)
{
	for (size_t i = 0; i < run->lab->n_nodes; i++) {
		const struct node *node = run->lab->nodes[i];

		if (!netns_same(&run->nodes[i].id, &identity->netns))
			continue;
		for (size_t k = 0; k < node->n_ends; k++)
			if (running_ifindex(run, node->ends[k]) == identity->ifindex)
				return true;
	}
	return false;
}

/* ---- other labs ------------------------------------------------------------------------------ */

struct other_labs {
	struct running **list;
	size_t n;
	size_t *watched; /* of each lab: how many wanted links it watches already */
};

static int other_labs_read(struct other_labs *others, const char *own_name)
{
	char **names;
	size_t n;

	*others = (struct other_labs){0};
	if (lab_list(&names, &n, NULL))
		return 0;
	others->list = calloc(n + 1, sizeof(*others->list));
	others->watched = calloc(n + 1, sizeof(*others->watched));
	for (size_t i = 0; others->list && others->watched && i < n; i++)
		if (strcmp(names[i], own_name) != 0 &&
		    !lab_open(&others->list[others->n], names[i], NULL))
			others->n++;
	lab_list_free(names, n);
	return others->list && others->watched ? 0 : -ENOMEM;
}

static void other_labs_free(struct other_labs *others)
{
	for (size_t i = 0; i < others->n; i++)
		running_free(others->list[i]);
	free(others->list);
	free(others->watched);
}

/* Whether another lab has an end of the link; if so, the link is added to that lab's count. */
static bool other_lab_watches(struct other_labs *others, const struct discovery *discovery,
			      const struct discovered_link *link)
{
	for (size_t i = 0; i < others->n; i++)
		for (int side = 0; side < 2; side++) {
			struct end_identity identity = end_identity_of(discovery, link, side);

			if (!has_end(others->list[i], &identity))
				continue;
			others->watched[i]++;
			return true;
		}
	return false;
}

static void tell_other_labs(const struct other_labs *others, const struct notes *notes)
{
	for (size_t i = 0; i < others->n; i++)
		if (others->watched[i])
			notes_tell(notes, "%zu link%s already watched by lab %s",
				   others->watched[i], others->watched[i] == 1 ? " is" : "s are",
				   others->list[i]->name);
}

/* ---- the choice ------------------------------------------------------------------------------ */

static bool in_scope(const struct observe_options *options, const struct netns_id *id)
{
	for (size_t i = 0; i < options->n_scope; i++)
		if (netns_same(&options->scope[i], id))
			return true;
	return false;
}

static bool is_wanted(const struct link_choice *choice, const struct discovered_link *link)
{
	const struct observe_options *options = choice->options;

	if (options->all)
		return true;
	for (int side = 0; side < 2; side++) {
		const struct discovered_end *end = link->ends[side];

		if (end &&
		    (options->n_scope ? in_scope(options, &choice->discovery->netns[end->netns].id)
				      : !end->netns))
			return true;
	}
	return false;
}

static bool can_be_named(const struct link_choice *choice, const struct discovered_link *link,
			 const struct notes *notes)
{
	for (int side = 0; side < 2; side++) {
		const struct discovered_end *end = link->ends[side];
		const char *problem = end ? observed_ifname_problem(end->ifname) : NULL;

		if (!problem)
			continue;
		notes_tell(notes, "interface %s of %s is left out: %s", end->ifname,
			   choice->discovery->netns[end->netns].name, problem);
		return false;
	}
	return true;
}

/* The discovered link that is a link of the lab as it was; NULL: it does not exist any more. */
static const struct discovered_link *find_discovered(const struct link_choice *choice,
						     const struct link *was, bool *swapped)
{
	const struct discovery *discovery = choice->discovery;
	struct end_identity a = identity_in(choice->was, was->ends[0]);
	struct end_identity b = identity_in(choice->was, was->ends[1]);

	for (size_t i = 0; i < discovery->n_links; i++) {
		const struct discovered_link *link = &discovery->links[i];
		struct end_identity c = end_identity_of(discovery, link, 0);
		struct end_identity d = end_identity_of(discovery, link, 1);

		*swapped = !same_end(&a, &c);
		if ((same_end(&a, &c) && same_end(&b, &d)) ||
		    (same_end(&a, &d) && same_end(&b, &c)))
			return link;
	}
	return NULL;
}

/*
 * Whether only one end of the link was discovered, and the lab as it was has that end. Then the
 * kernel is removing the other namespace, and the link with it. If the link stays, the next
 * discovery finds it.
 */
static bool is_being_removed(const struct link_choice *choice, const struct discovered_link *link)
{
	struct end_identity near = end_identity_of(choice->discovery, link, 0);

	return !link->ends[1] && choice->was && has_end(choice->was, &near);
}

static void choose_kept(struct link_choice *choice, bool *chosen)
{
	const struct discovered_link *links = choice->discovery->links;

	for (size_t i = 0; choice->was && i < choice->was->lab->n_links; i++) {
		const struct link *was = choice->was->lab->links[i];
		bool swapped;
		const struct discovered_link *link = find_discovered(choice, was, &swapped);

		if (!link || !is_wanted(choice, link) || !can_be_named(choice, link, NULL))
			continue;
		chosen[link - links] = true;
		choice->list[choice->n++] = (struct chosen_link){link, was, swapped};
	}
}

static int choose_new(struct link_choice *choice, const bool *chosen, struct other_labs *others,
		      const struct notes *notes)
{
	bool others_known = false;
	int ret;

	for (size_t i = 0; i < choice->discovery->n_links; i++) {
		const struct discovered_link *link = &choice->discovery->links[i];

		if (chosen[i] || !is_wanted(choice, link) || is_being_removed(choice, link) ||
		    !can_be_named(choice, link, notes))
			continue;
		/* The files of all labs are read only if there is a new link. */
		ret = others_known ? 0 : other_labs_read(others, choice->options->name);
		if (ret)
			return ret;
		others_known = true;
		if (!other_lab_watches(others, choice->discovery, link))
			choice->list[choice->n++] = (struct chosen_link){.link = link};
	}
	return 0;
}

int link_choice_make(struct chosen_link **list, size_t *n, const struct discovery *discovery,
		     const struct running *was, const struct observe_options *options,
		     const struct notes *notes)
{
	struct link_choice choice = {.discovery = discovery, .was = was, .options = options};
	bool *chosen = calloc(discovery->n_links + 1, sizeof(*chosen));
	struct other_labs others = {0};
	int ret = -ENOMEM;

	choice.list = calloc(discovery->n_links + 1, sizeof(*choice.list));
	if (chosen && choice.list) {
		choose_kept(&choice, chosen);
		ret = choose_new(&choice, chosen, &others, notes);
	}
	if (!ret)
		tell_other_labs(&others, notes);
	other_labs_free(&others);
	free(chosen);
	if (ret) {
		free(choice.list);
		return ret;
	}
	*list = choice.list;
	*n = choice.n;
	return 0;
}
