// SPDX-License-Identifier: GPL-2.0-only
/* labs.c - which labs this machine has; one of them is opened by its name. */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "user/lab/state.h"

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

/* The only running lab's name, to free; NULL with err set if there is none or several. */
static char *only_lab(struct err *err)
{
	char **names, *only = NULL, list[256] = "";
	size_t n, running = 0, used = 0;

	if (lab_list(&names, &n, err))
		return NULL;
	for (size_t i = 0; i < n; i++) {
		if (lab_state(names[i]) == LAB_BROKEN)
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
