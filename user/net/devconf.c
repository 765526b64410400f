// SPDX-License-Identifier: GPL-2.0-only
/* devconf.c - see devconf.h. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/array.h"
#include "user/net/devconf.h"
#include "user/net/net.h"

/*
 * What the kernel gives to `all` and to `default`: ipv4_devconf and ipv4_devconf_dflt in
 * net/ipv4/devinet.c, ipv6_devconf and ipv6_devconf_dflt in net/ipv6/addrconf.c, the same from 6.1
 * on. A kernel that has no such setting has no such file. In the order in which they are written:
 * forwarding changes those of all interfaces, and accept_redirects of IPv4.
 *
 * Not here: what a module parameter may decide (autoconf, default.disable_ipv6), what vethlab sets
 * itself (default.accept_dad), what has no value at first (stable_secret), what cannot be written
 * (mc_forwarding), and what the kernel sets for lo.
 */
static const struct devconf_row {
	const char *name, *all, *by_default;
} rows_v4[] =
	{
		{"forwarding", "0", "0"},
		{"accept_redirects", "1", "1"},
		{"send_redirects", "1", "1"},
		{"secure_redirects", "1", "1"},
		{"shared_media", "1", "1"},
		{"accept_source_route", "0", "1"},
		{"rp_filter", "0", "0"},
		{"accept_local", "0", "0"},
		{"src_valid_mark", "0", "0"},
		{"route_localnet", "0", "0"},
		{"proxy_arp", "0", "0"},
		{"proxy_arp_pvlan", "0", "0"},
		{"arp_filter", "0", "0"},
		{"arp_announce", "0", "0"},
		{"arp_ignore", "0", "0"},
		{"arp_accept", "0", "0"},
		{"arp_notify", "0", "0"},
		{"arp_evict_nocarrier", "1", "1"},
		{"drop_gratuitous_arp", "0", "0"},
		{"drop_unicast_in_l2_multicast", "0", "0"},
		{"bc_forwarding", "0", "0"},
		{"bootp_relay", "0", "0"},
		{"log_martians", "0", "0"},
		{"medium_id", "0", "0"},
		{"tag", "0", "0"},
		{"promote_secondaries", "0", "0"},
		{"ignore_routes_with_linkdown", "0", "0"},
		{"force_igmp_version", "0", "0"},
		{"igmpv2_unsolicited_report_interval", "10000", "10000"},
		{"igmpv3_unsolicited_report_interval", "1000", "1000"},
},
  rows_v6[] = {
	  {"forwarding", "0", "0"},
	  {"disable_ipv6", "0", NULL},
	  {"ignore_routes_with_linkdown", "0", "0"},
	  {"force_forwarding", "0", "0"},
	  {"hop_limit", "64", "64"},
	  {"accept_redirects", "1", "1"},
	  {"accept_source_route", "0", "0"},
	  {"accept_dad", "0", NULL},
	  {"dad_transmits", "1", "1"},
	  {"enhanced_dad", "1", "1"},
	  {"optimistic_dad", "0", "0"},
	  {"use_optimistic", "0", "0"},
	  {"accept_ra", "1", "1"},
	  {"accept_ra_defrtr", "1", "1"},
	  {"accept_ra_from_local", "0", "0"},
	  {"accept_ra_min_hop_limit", "1", "1"},
	  {"accept_ra_min_lft", "0", "0"},
	  {"accept_ra_mtu", "1", "1"},
	  {"accept_ra_pinfo", "1", "1"},
	  {"accept_ra_rtr_pref", "1", "1"},
	  {"accept_ra_rt_info_max_plen", "0", "0"},
	  {"accept_ra_rt_info_min_plen", "0", "0"},
	  {"ra_defrtr_metric", "1024", "1024"},
	  {"accept_untracked_na", "0", "0"},
	  {"addr_gen_mode", "0", "0"},
	  {"use_tempaddr", "0", "0"},
	  {"temp_prefered_lft", "86400", "86400"},
	  {"temp_valid_lft", "604800", "604800"},
	  {"use_oif_addrs_only", "0", "0"},
	  {"keep_addr_on_down", "0", "0"},
	  {"max_addresses", "16", "16"},
	  {"proxy_ndp", "0", "0"},
	  {"ndisc_notify", "0", "0"},
	  {"ndisc_tclass", "0", "0"},
	  {"ndisc_evict_nocarrier", "1", "1"},
	  {"drop_unsolicited_na", "0", "0"},
	  {"drop_unicast_in_l2_multicast", "0", "0"},
	  {"suppress_frag_ndisc", "1", "1"},
	  {"router_solicitations", "-1", "-1"},
	  {"force_mld_version", "0", "0"},
	  {"seg6_enabled", "0", "0"},
	  {"ioam6_enabled", "0", "0"},
	  {"rpl_seg_enabled", "0", "0"},
};

