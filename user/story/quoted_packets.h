/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * quoted_packets.h - the packet of TCP or UDP that an ICMP error is about. Of the story's own files
 * alone.
 */
#ifndef VETHLAB_USER_STORY_QUOTED_PACKETS_H
#define VETHLAB_USER_STORY_QUOTED_PACKETS_H

#include "user/story/echo_table.h"

/*
 * The itinerary of the packet that event quotes (an ICMP error or a redirect about TCP or UDP), or
 * that it is (VL_EV_FLOW). It was seen before with the quoted addresses and ports, and has what
 * else the quote tells of it. Where several may be it, the newest; its `rivals` says so. NULL: none
 * of the newest 1024 itineraries is it.
 */
struct echo *quoted_packet_find(struct story *story, const struct vl_event *event);

#endif
