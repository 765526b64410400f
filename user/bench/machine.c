// SPDX-License-Identifier: GPL-2.0-only
/* machine.c - what the figures were measured on. */
#include <dirent.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "user/bench/bench.h"

#define VULNERABILITIES "/sys/devices/system/cpu/vulnerabilities"

/* The first line of a file; false if there is none. */
static bool read_line(const char *path, char *line, size_t size)
{
	FILE *f = fopen(path, "re");
	bool read = f && fgets(line, size, f);

	if (f)
		fclose(f);
	if (read)
		line[strcspn(line, "\n")] = '\0';
	else
		line[0] = '\0';
	return read;
}

static void read_cpuinfo(struct bench_machine *machine)
{
	FILE *f = fopen("/proc/cpuinfo", "re");
	char line[4096], *value;

	while (f && fgets(line, sizeof(line), f)) {
		value = strchr(line, ':');
		if (!value)
			continue;
		value[strcspn(value, "\n")] = '\0';
		if (!strncmp(line, "model name", 10) && !machine->cpu[0])
			snprintf(machine->cpu, sizeof(machine->cpu), "%.90s", value + 2);
		if (!strncmp(line, "flags", 5) && strstr(value, " hypervisor"))
			machine->virtual = true;
	}
	if (f)
		fclose(f);
}

static void read_mitigations(struct bench_machine *machine)
{
	struct dirent **entries;
	int n = scandir(VULNERABILITIES, &entries, NULL, alphasort);
	size_t used = 0;

	for (int i = 0; i < n; i++) {
		char path[512], line[256];

		snprintf(path, sizeof(path), VULNERABILITIES "/%s", entries[i]->d_name);
		if (entries[i]->d_name[0] != '.' && read_line(path, line, sizeof(line)) &&
		    strncmp(line, "Not affected", 12) && used < sizeof(machine->mitigations))
			used += snprintf(machine->mitigations + used,
					 sizeof(machine->mitigations) - used, "%s%s: %s",
					 used ? "; " : "", entries[i]->d_name, line);
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
}

/* "schedutil", or "schedutil, performance" where CPUs differ. */
static void read_governors(struct bench_machine *machine)
{
	long n = sysconf(_SC_NPROCESSORS_CONF);
	size_t used = 0;

	for (long cpu = 0; cpu < n; cpu++) {
		char path[96], line[32];

		snprintf(path, sizeof(path),
			 "/sys/devices/system/cpu/cpu%ld/cpufreq/scaling_governor", cpu);
		if (read_line(path, line, sizeof(line)) && !strstr(machine->governor, line) &&
		    used + strlen(line) + 3 < sizeof(machine->governor))
			used += snprintf(machine->governor + used, sizeof(machine->governor) - used,
					 "%s%s", used ? ", " : "", line);
	}
	if (!used)
		snprintf(machine->governor, sizeof(machine->governor), "none");
}

void bench_machine(struct bench_machine *machine)
{
	struct utsname name;

	*machine = (struct bench_machine){0};
	if (!uname(&name))
		snprintf(machine->kernel, sizeof(machine->kernel), "%s %s", name.release,
			 name.machine);
	machine->cpus = sysconf(_SC_NPROCESSORS_ONLN);
	read_cpuinfo(machine);
	read_governors(machine);
	read_mitigations(machine);
}

void bench_choose_cpus(int *from, int *to)
{
	cpu_set_t set;

	*from = *to = -1;
	if (sched_getaffinity(0, sizeof(set), &set))
		return;
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &set))
			continue;
		if (*from < 0)
			*from = *to = cpu;
		else if (!bench_share_core(*from, cpu)) {
			*to = cpu;
			return;
		} else if (*to == *from)
			*to = cpu; /* the other thread of the core, if there is nothing better */
	}
}

bool bench_share_core(int a, int b)
{
	char path[128], of_a[64], of_b[64];

	if (a == b)
		return true;
	snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/topology/thread_siblings_list",
		 a);
	if (!read_line(path, of_a, sizeof(of_a)))
		return false;
	snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/topology/thread_siblings_list",
		 b);
	return read_line(path, of_b, sizeof(of_b)) && !strcmp(of_a, of_b);
}
