// SPDX-License-Identifier: GPL-2.0-only
/* programs_read.c - programs of others at ends where packets are lost, and nothing says by what. */
#include "user/base/cleanup.h"
#include "user/lab/lab.h"
#include "user/ledger/ledger.h"
#include "user/net/net.h"
#include "user/watch/foreign_programs.h"

_Static_assert(sizeof(((struct ledger_entry *)0)->program) == FOREIGN_PROGRAM_SIZE,
	       "it takes the same text");

static void read_entry(struct ledger_entry *entry, const struct running *run)
{
	const struct end *to = entry->from->peer;
	cleanup_close int fd =
		running_is_unseen(run, to->node) ? -1 : running_open_netns(run, to->node, NULL);
	cleanup_nl struct nl *nl = NULL;

	if (fd < 0 || nl_open(&nl, fd, NULL) ||
	    foreign_program_find(nl, fd, running_ifindex(run, to), false, entry->program, NULL))
		entry->program[0] = '\0';
}

void ledger_read_programs(struct ledger *ledger, const struct running *run)
{
	for (size_t i = 0; i < ledger->n_entries; i++)
		if (ledger->entries[i].unexplained)
			read_entry(&ledger->entries[i], run);
}
