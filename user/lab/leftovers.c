// SPDX-License-Identifier: GPL-2.0-only
/*
 * leftovers.c - what crashes left. Only what says by itself that it is ours: a lab's files without
 * a running lab, pins below WATCH_DIR without a lab, files in NETNS_DIR that carry a lab's mark.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "user/lab/journal.h"
#include "user/lab/state.h"
#include "user/lab/orphan_pins.h"

struct gc {
	bool dry_run;
	void (*found)(enum gc_kind kind, const char *name, void *arg);
	void *arg;
	const struct notes *notes;
	struct err *err;
};

bool lab_has_files(const char *name)
{
	static const char *const files[] = {"state.json", "journal"};
	char path[PATH_MAX];

	for (size_t i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), LAB_DIR "/%s/%s", name, files[i]);
		if (!access(path, F_OK) || errno != ENOENT)
			return true;
	}
	return false;
}

/*
 * No state of this boot, or a lab that its builder holds: whoever gets its lock knows that the
 * holder is dead. A state that cannot be read stays: then `down` is the user's decision.
 */
static bool does_not_run(const char *name)
{
	struct running *run = NULL;
	int ret = state_read(&run, name, NULL);
	bool held = !ret && run->held;

	running_free(run);
	return held || ret == -ENOENT;
}

static bool is_left_pin(const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), WATCH_DIR "/%s", name);
	return !lab_has_files(name) && !access(path, F_OK);
}

/* A stale file below NETNS_DIR that carries the mark of a lab without files. */
static bool is_left_name(const char *name, char mark[128], char lab[64])
{
	return netns_name_state(name, mark, 128, NULL) == NETNS_NAME_STALE &&
	       sscanf(mark, "vethlab %63s", lab) == 1 && !lab_name_problem(lab) &&
	       !lab_has_files(lab);
}

/* A lab that was being built or removed when its vethlab died, or that a reboot ended. */
static int collect_lab(struct gc *gc, const char *name)
{
	gc->found(GC_LAB, name, gc->arg);
	return gc->dry_run ? 0 : lab_remove(name, gc->notes, gc->err);
}

static int collect_pins(struct gc *gc, const char *name)
{
	gc->found(GC_PINS, name, gc->arg);
	orphan_pins_tell(name, gc->notes); /* nothing will know, once the pins are gone */
	return gc->dry_run ? 0 : watch_unpin(name, gc->err);
}

static int collect_name(struct gc *gc, const char *name, const char *mark)
{
	struct netns_id none = {0};

	gc->found(GC_NETNS_FILE, name, gc->arg);
	return gc->dry_run ? 0 : netns_unname(name, -1, &none, mark, gc->err);
}

/*
 * What is left is looked at again under the lab's lock, so that no `up` which begins meanwhile
 * loses what it makes. Whoever holds the lock makes it or tidies up himself.
 */
static int lock_leftover(struct gc *gc, const char *lab)
{
	struct err busy = {0};
	int lock;

	if (gc->dry_run)
		return lab_is_locked(lab) ? -EBUSY : open("/dev/null", O_RDONLY | O_CLOEXEC);
	lock = lab_lock(lab, &busy);
	if (lock < 0 && lock != -EBUSY && !gc->err->code)
		*gc->err = busy;
	return lock;
}

/* Let go of a lock that was taken for something without a lab: its folder was made for it. */
static int unlock_leftover(struct gc *gc, const char *lab, int lock, int ret)
{
	if (!gc->dry_run && !lab_has_files(lab)) {
		int removed = files_remove(lab, gc->err);

		ret = ret ? ret : removed;
	}
	close(lock);
	return ret;
}

static int collect_labs(struct gc *gc)
{
	char **names;
	size_t n;
	int ret, first = lab_list(&names, &n, gc->err);

	for (size_t i = 0; i < n; i++) {
		int lock;

		if (!does_not_run(names[i]))
			continue;
		lock = lock_leftover(gc, names[i]);
		if (lock < 0) {
			first = first || lock == -EBUSY ? first : lock;
			continue;
		}
		ret = does_not_run(names[i]) ? collect_lab(gc, names[i]) : 0;
		first = first ? first : ret;
		close(lock);
	}
	lab_list_free(names, n);
	return first;
}

static int collect_all_pins(struct gc *gc)
{
	DIR *dir = opendir(WATCH_DIR);
	struct dirent *entry;
	int first = 0;

	while (dir && (entry = readdir(dir))) {
		int lock, ret;

		if (lab_name_problem(entry->d_name) || !is_left_pin(entry->d_name))
			continue;
		lock = lock_leftover(gc, entry->d_name);
		if (lock < 0) {
			first = first || lock == -EBUSY ? first : lock;
			continue;
		}
		ret = is_left_pin(entry->d_name) ? collect_pins(gc, entry->d_name) : 0;
		ret = unlock_leftover(gc, entry->d_name, lock, ret);
		first = first ? first : ret;
	}
	if (dir)
		closedir(dir);
	return first;
}

static int collect_names(struct gc *gc)
{
	DIR *dir = opendir(NETNS_DIR);
	char mark[128], lab[64];
	struct dirent *entry;
	int first = 0;

	while (dir && (entry = readdir(dir))) {
		int lock, ret;

		if (entry->d_name[0] == '.' || !is_left_name(entry->d_name, mark, lab))
			continue;
		lock = lock_leftover(gc, lab);
		if (lock < 0) {
			first = first || lock == -EBUSY ? first : lock;
			continue;
		}
		ret = is_left_name(entry->d_name, mark, lab) ? collect_name(gc, entry->d_name, mark)
							     : 0;
		ret = unlock_leftover(gc, lab, lock, ret);
		first = first ? first : ret;
	}
	if (dir)
		closedir(dir);
	return first;
}

int lab_gc(bool dry_run, void (*found)(enum gc_kind kind, const char *name, void *arg), void *arg,
	   const struct notes *notes, struct err *err)
{
	struct gc gc = {dry_run, found, arg, notes, err};
	int labs = collect_labs(&gc), pins = collect_all_pins(&gc), names = collect_names(&gc);

	return labs ? labs : pins ? pins : names;
}
