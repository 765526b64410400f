/* SPDX-License-Identifier: GPL-2.0-only */
/* end_state.h - the state of a running lab's ends, as the kernel reports it now. */
#ifndef VETHLAB_USER_LAB_END_STATE_H
#define VETHLAB_USER_LAB_END_STATE_H

#include "user/lab/lab.h"

enum end_state {
	/* The interface, or its namespace, does not exist any more, as far as the lab's nodes tell.
	 */
	END_GONE,
	END_MOVED,  /* end_status_read() alone: it is in the namespace of another node of the lab */
	END_UNSEEN, /* its namespace cannot be seen: running_is_unseen() */
	END_DOWN,   /* administratively down */
	END_NO_CARRIER, /* up, but its peer is down */
	END_UP,
};

struct end_status {
	enum end_state state;
	struct link_info info;	     /* zero if END_GONE or END_UNSEEN */
	const struct node *moved_to; /* of END_MOVED; NULL else */
	struct address_info *addresses;
	size_t n_addresses; /* 0 if END_GONE, END_MOVED or END_UNSEEN */
};

/* Whether it is an interface of its node. */
static inline bool end_is_there(const struct end_status *status)
{
	return status->state >= END_DOWN;
}

/* Read all ends, in the order of lab_end(). The caller frees *ends with end_status_free(). */
int end_status_read(struct end_status **ends, const struct running *run, struct err *err);
void end_status_free(struct end_status *ends, const struct running *run); /* NULL is allowed */
/* "up", "down", "no carrier", "gone", "moved", "unseen" */
const char *end_state_word(enum end_state state);
/* What is left of the lab's programs on an end. Hooks are bits: 1 << enum vl_hook. */
struct end_hooks {
	uint8_t put; /* where the lab has attached programs */
	/*
	 * Of these: where none of them counts any more, as far as can be looked at. Somebody else
	 * took it off, or moved the interface to another namespace (is_moved), or its counters
	 * cannot be read since their map is not pinned (unpinned, of these). An end that was
	 * deleted together with its peer misses nothing: no packet crosses the link.
	 */
	uint8_t missing;
	uint8_t unpinned;
	bool is_moved;
	bool is_unknown; /* it could not be looked at */
};

/* The words for how the program of a hook is attached: "tcx", "clsact", "xdp". */
const char *hook_attachment_word(enum watch_tc tc, enum vl_hook hook);
/* What is gone of a missing hook: "program", "interface", "map". */
const char *end_hooks_gone_word(const struct end_hooks *hooks, enum vl_hook hook);

/*
 * Look at all ends, with one thread for each CPU. *hooks: in the order of lab_end(), which the
 * caller frees. A failure is about all ends; what concerns one is in is_unknown.
 */
int end_hooks_read(struct end_hooks **hooks, const struct running *run, const struct watch *watch,
		   struct err *err);

/* END_DOWN, END_NO_CARRIER or END_UP, from the flags of an interface. */
enum end_state end_state_of(const struct link_info *info);

#endif
