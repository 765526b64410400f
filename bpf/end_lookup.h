/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * end_lookup.h - the end of a lab by namespace and ifindex, for programs that see packets of every
 * namespace of the machine.
 */
#ifndef VETHLAB_BPF_END_LOOKUP_H
#define VETHLAB_BPF_END_LOOKUP_H

#include "vmlinux/vmlinux.h"

#include <bpf/bpf_helpers.h>

#include "bpf/vethlab.h"

const volatile __u32 ifindex_base = 0;
/* Others made the lab's links: its ends are found in its map `places` (set before load). */
const volatile bool observed = false;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, struct vl_place);
	__type(value, __u32);
} places SEC(".maps");

/*
 * The number of the end with that ifindex in that namespace (inode number). In a lab that vethlab
 * built it is computed from the ifindex alone: the caller has to check that there is such an end,
 * and that it is in that namespace.
 */
static __always_inline __u32 place_end(__u32 netns, __u32 ifindex)
{
	struct vl_place place = {netns, ifindex};
	__u32 *end;

	if (!observed)
		return ifindex - ifindex_base;
	end = bpf_map_lookup_elem(&places, &place);
	return end ? *end : VL_NO_END;
}

#endif
