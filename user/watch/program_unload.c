// SPDX-License-Identifier: GPL-2.0-only
/* program_unload.c - see program_unload.h. */
#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <linux/perf_event.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "user/base/clock.h"
#include "user/watch/program_unload.h"
#include "user/watch/watch.h"

enum { MAX_CPUS = 512, LOOK_AGAIN_MS = 20 };

/* The id of the program behind a descriptor, of its or of a link of its; 0 if it is something else.
 */
static uint32_t program_id(const char *fdinfo)
{
	char line[128];
	uint32_t id = 0;
	FILE *f;

	f = fopen(fdinfo, "re");
	while (f && !id && fgets(line, sizeof(line), f))
		if (sscanf(line, "prog_id: %u", &id) != 1)
			id = 0;
	if (f)
		fclose(f);
	return id;
}

void watch_programs(const char *lab, struct watch_programs *programs)
{
	char dir_path[PATH_MAX], path[PATH_MAX + NAME_MAX + 2], fdinfo[64];
	struct dirent *entry;
	DIR *dir;

	programs->n = 0;
	if (watch_check_dir(NULL) != 1)
		return;
	snprintf(dir_path, sizeof(dir_path), WATCH_DIR "/%s", lab);
	dir = opendir(dir_path);
	while (dir && programs->n < WATCH_PROGRAMS_MAX && (entry = readdir(dir))) {
		int fd;

		/* Links have an fdinfo with their program's id as well, but stand in a folder. */
		if (entry->d_type == DT_DIR)
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir_path, entry->d_name);
		fd = bpf_obj_get(path);
		if (fd < 0)
			continue;
		snprintf(fdinfo, sizeof(fdinfo), "/proc/self/fdinfo/%d", fd);
		programs->ids[programs->n] = program_id(fdinfo);
		programs->n += !!programs->ids[programs->n];
		close(fd);
	}
	if (dir)
		closedir(dir);
}

static bool any_left(const struct watch_programs *programs)
{
	for (size_t i = 0; i < programs->n; i++) {
		uint32_t next;

		/* Asks for the id only: a descriptor would keep the program. */
		if (!bpf_prog_get_next_id(programs->ids[i] - 1, &next) && next == programs->ids[i])
			return true;
	}
	return false;
}

struct listener {
	size_t n;
	size_t bytes;
	struct pollfd *fds;
	void **rings;
};

/* One event a CPU that tells of programs loaded and unloaded. Where perf is closed, we look again.
 */
static void start_listening(struct listener *listener)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_SW_DUMMY,
		.bpf_event = 1,
		.wakeup_events = 1,
	};
	long cpus = sysconf(_SC_NPROCESSORS_CONF);

	listener->bytes = 2 * sysconf(_SC_PAGESIZE);
	listener->fds = calloc(cpus, sizeof(*listener->fds));
	listener->rings = calloc(cpus, sizeof(*listener->rings));
	for (long cpu = 0; listener->fds && listener->rings && cpu < cpus; cpu++) {
		int fd = syscall(SYS_perf_event_open, &attr, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);
		void *ring;

		if (fd < 0)
			continue;
		ring = mmap(NULL, listener->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		if (ring == MAP_FAILED) {
			close(fd);
			continue;
		}
		listener->rings[listener->n] = ring;
		listener->fds[listener->n++] = (struct pollfd){.fd = fd, .events = POLLIN};
	}
}

static void stop_listening(struct listener *listener)
{
	for (size_t i = 0; i < listener->n; i++) {
		munmap(listener->rings[i], listener->bytes);
		close(listener->fds[i].fd);
	}
	free(listener->fds);
	free(listener->rings);
}

/* What the records say does not matter, only that they came: forget them. */
static void consume(struct listener *listener)
{
	for (size_t i = 0; i < listener->n; i++) {
		struct perf_event_mmap_page *page = listener->rings[i];
		uint64_t head = __atomic_load_n(&page->data_head, __ATOMIC_ACQUIRE);

		__atomic_store_n(&page->data_tail, head, __ATOMIC_RELEASE);
	}
}

int watch_wait_unloaded(const struct watch_programs *programs, int timeout_ms)
{
	int64_t end = clock_monotonic_ms() + timeout_ms;
	struct listener listener = {0};
	bool left;

	if (!any_left(programs))
		return 0;
	start_listening(&listener);
	/* The record is written just before the id is taken back: a last look follows it soon. */
	while ((left = any_left(programs)) && clock_monotonic_ms() < end) {
		poll(listener.fds, listener.n, LOOK_AGAIN_MS);
		consume(&listener);
	}
	stop_listening(&listener);
	return left ? -ETIMEDOUT : 0;
}

static bool is_one_of(const struct watch_programs *programs, uint32_t id)
{
	for (size_t i = 0; i < programs->n; i++)
		if (programs->ids[i] == id)
			return true;
	return false;
}

static bool holds_one(const struct watch_programs *programs, const char *pid)
{
	char dir_path[64], path[64 + NAME_MAX + 2];
	struct dirent *entry;
	bool holds = false;
	DIR *dir;

	snprintf(dir_path, sizeof(dir_path), "/proc/%.16s/fdinfo", pid);
	dir = opendir(dir_path);
	while (dir && !holds && (entry = readdir(dir))) {
		snprintf(path, sizeof(path), "%s/%s", dir_path, entry->d_name);
		holds = entry->d_name[0] != '.' && is_one_of(programs, program_id(path));
	}
	if (dir)
		closedir(dir);
	return holds;
}

bool watch_find_holder(const struct watch_programs *programs, struct watch_holder *holder)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	bool found = false;

	while (dir && !found && (entry = readdir(dir))) {
		holder->pid = atoi(entry->d_name);
		if (holder->pid <= 0 || holder->pid == getpid() ||
		    !holds_one(programs, entry->d_name))
			continue;
		found = true;
		process_name(holder->pid, holder->name);
	}
	if (dir)
		closedir(dir);
	return found;
}
