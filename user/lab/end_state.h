/* SPDX-License-Identifier: GPL-2.0-only */
/* end_state.h - the state of a running lab's ends, as the kernel reports it now. */
#ifndef VETHLAB_USER_LAB_END_STATE_H
#define VETHLAB_USER_LAB_END_STATE_H

#include "user/lab/lab.h"

enum end_state {
	END_GONE,	/* the interface, or its namespace, does not exist any more */
	END_UNSEEN,	/* its namespace cannot be seen: running_is_unseen() */
	END_DOWN,	/* administratively down */
	END_NO_CARRIER, /* up, but its peer is down */
	END_UP,
};

struct end_status {
	enum end_state state;
	struct link_info info; /* zero if END_GONE or END_UNSEEN, as are the addresses */
	struct ip_prefix *addresses;
	size_t n_addresses;
};

/* Read all ends, in the order of lab_end(). The caller frees *ends with end_status_free(). */
int end_status_read(struct end_status **ends, const struct running *run, struct err *err);
void end_status_free(struct end_status *ends, const struct running *run); /* NULL is allowed */
/* "up", "down", "no carrier", "gone", "unseen" */
const char *end_state_word(enum end_state state);
/* END_DOWN, END_NO_CARRIER or END_UP, from the flags of an interface. */
enum end_state end_state_of(const struct link_info *info);

#endif
