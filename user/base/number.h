/* SPDX-License-Identifier: GPL-2.0-only */
/* number.h - whole numbers as people type them. */
#ifndef VETHLAB_USER_BASE_NUMBER_H
#define VETHLAB_USER_BASE_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Parse a whole number from least to most, decimal or as 0x...; nothing else may stand in text.
 * Returns false, with *number unchanged, if it is none.
 */
bool number_parse(const char *text, uint64_t least, uint64_t most, uint64_t *number);

#endif
