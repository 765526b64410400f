// SPDX-License-Identifier: GPL-2.0-only
/*
 * garbage.c - `gc` finds what crashes left, and removes it. Only what is certain to be vethlab's:
 * the files of a lab that does not run, pins below WATCH_DIR that belong to no lab, files in
 * NETNS_DIR that carry the mark of a lab that has no files, with the namespaces on them.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "user/base/array.h"
#include "user/base/cleanup.h"
#include "user/lab/machine_features.h"
#include "user/lab/journal.h"
#include "user/lab/state.h"
#include "user/lab/teardown.h"
#include "user/lab/undo.h"

/* ---- pins of a lab without files ------------------------------------------------------------- */

/*
 * The map of ends says in which namespaces the lab was, but not which of these it had made: so they
 * are named, and not deleted.
 */
struct orphan_pins {
	const char *lab;
	const struct notes *notes;
	struct nl *here; /* the calling thread's namespace */
	uint64_t here_inode;
	uint64_t *told; /* inodes of namespaces */
	size_t n_told;
};

/* The name below NETNS_DIR of the namespace with an inode. */
static bool find_name(uint64_t inode, char name[NAME_MAX + 1])
{
	cleanup_closedir DIR *dir = opendir(NETNS_DIR);
	char path[PATH_MAX];
	struct dirent *entry;
	bool found = false;
	struct stat st;

	while (dir && !found && (entry = readdir(dir))) {
		snprintf(path, sizeof(path), NETNS_DIR "/%s", entry->d_name);
		if (entry->d_name[0] == '.' || stat(path, &st) || st.st_ino != inode)
			continue;
		found = true;
		snprintf(name, NAME_MAX + 1, "%s", entry->d_name);
	}
	return found;
}

/* Whether the interface of an end still exists, with the same name and ifindex. */
static bool has_interface(struct nl *nl, const struct vl_end *end)
{
	struct link_info info;

	return nl && !link_get(nl, end->ifindex, NULL, &info, NULL) &&
	       !strcmp(info.ifname, end->ifname);
}

static bool netns_has_interface(const char *name, const struct vl_end *end)
{
	cleanup_close int fd = netns_open(name, NULL);
	cleanup_nl struct nl *nl = NULL;

	return fd >= 0 && !nl_open(&nl, fd, NULL) && has_interface(nl, end);
}

/* Whether the namespace was not told of yet; from now on it was. */
static bool tell_once(struct orphan_pins *orphans, uint64_t inode)
{
	for (size_t i = 0; i < orphans->n_told; i++)
		if (orphans->told[i] == inode)
			return false;
	if (array_reserve_one(&orphans->told, orphans->n_told, sizeof(*orphans->told)))
		return false;
	orphans->told[orphans->n_told++] = inode;
	return true;
}

static void on_end(const struct vl_end *end, void *arg)
{
	struct orphan_pins *orphans = arg;
	char name[NAME_MAX + 1], text[1024];

	if (end->netns == orphans->here_inode) {
		if (!has_interface(orphans->here, end))
			return;
		snprintf(text, sizeof(text),
			 "interface %s was an end of lab %s, whose files are lost: `ip link delete "
			 "%s` removes it",
			 end->ifname, orphans->lab, end->ifname);
	} else {
		if (!find_name(end->netns, name) || !netns_has_interface(name, end) ||
		    !tell_once(orphans, end->netns))
			return;
		snprintf(text, sizeof(text),
			 "network namespace %.200s was node %s of lab %s, whose files are lost: if "
			 "the lab made it, `ip netns delete %.200s` removes it",
			 name, end->node, orphans->lab, name);
	}
	orphans->notes->tell(text, orphans->notes->arg);
}

/* Tell notes which namespaces and interfaces of a lab are left, and how to remove them. */
static void tell_orphans(const char *lab, const struct notes *notes)
{
	struct orphan_pins orphans = {.lab = lab, .notes = notes};
	struct watch *watch = NULL;
	struct stat st;

	if (!notes || watch_open(&watch, lab, NULL))
		return;
	if (!stat("/proc/thread-self/ns/net", &st))
		orphans.here_inode = st.st_ino;
	if (nl_open(&orphans.here, -1, NULL))
		orphans.here = NULL;
	watch_each_end(watch, on_end, &orphans);
	nl_close(orphans.here);
	watch_close(watch);
	free(orphans.told);
}

/* ---- what is found, and removed -------------------------------------------------------------- */

