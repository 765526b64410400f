/* SPDX-License-Identifier: GPL-2.0-only */
/* run_diff.h - what changed between two recorded runs. */
#ifndef VETHLAB_USER_RENDER_RUN_DIFF_H
#define VETHLAB_USER_RENDER_RUN_DIFF_H

#include <jansson.h>
#include <stdio.h>

#include "user/story/compare.h"

struct run_diff {
	const char *file[SIDES], *lab[SIDES];
	uint64_t records[SIDES], echoes[SIDES];
	uint64_t lost[SIDES];	      /* records that were lost while recording */
	bool cut[SIDES];	      /* the recording ends early */
	struct comparison comparison; /* judged */
};

/* Only what differs, then in one sentence how times were compared. */
void run_diff_print(const struct run_diff *diff, FILE *f);
/* Everything: "vethlab.diff/1". */
json_t *run_diff_json(const struct run_diff *diff);

#endif
