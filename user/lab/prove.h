/* SPDX-License-Identifier: GPL-2.0-only */
/* prove.h - the proof that fresh links carry frames, before `up` and `apply` say that they do. */
#ifndef VETHLAB_USER_LAB_PROVE_H
#define VETHLAB_USER_LAB_PROVE_H

#include "user/lab/build.h"

/*
 * Wait until the frame that node_wait_up() sent out of each fresh end was seen leaving there and
 * arriving at the peer: by their programs, or where those are not, by the interfaces' own counters.
 * ERR_FAILED tells all ends where it was not.
 */
int prove_links(struct build *build, struct err *err);

#endif
