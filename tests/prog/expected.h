/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * expected.h - what a hook shall count for a frame, worked out by code that shares nothing with the
 * BPF programs.
 */
#ifndef VETHLAB_TESTS_PROG_EXPECTED_H
#define VETHLAB_TESTS_PROG_EXPECTED_H

#include <stddef.h>
#include <stdint.h>

#include "bpf/vethlab.h"

/* What counting this frame adds to a hook's counters (no VLAN tag in metadata). */
void expect_frame(const uint8_t *frame, size_t len, struct vl_counters *sum);

#endif
