/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * tc.h - traffic control by rtnetlink: clsact queueing disciplines and the eBPF filters on them
 * (net/sched/sch_ingress.c, net/sched/cls_bpf.c). One message, one function. nl is a socket of the
 * interface's namespace. Numbers are in host byte order.
 */
#ifndef VETHLAB_USER_NET_TC_H
#define VETHLAB_USER_NET_TC_H

#include <stdbool.h>
#include <stdint.h>

#include "user/base/err.h"
#include "user/net/net.h"

/* ---- the clsact qdisc ------------------------------------------------------------------------ */

/* What an interface has where a clsact qdisc would be. */
enum tc_clsact { TC_CLSACT_NONE, TC_CLSACT_THERE, TC_CLSACT_INGRESS_ONLY };
/* Returns an enum tc_clsact, or -errno. */
int tc_clsact_find(struct nl *nl, uint32_t ifindex, const struct nl_what *what, struct err *err);
/* Requests into nl's batch. -EEXIST: there is one, or an ingress qdisc. */
int tc_clsact_add(struct nl *nl, uint32_t ifindex, const struct nl_what *what, struct err *err);
/* With all filters on it. */
int tc_clsact_delete(struct nl *nl, uint32_t ifindex, const struct nl_what *what, struct err *err);

/* ---- filters on it --------------------------------------------------------------------------- */

/* One filter, of all protocols, that runs an eBPF program in direct-action mode. */
struct tc_filter {
	uint32_t ifindex;
	bool egress;	   /* what leaves the interface; else what comes in */
	uint32_t handle;   /* together with the priority its name on that side */
	uint32_t priority; /* from 1, which is first */
};

/* Requests into nl's batch. prog: the program's descriptor; name: what `tc filter show` calls it.
 */
int tc_filter_add(struct nl *nl, const struct tc_filter *filter, int prog, const char *name,
		  const struct nl_what *what, struct err *err);
int tc_filter_delete(struct nl *nl, const struct tc_filter *filter, const struct nl_what *what,
		     struct err *err);
/*
 * The id of the eBPF program of one filter, by the name that tc_filter_add() gave it; 0: it has
 * none. -ENOENT, -EINVAL: there is no such filter, or no clsact; -ENODEV: no such interface (err
 * stays clear).
 */
int tc_filter_get(struct nl *nl, const struct tc_filter *filter, uint32_t *prog_id,
		  const struct nl_what *what, struct err *err);
/*
 * Call fn for each filter on one side of an interface, of whatever kind; prog_id: of its eBPF
 * program, 0 if it has none.
 */
int tc_filter_list(struct nl *nl, uint32_t ifindex, bool egress,
		   void (*fn)(const struct tc_filter *filter, uint32_t prog_id, void *arg),
		   void *arg, const struct nl_what *what, struct err *err);

#endif
