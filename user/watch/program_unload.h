/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * program_unload.h - waiting until the kernel has let go of a lab's programs. A program goes with
 * the last interface, link or descriptor that carries it, and interfaces go some time after their
 * namespace was deleted: if the programs are not there any more, neither are the interfaces.
 */
#ifndef VETHLAB_USER_WATCH_PROGRAM_UNLOAD_H
#define VETHLAB_USER_WATCH_PROGRAM_UNLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "user/base/err.h"
#include "user/base/process.h"

enum { WATCH_PROGRAMS_MAX = 8 };

/* Ids of a lab's pinned programs; holds no reference to them. */
struct watch_programs {
	uint32_t ids[WATCH_PROGRAMS_MAX];
	size_t n;
};

/* Look them up below WATCH_DIR/LAB before they are unpinned. None there: n is 0. */
void watch_programs(const char *lab, struct watch_programs *programs);

/*
 * Wait for the kernel's events (PERF_RECORD_BPF_EVENT) that all are unloaded, at most timeout_ms.
 * Returns 0, or -ETIMEDOUT: some still live (err stays clear).
 */
int watch_wait_unloaded(const struct watch_programs *programs, int timeout_ms);

/* A process, not this one, with a descriptor of one of the programs. */
struct watch_holder {
	int pid;
	char name[PROCESS_NAME_SIZE];
};
/* Search /proc for one. false: none was found, or *programs is empty. */
bool watch_find_holder(const struct watch_programs *programs, struct watch_holder *holder);

#endif
