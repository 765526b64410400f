/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * machine_features.h - what this process may do, and what this machine can do for a lab, each found
 * by trying it.
 */
#ifndef VETHLAB_USER_LAB_MACHINE_FEATURES_H
#define VETHLAB_USER_LAB_MACHINE_FEATURES_H

#include <stdbool.h>
#include <stddef.h>

#include "user/base/err.h"

/*
 * Whether this process may change labs. -EPERM (ERR_PRIVILEGE): it may not; err names the missing
 * capabilities and the steps that need them.
 */
int lab_privileges(struct err *err);

enum feature_need {
	FEATURE_NEEDED, /* without it no lab is built */
	FEATURE_WANTED, /* without it something is done otherwise, or not at all */
};

struct feature {
	const char *name; /* "tc programs" */
	enum feature_need need;
	bool there;
	char found[96];	     /* "tcx", "6.18.44": what it is, or why it is not there */
	const char *without; /* what follows where it is not there, and what to do */
};

enum { FEATURES_MAX = 16 };

/*
 * Try everything. Links and bridges are made in a network namespace without a name, which is gone
 * afterwards. Returns the number of features that are in the list.
 */
size_t features_probe(struct feature features[FEATURES_MAX]);

#endif
