/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * attached.h - whether a lab's programs are still on the hooks of an end. Others can take them off:
 * a tc filter or the whole clsact, a link of tcx or XDP, the pin that keeps such a link. A program
 * is the lab's if it counts into the lab's own maps, wherever among other programs it stands.
 */
#ifndef VETHLAB_USER_WATCH_ATTACHED_H
#define VETHLAB_USER_WATCH_ATTACHED_H

#include <stdint.h>

#include "bpf/vethlab.h"
#include "user/base/err.h"
#include "user/net/net.h"
#include "user/watch/watch.h"

/* What the programs of a lab are known by. Hooks are bits: 1 << enum vl_hook. */
struct watch_identity {
	char lab[LAB_NAME_MAX + 1];
	/* Of a map that the program of a hook uses, and no program of another lab does; 0: none. */
	uint32_t map_ids[VL_HOOKS];
	/* The lab's own programs, as far as they are pinned, so that no program is asked for its
	 * maps. */
	uint32_t prog_ids[VL_HOOKS + 1];
};

int watch_identity_read(struct watch_identity *identity, const struct watch *watch,
			struct err *err);

/*
 * Which of these hooks of an end are watched by a link that is pinned and attached. Needs no
 * namespace and is quick. Of the others only watch_attached_look() can tell.
 */
uint8_t watch_attached_links(const struct watch_identity *identity, uint32_t number, uint8_t hooks);
/*
 * Which of these hooks of an interface have one of the lab's programs, into *attached: the kernel
 * is asked for all that is there. The calling thread is in the interface's namespace, of which nl
 * is a socket. -ENODEV: there is no such interface (err stays clear).
 */
int watch_attached_look(const struct watch_identity *identity, struct nl *nl, uint32_t ifindex,
			uint8_t hooks, const char *object, uint8_t *attached, struct err *err);
/*
 * Attach the lab's programs of these hooks to an end again, whose place something else has emptied;
 * nl is a socket of its namespace, in which the calling thread is. watch_open_programs() has been
 * called. An error names what is in the way.
 */
int watch_attach_again(struct watch *watch, struct nl *nl, enum watch_tc tc, uint32_t number,
		       uint32_t ifindex, uint8_t hooks, enum xdp_mode xdp, const char *object,
		       struct err *err);

#endif
