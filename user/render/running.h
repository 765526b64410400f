/* SPDX-License-Identifier: GPL-2.0-only */
/* running.h - a running lab in words: what is attached, what state its ends are in. */
#ifndef VETHLAB_USER_RENDER_RUNNING_H
#define VETHLAB_USER_RENDER_RUNNING_H

#include <jansson.h>
#include <stdio.h>

#include "user/lab/end_state.h"

enum { OUT_HOOKS_SIZE = 96 };

/* "out and in by tcx, xdp generic": what watches an end. */
const char *out_hooks(const struct running *run, const struct end *end, char buf[OUT_HOOKS_SIZE]);
/* The whole of `vethlab show`. ends: of live_read(). */
void out_running(const struct running *run, const struct live_end *ends, FILE *f);
json_t *out_json_running(const struct running *run, const struct live_end *ends);

#endif
