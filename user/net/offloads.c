// SPDX-License-Identifier: GPL-2.0-only
/* offloads.c - the offloads of an interface, set by ethtool's ioctl. */
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "user/base/cleanup.h"
#include "user/net/net.h"

static int set_offload(int sock, const char *ifname, uint32_t command, enum setting setting)
{
	struct ethtool_value value = {.cmd = command, .data = setting == SETTING_ON};
	struct ifreq request = {.ifr_data = (void *)&value};

	if (setting == SETTING_DEFAULT)
		return 0;
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", ifname);
	return ioctl(sock, SIOCETHTOOL, &request) ? -errno : 0;
}

int link_set_offloads(const char *ifname, enum setting tx_checksum, enum setting tso,
		      enum setting gro, const struct nl_what *what, struct err *err)
{
	const struct {
		uint32_t command;
		enum setting setting;
	} offloads[] = {{ETHTOOL_STXCSUM, tx_checksum}, {ETHTOOL_STSO, tso}, {ETHTOOL_SGRO, gro}};
	cleanup_close int sock = -1;
	int ret = 0;

	if (!tx_checksum && !tso && !gro)
		return 0;
	sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (sock < 0)
		return err_set(err, ERR_SYSTEM, errno, "cannot open a socket: %s", strerror(errno));
	for (size_t i = 0; i < sizeof(offloads) / sizeof(*offloads) && !ret; i++)
		ret = set_offload(sock, ifname, offloads[i].command, offloads[i].setting);
	if (!ret)
		return 0;
	err_set(err, ERR_SYSTEM, -ret, "%s: cannot %s (kernel: %s)", what->object, what->action,
		strerror(-ret));
	err_at(err, what->where);
	return ret;
}
