/* SPDX-License-Identifier: GPL-2.0-only */
/* capture.h - frames of several ends, held back until they are in order and what became of them is
 * known. */
#ifndef VETHLAB_USER_CMD_CAPTURE_H
#define VETHLAB_USER_CMD_CAPTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/vethlab.h"
#include "topology/model.h"

/* What tells one echo from others: the same at every end. family 0: it is no echo. */
struct echo_key {
	uint8_t family;
	uint16_t id, seq;
	uint64_t payload;
};

struct held_frame {
	uint64_t time_ns; /* CLOCK_REALTIME */
	const struct end *end;
	bool out;
	uint32_t len, whole;
	uint8_t *bytes; /* owned */
	struct echo_key echo;
	char comment[160];
};

struct held_frames {
	struct held_frame *list;
	size_t n, room;
};

/* Takes a copy of bytes. -ENOMEM. */
int held_add(struct held_frames *held, const struct held_frame *frame);
void held_sort(struct held_frames *held);
/* Forget the first n. */
void held_drop(struct held_frames *held, size_t n);
void held_free(struct held_frames *held);
/*
 * Say of the frame that a drop is about (the newest of that echo that came into the node) what
 * became of it. Returns false if there is none.
 */
bool held_note_drop(struct held_frames *held, const struct vl_drop *drop, const struct lab *lab,
		    const char *reason, const char *function);

/* The echo in an Ethernet frame. */
struct echo_key echo_key_of(const uint8_t *bytes, uint32_t len);

/* Numbers for echoes, from 1 in the order of their first frames; 0: no room for more. */
struct echo_numbers;
struct echo_numbers *echo_numbers_new(void);
uint32_t echo_number(struct echo_numbers *numbers, const struct echo_key *key);
void echo_numbers_free(struct echo_numbers *numbers);

#endif
