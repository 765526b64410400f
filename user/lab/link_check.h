/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * link_check.h - `up` and `apply` check that each fresh link carries frames before they report
 * success: its ends become operational, one frame is sent out of each, and each is seen at the
 * other end. The programs of the lab do not count these frames, so that a ledger has what others
 * sent alone.
 */
#ifndef VETHLAB_USER_LAB_LINK_CHECK_H
#define VETHLAB_USER_LAB_LINK_CHECK_H

#include "user/lab/build.h"

/*
 * A step of one node, as in node.h. Waits until each of its ends is operational (RFC 2863 up) that
 * the lab file wants up, and whose peer it wants up: only then does the queue of the end take
 * packets. Then sends one ARP request out of each of them that is fresh. ERR_FAILED names the first
 * end that does not come up within 10 s.
 */
int link_check_wait_up(const struct node_job *job, struct err *err);
/*
 * Wait, for at most 2 s, until the frame of each fresh end was seen: where it left and where it
 * arrived, by the programs of both ends; where the peer has no program, by the counters of the
 * interfaces. ERR_FAILED names the ends whose frames were not.
 */
int link_check_frames(struct build *build, struct err *err);

#endif
