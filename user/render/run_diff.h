/* SPDX-License-Identifier: GPL-2.0-only */
/* run_diff.h - what changed between two recorded runs, as text and JSON. */
#ifndef VETHLAB_USER_RENDER_RUN_DIFF_H
#define VETHLAB_USER_RENDER_RUN_DIFF_H

#include <jansson.h>
#include <stdio.h>

#include "user/story/compare.h"

struct run_diff {
	const char *file[SIDES], *lab[SIDES]; /* borrowed */
	uint64_t records[SIDES], echoes[SIDES];
	uint64_t lost[SIDES];	      /* records that were lost while recording */
	bool cut[SIDES];	      /* the recording ends early */
	struct comparison comparison; /* judged */
};

/* Print what differs, and in one sentence how times were compared. */
void run_diff_print(const struct run_diff *diff, FILE *f);
/* The whole comparison: "vethlab.diff/1". The caller owns it. */
json_t *run_diff_json(const struct run_diff *diff);

#endif
