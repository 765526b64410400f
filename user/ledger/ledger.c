// SPDX-License-Identifier: GPL-2.0-only
/* ledger.c - joins the counters of both ends of each link. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "user/ledger/counter_fields.h"
#include "user/ledger/ledger.h"

static bool is_attached(const struct snapshot *snapshot, const struct end *end, enum vl_hook hook)
{
	return end->number < snapshot->n_ends && snapshot->attached[end->number] & 1 << hook;
}

/*
 * The receiver's first hook, unless it does not see all: generic XDP passes over what a program
 * redirected (skb_is_redirected in netif_receive_generic_xdp), and `in` then counts more.
 */
static enum vl_hook receiving_hook(const struct snapshot *snapshot, const struct end *to, bool xdp,
				   bool in)
{
	if (!xdp || !in)
		return xdp ? VL_HOOK_XDP : VL_HOOK_IN;
	return snapshot->hooks[VL_HOOK_IN][to->number].packets >
			       snapshot->hooks[VL_HOOK_XDP][to->number].packets
		       ? VL_HOOK_IN
		       : VL_HOOK_XDP;
}

/* The hooks of an end that a direction counts at, and at which nobody counts any more. */
static uint8_t blind_hooks(const struct snapshot *snapshot, const struct end *end, uint8_t hooks)
{
	return end->number < snapshot->n_ends ? snapshot->blind[end->number].hooks.missing & hooks
					      : 0;
}

/* Whether both hooks counted each frame as one packet of the same type. */
static bool counts_alike(const struct ledger_entry *entry)
{
	/* A tag that is beside the frame's bytes is seen by tc, and not by XDP. */
	return entry->sent.packets == entry->sent_segments &&
	       entry->received.packets == entry->received_segments &&
	       (entry->received_at != VL_HOOK_XDP || entry->sent.vlan == entry->received.vlan);
}

/* What came without having been seen to leave makes up for no loss. */
static void set_losses(struct ledger_entry *entry)
{
	uint64_t missing =
		counts_alike(entry) ? counters_missing(&entry->sent, &entry->received) : 0;

	entry->lost = entry->dropped;
	if (entry->sent_segments > entry->received_segments + entry->lost)
		entry->lost = entry->sent_segments - entry->received_segments;
	if (missing > entry->lost)
		entry->lost = missing;
	entry->unexplained = entry->lost - entry->dropped;
	entry->unseen = entry->received_segments + entry->lost - entry->sent_segments;
}

static void entry_make(struct ledger_entry *entry, const struct end *from,
		       const struct snapshot *snapshot)
{
	const struct end *to = from->peer;
	bool xdp = is_attached(snapshot, to, VL_HOOK_XDP),
	     in = is_attached(snapshot, to, VL_HOOK_IN);

	entry->from = from;
	entry->blind_from = blind_hooks(snapshot, from, 1 << VL_HOOK_OUT);
	entry->blind_to = blind_hooks(snapshot, to, 1 << VL_HOOK_XDP | 1 << VL_HOOK_IN);
	entry->has_sent = is_attached(snapshot, from, VL_HOOK_OUT) && !entry->blind_from;
	if (entry->has_sent)
		entry->sent = snapshot->hooks[VL_HOOK_OUT][from->number];
	entry->has_received = (xdp || in) && !entry->blind_to;
	entry->received_at = receiving_hook(snapshot, to, xdp, in);
	if (entry->has_received)
		entry->received = snapshot->hooks[entry->received_at][to->number];
	entry->sent_segments = entry->sent.segments;
	entry->received_segments = entry->received.segments;
	if (xdp && in &&
	    snapshot->hooks[VL_HOOK_IN][to->number].segments > entry->received_segments)
		entry->received_segments = snapshot->hooks[VL_HOOK_IN][to->number].segments;
	if (!entry->has_sent || !entry->has_received)
		return;
	entry->dropped = losses_on_link(&snapshot->losses, from);
	if (from->number < snapshot->n_ends)
		entry->passing = snapshot->passing[from->number];
	set_losses(entry);
}

int ledger_make(struct ledger *ledger, const char *name, const struct lab *lab,
		const struct snapshot *snapshot)
{
	size_t n = lab_n_ends(lab);
	struct ledger_entry *entries = calloc(n + 1, sizeof(*entries));

	if (!entries)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		entry_make(&entries[i], lab_end(lab, i), snapshot);
	*ledger = (struct ledger){lab, snapshot, name, n, entries};
	return 0;
}

void ledger_free(struct ledger *ledger)
{
	free(ledger->entries);
	*ledger = (struct ledger){0};
}

struct ledger_rate ledger_rate(const struct ledger *recent, size_t i)
{
	const struct ledger_entry *entry = &recent->entries[i];
	double seconds = (double)snapshot_span(recent->snapshot) / 1e9;
	uint64_t segments = entry->has_sent ? entry->sent_segments : entry->received_segments;
	uint64_t bytes = entry->has_sent ? entry->sent.bytes : entry->received.bytes;

	if (seconds <= 0)
		return (struct ledger_rate){0};
	return (struct ledger_rate){(double)segments / seconds, 8 * (double)bytes / seconds};
}

bool ledger_lost_of(const struct ledger_entry *entry, const struct counter_field *field,
		    uint64_t *lost)
{
	uint64_t sent = counter_get(&entry->sent, field);
	uint64_t received = counter_get(&entry->received, field);
	bool cut = entry->sent.packets != entry->sent_segments ||
		   entry->received.packets != entry->received_segments;

	if (!entry->has_sent || !entry->has_received || (field->super && cut))
		return false;
	/* A tag that is beside the frame's bytes is seen by tc, and not by XDP. */
	if (entry->received_at == VL_HOOK_XDP && entry->sent.vlan != entry->received.vlan &&
	    field->role != COUNTER_AMOUNT)
		return false;
	/* What came without having been seen to leave may stand for what was lost. */
	if (entry->unseen && entry->lost && received > sent)
		return false;
	*lost = sent > received ? sent - received : 0;
	return true;
}

bool ledger_shows(const struct ledger_filter *filter, const struct link *link)
{
	if (!filter)
		return true;
	if (filter->link && link != filter->link)
		return false;
	return !filter->node || link->ends[0]->node == filter->node ||
	       link->ends[1]->node == filter->node;
}
