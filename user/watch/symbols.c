// SPDX-License-Identifier: GPL-2.0-only
/* symbols.c - the kernel's words: drop reasons by its BTF, functions by /proc/kallsyms. */
#include <bpf/btf.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/watch/node_trace.h"

enum { REASONS_MAX = 512 };

static char *reasons[REASONS_MAX]; /* kept for the life of the process */
static pthread_once_t reasons_once = PTHREAD_ONCE_INIT;

static void read_reasons(void)
{
	static const char prefix[] = "SKB_DROP_REASON_";
	struct btf *btf = btf__load_vmlinux_btf();
	const struct btf_type *type;
	int id;

	if (!btf)
		return;
	id = btf__find_by_name_kind(btf, "skb_drop_reason", BTF_KIND_ENUM);
	type = id > 0 ? btf__type_by_id(btf, id) : NULL;
	for (int i = 0; type && i < btf_vlen(type); i++) {
		const struct btf_enum *value = &btf_enum(type)[i];
		const char *name = btf__name_by_offset(btf, value->name_off);

		if (value->val < 0 || value->val >= REASONS_MAX)
			continue;
		if (!strncmp(name, prefix, strlen(prefix)))
			name += strlen(prefix);
		reasons[value->val] = strdup(name);
	}
	btf__free(btf);
}

void symbols_reason(uint32_t reason, char name[SYMBOL_NAME_SIZE])
{
	pthread_once(&reasons_once, read_reasons);
	if (reason < REASONS_MAX && reasons[reason])
		snprintf(name, SYMBOL_NAME_SIZE, "%s", reasons[reason]);
	else
		snprintf(name, SYMBOL_NAME_SIZE, "reason %" PRIu32, reason);
}

struct symbol {
	uint64_t address;
	char name[SYMBOL_NAME_SIZE];
};

/* The table is large (seconds for a thousand look-ups): read it through, keep the nearest. */
static void find_function(uint64_t address, char name[SYMBOL_NAME_SIZE])
{
	struct symbol best = {0};
	FILE *file = fopen("/proc/kallsyms", "re");
	char line[512], symbol[256], type;
	uint64_t at;

	name[0] = 0;
	if (!file)
		return;
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%" SCNx64 " %c %255s", &at, &type, symbol) != 3)
			continue;
		if (at > address || at < best.address || !at || !strchr("tTwW", type))
			continue;
		best.address = at;
		snprintf(best.name, sizeof(best.name), "%.47s", symbol);
	}
	fclose(file);
	/* A function is not that long: the address belongs to something without a name. */
	if (best.address && address - best.address < 1 << 20)
		snprintf(name, SYMBOL_NAME_SIZE, "%s", best.name);
}

/* The kernel drops packets in few places: each is looked up once. */
enum { PLACES_MAX = 64 };

static struct symbol places[PLACES_MAX];
static size_t n_places;
static pthread_mutex_t places_lock = PTHREAD_MUTEX_INITIALIZER;

void symbols_function(uint64_t address, char name[SYMBOL_NAME_SIZE])
{
	size_t i = 0;

	pthread_mutex_lock(&places_lock);
	while (i < n_places && places[i].address != address)
		i++;
	if (i == n_places) {
		i = n_places < PLACES_MAX ? n_places++ : address % PLACES_MAX;
		places[i].address = address;
		find_function(address, places[i].name);
	}
	snprintf(name, SYMBOL_NAME_SIZE, "%s", places[i].name);
	pthread_mutex_unlock(&places_lock);
}
