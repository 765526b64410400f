/* SPDX-License-Identifier: GPL-2.0-only */
/* records.h - a lab of one end, echoes that its programs are run on, and records that come of it.
 */
#ifndef VETHLAB_TESTS_PROG_RECORDS_H
#define VETHLAB_TESTS_PROG_RECORDS_H

#include "tests/prog/fixture.h"

extern struct watch *lab; /* NULL before records_need() */

/* Load it, once; where that cannot be the test is skipped. */
void records_need(void);
/* For cmocka_run_group_tests(). */
int records_unload(void **state);

struct got {
	struct vl_event events[16];
	int n;
};

/* What goes wrong in these ends the test. The caller closes the session. */
struct watch_session *open_session(const struct vl_filter *filter);
/* Run the program of lab->progs[prog] on a frame. */
void run_at(int prog, const struct bytes *b);
/* Everything that is there: records of runs that are over lie in the buffer. */
struct got take(struct watch_session *session);

/* An echo request by IPv4 with "payload!and more", and a reply by IPv6 with "PAYLOAD!and more". */
struct bytes echo4(uint16_t id, uint16_t seq);
struct bytes echo6(uint16_t id, uint16_t seq);

#endif
