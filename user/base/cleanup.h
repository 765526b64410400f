/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cleanup.h - locals that are released when they go out of scope, so that a function can return
 * on an error at once:
 *
 *	cleanup_free char *text = NULL;
 *	cleanup_close int fd = open(...);
 *
 * What outlives the function is taken out: return cleanup_take_fd(&fd);
 */
#ifndef VETHLAB_USER_BASE_CLEANUP_H
#define VETHLAB_USER_BASE_CLEANUP_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline void cleanup_free_fn(void *pointer)
{
	free(*(void **)pointer);
}

static inline void cleanup_close_fn(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void cleanup_fclose_fn(FILE **file)
{
	if (*file)
		fclose(*file);
}

static inline void cleanup_closedir_fn(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

#define cleanup_free	 __attribute__((cleanup(cleanup_free_fn)))
#define cleanup_close	 __attribute__((cleanup(cleanup_close_fn)))
#define cleanup_fclose	 __attribute__((cleanup(cleanup_fclose_fn)))
#define cleanup_closedir __attribute__((cleanup(cleanup_closedir_fn)))

/* Take a descriptor out of its variable, which is -1 afterwards: the caller of the function owns
 * it. */
static inline int cleanup_take_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

/* The same for a pointer, which is NULL afterwards. */
#define cleanup_take(pointer)                                                                      \
	({                                                                                         \
		__typeof__(pointer) taken_ = (pointer);                                            \
		(pointer) = NULL;                                                                  \
		taken_;                                                                            \
	})

#endif
