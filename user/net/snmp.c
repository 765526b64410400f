// SPDX-License-Identifier: GPL-2.0-only
/* snmp.c - counters that the kernel keeps of a namespace's protocols. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/net/net.h"

/* The value below a name: such a file has a line of names, then one of values. */
static bool find_below(const char *names, const char *values, const char *name, uint64_t *value)
{
	char word[64];
	int n_name, n_value;

	while (sscanf(names, "%63s%n", word, &n_name) == 1) {
		uint64_t its;
		bool number = sscanf(values, "%" SCNu64 "%n", &its, &n_value) == 1;

		if (!number && sscanf(values, "%*s%n", &n_value) < 0)
			return false;
		if (number && !strcmp(word, name)) {
			*value = its;
			return true;
		}
		names += n_name;
		values += n_value;
	}
	return false;
}

int snmp_counter(const char *file, const char *group, const char *name, uint64_t *value)
{
	cleanup_free char *names = NULL, *values = NULL;
	cleanup_fclose FILE *stream = NULL;
	size_t names_room = 0, values_room = 0, len = strlen(group);
	char path[64];

	snprintf(path, sizeof(path), "/proc/thread-self/net/%s", file);
	stream = fopen(path, "re");
	if (!stream)
		return -errno;
	while (getline(&names, &names_room, stream) > 0 &&
	       getline(&values, &values_room, stream) > 0)
		if (!strncmp(names, group, len) && names[len] == ':' &&
		    find_below(names, values, name, value))
			return 0;
	return -ENOENT;
}
