// SPDX-License-Identifier: GPL-2.0-only
/*
 * attach.c - programs onto ends: tcx and XDP by links that are pinned, clsact by rtnetlink.
 */
#include "user/base/hook_word.h"
#include "user/net/tc.h"
#include "user/watch/attached.h"
#include "user/watch/internal.h"
#include "user/watch/tc_filter.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Of 6.6, which linux/bpf.h of Debian 12 does not have: without another program named, before all.
 */
enum { TCX_BEFORE = 1 << 3 };

/* Our filter on a clsact: first of all, so that no verdict of another hides packets from us. */
enum { FILTER_PRIO = 1 };

static enum watch_tc tc_available;
static bool refused; /* the kernel lets this process load no program */

/*
 * A tcx link to an interface that cannot exist: a kernel with tcx looks for it (ENODEV), one
 * without does not know the attach type (EINVAL).
 */
static void probe_tc(void)
{
	struct bpf_insn insns[] = {
		{.code = 0xb7, .dst_reg = 0, .imm = -1}, /* r0 = -1 */
		{.code = 0x95},				 /* exit */
	};
	int prog, link;

	tc_available = WATCH_TC_CLSACT;
	prog = bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "vl_probe", "GPL", insns, 2, NULL);
	refused = prog == -EPERM;
	if (prog < 0)
		return;
	link = bpf_link_create(prog, 0x7fffffff, ATTACH_TCX_INGRESS, NULL);
	if (link >= 0)
		close(link);
	else if (errno == ENODEV)
		tc_available = WATCH_TC_TCX;
	close(prog);
}

enum watch_tc watch_tc_available(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	watch_log_start();
	pthread_once(&once, probe_tc);
	return tc_available;
}

int watch_tc_check(enum watch_tc tc, struct err *err)
{
	if (tc != WATCH_TC_TCX || watch_tc_available() == WATCH_TC_TCX)
		return 0;
	err_set(err, ERR_PRIVILEGE, EOPNOTSUPP, "--tc tcx: this kernel has no tcx (6.6 does)");
	err_hint(err, "--tc clsact counts the same, and is what --tc auto takes here");
	return -EOPNOTSUPP;
}

bool watch_is_refused(void)
{
	watch_tc_available();
	return refused;
}

/* Attach watch->progs[prog], and pin the link so that it outlives us. */
static int attach_link(struct watch *watch, int prog, enum vl_hook hook, uint32_t number,
		       uint32_t ifindex, enum bpf_attach_type type, uint32_t flags,
		       const char *object, struct err *err)
{
	DECLARE_LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = flags);
	int own, fd = watch_load_end_stub(watch, prog, number, &own), link, error;
	char path[256], action[64];

	snprintf(action, sizeof(action), "attach the %s program", hook_word(hook));
	link = fd < 0 ? fd : bpf_link_create(fd, ifindex, type, &opts);
	error = fd < 0 ? -fd : errno;
	if (own >= 0)
		close(own);
	if (link < 0)
		return watch_fail(err, error, object, action, "CAP_BPF and CAP_NET_ADMIN");
	watch_path(path, watch->lab, "links/%u_%s", number, hook_word(hook));
	error = bpf_obj_pin(link, path) ? errno : 0;
	close(link);
	if (error)
		return watch_fail(err, error, path, "pin", "CAP_BPF");
	return 0;
}

int watch_attach_tcx(struct watch *watch, uint32_t number, uint32_t ifindex, const char *object,
		     struct err *err)
{
	/* Before other people's programs: no verdict of theirs hides packets from us. */
	uint32_t flags = watch->observed ? TCX_BEFORE : 0;
	int ret = 0;

