// SPDX-License-Identifier: GPL-2.0-only
/* cmd.c - what the verbs share: usage errors, signals, finding a lab file. */
#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "user/cmd/cmd.h"

#ifndef VETHLAB_LABS
#define VETHLAB_LABS "/usr/local/share/vethlab/labs"
#endif

int cmd_usage(struct err *err, const char *verb, const char *fmt, ...)
{
	char what[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	err_set(err, ERR_USAGE, 0, "%s: %s", verb, what);
	cmd_usage_hint(err, verb);
	return ERR_USAGE;
}

void cmd_usage_hint(struct err *err, const char *verb)
{
	for (const struct cmd *cmd = cmds; cmd->name; cmd++)
		if (!strcmp(cmd->name, verb))
			err_hint(err, "usage: vethlab %s %s", verb, cmd->usage);
}

enum { OPTIONS_MAX = 32, OPTION_SIZE = 32 };

/* Every --word of a text. */
static size_t long_options(const char *text, char (*options)[OPTION_SIZE], size_t n)
{
	while (text && (text = strstr(text, "--")) && n < OPTIONS_MAX) {
		size_t len = 2 + strspn(text + 2, "abcdefghijklmnopqrstuvwxyz-");

		if (len > 2)
			snprintf(options[n++], OPTION_SIZE, "%.*s", (int)len, text);
		text += len;
	}
	return n;
}

/* The option that may be meant, by what the verb's help knows; into found. */
static bool near_option(const char *verb, const char *typed, char found[OPTION_SIZE])
{
	char options[OPTIONS_MAX][OPTION_SIZE], word[OPTION_SIZE];
	const char *names[OPTIONS_MAX], *near;
	const struct cmd *cmd = cmds;
	size_t n = 0;

	while (cmd->name && strcmp(cmd->name, verb))
		cmd++;
	if (!cmd->name || strncmp(typed, "--", 2))
		return false;
	if (strstr(cmd->usage, "-j"))
		n = long_options("--json", options, n);
	if (strstr(cmd->usage, "-l LAB"))
		n = long_options("--lab", options, n);
	n = long_options(cmd->usage, options, n);
	n = long_options(cmd->help, options, n);
	for (size_t i = 0; i < n; i++)
		names[i] = options[i] + 2;
	snprintf(word, sizeof(word), "%.*s", (int)strcspn(typed + 2, "="), typed + 2);
	near = nearest_name(word, names, n);
	snprintf(found, OPTION_SIZE, "%s", near ? near : "");
	return near;
}

int cmd_bad_option(struct err *err, const char *verb, int c, char **argv)
{
	const char *typed = argv[optind - 1];
	char near[OPTION_SIZE];

	if (c == ':')
		return cmd_usage(err, verb, "%s needs a value", typed);
	if (strchr(typed, '=') && near_option(verb, typed, near) &&
	    !strncmp(typed + 2, near, strcspn(typed + 2, "=")))
		return cmd_usage(err, verb, "--%s takes no value", near);
	if (near_option(verb, typed, near) && strcmp(typed + 2, near))
		return cmd_usage(err, verb, "unknown option %s: did you mean --%s?", typed, near);
	return cmd_usage(err, verb, "unknown option %s", typed);
}

int cmd_parse(struct cmd_args *args, int argc, char **argv, bool own_words, struct err *err)
{
	static const struct option longs[] = {
		{"lab", required_argument, NULL, 'l'},
		{"json", no_argument, NULL, 'j'},
		{NULL},
	};
	int c;

	*args = (struct cmd_args){0};
	optind = 1;
	opterr = 0;
	while ((c = getopt_long(argc, argv, own_words ? "+:l:j" : ":l:j", longs, NULL)) != -1) {
		if (c == 'l')
			args->lab = optarg;
		else if (c == 'j')
			args->json = true;
		else
			return cmd_bad_option(err, argv[0], c, argv);
	}
	args->argc = argc - optind;
	args->argv = argv + optind;
	return 0;
}

void cmd_note(const char *text, void *arg)
{
	if (arg)
		json_array_append_new(arg, json_string(text));
	else
		fprintf(stderr, "note: %s\n", text);
}

int cmd_parse_hooks(const char *list, unsigned *hooks)
{
	char copy[64], *save = NULL;

	*hooks = 0;
	if (snprintf(copy, sizeof(copy), "%s", list) >= (int)sizeof(copy))
		return -1;
	for (char *word = strtok_r(copy, ",", &save); word; word = strtok_r(NULL, ",", &save)) {
		if (!strcmp(word, "in"))
			*hooks |= HOOKS_IN;
		else if (!strcmp(word, "out"))
			*hooks |= HOOKS_OUT;
		else if (!strcmp(word, "none"))
			*hooks |= HOOKS_NONE;
		else
			return -1;
	}
	return *hooks && (*hooks == HOOKS_NONE || !(*hooks & HOOKS_NONE)) ? 0 : -1;
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

/* Where bundled labs are: beside a build tree's program, else where `make install` put them. */
enum { LABS_DIRS = 3 };

static void labs_dir(int i, char path[PATH_MAX + 64])
{
	static const char *const places[] = {"%s/../topology/labs", "%s/../share/vethlab/labs",
					     VETHLAB_LABS};
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

/* The nearest bundled lab, or all of them. */
static void suggest_bundled(const char *typed, struct err *err)
{
	struct dirent **entries = NULL;
	const char *names[64], *near;
	char dir[PATH_MAX + 64], list[256] = "";
	int count = 0;
	size_t n = 0, used = 0;

	for (int i = 0; i < LABS_DIRS && count <= 0; i++) {
		labs_dir(i, dir);
		count = scandir(dir, &entries, is_lab_file, alphasort);
	}
	for (int i = 0; i < count; i++) {
		*strrchr(entries[i]->d_name, '.') = '\0';
		if (n < sizeof(names) / sizeof(*names))
			names[n++] = entries[i]->d_name;
		if (used < sizeof(list))
			used += snprintf(list + used, sizeof(list) - used, "%s%s", i ? ", " : "",
					 entries[i]->d_name);
	}
	near = n ? nearest_name(typed, names, n) : NULL;
	if (near)
		err_hint(err, "did you mean '%s'? A lab file is named by its path: ./%s.yaml", near,
			 typed);
	else if (n)
		err_hint(err, "there are %s; a lab file is named by its path: ./%s.yaml", list,
			 typed);
	else
		err_hint(err, "a lab file is named by its path: ./%s.yaml", typed);
	for (int i = 0; i < count; i++)
		free(entries[i]);
	free(entries);
}

int cmd_lab_path(const char *typed, char *path, size_t size, struct err *err)
{
	const char *problem;

	/* A path is what looks like one, so that a file called blue does not hide the lab. */
	if (strchr(typed, '/') || strstr(typed, ".yaml") || strstr(typed, ".yml")) {
		if (snprintf(path, size, "%s", typed) >= (int)size)
			return err_set(err, ERR_USAGE, ENAMETOOLONG, "%s: the path is too long",
				       typed);
		return 0;
	}
	problem = lab_name_problem(typed);
	for (int i = 0; !problem && i < LABS_DIRS; i++)
		if (is_bundled(path, size, i, typed))
			return 0;
	if (!access(typed, F_OK)) {
		err_set(err, ERR_LABFILE, ENOENT, "there is no bundled lab '%s'", typed);
		err_hint(err, "did you mean the file? It is named by its path: ./%s", typed);
		return -ENOENT;
	}
	if (problem)
		return err_set(err, ERR_USAGE, EINVAL, "lab name '%s': %s", typed, problem);
	err_set(err, ERR_LABFILE, ENOENT, "there is no bundled lab '%s'", typed);
	suggest_bundled(typed, err);
	return -ENOENT;
}
