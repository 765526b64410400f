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

static void tell(char text[FOREIGN_PROGRAM_SIZE], const char *kind, uint32_t id)
{
	char name[BPF_OBJ_NAME_LEN];

	if (is_ours(id, name))
		return;
	snprintf(text, FOREIGN_PROGRAM_SIZE, "%s program %u%s%s%s", kind, id, name[0] ? " (" : "",
		 name, name[0] ? ")" : "");
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
	char *text = arg;

	if (text[0] || !filter->handle) /* 0: the head of filters of one kind */
		return;
	if (prog_id)
		tell(text, "tc", prog_id);
	else
		snprintf(text, FOREIGN_PROGRAM_SIZE, "tc filter of priority %u", filter->priority);
}

int foreign_program_find(struct nl *nl, int netns_fd, uint32_t ifindex, bool egress,
			 char text[FOREIGN_PROGRAM_SIZE], struct err *err)
{
	struct tcx_query tcx = {.ifindex = ifindex, .egress = egress};
	struct nl_what what = {.object = "filters", .action = "be listed", .ignore = EINVAL};
	struct link_info link;
	int ret;

	text[0] = '\0';
	ret = link_get(nl, ifindex, NULL, &link, err);
	if (ret)
		return ret == -ENODEV ? 0 : ret;
	if (!egress && link.xdp_prog_id)
		tell(text, "XDP", link.xdp_prog_id);
	ret = netns_run(netns_fd, query_tcx, &tcx, err);
	if (ret)
		return ret;
	for (uint32_t i = 0; i < tcx.n && !text[0]; i++)
		tell(text, "tcx", tcx.ids[i]);
	ret = text[0] ? 0 : tc_clsact_find(nl, ifindex, &what, err);
	if (text[0] || ret < 0 || ret == TC_CLSACT_NONE)
		return ret < 0 ? ret : 0;
	ret = tc_filter_list(nl, ifindex, egress, on_filter, text, &what, err);
	return ret == -EINVAL ? 0 : ret;
}