	watch_log_start();
	if (watch->progs[VL_HOOK_OUT] >= 0)
		ret = attach_link(watch, VL_HOOK_OUT, VL_HOOK_OUT, number, ifindex,
				  ATTACH_TCX_EGRESS, flags, object, err);
	if (!ret && watch->progs[VL_HOOK_IN] >= 0)
		ret = attach_link(watch, VL_HOOK_IN, VL_HOOK_IN, number, ifindex,
				  ATTACH_TCX_INGRESS, flags, object, err);
	return ret;
}

/* The three ways in which veth refuses native XDP (veth_xdp_set in drivers/net/veth.c). */
static const char *native_refusal(int error)
{
	switch (error) {
	case ERANGE:
		return "the peer's MTU is too large for native XDP: lower it, or `xdp: generic`";
	case ENOSPC:
		return "native XDP needs as many rx queues as the peer has tx queues: set "
		       "`queues`, or `xdp: generic`";
	case ENOTCONN:
		return "the peer is gone";
	case EBUSY:
	case EEXIST:
		return "another XDP program is on this interface: `xdp: off` leaves it alone";
	}
	return NULL;
}

/*
 * When the lab was built, only the XDP programs were loaded whose mode an end had. The other is
 * loaded and pinned for the first end that wants it, by whichever thread is there first.
 */
static int have_xdp_program(struct watch *watch, int prog, struct err *err)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	int ret;

	pthread_mutex_lock(&lock);
	ret = watch->progs[prog] < 0 ? watch_load_late(watch, prog, err) : 0;
	pthread_mutex_unlock(&lock);
	return ret;
}

int watch_attach_xdp(struct watch *watch, uint32_t number, uint32_t ifindex, enum xdp_mode mode,
		     const char *object, struct err *err)
{
	bool native = mode == XDP_MODE_NATIVE;
	int prog = native ? PROG_XDP_NATIVE : VL_HOOK_XDP, ret;
	const char *why;

	if (mode == XDP_MODE_OFF || watch->maps[MAP_COUNT_XDP] < 0)
		return 0;
	watch_log_start();
	ret = have_xdp_program(watch, prog, err);
	if (ret)
		return ret;
	ret = attach_link(watch, prog, VL_HOOK_XDP, number, ifindex, BPF_XDP,
			  native ? XDP_FLAGS_DRV_MODE : XDP_FLAGS_SKB_MODE, object, err);
	why = native_refusal(-ret);
	if (ret && why)
		err_hint(err, "%s", why);
	return ret;
}

int watch_clsact_qdisc(struct nl *nl, uint32_t ifindex, const struct nl_what *what, struct err *err)
{
	struct nl_what mine = *what;

	mine.ignore = EEXIST; /* somebody else's serves as well, and is left in place by `down` */
	return tc_clsact_add(nl, ifindex, &mine, err);
}

static int add_filter(struct watch *watch, struct nl *nl, uint32_t ifindex, enum vl_hook hook,
		      const struct nl_what *what, struct err *err)
{
	struct tc_filter filter = {.ifindex = ifindex,
				   .egress = hook == VL_HOOK_OUT,
				   .handle = WATCH_FILTER_HANDLE,
				   .priority = FILTER_PRIO};

	if (watch->progs[hook] < 0)
		return 0;
	return tc_filter_add(nl, &filter, watch->progs[hook], WATCH_FILTER_NAME, what, err);
}

int watch_clsact_filters(struct watch *watch, struct nl *nl, uint32_t ifindex,
			 const struct nl_what *what, struct err *err)
{
	int ret = add_filter(watch, nl, ifindex, VL_HOOK_OUT, what, err);

	return ret ? ret : add_filter(watch, nl, ifindex, VL_HOOK_IN, what, err);
}

/*
 * The tc programs of some hooks: clsact by nl's batch. By tcx before other people's programs, which
 * may have come meanwhile.
 */
