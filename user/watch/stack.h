/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * stack.h - what happens to ICMP packets inside the nodes: drops, with the kernel's reason and
 * function. Each tracer loads and attaches its own program; it goes with the tracer.
 */
#ifndef VETHLAB_USER_WATCH_STACK_H
#define VETHLAB_USER_WATCH_STACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/vethlab.h"
#include "topology/err.h"

struct stack_node {
	uint32_t inode; /* of the namespace */
	uint32_t index; /* of the node in the lab */
};

struct stack_config {
	const struct stack_node *nodes;
	size_t n_nodes;
	uint32_t ifindex_base, n_ends;
	const char *observed; /* name of the lab, if vethlab did not build it; NULL: it did */
	bool by_token; /* only packets with this id or these first payload bytes */
	uint16_t id;
	uint64_t token;
};

struct stack_watch;

/* Needs CAP_BPF and CAP_PERFMON; the kernel needs BTF. */
int stack_watch_open(struct stack_watch **watch, const struct stack_config *config,
		     struct err *err);
void stack_watch_close(struct stack_watch *watch); /* NULL is allowed */
/* Deliver what is there now; returns how many, or -errno. */
int stack_watch_poll(struct stack_watch *watch, void (*fn)(const struct vl_drop *drop, void *arg),
		     void *arg, struct err *err);
uint64_t stack_watch_lost(const struct stack_watch *watch);

enum { STACK_NAME_SIZE = 48 };
/* "NETFILTER_DROP" by the running kernel's BTF, or "reason 77". */
void stack_reason_name(uint32_t reason, char name[STACK_NAME_SIZE]);
/* The function that an address lies in, by /proc/kallsyms; "" if that is hidden. */
void stack_function_name(uint64_t address, char name[STACK_NAME_SIZE]);

#endif
