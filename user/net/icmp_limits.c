// SPDX-License-Identifier: GPL-2.0-only
/* icmp_limits.c - ICMP errors that a namespace's rate limits hold back, by its own counters. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/net/net.h"

struct question {
	uint8_t family;
	struct icmp_held_back *out;
};

/* The value below a name: /proc/net/snmp has a line of names, then one of values. */
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

static int read_v4(struct icmp_held_back *out)
{
	cleanup_fclose FILE *file = fopen("/proc/thread-self/net/snmp", "re");
	char names[2048], values[2048];

	if (!file)
		return -errno;
	while (fgets(names, sizeof(names), file) && fgets(values, sizeof(values), file)) {
		if (strncmp(names, "Icmp: ", 6))
			continue;
		out->has_host = find_below(names, values, "OutRateLimitHost", &out->host);
		out->has_global = find_below(names, values, "OutRateLimitGlobal", &out->global);
		return 0;
	}
	return 0;
}

/* A name and a value a line. */
static int read_v6(struct icmp_held_back *out)
{
	cleanup_fclose FILE *file = fopen("/proc/thread-self/net/snmp6", "re");
	char line[256], name[64];
	uint64_t value;

	if (!file)
		return -errno;
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%63s %" SCNu64, name, &value) != 2 ||
		    strcmp(name, "Icmp6OutRateLimitHost"))
			continue;
		out->has_host = true;
		out->host = value;
	}
	return 0;
}

static int read_inside(void *arg)
{
	const struct question *question = arg;

	return question->family == 6 ? read_v6(question->out) : read_v4(question->out);
}

int icmp_held_back_read(int netns_fd, uint8_t family, struct icmp_held_back *out, struct err *err)
{
	struct icmp_held_back found = {0};
	struct question question = {family, &found};
	int ret = netns_run(netns_fd, read_inside, &question, err);

	if (!ret)
		*out = found;
	return ret;
}