static const struct devconf_family {
	const char *name;
	const struct devconf_row *rows;
	size_t n;
} families[] = {
	{"ipv4", rows_v4, sizeof(rows_v4) / sizeof(*rows_v4)},
	{"ipv6", rows_v6, sizeof(rows_v6) / sizeof(*rows_v6)},
};

/* A walk through all settings of the calling thread's namespace. */
struct devconf_walk {
	struct devconf_settings *settings;
	bool set;     /* give it the default at once: later ones may follow from it */
	bool with_lo; /* lo too, which was made from `default` */
	struct err *err;
};

static int failed(const struct devconf_walk *walk, const char *action, const char *key, int ret)
{
	return err_set(walk->err, ERR_SYSTEM, -ret, "cannot %s sysctl %s: %s", action, key,
		       strerror(-ret));
}

static int look(struct devconf_walk *walk, const char *family, const char *place, const char *name,
		const char *by_default)
{
	struct devconf_settings *settings = walk->settings;
	struct devconf_setting setting = {.by_default = by_default};
	int ret;

	if (!by_default)
		return 0;
	snprintf(setting.key, sizeof(setting.key), "net.%s.conf.%s.%s", family, place, name);
	ret = sysctl_get(setting.key, setting.value, sizeof(setting.value));
	if (ret == -ENOENT) /* a setting of other kernels, or no IPv6 */
		return 0;
	if (ret)
		return failed(walk, "read", setting.key, ret);
	if (!strcmp(setting.value, by_default))
		return 0;
	ret = walk->set ? sysctl_set(setting.key, by_default) : 0;
	if (ret)
		return failed(walk, "set", setting.key, ret);
	if (array_reserve_one(&settings->list, settings->n, sizeof(setting)))
		return err_set(walk->err, ERR_SYSTEM, ENOMEM, "out of memory");
	settings->list[settings->n++] = setting;
	return 0;
}

static int look_at_row(struct devconf_walk *walk, const char *family, const struct devconf_row *row)
{
	/* lo has others by itself (addrconf_notify(), ipv6_add_dev()). */
	bool lo = walk->with_lo && strcmp(row->name, "use_tempaddr") != 0;
	int ret = look(walk, family, "all", row->name, row->all);

	if (!ret)
		ret = look(walk, family, "default", row->name, row->by_default);
	return ret || !lo ? ret : look(walk, family, "lo", row->name, row->by_default);
}

static int walk_all(struct devconf_walk *walk)
{
	int ret;

	for (size_t f = 0; f < sizeof(families) / sizeof(*families); f++) {
		for (size_t i = 0; i < families[f].n; i++) {
			ret = look_at_row(walk, families[f].name, &families[f].rows[i]);
			if (ret)
				return ret;
		}
	}
	return 0;
}

int devconf_differing(struct devconf_settings *settings, struct err *err)
{
	struct devconf_walk walk = {.settings = settings, .err = err};

	*settings = (struct devconf_settings){0};
	return walk_all(&walk);
}

/* What new namespaces copy and the kernel does not give: read once, kept until the process ends. */
static struct devconf_settings copied;
static bool has_copied;
static pthread_mutex_t copied_lock = PTHREAD_MUTEX_INITIALIZER;

/* 1: read, and set in this namespace; 0: read before. */
static int read_copied(struct err *err)
{
	struct devconf_walk walk = {.settings = &copied, .set = true, .with_lo = true, .err = err};
	int ret = 0;

	pthread_mutex_lock(&copied_lock);
	if (!has_copied) {
		ret = walk_all(&walk) ?: 1;
		has_copied = ret > 0;
		if (ret < 0)
			devconf_settings_free(&copied);
	}
	pthread_mutex_unlock(&copied_lock);
	return ret;
}

int devconf_set_defaults(struct err *err)
{
	int ret = read_copied(err);

	if (ret)
		return ret < 0 ? ret : 0;
	for (size_t i = 0; i < copied.n; i++) {
		ret = sysctl_set(copied.list[i].key, copied.list[i].by_default);
		if (ret)
			return err_set(err, ERR_SYSTEM, -ret, "cannot set sysctl %s: %s",
				       copied.list[i].key, strerror(-ret));
	}
	return 0;
}
