// SPDX-License-Identifier: GPL-2.0-only
/*
 * gc.c - what crashes left. Only what says by itself that it is ours: a lab's files without a
 * running lab, pins below WATCH_DIR without a lab, files in NETNS_DIR that carry a lab's mark.
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "user/lab/files.h"

struct gc {
	bool dry_run;
	void (*found)(enum gc_kind kind, const char *name, void *arg);
	void *arg;
	struct err *err;
};

static bool has_files(const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), LAB_DIR "/%s", name);
	return !access(path, F_OK);
}

/* A lab that was being built or removed when its vethlab died, or that a reboot ended. */
static int collect_labs(struct gc *gc)
{
	struct running *run;
	char **names;
	size_t n;
	int first = lab_list(&names, &n, gc->err);

	for (size_t i = 0; !first && i < n; i++) {
		int ret;

		if (lab_is_locked(names[i]))
			continue;
		run = NULL;
		ret = state_read(&run, names[i], NULL);
		running_free(run);
		if (ret != -ENOENT)
			continue; /* runs, or is damaged: then `down` is the user's decision */
		gc->found(GC_LAB, names[i], gc->arg);
		if (!gc->dry_run && lab_down(names[i], gc->err) < 0)
			first = -EIO;
	}
	lab_list_free(names, n);
	return first;
}

static int collect_pins(struct gc *gc)
{
	DIR *dir = opendir(WATCH_DIR);
	struct dirent *entry;
	int ret = 0;

	while (dir && (entry = readdir(dir))) {
		if (lab_name_problem(entry->d_name) || has_files(entry->d_name))
			continue;
		gc->found(GC_PINS, entry->d_name, gc->arg);
		if (!gc->dry_run)
			ret = watch_unpin(entry->d_name, gc->err) ? -EIO : ret;
	}
	if (dir)
		closedir(dir);
	return ret;
}

static int collect_names(struct gc *gc)
{
	DIR *dir = opendir(NETNS_DIR);
	struct netns_id none = { 0 };
	struct dirent *entry;
	char mark[128], lab[64];
	int ret = 0;

	while (dir && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.' ||
		    netns_name_state(entry->d_name, mark, sizeof(mark)) != NETNS_NAME_STALE ||
		    sscanf(mark, "vethlab %63s", lab) != 1 || has_files(lab))
			continue;
		gc->found(GC_NETNS_FILE, entry->d_name, gc->arg);
		if (!gc->dry_run)
			ret = netns_unname(entry->d_name, &none, mark, gc->err) ? -EIO : ret;
	}
	if (dir)
		closedir(dir);
	return ret;
}

int lab_gc(bool dry_run, void (*found)(enum gc_kind kind, const char *name, void *arg), void *arg,
	   struct err *err)
{
	struct gc gc = { dry_run, found, arg, err };
	int labs = collect_labs(&gc), pins = collect_pins(&gc), names = collect_names(&gc);

	return labs ? labs : pins ? pins : names;
}