/* Labs that marks tell of, and that have no files. */
struct marked {
	char (*labs)[LAB_NAME_MAX + 1];
	size_t n;
	bool no_memory;
};

static bool has_marked(const struct marked *marked, const char *lab)
{
	for (size_t i = 0; i < marked->n; i++)
		if (!strcmp(marked->labs[i], lab))
			return true;
	return false;
}

struct gc {
	bool dry_run;
	struct marked marked;
	void (*found)(enum gc_kind kind, const char *name, void *arg);
	void *arg;
	const struct notes *notes;
	struct err *err;
};

/*
 * Whether a lab has no state of this boot, or belongs to a process: that is dead if we get its
 * lock. A state that cannot be read is left alone: the user decides about `down`.
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
	/* Once the pins are gone, nothing tells it any more. */
	if (!gc->dry_run || !has_marked(&gc->marked, name))
		tell_orphans(name, gc->notes);
	return gc->dry_run ? 0 : watch_unpin(name, gc->err);
}

static int collect_name(struct gc *gc, const char *name, const char *mark)
{
	struct netns_id none = {0};

	gc->found(GC_NETNS_FILE, name, gc->arg);
	return gc->dry_run ? 0 : netns_unname(name, -1, &none, mark, gc->err);
}

/*
 * Lock the lab that something was left of. The caller looks again under the lock, so that nothing
 * is removed that an `up` makes meanwhile. -EBUSY: a process builds or removes that lab.
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

/* Release a lock that was taken for something without a lab, and remove the directory it made. */
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
	cleanup_closedir DIR *dir = watch_check_dir(NULL) == 1 ? opendir(WATCH_DIR) : NULL;
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
	return first;
}

static int collect_names(struct gc *gc)
{
	cleanup_closedir DIR *dir = opendir(NETNS_DIR);
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
	return first;
}

/* ---- namespaces of labs without files -------------------------------------------------------- */

static bool on_mark(const char *name, const char *mark, void *arg)
{
	struct marked *marked = arg;
	char lab[64], expected[64], ignored[8];

	if (sscanf(mark, "vethlab %63s", lab) != 1 || lab_name_problem(lab) || lab_has_files(lab))
		return true;
	netns_mark(lab, expected);
	if (strcmp(mark, expected) != 0 ||
	    netns_name_state(name, ignored, sizeof(ignored), NULL) != NETNS_NAME_MOUNTED)
		return true;
	if (has_marked(marked, lab))
		return true;
	if (array_reserve_one(&marked->labs, marked->n, sizeof(*marked->labs))) {
		marked->no_memory = true;
		return false;
	}
	memcpy(marked->labs[marked->n++], lab, strlen(lab) + 1); /* lab_name_problem(): it fits */
	return true;
}

/* Namespaces of labs whose files are lost. Their pins and stale files follow. */
static int collect_marked(struct gc *gc)
{
	int first = 0;

	netns_each_mark(on_mark, &gc->marked);
	if (gc->marked.no_memory)
		return err_set(gc->err, ERR_SYSTEM, ENOMEM, "out of memory");
	for (size_t i = 0; i < gc->marked.n; i++) {
		const char *lab = gc->marked.labs[i];
		int ret = 0, lock = lock_leftover(gc, lab);

		if (lock < 0) {
			first = first || lock == -EBUSY ? first : lock;
			continue;
		}
		if (!lab_has_files(lab)) {
			gc->found(GC_LAB, lab, gc->arg);
			ret = gc->dry_run ? 0 : undo_lab(lab, NULL, true, gc->notes, gc->err);
		}
		ret = unlock_leftover(gc, lab, lock, ret < 0 ? ret : 0);
		first = first ? first : ret;
	}
	return first;
}

int lab_gc(bool dry_run, void (*found)(enum gc_kind kind, const char *name, void *arg), void *arg,
	   const struct notes *notes, struct err *err)
{
	struct gc gc = {.dry_run = dry_run, .found = found, .arg = arg, .notes = notes, .err = err};
	int labs, marked, pins, names;
	int ret = lab_privileges(err); /* without them nothing is seen, which is not nothing left */

	if (ret)
		return ret;
	labs = collect_labs(&gc);
	marked = collect_marked(&gc);
	pins = collect_all_pins(&gc);
	names = collect_names(&gc);
	free(gc.marked.labs);
	return labs ? labs : marked ? marked : pins ? pins : names;
}
