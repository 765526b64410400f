/* SPDX-License-Identifier: GPL-2.0-only */
/* show_text.h - a running lab as text and JSON: what is attached, what state its ends are in. */
#ifndef VETHLAB_USER_RENDER_SHOW_TEXT_H
#define VETHLAB_USER_RENDER_SHOW_TEXT_H

#include <jansson.h>
#include <stdio.h>

#include "user/lab/end_state.h"

enum { RUNNING_HOOKS_SIZE = 96 };

/* "out and in by tcx, xdp generic": what watches an end. */
const char *running_hooks_text(const struct running *run, const struct end *end,
			       char buf[RUNNING_HOOKS_SIZE]);
/*
 * Print what `vethlab show` prints. ends: of end_status_read(); inherited: of running_inherited();
 * hooks: of end_hooks_read(), or NULL if maps of the lab are not pinned. all: inodes, ifindexes and
 * MAC addresses too.
 */
void running_print(const struct running *run, const struct end_status *ends,
		   const struct devconf_settings *inherited, const struct end_hooks *hooks,
		   bool all, FILE *f);
/* The same as a document, "vethlab.show/1". The caller owns it. */
json_t *running_json(const struct running *run, const struct end_status *ends,
		     const struct devconf_settings *inherited, const struct end_hooks *hooks);

#endif
