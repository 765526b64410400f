// SPDX-License-Identifier: GPL-2.0-only
/* redirect.c - see redirect.h. */
#include "user/path/redirect.h"

#include <stdio.h>

#include "user/path/asking.h"

static bool refused_ipv4(struct path_asking *asking, const char *ifname, char *why)
{
	static const char key[] = "net.ipv4.conf.%s.accept_redirects";
	int all = path_sysctl(asking, 1, key, "all"), one = path_sysctl(asking, 1, key, ifname);
	bool forwards = path_sysctl(asking, 0, "net.ipv4.conf.%s.forwarding", ifname) > 0;

	if (forwards ? all && one : all || one)
		return false;
	snprintf(why, REDIRECT_WHY_SIZE,
		 "net.ipv4.conf.all.accept_redirects is %d, net.ipv4.conf.%s.accept_redirects is "
		 "%d%s%s%s",
		 all, ifname, one, forwards ? ", and net.ipv4.conf." : "", forwards ? ifname : "",
		 forwards ? ".forwarding is 1" : "");
	return true;
}

static bool refused_ipv6(struct path_asking *asking, const char *ifname, char *why)
{
	if (path_sysctl(asking, 0, "net.ipv6.conf.%s.forwarding", ifname) > 0)
		snprintf(why, REDIRECT_WHY_SIZE, "net.ipv6.conf.%s.forwarding is 1", ifname);
	else if (!path_sysctl(asking, 1, "net.ipv6.conf.%s.accept_redirects", ifname))
		snprintf(why, REDIRECT_WHY_SIZE, "net.ipv6.conf.%s.accept_redirects is 0", ifname);
	else
		return false;
	return true;
}

bool redirect_is_ignored(const struct running *run, const struct end *in, uint8_t family,
			 char why[REDIRECT_WHY_SIZE])
{
	struct path_asking asking = {.run = run, .netns_fd = -1};
	struct link_info link;
	bool refused = false;
	int ret;

	if (path_ask_open(&asking, in->node, NULL))
		return false;
	ret = link_get(asking.nl, running_ifindex(run, in), NULL, &link, NULL);
	if (!ret && link.is_port) /* IP sees its bridge */
		ret = link_get(asking.nl, link.master, NULL, &link, NULL);
	if (!ret)
		refused = family == 6 ? refused_ipv6(&asking, link.ifname, why)
				      : refused_ipv4(&asking, link.ifname, why);
	path_ask_close(&asking);
	return refused;
}
