// SPDX-License-Identifier: GPL-2.0-only
/* programs_read.c - programs of others at ends where packets are lost, and nothing says by what. */
#include "user/base/cleanup.h"
#include "user/lab/lab.h"
#include "user/ledger/ledger.h"
#include "user/net/net.h"
#include "user/watch/foreign_programs.h"

_Static_assert(sizeof(((struct ledger_entry *)0)->program) == FOREIGN_PROGRAM_SIZE,
	       "it takes the same text");

static void read_end(const struct end *end, enum foreign_place place, const struct running *run,
		     char text[FOREIGN_PROGRAM_SIZE])
{
	cleanup_close int fd =
		running_is_unseen(run, end->node) ? -1 : running_open_netns(run, end->node, NULL);
	cleanup_nl struct nl *nl = NULL;

	if (fd < 0 || nl_open(&nl, fd, NULL) ||
	    foreign_program_find(nl, fd, running_ifindex(run, end), place, text, NULL))
		text[0] = '\0';
}

/* What runs before `out` or behind `in` explains nothing that is lost between them. */
static void read_entry(struct ledger_entry *entry, const struct running *run)
{
	read_end(entry->from, FOREIGN_BEHIND_OUT, run, entry->program);
	entry->program_leaves = entry->program[0];
	if (!entry->program_leaves)
		read_end(entry->from->peer, FOREIGN_BEFORE_IN, run, entry->program);
}

void ledger_read_programs(struct ledger *ledger, const struct running *run)
{
	for (size_t i = 0; i < ledger->n_entries; i++)
		if (ledger->entries[i].unexplained)
			read_entry(&ledger->entries[i], run);
}
