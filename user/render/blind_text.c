// SPDX-License-Identifier: GPL-2.0-only
/* blind_text.c - see blind_text.h. */
#include "user/render/blind_text.h"

#include <string.h>

#include "user/base/hook_word.h"
#include "user/output/output.h"

const char *blind_text(const struct end *end, enum vl_hook hook, const char *attachment,
		       const char *gone, char buf[BLIND_TEXT_SIZE])
{
	if (!strcmp(gone, "map"))
		snprintf(buf, BLIND_TEXT_SIZE,
			 "the map that the `%s` program of %s counts into is not pinned any more",
			 hook_word(hook), end->name);
	else if (!strcmp(gone, "interface"))
		snprintf(buf, BLIND_TEXT_SIZE,
			 "%s is not in its network namespace any more, nor is its `%s` program",
			 end->name, hook_word(hook));
	else
		snprintf(buf, BLIND_TEXT_SIZE,
			 "the `%s` program of %s (%s) is not attached any more", hook_word(hook),
			 end->name, attachment);
	return buf;
}

static bool is_blind(const struct ledger_entry *entry)
{
	return entry->blind_from || entry->blind_to;
}

size_t blind_count(const struct ledger *ledger, const struct ledger_filter *filter)
{
	size_t n = 0;

	for (size_t i = 0; i < ledger->n_entries; i++)
		n += is_blind(&ledger->entries[i]) &&
		     ledger_shows(filter, ledger->entries[i].from->link);
	return n;
}

static size_t count_unchecked(const struct ledger *ledger, const struct ledger_filter *filter)
{
	const struct snapshot *snapshot = ledger->snapshot;
	size_t n = 0;

	for (size_t i = 0; i < ledger->n_entries; i++) {
		const struct end *end = ledger->entries[i].from;

		n += ledger_shows(filter, end->link) && end->number < snapshot->n_ends &&
		     snapshot->blind[end->number].hooks.is_unknown;
	}
	return n;
}

/* Whether a hook does not count even now. */
static bool is_any_missing(const struct ledger *ledger)
{
	struct ledger_blind blind;

	for (size_t i = 0; i < ledger->n_entries; i++) {
		unsigned state = 0;

		while (ledger_next_blind(ledger, i, &state, &blind))
			if (!blind.again_ns)
				return true;
	}
	return false;
}

void blind_print_mend(const char *lab, bool observed, FILE *f)
{
	char text[2 * LAB_NAME_MAX + 192];

	if (observed)
		snprintf(text, sizeof(text),
			 "something else than vethlab did that: `vethlab down %s`, then `observe`, "
			 "attaches the programs again",
			 lab);
	else
		snprintf(text, sizeof(text),
			 "something else than vethlab did that: `vethlab reset %s` attaches the "
			 "programs again",
			 lab);
	output_wrap("", text, f);
}

void blind_print_unchecked(size_t ends, FILE *f)
{
	fprintf(f, "of %zu end%s it could not be looked at whether the programs are attached\n",
		ends, ends == 1 ? "" : "s");
}

void blind_print_ledger(const struct ledger *ledger, const struct ledger_filter *filter, FILE *f)
{
	size_t blind = blind_count(ledger, filter), unchecked = count_unchecked(ledger, filter);

	if (blind || unchecked)
		fputc('\n', f);
	if (blind && is_any_missing(ledger))
		blind_print_mend(ledger->name, ledger->snapshot->observed, f);
	else if (blind)
		fputs("`vethlab stats --reset` begins a count that misses nothing\n", f);
	if (unchecked)
		blind_print_unchecked(unchecked, f);
}
