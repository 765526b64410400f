// SPDX-License-Identifier: GPL-2.0-only
/*
 * reading_exact.c - a reading made exact while packets cross the links: each direction as of a
 * moment at which none of its packets was between its hooks (user/watch/exact_start.h).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "user/ledger/reading_exact.h"
#include "user/watch/exact_start.h"

/* Drops may come while the moment is looked for: then once more, with them. */
enum { TRIES = 4 };

static bool moved(const struct snapshot *a, const struct snapshot *b, enum vl_hook hook,
		  const struct end *end)
{
	return memcmp(&a->hooks[hook][end->number], &b->hooks[hook][end->number],
		      sizeof(struct vl_counters));
}

/* Whether a direction is as it was in the reading after this one, and nothing is missing. */
static bool is_exact(const struct ledger_entry *entry, const struct snapshot *now,
		     const struct snapshot *then)
{
	if (!entry->has_sent || !entry->has_received)
		return true;
	return !entry->unexplained && !entry->unseen &&
	       !moved(now, then, VL_HOOK_OUT, entry->from) &&
	       !moved(now, then, VL_HOOK_XDP, entry->from->peer) &&
	       !moved(now, then, VL_HOOK_IN, entry->from->peer);
}

/* The directions that are not exact: how many, into cuts. -ENOMEM. */
static int list_cuts(const struct reading *reading, const struct snapshot *now,
		     const struct snapshot *then, struct watch_exact_start *cuts)
{
	struct ledger ledger;
	int n = 0, rc = ledger_make(&ledger, reading->run->name, reading->run->lab, now);

	if (rc)
		return rc;
	for (size_t i = 0; i < ledger.n_entries; i++) {
		const struct ledger_entry *entry = &ledger.entries[i];

		if (!is_exact(entry, now, then))
			cuts[n++] = (struct watch_exact_start){.from = entry->from->number,
							       .to = entry->from->peer->number,
							       .dropped = entry->dropped};
	}
	ledger_free(&ledger);
	return n;
}

static void take_cut(struct snapshot *snapshot, const struct watch_exact_start *cut)
{
	snapshot->hooks[VL_HOOK_OUT][cut->from] = cut->out;
	snapshot->hooks[VL_HOOK_XDP][cut->to] = cut->xdp;
	snapshot->hooks[VL_HOOK_IN][cut->to] = cut->in;
	snapshot->passing[cut->from] = cut->passing;
}

static uint64_t difference(uint64_t a, uint64_t b)
{
	return a > b ? a - b : b - a;
}

/* Read the drops again: the directions that had some meanwhile are cuts now. How many, or -errno.
 */
static int list_dropping(const struct reading *reading, struct snapshot *snapshot,
			 struct watch_exact_start *cuts, struct err *err)
{
	const struct lab *lab = reading->run->lab;
	struct losses now = {0};
	int n = 0, rc = snapshot->losses.known ? losses_read(&now, reading->watch, err) : 0;

	if (rc || !snapshot->losses.known)
		return rc;
	for (size_t i = 0; i < lab_n_ends(lab); i++) {
		const struct end *from = lab_end(lab, i);
		uint64_t before = losses_on_link(&snapshot->losses, from),
			 after = losses_on_link(&now, from);

		if (before == after)
			continue;
		snapshot->passing[from->number] += difference(before, after);
		cuts[n++] = (struct watch_exact_start){
			.from = from->number, .to = from->peer->number, .dropped = after};
	}
	losses_free(&snapshot->losses);
	snapshot->losses = now;
	return n;
}

int reading_make_exact(const struct reading *reading, struct snapshot *snapshot,
		       const struct snapshot *then, struct err *err)
{
	struct watch_exact_start *cuts = calloc(lab_n_ends(reading->run->lab) + 1, sizeof(*cuts));
	int rc = 0, n = cuts ? list_cuts(reading, snapshot, then, cuts) : -ENOMEM;

	if (n < 0)
		rc = err_set(err, ERR_SYSTEM, -n, "cannot read the counters: %s", strerror(-n));
	for (int i = 0; i < TRIES && n > 0 && !rc; i++) {
		rc = watch_find_exact_start(reading->watch, cuts, n, true, err);
		for (int k = 0; k < n && !rc; k++)
			take_cut(snapshot, &cuts[k]);
		n = rc ? 0 : list_dropping(reading, snapshot, cuts, err);
		rc = n < 0 ? n : rc;
	}
	free(cuts);
	return rc;
}
