// SPDX-License-Identifier: GPL-2.0-only
/* cmd.c - what the verbs share: usage errors, finding a lab file. */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "topology/bundled_labs.h"
#include "user/base/array.h"
#include "user/cmd/cmd.h"
#include "user/output/output.h"

int cmd_parse(const struct cmd *cmd, struct cmd_args *args, int argc, char **argv, struct err *err)
{
	struct cmd_words words;
	int ret;

	*args = (struct cmd_args){0};
	ret = options_parse(cmd, args, argc, argv, &words, err);
	if (ret)
		return ret;
	args->argc = words.argc;
	args->argv = words.argv;
	return 0;
}

void cmd_note(const char *text, void *arg)
{
	if (arg) {
		output_json_append(arg, output_json_text(text));
		return;
	}
	fputs("note: ", stderr);
	output_print(stderr, "%s", text);
	fputc('\n', stderr);
}

void cmd_tell_warnings(const struct diags *diags, const char *typed)
{
	size_t n = diags_warnings(diags);

	if (n)
		fprintf(stderr, "%zu warning%s: see `vethlab check %s`\n", n, n == 1 ? "" : "s",
			typed);
}

void cmd_no_lab(const char *name, struct err *err)
{
	err_set(err, ERR_FAILED, ENOENT, "lab %s does not run; nothing was changed", name);
	lab_hint_missing(name, err);
}

/* ---- lab files ------------------------------------------------------------------------------- */

/* Folder of the running program, without the last slash; "" if /proc does not tell. */
static void program_dir(char *dir, size_t size)
{
	ssize_t n = readlink("/proc/self/exe", dir, size - 1);
	char *slash;

	dir[n > 0 ? n : 0] = '\0';
	slash = strrchr(dir, '/');
	if (slash)
		*slash = '\0';
}

/*
 * Where bundled labs are: beside a build tree's program, else where `make install` put them. A
 * program that is alone has them itself.
 */
enum { LABS_DIRS = 2 };

static void labs_dir(int i, char path[PATH_MAX + 64])
{
	static const char *const places[] = {"%s/../topology/labs", "%s/../share/vethlab/labs"};
	char dir[PATH_MAX];

	program_dir(dir, sizeof(dir));
	snprintf(path, PATH_MAX + 64, places[i], dir);
}

/* Whether a bundled lab is there; its path is made plain, since it is shown. */
static bool is_bundled(char *path, size_t size, int place, const char *name)
{
	char dir[PATH_MAX + 64], candidate[PATH_MAX + 64 + NAME_MAX], plain[PATH_MAX];

	labs_dir(place, dir);
	snprintf(candidate, sizeof(candidate), "%s/%s.yaml", dir, name);
	return realpath(candidate, plain) && snprintf(path, size, "%s", plain) < (int)size;
}

static int is_lab_file(const struct dirent *entry)
{
	const char *dot = strrchr(entry->d_name, '.');

	return dot && dot != entry->d_name && !strcmp(dot, ".yaml");
}

/* Append a copy of a name, without .yaml. Returns 0 or -ENOMEM. */
static int add_name(char ***names, size_t *n, const char *name, size_t len)
{
	if (array_reserve_one(names, *n, sizeof(**names)))
		return -ENOMEM;
	(*names)[*n] = strndup(name, len);
	return (*names)[*n] ? ((*n)++, 0) : -ENOMEM;
}

int cmd_bundled_list(char ***names, size_t *n, struct err *err)
{
	struct dirent **entries = NULL;
	char dir[PATH_MAX + 64];
	int count = 0, ret = 0;

	*names = NULL;
	*n = 0;
	for (int i = 0; i < LABS_DIRS && count <= 0; i++) {
		labs_dir(i, dir);
		count = scandir(dir, &entries, is_lab_file, alphasort);
	}
	for (int i = 0; i < count; i++) {
		const char *name = entries[i]->d_name;

		if (!ret)
			ret = add_name(names, n, name, strrchr(name, '.') - name);
		free(entries[i]);
	}
	free(entries);
	for (const struct bundled_lab *lab = bundled_labs; count <= 0 && !ret && lab->name; lab++)
		ret = add_name(names, n, lab->name, strlen(lab->name));
	return ret ? err_set(err, ERR_SYSTEM, -ret, "out of memory") : 0;
}

void cmd_bundled_free(char **names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(names[i]);
	free(names);
}

/* The nearest bundled lab, or all of them. */
static void suggest_bundled(const char *typed, struct err *err)
{
	char **names, list[256] = "";
	const char *near = NULL;
	size_t n, used = 0;

	if (!cmd_bundled_list(&names, &n, NULL))
		near = nearest_name(typed, (const char *const *)names, n);
	for (size_t i = 0; i < n && used < sizeof(list); i++)
		used += snprintf(list + used, sizeof(list) - used, "%s%s", i ? ", " : "", names[i]);
	if (near)
		err_hint(err, "did you mean '%s'? A lab file is named by its path: ./%s.yaml", near,
			 typed);
	else if (n)
		err_hint(err, "there are %s; a lab file is named by its path: ./%s.yaml", list,
			 typed);
	else
		err_hint(err, "a lab file is named by its path: ./%s.yaml", typed);
	cmd_bundled_free(names, n);
}

bool cmd_is_lab_name(const char *typed)
{
	return strcmp(typed, "-") && !strchr(typed, '/') && !strstr(typed, ".yaml") &&
	       !strstr(typed, ".yml") && strncmp(typed, BUNDLED_PREFIX, sizeof(BUNDLED_PREFIX) - 1);
}

int cmd_lab_path(const char *typed, char *path, size_t size, struct err *err)
{
	const char *problem;

	/* A path is what looks like one, so that a file called blue does not hide the lab. */
	if (!cmd_is_lab_name(typed)) {
		if (!strcmp(typed, "-"))
			typed = "/dev/stdin";
		if (snprintf(path, size, "%s", typed) >= (int)size)
			return err_set(err, ERR_USAGE, ENAMETOOLONG, "%s: the path is too long",
				       typed);
		return 0;
	}
	problem = lab_name_problem(typed);
	for (int i = 0; !problem && i < LABS_DIRS; i++)
		if (is_bundled(path, size, i, typed))
			return 0;
	if (!problem && snprintf(path, size, BUNDLED_PREFIX "%s", typed) < (int)size &&
	    bundled_lab_text(path))
		return 0;
	if (!access(typed, F_OK)) {
		err_set(err, ERR_INPUT, ENOENT, "there is no bundled lab '%s'", typed);
		err_hint(err, "did you mean the file? It is named by its path: ./%s", typed);
		return -ENOENT;
	}
	if (problem)
		return err_set(err, ERR_USAGE, EINVAL, "lab name '%s': %s", typed, problem);
	err_set(err, ERR_INPUT, ENOENT, "there is no bundled lab '%s'", typed);
	suggest_bundled(typed, err);
	return -ENOENT;
}