static int attach_tc_again(struct watch *watch, struct nl *nl, enum watch_tc tc, uint32_t number,
			   uint32_t ifindex, uint8_t hooks, const char *object, struct err *err)
{
	static const struct {
		enum vl_hook hook;
		enum bpf_attach_type type;
	} rows[] = {{VL_HOOK_OUT, ATTACH_TCX_EGRESS}, {VL_HOOK_IN, ATTACH_TCX_INGRESS}};
	struct nl_what what = {.object = object, .action = "attach tc programs again"};
	int ret = 0;

	if (tc == WATCH_TC_CLSACT && hooks & (1 << VL_HOOK_OUT | 1 << VL_HOOK_IN))
		ret = watch_clsact_qdisc(nl, ifindex, &what, err);
	for (int i = 0; !ret && i < 2; i++) {
		enum vl_hook hook = rows[i].hook;

		if (!(hooks & 1 << hook) || watch->progs[hook] < 0)
			continue;
		ret = tc == WATCH_TC_CLSACT ? add_filter(watch, nl, ifindex, hook, &what, err)
					    : attach_link(watch, hook, hook, number, ifindex,
							  rows[i].type, TCX_BEFORE, object, err);
	}
	return ret;
}

int watch_attach_again(struct watch *watch, struct nl *nl, enum watch_tc tc, uint32_t number,
		       uint32_t ifindex, uint8_t hooks, enum xdp_mode xdp, const char *object,
		       struct err *err)
{
	char path[256];
	int ret;

	watch_log_start();
	/* What is pinned there may be a link that was detached. */
	for (int hook = 0; hook < VL_HOOKS; hook++) {
		if (!(hooks & 1 << hook))
			continue;
		watch_path(path, watch->lab, "links/%u_%s", number, hook_word(hook));
		if (unlink(path) && errno != ENOENT)
			return watch_fail(err, errno, path, "remove the pin", "CAP_DAC_OVERRIDE");
	}
	ret = attach_tc_again(watch, nl, tc, number, ifindex, hooks, object, err);
	if (!ret)
		ret = nl_flush(nl, err);
	if (ret || !(hooks & 1 << VL_HOOK_XDP))
		return ret;
	return watch_attach_xdp(watch, number, ifindex, xdp, object, err);
}

void watch_detach(const char *path)
{
	int link = bpf_obj_get(path);

	if (link < 0)
		return;
	bpf_link_detach(link); /* a link without its interface is detached already */
	close(link);
}

int watch_place_end(struct watch *watch, uint32_t number, const struct vl_end *end, struct err *err)
{
	struct vl_place place = {.netns = end->netns, .ifindex = end->ifindex};
	int fd = watch->maps[MAP_PLACES];

	if (bpf_map_update_elem(fd, &place, &number, BPF_ANY))
		return watch_fail(err, errno, end->ifname, "enter the end into the map `places`",
				  "CAP_BPF");
	return 0;
}

/* Its entry of `places`, if that is still its own. */
static void leave_place(struct watch *watch, uint32_t number)
{
	struct vl_place place;
	struct vl_end end;
	uint32_t now;

	if (watch->maps[MAP_PLACES] < 0 ||
	    bpf_map_lookup_elem(watch->maps[MAP_ENDS], &number, &end) || !end.in_use)
		return;
	place = (struct vl_place){.netns = end.netns, .ifindex = end.ifindex};
	if (!bpf_map_lookup_elem(watch->maps[MAP_PLACES], &place, &now) && now == number)
		bpf_map_delete_elem(watch->maps[MAP_PLACES], &place);
}

int watch_forget_end(struct watch *watch, uint32_t number, struct err *err)
{
	struct vl_end none = {};
	char path[256];

	for (int hook = 0; hook < VL_HOOKS; hook++) {
		watch_path(path, watch->lab, "links/%u_%s", number, hook_word(hook));
		if (watch->observed)
			watch_detach(path);
		if (unlink(path) && errno != ENOENT)
			return watch_fail(err, errno, path, "remove the pin", "CAP_DAC_OVERRIDE");
	}
	leave_place(watch, number);
	return watch_name_end(watch, number, &none, err);
}
