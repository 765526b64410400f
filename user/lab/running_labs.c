// SPDX-License-Identifier: GPL-2.0-only
/*
 * running_labs.c - which labs this machine has; one of them is opened by its name. Writes, reads
 * and removes their files.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "user/base/cleanup.h"
#include "user/lab/journal.h"
#include "user/lab/state.h"

/* What a change may add to a journal, and to state.json beside what is in it. */
enum { JOURNAL_ROOM = 64 * 1024 };

static int is_lab(const struct dirent *entry)
{
	return !lab_name_problem(entry->d_name);
}

int lab_list(char ***names, size_t *n, struct err *err)
{
	struct dirent **entries;
	int count = scandir(LAB_DIR, &entries, is_lab, alphasort);

	*names = NULL;
	*n = 0;
	if (count < 0 && errno == ENOENT)
		return 0;
	if (count < 0 && errno == EACCES) {
		err_set(err, ERR_PRIVILEGE, EACCES,
			"which labs run cannot be told: only root may read %s", LAB_DIR);
		err_hint(err, "run it as root: sudo vethlab ...");
		return -EACCES;
	}
	if (count >= 0)
		*names = calloc(count + 1, sizeof(**names));
	if (!*names)
		return err_set(err, ERR_SYSTEM, errno, "cannot list %s: %s", LAB_DIR,
			       strerror(errno));
	for (int i = 0; i < count; i++) {
		(*names)[*n] = strdup(entries[i]->d_name);
		*n += !!(*names)[*n];
		free(entries[i]);
	}
	free(entries);
	return 0;
}

void lab_list_free(char **names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(names[i]);
	free(names);
}

enum lab_state lab_state(const char *name)
{
	char path[PATH_MAX];

	if (lab_is_locked(name))
		return LAB_BUSY;
	snprintf(path, sizeof(path), LAB_DIR "/%s/state.json", name);
	return access(path, F_OK) ? LAB_BROKEN : LAB_RUNNING;
}

bool lab_is_of_bench(const char *name)
{
	const char *digits = name + strlen("bench-");
	size_t len;

	if (strncmp(name, "bench-", strlen("bench-")))
		return false;
	len = strspn(digits, "0123456789");
	if (!len || (digits[len] && digits[len] != '-'))
		return false;
	return lab_is_locked(name);
}

/* The only running lab's name, to free; NULL with err set if there is none or several. */
static char *only_lab(struct err *err)
{
	char **names, *only = NULL, list[256] = "";
	size_t n, running = 0, used = 0;

	if (lab_list(&names, &n, err))
		return NULL;
	for (size_t i = 0; i < n; i++) {
		if (lab_is_of_bench(names[i]) || lab_state(names[i]) == LAB_BROKEN)
			continue;
		running++;
		if (used < sizeof(list))
			used += snprintf(list + used, sizeof(list) - used, "%s%s", used ? ", " : "",
					 names[i]);
		free(only);
		only = strdup(names[i]);
	}
	lab_list_free(names, n);
	if (running == 1)
		return only;
	free(only);
	if (running) {
		err_set(err, ERR_FAILED, EINVAL, "several labs run: %s", list);
		err_hint(err, "say which: -l LAB");
	} else {
		err_set(err, ERR_FAILED, ENOENT, "no lab runs");
		err_hint(err, "`vethlab up blue` builds one");
	}
	return NULL;
}

void lab_hint_missing(const char *name, struct err *err)
{
	const char *near = NULL;
	char **names = NULL;
	size_t n = 0;

	if (!lab_list(&names, &n, NULL) && n)
		near = nearest_name(name, (const char *const *)names, n);
	if (near && !strcmp(near, name))
		err_hint(err, "it was left by a crash: `vethlab down %s` removes it", name);
	else if (near)
		err_hint(err, "did you mean '%s'?", near);
	else if (n)
		err_hint(err, "`vethlab ls` lists what runs; `vethlab up` builds a lab");
	else
		err_hint(err, "no lab runs; `vethlab up` builds one");
	lab_list_free(names, n);
}

