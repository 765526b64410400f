// SPDX-License-Identifier: GPL-2.0-only
/*
 * container_name.c - see container_name.h. Command lines are those of sharedConmonArgs() in
 * podman's libpod/oci_conmon_common.go and of containerd's runtime v2 (docs: runtime/v2/README.md).
 */
#include "user/observe/container_name.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/base/process.h"

enum {
	ANCESTORS_MAX = 8,  /* processes of a container have its first one above them */
	COMMAND_MAX = 8192, /* bytes of a command line that are read */
	ID_LEN = 64,
	ID_SHOWN = 12, /* hexadecimal digits of an id that stand for it in names */
};

/* Where Docker keeps its containers, unless it was told otherwise (data-root). */
#define DOCKER_CONTAINERS "/var/lib/docker/containers"

/* The arguments of a process, each with its zero, and one zero more. */
struct command_line {
	char text[COMMAND_MAX + 1];
	size_t len;
};

static bool read_command(int pid, struct command_line *command)
{
	cleanup_fclose FILE *f = NULL;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/cmdline", pid);
	f = fopen(path, "re");
	if (!f)
		return false;
	command->len = fread(command->text, 1, COMMAND_MAX, f);
	command->text[command->len] = '\0';
	return command->len;
}

/* The value that follows an option; NULL: it is not there. */
static const char *value_of(const struct command_line *command, const char *option)
{
	const char *end = command->text + command->len;

	for (const char *arg = command->text; arg < end; arg += strlen(arg) + 1) {
		const char *next = arg + strlen(arg) + 1;

		if (!strcmp(arg, option) && next < end)
			return next;
	}
	return NULL;
}

static int parent_of(int pid)
{
	cleanup_fclose FILE *f = NULL;
	char path[64], line[512];
	const char *behind;
	int parent;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "re");
	/* The name, in parentheses, may have any character. */
	if (!f || !fgets(line, sizeof(line), f) || !(behind = strrchr(line, ')')) ||
	    sscanf(behind + 1, " %*c %d", &parent) != 1)
		return 0;
	return parent;
}

static bool is_hex(const char *text, size_t len)
{
	return strspn(text, "0123456789abcdef") >= len;
}

/* "k8s_POD_web-...", of Kubernetes, and "0123456789ab-infra", of a pod of podman. */
static bool is_of_pod(const char *name)
{
	return !strncmp(name, "k8s_", 4) ||
	       (is_hex(name, ID_SHOWN) && !strcmp(name + ID_SHOWN, "-infra"));
}

static bool take(const char *found, char *name, size_t size)
{
	if (!found || !found[0] || is_of_pod(found))
		return false;
	snprintf(name, size, "%s", found);
	return true;
}

/* Docker's name of a container, which begins with a slash. */
static bool docker_name(const char *id, char *name, size_t size)
{
	char path[sizeof(DOCKER_CONTAINERS) + ID_LEN + 32];
	const char *found;
	json_t *config;
	bool taken;

	if (!id || strlen(id) != ID_LEN || !is_hex(id, ID_LEN))
		return false;
	snprintf(path, sizeof(path), DOCKER_CONTAINERS "/%s/config.v2.json", id);
	config = json_load_file(path, 0, NULL);
	found = json_string_value(json_object_get(config, "Name"));
	taken = found && take(found + (found[0] == '/'), name, size);
	json_decref(config);
	return taken;
}

bool container_name(int pid, char *name, size_t size)
{
	char comm[PROCESS_NAME_SIZE];
	struct command_line command;
	int above = parent_of(pid);

	for (int i = 0; i < ANCESTORS_MAX && above > 1; i++, above = parent_of(above)) {
		if (!process_name(above, comm))
			return false;
		if (!strcmp(comm, "conmon"))
			return read_command(above, &command) &&
			       take(value_of(&command, "-n"), name, size);
		if (!strncmp(comm, "containerd-shim", 15))
			return read_command(above, &command) &&
			       docker_name(value_of(&command, "-id"), name, size);
	}
	return false;
}
