// SPDX-License-Identifier: GPL-2.0-only
/* lab_fixture.c - the blue lab, without a file and without a kernel. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lab_fixture.h"

void fixture_setup(struct fixture *fixture)
{
	memset(fixture, 0, sizeof(*fixture));
	strcpy(fixture->nodes[0].name, "default");
	strcpy(fixture->nodes[1].name, "blue");
	for (unsigned i = 0; i < 4; i++) {
		struct end *end = &fixture->ends[i];

		end->number = i;
		end->node = &fixture->nodes[i % 2];
		end->link = &fixture->links[i / 2];
		end->peer = &fixture->ends[i ^ 1];
		snprintf(end->ifname, sizeof(end->ifname), "veth%u", i);
		snprintf(end->name, sizeof(end->name), "%s:veth%u", i % 2 ? "blue" : "default", i);
		fixture->links[i / 2].ends[i % 2] = end;
	}
	for (unsigned i = 0; i < 2; i++) {
		fixture->links[i].index = i;
		fixture->link_list[i] = &fixture->links[i];
		fixture->node_list[i] = &fixture->nodes[i];
	}
	fixture->lab.links = fixture->link_list;
	fixture->lab.n_links = 2;
	fixture->lab.nodes = fixture->node_list;
	fixture->lab.n_nodes = 2;
	assert_int_equal(snapshot_init(&fixture->snapshot, 4), 0);
	memset(fixture->snapshot.attached, OUT_BIT | IN_BIT, 4);
	fixture->snapshot.time_ns = 1795448641250000000;
	fixture->snapshot.built_ns = 5000000000;
	fixture->snapshot.since_ns = fixture->snapshot.built_ns;
	fixture->snapshot.read_ns = fixture->snapshot.since_ns + 192000000000;
}

void fixture_teardown(struct fixture *fixture)
{
	snapshot_free(&fixture->snapshot);
}

void fixture_add_echoes(struct fixture *fixture, unsigned end, enum vl_hook hook, unsigned n,
			bool reply)
{
	struct vl_counters *counters = &fixture->snapshot.hooks[hook][end];

	counters->packets += n;
	counters->segments += n;
	counters->bytes += 98ull * n;
	counters->ipv4 += n;
	*(reply ? &counters->icmp4.echo_reply : &counters->icmp4.echo_request) += n;
}

void fixture_add_pings(struct fixture *fixture, unsigned lost)
{
	fixture_add_echoes(fixture, 0, VL_HOOK_OUT, 100, false);
	fixture_add_echoes(fixture, 1, VL_HOOK_IN, 100 - lost, false);
	fixture_add_echoes(fixture, 1, VL_HOOK_OUT, 100 - lost, true);
	fixture_add_echoes(fixture, 0, VL_HOOK_IN, 100 - lost, true);
}

char *fixture_text(const struct ledger *ledger, const struct ledger_filter *filter, bool all)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	ledger_print(ledger, filter, all, f);
	fclose(f);
	return text;
}

void fixture_add_drop(struct fixture *fixture, unsigned end, enum watch_drop_stage stage,
		      const char *reason, const char *place, unsigned n)
{
	struct losses *losses = &fixture->snapshot.losses;
	struct watch_drop *drop;

	losses->known = true;
	losses->list = realloc(losses->list, (losses->n + 1) * sizeof(*losses->list));
	drop = &losses->list[losses->n++];
	*drop = (struct watch_drop){.end = end, .stage = stage};
	strcpy(drop->reason, reason);
	strcpy(drop->place, place);
	drop->count = (struct vl_drop_counters){n, 98ull * n, n};
}