int lab_open(struct running **run, const char *name, struct err *err)
{
	char *only = NULL;
	int ret;

	if (!name) {
		name = only = only_lab(err);
		if (!name)
			return -ENOENT;
	} else if (lab_name_problem(name)) {
		return err_set(err, ERR_USAGE, EINVAL, "lab name '%s': %s", name,
			       lab_name_problem(name));
	}
	ret = state_read(run, name, err);
	if (ret == -ENOENT && lab_is_locked(name)) {
		err_set(err, ERR_FAILED, EBUSY, "lab %s is being changed by another vethlab", name);
		err_hint(err, "wait for it, then try again");
	} else if (ret == -ENOENT) {
		err_set(err, ERR_FAILED, ENOENT, "lab %s does not run", name);
		lab_hint_missing(name, err);
	}
	free(only);
	return ret;
}

/* ---- the files of one ------------------------------------------------------------------------ */

static void file_path(const char *name, const char *file, char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, LAB_DIR "/%s/%s", name, file);
}

/* Write a file atomically: under its name it is complete, or as it was before. */
static int write_file(const char *name, const char *file, const char *text, size_t len,
		      struct err *err)
{
	char path[PATH_MAX], temporary[PATH_MAX];
	cleanup_close int fd = -1;
	int ret = 0;

	file_path(name, file, path);
	file_path(name, "new", temporary);
	fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_set(err, ERR_SYSTEM, errno, "cannot write %s: %s", temporary,
			       strerror(errno));
	while (len && !ret) {
		ssize_t n = write(fd, text, len);

		if (n < 0 && errno != EINTR)
			ret = -errno;
		else if (n > 0)
			text += n, len -= n;
	}
	if (!ret && (fsync(fd) || rename(temporary, path)))
		ret = -errno;
	if (ret)
		err_set(err, ERR_SYSTEM, -ret, "cannot write %s: %s", path, strerror(-ret));
	return ret;
}

int state_write(const struct running *run, struct err *err)
{
	char boot[BOOT_ID_SIZE], *text;
	int ret = boot_id(boot, err);

	if (ret)
		return ret;
	ret = write_file(run->name, "lab.yaml", run->lab->text, strlen(run->lab->text), err);
	if (ret)
		return ret;
	text = state_format(run, boot);
	if (!text)
		return err_set(err, ERR_SYSTEM, ENOMEM, "lab %s: cannot write down its state",
			       run->name);
	ret = write_file(run->name, "state.json", text, strlen(text), err);
	free(text);
	state_forget(run->name); /* there is one after a change */
	return ret;
}

int boot_id(char id[BOOT_ID_SIZE], struct err *err)
{
	cleanup_fclose FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");

	if (!f || !fgets(id, BOOT_ID_SIZE, f))
		return err_set(err, ERR_SYSTEM, errno, "cannot read this boot's id: %s",
			       strerror(errno));
	id[strcspn(id, "\n")] = '\0';
	return 0;
}

/* -ENOENT: the state was written before this boot, and what it describes is gone. */
static int check_boot(const char *name, json_t *state, struct err *err)
{
	const char *was = json_string_value(json_object_get(state, "boot"));
	char boot[BOOT_ID_SIZE];
	int ret = boot_id(boot, err);

	if (ret)
		return ret;
	if (!was)
		return state_damaged(name, err, "state.json does not say of which boot it is");
	return strcmp(was, boot) ? -ENOENT : 0;
}

/*
 * A number that tells labs of one name apart: made of the lock file, which `down` removes, `up`
 * makes and a change keeps. 0: there is no lock file.
 */
