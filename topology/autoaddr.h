/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * autoaddr.h - addresses for links that say `addresses: auto`, out of pools: a subnet for each
 * segment, in the order of the file, around what the file gives to others. The same file gets the
 * same addresses every time.
 */
#ifndef VETHLAB_TOPOLOGY_AUTOADDR_H
#define VETHLAB_TOPOLOGY_AUTOADDR_H

#include "topology/model.h"
#include "topology/segments.h"

struct address_pool {
	struct ip_prefix prefix; /* family 0: no addresses of this family */
	/* Bits: the length of a link's subnet; a bridged segment may get a shorter one. */
	uint32_t subnet;
	struct where where;
};

struct autoaddr {
	struct address_pool pools[2]; /* v4, v6 */
	bool *automatic;	      /* by link->index: it says `addresses: auto` */
};

/* 10.0.0.0/8 by /30 and fd00::/48 by /64. */
void autoaddr_default_pools(struct autoaddr *plan);
/* Returns 0 or -ENOMEM; what cannot be planned is a finding. */
int autoaddr_assign(struct lab *lab, const struct autoaddr *plan, const struct segments *segments,
		    struct diags *diags);

#endif
