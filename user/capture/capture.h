/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * capture.h - the ends that are captured, and their frames, held back until they are in order and
 * what became of them is known.
 *
 * Times are CLOCK_REALTIME in ns, as those of a packet socket are. Functions return 0 or -errno
 * with err set, unless they say otherwise.
 */
#ifndef VETHLAB_USER_CAPTURE_CAPTURE_H
#define VETHLAB_USER_CAPTURE_CAPTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/vethlab.h"
#include "user/base/err.h"
#include "topology/model.h"
#include "user/lab/lab.h"
#include "user/capture/sniffer.h"

/* ---- ends (selection.c) ------------------------------------------------------------------- */

struct captured_end {
	const struct end *end;
	struct sniffer *sniffer;
	bool named;	      /* by itself, and not as one of a node's or of all */
	uint64_t received[2]; /* in, out */
};

struct capture_selection {
	struct captured_end *list;
	size_t n;
};

/* By words: "all", nodes, ends, "link END"; none: all. 0, or -errno (ERR_USAGE). */
int capture_choose(struct capture_selection *ends, const struct running *run, int argc, char **argv,
		   struct err *err);
/*
 * Open a sniffer at each, by config with the end filled in. One that is gone, or cannot be seen, is
 * left out with a word on stderr; if it was named, or is the last one, that is an error.
 */
int capture_open(struct capture_selection *ends, const struct running *run,
		 const struct sniff_config *config, struct err *err);
void capture_close(struct capture_selection *ends);

/* ---- packets (packet_key.c) ----------------------------------------------------------------- */

/* What tells one echo from others: the same at every end. family 0: it is no echo. */
struct echo_key {
	uint8_t family;
	uint16_t id, seq;
	uint64_t payload;
};

enum { PACKET_HEAD = 8 };

/* What tells one packet from others, whether a frame has it or a drop. */
struct packet_key {
	uint16_t ethertype;
	uint8_t family; /* 4, 6; 0: neither, and src and dst are its first bytes */
	uint8_t proto;	/* of IP */
	bool fragment;	/* of IP: ip_id and offset tell which one */
	uint16_t offset;
	uint32_t ip_id;
	uint8_t src[16], dst[16];
	bool has_head;
	uint8_t head[PACKET_HEAD]; /* how its transport header begins */
	struct echo_key echo;	   /* the echo that it is, or that it quotes as an ICMP error */
};

/* Of a packet that begins with its network header. */
struct packet_key packet_key_of(uint16_t ethertype, const uint8_t *bytes, uint32_t len);
/* The same of an Ethernet frame, whose VLAN tags are passed over. */
struct packet_key frame_key_of(const uint8_t *bytes, uint32_t len);
/*
 * Whether both are one packet. translated: even if NAT has changed its addresses and ports, which
 * only an echo, TCP, and what has an IP identification allows to say.
 */
bool packet_key_same(const struct packet_key *a, const struct packet_key *b, bool translated);

/* ---- numbers (packet_key.c) ----------------------------------------------------------------- */

/* Numbers for echoes, from 1 in the order of their first frames. */
struct echo_numbers;
struct echo_numbers *echo_numbers_new(void);
/*
 * The number of the echo that a packet is, is a later fragment of, or quotes; 0: of none. Old
 * echoes are forgotten when there are many: they would get another number.
 */
uint32_t echo_number(struct echo_numbers *numbers, const struct packet_key *key);
void echo_numbers_free(struct echo_numbers *numbers);

/* ---- frames that wait (held_frames.c) ------------------------------------------------------- */

struct held_frame {
	uint64_t time_ns; /* CLOCK_REALTIME */
	const struct end *end;
	bool out;
	uint32_t len, whole;
	uint8_t *bytes; /* owned */
	struct packet_key key;
	uint32_t echo; /* its number; 0: none */
	bool unsummed; /* its transport checksum is left to the device */
	char *note;    /* owned: what became of it; NULL: nothing is known */
};

struct held_frames {
	struct held_frame *list;
	size_t n, room;
};

/* Takes a copy of bytes. -ENOMEM. */
int held_frames_add(struct held_frames *held, const struct held_frame *frame);
void held_frames_sort(struct held_frames *held);
/* Forget the first n. */
void held_frames_forget(struct held_frames *held, size_t n);
void held_frames_free(struct held_frames *held);

struct frame_drop {
	uint64_t time_ns; /* CLOCK_REALTIME */
	struct packet_key key;
	const struct node *node; /* that dropped it */
	const struct end *end;	 /* at which; NULL: at none, or it is not known */
	const char *text;	 /* what to say of it */
};
/*
 * Say of the frame that a drop is about what became of it: the last one of that packet that came to
 * the node or left it before then, or that left the other end of the link, if it did not get in.
 * The frames are sorted. Returns false if there is none that nothing was said of.
 */
bool held_frames_note_drop(struct held_frames *held, const struct frame_drop *drop);

#endif
