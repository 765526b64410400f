/* SPDX-License-Identifier: GPL-2.0-only */
/* redirect.h - whether a node takes an ICMP redirect, by its settings. */
#ifndef VETHLAB_USER_PATH_REDIRECT_H
#define VETHLAB_USER_PATH_REDIRECT_H

#include <stdbool.h>
#include <stdint.h>

#include "topology/model.h"
#include "user/lab/lab.h"

enum { REDIRECT_WHY_SIZE = 192 };

/*
 * Whether the settings of the end's interface (of a port: of its bridge) refuse redirects of family
 * 4 or 6 that come by it (IN_DEV_RX_REDIRECTS in include/linux/inetdevice.h, rt6_do_redirect in
 * net/ipv6/route.c); why: those that were read, "net.ipv6.conf.eth0.accept_redirects is 0". False
 * also if they could not be read. That they allow them does not mean that a redirect is taken: its
 * gateway has to fit, too.
 */
bool redirect_is_ignored(const struct running *run, const struct end *in, uint8_t family,
			 char why[REDIRECT_WHY_SIZE]);

#endif
