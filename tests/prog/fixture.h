/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fixture.h - the programs of a lab, loaded and pinned inside namespaces of the test's own, and
 * run on single frames (BPF_PROG_TEST_RUN). End 0 of the lab is the namespace's lo.
 */
#ifndef VETHLAB_TESTS_PROG_FIXTURE_H
#define VETHLAB_TESTS_PROG_FIXTURE_H

#include "tests/common/frames.h"
#include "tests/prog/expected.h"
#include "user/watch/internal.h"

#define FIXTURE_LAB "prog"

enum { FIXTURE_ENDS = 4, LO_IFINDEX = 1 };

/* One run of a program. */
struct run {
	uint32_t ifindex; /* 0: lo */
	uint32_t gso_segs, gso_size;
	uint32_t xdp_linear; /* bytes of the frame in the linear part; 0: as the kernel does */
};

/*
 * Whether the test can go on: root, a private network and mount namespace, bpffs in it. Says why
 * not. The first call unshares; the process stays there.
 */
bool fixture_ready(void);
/* The lab, with all hooks; what a program did wrong ends the test. */
struct watch *fixture_load(uint32_t ifindex_base);
void fixture_unload(struct watch *watch);

/*
 * A veth pair with interfaces base and base + 1, up, on which nobody but the test sends: no IPv6,
 * no addresses. *nl is the caller's to close.
 */
void fixture_pair(struct nl **nl, uint32_t base, uint32_t mtu);

/* A packet socket at an interface, to send and receive whole frames; the caller closes it. */
int fixture_socket(uint32_t ifindex);
/* Put the lab's tc programs on an end whose interface is ifindex. */
void fixture_attach(struct watch *watch, struct nl *nl, enum watch_tc tc, uint32_t end,
		    uint32_t ifindex);

/*
 * Run the program of watch->progs[prog] on a frame. Asserts that it returned "go on" and that the
 * frame came back byte for byte. Returns 0, or -errno when the kernel would not run it.
 */
int run_frame(struct watch *watch, int prog, const uint8_t *frame, size_t len,
	      const struct run *how);
/* Counters of an end at a hook. */
struct vl_counters counters_of(struct watch *watch, enum vl_hook hook, uint32_t end);
/* Asserts a - b == c field by field; on a difference says which, and prints the frame. */
void assert_counted(const struct vl_counters *before, const struct vl_counters *after,
		    const struct vl_counters *expected, const char *what, const uint8_t *frame,
		    size_t len);
/* Runs the frame at every hook and asserts that each counts what expect_frame() says. */
void check_frame(struct watch *watch, const struct bytes *frame, const char *what);

extern const char *const prog_titles[WATCH_PROGS];
enum vl_hook prog_hook(int prog);

#endif
