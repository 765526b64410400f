// SPDX-License-Identifier: GPL-2.0-only
/* records.c - see records.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "tests/prog/records.h"

struct watch *lab;

void records_need(void)
{
	struct vl_end end = {.in_use = 1, .ifindex = LO_IFINDEX, .link = 3, .node_index = 5};
	struct err err = {};

	if (!fixture_ready())
		skip();
	if (lab)
		return;
	lab = fixture_load(LO_IFINDEX);
	assert_int_equal(watch_name_end(lab, 0, &end, &err), 0);
}

static void keep(const struct vl_event *event, void *arg)
{
	struct got *got = arg;

	assert_true(got->n < 16);
	got->events[got->n++] = *event;
}

struct watch_session *open_session(const struct vl_filter *filter)
{
	struct watch_session *session = NULL;
	struct err err = {};

	if (watch_session_open(&session, lab, filter, 0, &err))
		fail_msg("%s (%s)", err.what, err.hint);
	return session;
}

void run_at(int prog, const struct bytes *b)
{
	assert_int_equal(run_frame(lab, prog, b->at, b->len, &(struct run){}), 0);
}

struct got take(struct watch_session *session)
{
	struct got got = {};
	struct err err = {};

	assert_true(watch_session_poll(session, 0, keep, &got, &err) >= 0);
	return got;
}

struct bytes echo4(uint16_t id, uint16_t seq)
{
	struct bytes b;

	put_eth(&b, 0x0800);
	put_ipv4(&b, 1, 0, 0, 8 + 16);
	put_icmp(&b, 8, 0, id, seq, "payload!and more", 16);
	return b;
}

struct bytes echo6(uint16_t id, uint16_t seq)
{
	struct bytes b;

	put_eth(&b, 0x86dd);
	put_ipv6(&b, 58, 8 + 16);
	put_icmp(&b, 129, 0, id, seq, "PAYLOAD!and more", 16);
	return b;
}

int records_unload(void **state)
{
	(void)state;
	if (lab)
		fixture_unload(lab);
	return 0;
}
