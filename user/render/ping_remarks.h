/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ping_remarks.h - what `vethlab ping` says beside the ways of echoes: time that no hook saw,
 * records that were lost, ICMP errors that were held back.
 */
#ifndef VETHLAB_USER_RENDER_PING_REMARKS_H
#define VETHLAB_USER_RENDER_PING_REMARKS_H

#include <jansson.h>

#include "user/trace/ping_tally.h"

/* Lines below the way of an echo; none if there is nothing to remark. itinerary: or NULL. */
void ping_print_remarks(const struct echo_state *state, const struct itinerary *itinerary);
/* The same as fields of its object. */
void ping_put_remarks(json_t *line, const struct echo_state *state,
		      const struct itinerary *itinerary);
/* Redirects that came back to the sender, and that its settings refuse: read now. */
void ping_print_redirects(const struct running *run, const struct itinerary *itinerary);
/* The same as "ignored_redirects" of its object, if there are any. */
void ping_put_redirects(json_t *line, const struct running *run, const struct itinerary *itinerary);
/* Which nodes made no ICMP errors about what they dropped, and what their rate limits held back. */
void ping_print_silent(const struct ping_tally *tally);
json_t *ping_silent_json(const struct ping_tally *tally);

#endif
