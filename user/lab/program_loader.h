/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * program_loader.h - chooses and loads a lab's programs. The kernel's verifier takes a tenth of a
 * second and more, so this runs on a thread of its own while namespaces and links are made. That
 * thread pins and attaches nothing, so that nothing of it must be undone.
 */
#ifndef VETHLAB_USER_LAB_PROGRAM_LOADER_H
#define VETHLAB_USER_LAB_PROGRAM_LOADER_H

#include "user/lab/build.h"

struct program_loader;

/*
 * Choose run->tc and start to load. build is borrowed until program_loader_finish(). *loader stays
 * NULL if the lab wants no programs.
 */
int program_loader_start(struct program_loader **loader, struct build *build, struct err *err);
/*
 * Wait until the programs are loaded: they are in build->watch. Frees the loader; NULL is allowed.
 * If err is set already, it stays: that failure came first.
 */
int program_loader_finish(struct program_loader *loader, struct err *err);

#endif
