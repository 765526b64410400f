/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * devconf.h - the settings below net.ipv4.conf and net.ipv6.conf that a new namespace does not get
 * from the kernel, but copies: from the first namespace, or from the one that it is made in, as
 * net.core.devconf_inherit_init_net says (devinet_init_net() in net/ipv4/devinet.c,
 * addrconf_init_net() in net/ipv6/addrconf.c). By default IPv4 is copied from the first one.
 */
#ifndef VETHLAB_USER_NET_DEVCONF_H
#define VETHLAB_USER_NET_DEVCONF_H

#include <stddef.h>
#include <stdlib.h>

#include "user/base/err.h"

enum { DEVCONF_KEY_SIZE = 80, DEVCONF_VALUE_SIZE = 16 };

/* A setting that is not what the kernel gives by itself. */
struct devconf_setting {
	char key[DEVCONF_KEY_SIZE];	/* net.ipv4.conf.all.forwarding */
	char value[DEVCONF_VALUE_SIZE]; /* what it is */
	const char *by_default;		/* what the kernel gives by itself */
};

struct devconf_settings {
	struct devconf_setting *list;
	size_t n;
};

static inline void devconf_settings_free(struct devconf_settings *settings)
{
	free(settings->list);
	*settings = (struct devconf_settings){0};
}

/*
 * Of the calling thread's namespace: what differs from the kernel's defaults in `all` and
 * `default`. The caller frees it with devconf_settings_free(), after a failure too. 0 or -errno.
 */
int devconf_differing(struct devconf_settings *settings, struct err *err);
/*
 * Give the calling thread's namespace, which is new and has no interface but lo, the kernel's
 * defaults. What new namespaces of this process copy is read in the first one, and written in
 * each where it differs. 0 or -errno.
 */
int devconf_set_defaults(struct err *err);

#endif