static uint64_t life_of(const char *name)
{
	char path[PATH_MAX];
	struct statx st;

	/* With the time of birth, since ext4 and overlay reuse the number of an inode at once. */
	file_path(name, "lock", path);
	if (statx(AT_FDCWD, path, 0, STATX_INO | STATX_BTIME, &st))
		return 0;
	return st.stx_ino ^ (uint64_t)st.stx_btime.tv_sec << 32 ^
	       (uint64_t)st.stx_btime.tv_nsec << 2;
}

/* Whether a file exists, or that cannot be found out. */
static bool may_have(const char *name, const char *file)
{
	char path[PATH_MAX];

	file_path(name, file, path);
	return !access(path, F_OK) || errno != ENOENT;
}

bool running_is_gone(const struct running *run)
{
	uint64_t life;

	/* A change renames state.json and writes a new one, maybe between the first two checks. */
	if (!may_have(run->name, "state.json") && !may_have(run->name, "state.old") &&
	    !may_have(run->name, "state.json"))
		return true;
	life = life_of(run->name);
	return life ? life != run->life : !may_have(run->name, "lock");
}

/* The lab that state describes, which is of this boot. */
static int read_running(struct running **out, const char *name, uint64_t life, json_t *state,
			struct err *err)
{
	cleanup_running struct running *run = calloc(1, sizeof(*run));
	const char *text = json_string_value(json_object_get(state, "text"));
	struct diags diags = {0};
	char path[PATH_MAX];
	int ret;

	if (!run)
		return err_set(err, ERR_SYSTEM, ENOMEM, "lab %s: out of memory", name);
	snprintf(run->name, sizeof(run->name), "%s", name);
	run->life = life;
	file_path(name, "lab.yaml", path);
	run->lab = text ? lab_read_text(text, strlen(text), path, &diags)
			: lab_read_file(path, &diags);
	if (!run->lab)
		ret = state_damaged(name, err, "%s cannot be read: %s",
				    text ? "the lab file in state.json" : "lab.yaml",
				    diags.count ? diags.list[0].what : strerror(ENOMEM));
	else
		ret = state_from_json(run, state, err);
	diags_free(&diags);
	if (!ret)
		*out = cleanup_take(run);
	return ret;
}

static int read_file(struct running **out, const char *name, const char *file, struct err *err)
{
	uint64_t life = life_of(name); /* first, so that it is not that of a later lab */
	char path[PATH_MAX];
	json_error_t why;
	json_t *state;
	int ret;

	file_path(name, file, path);
	if (access(path, F_OK))
		return errno == ENOENT ? -ENOENT
				       : err_set(err, err_code_of(errno), errno,
						 "cannot look for %s: %s", path, strerror(errno));
	state = json_load_file(path, JSON_REJECT_DUPLICATES, &why);
	if (!state && json_error_code(&why) == json_error_cannot_open_file)
		return err_set(err, ERR_SYSTEM, 0, "lab %s: %s", name, why.text);
	if (!state)
		return state_damaged(name, err, "%s, line %d: %s", file, why.line, why.text);
	ret = check_boot(name, state, err);
	if (!ret)
		ret = read_running(out, name, life, state, err);
	json_decref(state);
	return ret;
}

int state_read(struct running **out, const char *name, struct err *err)
{
	return read_file(out, name, "state.json", err);
}

int state_read_any(struct running **out, const char *name, struct err *err)
{
	int ret = read_file(out, name, "state.json", err);

	ret = ret == -ENOENT ? read_file(out, name, "state.down", err) : ret;
	return ret == -ENOENT ? read_file(out, name, "state.old", err) : ret;
}

int state_reserve(const struct running *run, struct err *err)
{
	cleanup_free char *state = state_format(run, "");
	cleanup_close int fd = -1;
	char path[PATH_MAX];
	int error;

	if (!state)
		return err_set(err, ERR_SYSTEM, ENOMEM, "lab %s: out of memory", run->name);
	file_path(run->name, "room", path);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	error = fd < 0 ? errno
		       : posix_fallocate(fd, 0,
					 strlen(run->lab->text) + 2 * strlen(state) + JOURNAL_ROOM);
	if (!error)
		return 0;
	unlink(path);
	return err_set(err, ERR_SYSTEM, error,
		       "lab %s: there is no room for its files in " LAB_DIR " (%s)", run->name,
		       strerror(error));
}

