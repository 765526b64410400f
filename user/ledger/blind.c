// SPDX-License-Identifier: GPL-2.0-only
/* blind.c - hooks of a direction that do not count any more, in words: see ledger.h. */
#include "user/ledger/ledger.h"

bool ledger_next_blind(const struct ledger *ledger, size_t i, unsigned *state,
		       struct ledger_blind *blind)
{
	const struct ledger_entry *entry = &ledger->entries[i];

	for (; *state < VL_HOOKS; ++*state) {
		enum vl_hook hook = *state;
		bool sends = hook == VL_HOOK_OUT;
		const struct end *end = sends ? entry->from : entry->from->peer;
		uint8_t hooks = sends ? entry->blind_from : entry->blind_to;
		const struct blind_end *how;

		if (!(hooks & 1 << hook))
			continue;
		how = &ledger->snapshot->blind[end->number];
		*blind = (struct ledger_blind){
			.end = end,
			.hook = hook,
			.attachment = hook_attachment_word(ledger->snapshot->tc, hook),
			.gone = end_hooks_gone_word(&how->hooks, hook),
			.attached_ns = how->attached_ns,
			.again_ns = how->again_ns[hook],
		};
		++*state;
		return true;
	}
	return false;
}
