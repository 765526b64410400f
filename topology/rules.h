/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * rules.h - what must hold between the parts of a lab, beyond the grammar of its file. Findings
 * name their place; errors are what the kernel would refuse or what cannot be meant, warnings what
 * builds but hardly does what was meant.
 */
#ifndef VETHLAB_TOPOLOGY_RULES_H
#define VETHLAB_TOPOLOGY_RULES_H

#include "topology/model.h"
#include "topology/segments.h"

/* The names of warnings that `allow:` of a lab file takes; all of them are in rules_names. */
#define FINDING_SHARED_SUBNET	"shared-subnet"
#define FINDING_SHARED_ADDRESS	"shared-address"
#define FINDING_SHARED_MAC	"shared-mac"
#define FINDING_SUBNET_LENGTHS	"subnet-lengths"
#define FINDING_TWO_SUBNETS	"two-subnets"
#define FINDING_TWO_INTERFACES	"two-interfaces"
#define FINDING_ADDRESS_OF_PORT "address-of-port"
#define FINDING_MTU_DIFFERS	"mtu-differs"
#define FINDING_BRIDGE_LOOP	"bridge-loop"
#define FINDING_UNKNOWN_GATEWAY "unknown-gateway"
#define FINDING_NO_FORWARDING	"no-forwarding"
enum { RULES_NAMES = 11 };
extern const char *const rules_names[RULES_NAMES];

/*
 * All rules. complete: the file had no errors so far and the lab is indexed, so that what is
 * missing is missing; without it only errors are looked for. Returns 0 or -ENOMEM.
 */
int rules_check(const struct lab *lab, const struct segments *segments, bool complete,
		struct diags *diags);

/* ---- the parts, for rules_check() ---------------------------------------------------------- */

/*
 * Addresses of a node and of the lab: whether they can be used, duplicates; of a complete lab
 * overlaps, since a link that is not there may join what overlaps. 0 or -ENOMEM.
 */
int rules_node_addresses(const struct node *node, struct diags *diags);
int rules_lab_addresses(const struct lab *lab, const struct segments *segments, bool complete,
			struct diags *diags);
/* Routes and neighbors of a node. complete: gateways too. */
void rules_routes(const struct lab *lab, const struct node *node, bool complete,
		  struct diags *diags);

#endif
