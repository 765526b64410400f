// SPDX-License-Identifier: GPL-2.0-only
/* trip.c - the options and operands that ping, traceroute and why share: FROM TO. */
#include <getopt.h>
#include <sys/socket.h>

#include "user/cmd/cmd.h"

bool trip_option(struct trip *trip, int c, const char *value)
{
	uint8_t family = c == '4' ? AF_INET : AF_INET6;

	switch (c) {
	case 'l':
		trip->lab = value;
		return true;
	case 'j':
		trip->json = true;
		return true;
	case '4':
	case '6':
		trip->both |= trip->family && trip->family != family;
		trip->family = family;
		return true;
	default:
		return false;
	}
}

int trip_operands(struct trip *trip, int argc, char **argv, struct err *err)
{
	if (trip->both)
		return cmd_usage(err, argv[0], "-4 or -6: not both");
	if (argc - optind != 2)
		return cmd_usage(err, argv[0], "from which node, to where?");
	trip->from_word = argv[optind];
	trip->to_word = argv[optind + 1];
	return 0;
}
