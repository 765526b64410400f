// SPDX-License-Identifier: GPL-2.0-only
/*
 * offloads.c - offloads INTERFACE: what the kernel says of it in this namespace, as
 * "tx_checksum on, tso off, gro on".
 */
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		unsigned get;
	} offloads[] = {
		{"tx_checksum", ETHTOOL_GTXCSUM}, {"tso", ETHTOOL_GTSO}, {"gro", ETHTOOL_GGRO}};
	int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (argc != 2 || sock < 0) {
		fprintf(stderr, "usage: offloads INTERFACE\n");
		return 2;
	}
	for (size_t i = 0; i < sizeof(offloads) / sizeof(*offloads); i++) {
		struct ethtool_value value = {.cmd = offloads[i].get};
		struct ifreq request = {.ifr_data = (void *)&value};

		snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", argv[1]);
		if (ioctl(sock, SIOCETHTOOL, &request)) {
			perror(offloads[i].name);
			return 1;
		}
		printf("%s%s %s", i ? ", " : "", offloads[i].name, value.data ? "on" : "off");
	}
	printf("\n");
	return 0;
}
