/* SPDX-License-Identifier: GPL-2.0-only */
/* end_state.h - what the kernel says about a running lab's ends right now. */
#ifndef VETHLAB_USER_LAB_END_STATE_H
#define VETHLAB_USER_LAB_END_STATE_H

#include "user/lab/lab.h"

enum end_state {
	END_GONE,	/* no such interface any more */
	END_UNSEEN,	/* in a namespace that cannot be seen */
	END_DOWN,	/* not set up */
	END_NO_CARRIER, /* set up, but its peer is not */
	END_UP,
};

struct end_status {
	enum end_state state;
	struct link_info info; /* unless END_GONE or END_UNSEEN */
	struct ip_prefix *addresses;
	size_t n_addresses;
};

/* All ends, by place in the lab (lab_end()): to free with end_status_free(). */
int end_status_read(struct end_status **ends, const struct running *run, struct err *err);
void end_status_free(struct end_status *ends, const struct running *run);
/* "up", "down", "no carrier", "gone" */
const char *end_state_word(enum end_state state);
enum end_state end_state_of(const struct link_info *info);

#endif