void state_release(const char *name)
{
	char path[PATH_MAX];

	file_path(name, "room", path);
	unlink(path);
}

static int rename_state(const char *name, const char *file, struct err *err)
{
	char path[PATH_MAX], new[PATH_MAX];

	file_path(name, "state.json", path);
	file_path(name, file, new);
	if (rename(path, new))
		return err_set(err, err_code_of(errno), errno, "cannot rename %s: %s", path,
			       strerror(errno));
	return 0;
}

int state_hide(const char *name, struct err *err)
{
	return rename_state(name, "state.old", err);
}

int state_end(const char *name, struct err *err)
{
	char path[PATH_MAX];

	file_path(name, "state.json", path);
	return access(path, F_OK) && errno == ENOENT ? 0 : rename_state(name, "state.down", err);
}

void state_forget(const char *name)
{
	char path[PATH_MAX];

	file_path(name, "state.old", path);
	unlink(path);
	file_path(name, "state.down", path);
	unlink(path);
	state_release(name);
}

static bool is_entry(const char *file)
{
	return file[0] != '.' && strcmp(file, "lock") != 0;
}

/* What is known of the ends of a lab while it runs (down_record.h, end_gaps.h). */
static bool is_record(const char *file)
{
	return !strncmp(file, "down-", 5) || !strcmp(file, "gaps");
}

static int remove_entries(const char *path, bool (*chosen)(const char *file), struct err *err)
{
	cleanup_closedir DIR *dir = opendir(path);
	struct dirent *entry;

	errno = dir ? 0 : errno;
	while (dir && (entry = readdir(dir))) {
		if (chosen(entry->d_name) && unlinkat(dirfd(dir), entry->d_name, 0))
			return err_set(err, ERR_SYSTEM, errno, "cannot remove %s%s: %s", path,
				       entry->d_name, strerror(errno));
		errno = 0;
	}
	if (errno && errno != ENOENT)
		return err_set(err, ERR_SYSTEM, errno, "cannot list %s: %s", path, strerror(errno));
	return 0;
}

int state_forget_records(const char *name, struct err *err)
{
	char path[PATH_MAX];

	file_path(name, "", path);
	return remove_entries(path, is_record, err);
}

int files_remove(const char *name, struct err *err)
{
	char path[PATH_MAX];
	int ret;

	file_path(name, "state.json", path); /* first: without it the lab does not run */
	if (unlink(path) && errno != ENOENT)
		return err_set(err, err_code_of(errno), errno, "cannot remove %s: %s", path,
			       strerror(errno));
	file_path(name, "", path);
	ret = remove_entries(path, is_entry, err);
	if (ret)
		return ret;
	/* Last, since the caller holds it. */
	file_path(name, "lock", path);
	if (unlink(path) && errno != ENOENT)
		return err_set(err, ERR_SYSTEM, errno, "cannot remove %s: %s", path,
			       strerror(errno));
	file_path(name, "", path);
	/* ENOTEMPTY: the next process that changes this lab has made its lock already. */
	if (rmdir(path) && errno != ENOENT && errno != ENOTEMPTY)
		return err_set(err, ERR_SYSTEM, errno, "cannot remove %s: %s", path,
			       strerror(errno));
	rmdir(LAB_DIR); /* fails unless it is empty */
	return 0;
}

bool lab_has_files(const char *name)
{
	static const char *const files[] = {"state.json", "state.down", "state.old", "journal",
					    "lab.yaml"};

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		if (may_have(name, files[i]))
			return true;
	return false;
}
