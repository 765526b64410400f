/* SPDX-License-Identifier: GPL-2.0-only */
/* hook_word.h - the words for hooks in text, JSON and options. */
#ifndef VETHLAB_USER_BASE_HOOK_WORD_H
#define VETHLAB_USER_BASE_HOOK_WORD_H

#include "bpf/vethlab.h"

/* "out", "xdp", "in". hook is below VL_HOOKS. */
static inline const char *hook_word(enum vl_hook hook)
{
	static const char *const words[VL_HOOKS] = {"out", "xdp", "in"};

	return words[hook];
}

#endif
