// SPDX-License-Identifier: GPL-2.0-only
/* teardown.c - takes a lab down, whatever state it is in, by what its journal says. */
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "user/lab/state.h"
#include "user/lab/teardown.h"
#include "user/lab/undo.h"
#include "user/watch/program_unload.h"

/* Programs are waited for during FIRST_WAIT_MS, and if no process holds them, LAST_WAIT_MS more. */
enum { LAST_WAIT_MS = 5000, FIRST_WAIT_MS = 300 };

/*
 * The kernel unloads a program with the last interface that it is attached to. interfaces_left:
 * some are left, and the user was told so.
 */
static void wait_until_unloaded(const char *name, const struct watch_programs *programs,
				bool interfaces_left, const struct notes *notes)
{
	struct watch_holder holder;

	if (!watch_wait_unloaded(programs, interfaces_left ? 0 : FIRST_WAIT_MS))
		return;
	if (watch_find_holder(programs, &holder))
		notes_tell(notes, "process %d (%s) holds programs of lab %s: they go with it",
			   holder.pid, holder.name, name);
	else if (!interfaces_left && watch_wait_unloaded(programs, LAST_WAIT_MS))
		notes_tell(notes, "programs of lab %s are still loaded after %d s", name,
			   (LAST_WAIT_MS + FIRST_WAIT_MS) / 1000);
}

static int undo(const char *name, bool by_marks, const struct notes *notes, struct err *err)
{
	struct watch_programs programs = {0};
	cleanup_running struct running *run = NULL;
	struct err damaged = {0};
	int left, unpinned;

	left = state_read_any(&run, name, &damaged);
	if (left && left != -ENOENT)
		notes_tell(notes,
			   "%s; it is removed by its journal alone, and by the marks of its "
			   "namespaces",
			   damaged.what);
	watch_programs(name, &programs);
	left = undo_lab(name, run, by_marks, notes, err);
	unpinned = watch_unpin(name, err);
	if (left < 0)
		return left;
	if (!unpinned)
		wait_until_unloaded(name, &programs, left > 0, notes);
	return unpinned;
}

int lab_undo(const char *name, const struct notes *notes, struct err *err)
{
	int ret = undo(name, lab_has_files(name), notes, err);

	if (!ret)
		state_forget(name);
	return ret;
}

/* Namespaces of a lab without files are removed too: the user asked for it. */
static int remove_asked(const char *name, const struct notes *notes, struct err *err)
{
	/* First, since a lab that is partly removed must not count as running. */
	int ret = state_end(name, err);

	if (ret)
		return ret;
	ret = undo(name, true, notes, err);
	return ret ? ret : files_remove(name, err);
}

int lab_remove(const char *name, const struct notes *notes, struct err *err)
{
	if (lab_has_files(name))
		return remove_asked(name, notes, err);
	return undo(name, false, notes, err) ?: files_remove(name, err);
}

int lab_down(const char *name, const struct notes *notes, struct err *err)
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
	ret = remove_asked(name, notes, err);
	close(lock);
	return ret ? ret : 1;
}

int lab_release(const char *name, int lock, struct err *err)
{
	int ret = lab_remove(name, NULL, err);

	close(lock);
	return ret;
}
