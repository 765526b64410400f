// SPDX-License-Identifier: GPL-2.0-only
/* foreign_programs.c - see foreign_programs.h. */
#include "user/watch/foreign_programs.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "user/net/tc.h"
#include "user/watch/internal.h"

/* Ours decide nothing. An end stub is called vl_door. name: of an unknown program "". */
static bool is_ours(uint32_t id, char name[BPF_OBJ_NAME_LEN])
{
	struct bpf_prog_info info = {0};
	uint32_t size = sizeof(info);
	int fd = bpf_prog_get_fd_by_id(id);

	name[0] = '\0';
	if (fd < 0)
		return false;
	if (bpf_obj_get_info_by_fd(fd, &info, &size))
		info.name[0] = '\0';
	close(fd);
	memcpy(name, info.name, BPF_OBJ_NAME_LEN);
	for (int i = 0; i < WATCH_PROGS; i++)
		if (!strcmp(name, watch_prog_names[i]))
			return true;
	return !strcmp(name, "vl_door");
}

/* The programs of one side of an interface, in the order in which a packet meets them. */
struct foreign_search {
	enum foreign_place place;
	bool met_ours;
	char *text;
};

static bool counts(const struct foreign_search *search)
{
	if (search->text[0])
		return false;
	return search->place == FOREIGN_BEFORE_IN    ? !search->met_ours
	       : search->place == FOREIGN_BEHIND_OUT ? search->met_ours
						     : true;
}

static void meet(struct foreign_search *search, const char *kind, uint32_t id)
{
	char name[BPF_OBJ_NAME_LEN];

	if (is_ours(id, name))
		search->met_ours = true;
	else if (counts(search))
		snprintf(search->text, FOREIGN_PROGRAM_SIZE, "%s program %u%s%s%s", kind, id,
			 name[0] ? " (" : "", name, name[0] ? ")" : "");
}

struct tcx_query {
	uint32_t ifindex, ids[TCX_PROGRAMS_MAX], n;
	bool egress;
};

static int query_tcx(void *arg)
{
	struct tcx_query *query = arg;

	query->n = TCX_PROGRAMS_MAX;
	if (!bpf_prog_query((int)query->ifindex,
			    query->egress ? ATTACH_TCX_EGRESS : ATTACH_TCX_INGRESS, 0, NULL,
			    query->ids, &query->n))
		return 0;
	query->n = 0;
	return 0; /* no tcx, or nothing there */
}

static void on_filter(const struct tc_filter *filter, uint32_t prog_id, void *arg)
{
	struct foreign_search *search = arg;

	if (!filter->handle) /* 0: the head of filters of one kind */
		return;
	if (prog_id)
		meet(search, "tc", prog_id);
	else if (counts(search))
		snprintf(search->text, FOREIGN_PROGRAM_SIZE, "tc filter of priority %u",
			 filter->priority);
}

static int meet_tc(struct foreign_search *search, struct nl *nl, int netns_fd, uint32_t ifindex,
		   bool egress, struct err *err)
{
	struct tcx_query tcx = {.ifindex = ifindex, .egress = egress};
	struct nl_what what = {.object = "filters", .action = "be listed", .ignore = EINVAL};
	int ret = netns_run(netns_fd, query_tcx, &tcx, err);

	if (ret)
		return ret;
	for (uint32_t i = 0; i < tcx.n; i++)
		meet(search, "tcx", tcx.ids[i]);
	ret = search->text[0] ? 0 : tc_clsact_find(nl, ifindex, &what, err);
	if (search->text[0] || ret < 0 || ret == TC_CLSACT_NONE)
		return ret < 0 ? ret : 0;
	ret = tc_filter_list(nl, ifindex, egress, on_filter, search, &what, err);
	return ret == -EINVAL ? 0 : ret;
}

int foreign_program_find(struct nl *nl, int netns_fd, uint32_t ifindex, enum foreign_place place,
			 char text[FOREIGN_PROGRAM_SIZE], struct err *err)
{
	bool egress = place == FOREIGN_OUT || place == FOREIGN_BEHIND_OUT, by_xdp;
	struct foreign_search search = {.place = place, .text = text};
	struct link_info link;
	int ret;

	text[0] = '\0';
	ret = link_get(nl, ifindex, NULL, &link, err);
	if (ret)
		return ret == -ENODEV ? 0 : ret;
	if (!egress && link.xdp_prog_id)
		meet(&search, "XDP", link.xdp_prog_id);
	/* Where only XDP of ours is left, it is what counts. */
	by_xdp = search.met_ours;
	search.met_ours = false;
	ret = meet_tc(&search, nl, netns_fd, ifindex, egress, err);
	if (ret || (place == FOREIGN_BEFORE_IN && by_xdp && !search.met_ours))
		text[0] = '\0';
	return ret;
}
