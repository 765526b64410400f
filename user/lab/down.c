// SPDX-License-Identifier: GPL-2.0-only
/* down.c - tears a lab down, whatever state it is in, by what its journal says. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "user/lab/files.h"
#include "user/watch/gone.h"

/* The kernel removes the interfaces of deleted namespaces in the background. */
enum { LET_GO_MS = 15000 };

int lab_undo(const char *name, const struct lab_notes *notes, struct err *err)
{
	struct watch_programs programs = { 0 };
	int ret, unpinned;

	watch_programs(name, &programs);
	ret = journal_undo(name, notes, err);
	unpinned = watch_unpin(name, err);
	if (!ret)
		ret = unpinned;
	/* Programs go with the last interface that carries them: then the kernel has let go. */
	if (!ret && watch_wait_gone(&programs, LET_GO_MS)) {
		ret = err_set(err, ERR_FAILED, ETIMEDOUT,
			      "lab %s: its programs are still loaded after %d s", name,
			      LET_GO_MS / 1000);
		err_hint(err, "an open `vethlab trace`, or what holds one of its namespaces open, "
			      "keeps them; they go with it");
	}
	return ret;
}

int lab_remove(const char *name, const struct lab_notes *notes, struct err *err)
{
	/* First of all: what is half removed must not be taken for a lab that runs. */
	int ret = state_remove(name, err);

	if (!ret)
		ret = lab_undo(name, notes, err);
	return ret ? ret : files_remove(name, err);
}

int lab_down(const char *name, const struct lab_notes *notes, struct err *err)
{
	char path[PATH_MAX];
	struct stat st;
	int lock, ret;

	if (lab_name_problem(name))
		return err_set(err, ERR_USAGE, EINVAL, "lab name '%s': %s", name,
			       lab_name_problem(name));
	snprintf(path, sizeof(path), LAB_DIR "/%s", name);
	if (stat(path, &st) && errno == ENOENT)
		return 0;
	lock = lab_lock(name, err);
	if (lock < 0)
		return lock;
	ret = lab_remove(name, notes, err);
	close(lock);
	return ret ? ret : 1;
}

int lab_release(const char *name, int lock, struct err *err)
{
	int ret = lab_remove(name, NULL, err);

	close(lock);
	return ret;
}
