/* SPDX-License-Identifier: GPL-2.0-only */
/* lab_fixture.h - the blue lab and its counters, made by hand for tests of what is printed. */
#ifndef VETHLAB_TESTS_LAB_FIXTURE_H
#define VETHLAB_TESTS_LAB_FIXTURE_H

#include "user/ledger/ledger.h"
#include "user/render/ledger_report.h"

enum { OUT_BIT = 1 << VL_HOOK_OUT, XDP_BIT = 1 << VL_HOOK_XDP, IN_BIT = 1 << VL_HOOK_IN };

/* default:veth0 -- blue:veth1, default:veth2 -- blue:veth3; `in` and `out` everywhere. */
struct fixture {
	struct node nodes[2], *node_list[2];
	struct end ends[4];
	struct link links[2], *link_list[2];
	struct lab lab;
	struct snapshot snapshot;
};

void fixture_setup(struct fixture *fixture);
void fixture_teardown(struct fixture *fixture);
/* n echo requests (or replies) of 98 bytes at one hook of one end. */
void fixture_add_echoes(struct fixture *fixture, unsigned end, enum vl_hook hook, unsigned n,
			bool reply);
/* 100 pings from default:veth0 to blue:veth1, of which the link lost `lost` requests. */
void fixture_add_pings(struct fixture *fixture, unsigned lost);
/* A drop of n segments at an end of the fixture. */
void fixture_add_drop(struct fixture *fixture, unsigned end, enum watch_drop_stage stage,
		      const char *reason, const char *place, unsigned n);
/* The ledger as text, which the caller frees. */
char *fixture_text(const struct ledger *ledger, const struct ledger_filter *filter, bool all);

#endif
