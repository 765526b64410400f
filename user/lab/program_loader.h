/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * program_loader.h - chooses and loads a lab's programs. The verifier takes a tenth of a second and
 * more: it has a thread of its own, while namespaces and links are made. Nothing is pinned or
 * attached there, so that it needs no undoing.
 */
#ifndef VETHLAB_USER_LAB_PROGRAM_LOADER_H
#define VETHLAB_USER_LAB_PROGRAM_LOADER_H

#include "user/lab/build.h"

struct program_loader;

/* Sets the lab's tc. *loader stays NULL where the lab wants no programs. build is borrowed. */
int program_loader_start(struct program_loader **loader, struct build *build, struct err *err);
/*
 * Wait for the programs, in build->watch then; frees the loader. NULL is allowed. An error that is
 * set already stays: it came first.
 */
int program_loader_finish(struct program_loader *loader, struct err *err);

#endif
