/* SPDX-License-Identifier: GPL-2.0-only */
/* blind_text.h - sentences about ends whose programs others took off. */
#ifndef VETHLAB_USER_RENDER_BLIND_TEXT_H
#define VETHLAB_USER_RENDER_BLIND_TEXT_H

#include <stdio.h>

#include "user/ledger/ledger.h"

enum { BLIND_TEXT_SIZE = END_NAME_SIZE + 128 };

/*
 * "the `in` program of a:x (tcx) is not attached any more". attachment, gone: the words of
 * lab/end_state.h.
 */
const char *blind_text(const struct end *end, enum vl_hook hook, const char *attachment,
		       const char *gone, char buf[BLIND_TEXT_SIZE]);
/* What was done to a lab, and how it is mended. */
void blind_print_mend(const char *lab, bool observed, FILE *f);
/* That programs of so many ends could not be looked at. */
void blind_print_unchecked(size_t ends, FILE *f);
/* Both, of what filter shows of a ledger, where there is reason to. */
void blind_print_ledger(const struct ledger *ledger, const struct ledger_filter *filter, FILE *f);
/* How many directions that filter shows are blind. */
size_t blind_count(const struct ledger *ledger, const struct ledger_filter *filter);

#endif
