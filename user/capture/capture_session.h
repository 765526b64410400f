/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * capture_session.h - a capture: frames of chosen ends go to a pcapng file, in the order of their
 * times and with comments about their echoes and about the drops of nodes. Times are
 * CLOCK_REALTIME.
 */
#ifndef VETHLAB_USER_CAPTURE_CAPTURE_SESSION_H
#define VETHLAB_USER_CAPTURE_CAPTURE_SESSION_H

#include <stdio.h>

#include "user/capture/capture.h"

struct capture_config {
	const struct running *run;	/* borrowed, as all of these */
	struct capture_selection *ends; /* chosen; the session opens their sniffers */
	const char *expression;		/* as of pcap-filter(7); NULL: all frames */
	unsigned snap;			/* bytes of a frame to keep */
	uint64_t count;			/* frames; 0: no limit */
	uint64_t for_ns;		/* 0: until interrupt_requested */
	/* What a drop means, in a sentence; NULL: nothing is known. */
	const char *(*explain)(const char *reason, const char *function);
	/* Flushes the standard output, if that is the file, and keeps its error. */
	void (*flush)(FILE *f);
};

struct capture_totals {
	uint64_t written;    /* frames */
	uint64_t lost;	     /* frames that sockets dropped */
	uint64_t drops;	     /* of nodes, noted in comments */
	uint64_t drops_lost; /* that are not noted, since the buffer was full */
};

struct capture_session;

/*
 * Compile the filter and open all sniffers. why: the reason for which drops of nodes cannot be
 * noted;
 * "" if they can. Returns 0, or -errno with err set: ERR_USAGE for an expression that is none.
 */
int capture_session_open(struct capture_session **session, const struct capture_config *config,
			 char *why, size_t size, struct err *err);
/* Create or overwrite the file ("-": the standard output) and write its beginning. 0 or -errno. */
int capture_session_start(struct capture_session *session, const char *path, struct err *err);
/*
 * Write frames until there are enough, the time is over, interrupt_requested is set or the lab is
 * taken down; that last is the error of running_taken_down(). 0 or -errno.
 */
int capture_session_run(struct capture_session *session, struct err *err);
/* Write the end of a file that was started, and close it. 0, or -errno if it could not be written.
 */
int capture_session_end(struct capture_session *session, struct capture_totals *totals,
			struct err *err);
/* NULL is allowed. */
void capture_session_close(struct capture_session *session);

#endif
