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

static int read_v4(struct icmp_held_back *out)
{
	int host = snmp_counter("snmp", "Icmp", "OutRateLimitHost", &out->host);
	int global = snmp_counter("snmp", "Icmp", "OutRateLimitGlobal", &out->global);

	out->has_host = !host;
	out->has_global = !global;
	return host && host != -ENOENT ? host : global && global != -ENOENT ? global : 0;
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
