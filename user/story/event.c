// SPDX-License-Identifier: GPL-2.0-only
/* event.c - what a record says about its packet. */
#include <string.h>
#include <sys/socket.h>

#include "bpf/match.h"
#include "bpf/wire.h"
#include "user/story/story.h"

enum vl_icmp_class event_class(const struct vl_event *event)
{
	if (event_is_later_fragment(event) || event->flags & (VL_EV_FLOW | VL_EV_OTHER))
		return VL_ICMP_OTHER;
	return icmp_class(event->family == 6 ? 6 : 4, event->icmp_type);
}

enum leg event_leg(const struct vl_event *event)
{
	enum vl_icmp_class class = event_class(event);

	if (event->flags & (VL_EV_FLOW | VL_EV_OTHER))
		return LEG_REQUEST;
	return class == VL_ICMP_ECHO_REQUEST ? LEG_REQUEST
	       : class == VL_ICMP_ECHO_REPLY ? LEG_REPLY
					     : LEG_ERROR;
}

bool event_is_redirect(const struct vl_event *event)
{
	return event_class(event) == VL_ICMP_REDIRECT;
}

static struct ip_addr event_address(const struct vl_event *event, const uint8_t bytes[16])
{
	struct ip_addr addr = {.family = event->family == 6   ? AF_INET6
					 : event->family == 4 ? AF_INET
							      : AF_UNSPEC};

	if (addr.family != AF_UNSPEC)
		memcpy(addr.bytes, bytes, event->family == 6 ? 16 : 4);
	return addr;
}

struct ip_addr event_source(const struct vl_event *event)
{
	return event_address(event, event->src);
}

struct ip_addr event_destination(const struct vl_event *event)
{
	return event_address(event, event->dst);
}

uint8_t event_protocol(const struct vl_event *event)
{
	return quotes_ports(event) ? event->quote.proto : 0;
}
