// SPDX-License-Identifier: GPL-2.0-only
/* symbols.c - names of the running kernel: drop reasons by its BTF, functions by /proc/kallsyms. */
#include <bpf/btf.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/base/hash.h"
#include "user/watch/kernel_types.h"
#include "user/watch/node_trace.h"
#include "user/watch/symbol_table.h"

enum { REASONS_MAX = 512, KNOWN_ADDRESSES = 256 /* a power of two */ };

static char *reasons[REASONS_MAX]; /* kept for the life of the process */
static pthread_once_t reasons_once = PTHREAD_ONCE_INIT;

static void read_reasons(void)
{
	static const char prefix[] = "SKB_DROP_REASON_";
	const struct kernel_types *types = kernel_types();
	const struct btf_type *type;

	if (!types)
		return;
	type = kernel_types_get(types, kernel_types_find(types, BTF_KIND_ENUM, "skb_drop_reason"));
	for (int i = 0; type && i < btf_vlen(type); i++) {
		const struct btf_enum *value = &btf_enum(type)[i];
		const char *name = kernel_types_name(types, value->name_off);

		if (value->val < 0 || value->val >= REASONS_MAX)
			continue;
		if (!strncmp(name, prefix, strlen(prefix)))
			name += strlen(prefix);
		reasons[value->val] = strdup(name);
	}
}

void symbols_reason(uint32_t reason, char name[SYMBOL_NAME_SIZE])
{
	pthread_once(&reasons_once, read_reasons);
	if (reason < REASONS_MAX && reasons[reason])
		snprintf(name, SYMBOL_NAME_SIZE, "%s", reasons[reason]);
	else
		snprintf(name, SYMBOL_NAME_SIZE, "reason %" PRIu32, reason);
}

/*
 * The kernel's functions, kept for the life of the process. Modules come and go: a new address that
 * lies in a module, or in no function, is looked up anew if other modules are loaded than before.
 * An address that was found keeps its name.
 */
static struct {
	pthread_mutex_t lock;
	bool read;
	struct symbol_table table;
	uint64_t modules; /* that were loaded when it was read */
	/* Addresses outside the kernel's own functions that were looked up since. */
	uint64_t known[KNOWN_ADDRESSES];
} functions = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* A hash value of /proc/modules, which does not exist without modules. */
static uint64_t loaded_modules(void)
{
	cleanup_fclose FILE *file = fopen("/proc/modules", "re");
	uint64_t hash = HASH_START;
	char buf[4096];
	size_t n;

	while (file && (n = fread(buf, 1, sizeof(buf), file)))
		hash = hash_bytes(hash, buf, n);
	return hash;
}

static void read_functions(uint64_t modules)
{
	cleanup_fclose FILE *file = fopen("/proc/kallsyms", "re");

	symbol_table_free(&functions.table);
	memset(functions.known, 0, sizeof(functions.known));
	functions.modules = modules;
	functions.read = true;
	if (file)
		symbol_table_read(&functions.table, file);
}

static const struct symbol *find_function(uint64_t address)
{
	uint64_t *known = &functions.known[hash_fold(hash_mix(0, address), KNOWN_ADDRESSES)];
	const struct symbol *symbol = NULL;
	uint64_t modules;

	if (functions.read) {
		symbol = symbol_table_find(&functions.table, address);
		if (*known == address || (symbol && !symbol->of_module))
			return symbol;
	}
	modules = loaded_modules();
	if (!functions.read || modules != functions.modules) {
		read_functions(modules);
		symbol = symbol_table_find(&functions.table, address);
	}
	*known = address;
	return symbol;
}

void symbols_function(uint64_t address, char name[SYMBOL_NAME_SIZE])
{
	const struct symbol *symbol;

	pthread_mutex_lock(&functions.lock);
	symbol = find_function(address);
	snprintf(name, SYMBOL_NAME_SIZE, "%s",
		 symbol ? symbol_table_name(&functions.table, symbol) : "");
	pthread_mutex_unlock(&functions.lock);
}
