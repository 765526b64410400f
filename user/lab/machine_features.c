// SPDX-License-Identifier: GPL-2.0-only
/* machine_features.c - see machine_features.h. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/magic.h>
#include <linux/perf_event.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "user/lab/machine_features.h"
#include "user/base/kernel_floor.h"
#include "user/lab/lab.h"
#include "user/watch/drops.h"
#include "user/watch/node_trace.h"

/* ---- privileges ------------------------------------------------------------------------------ */

#ifndef CAP_BPF
#define CAP_BPF 39
#endif

static const struct {
	unsigned cap, instead; /* one of the two is enough */
	const char *name, *step;
} capabilities[] = {
	{CAP_SYS_ADMIN, CAP_SYS_ADMIN, "CAP_SYS_ADMIN", "to make and enter namespaces"},
	{CAP_NET_ADMIN, CAP_NET_ADMIN, "CAP_NET_ADMIN", "to make links and attach programs"},
	{CAP_BPF, CAP_SYS_ADMIN, "CAP_BPF", "to load programs and maps"},
};

static bool has(const struct __user_cap_data_struct *data, unsigned cap)
{
	return data[cap / 32].effective & 1u << cap % 32;
}

int lab_privileges(struct err *err)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {0};
	char missing[256] = "";
	size_t len = 0;

	/* If this fails, the step that needs a missing capability reports it. */
	if (syscall(SYS_capget, &header, data))
		return 0;
	for (size_t i = 0; i < sizeof(capabilities) / sizeof(*capabilities); i++) {
		if (has(data, capabilities[i].cap) || has(data, capabilities[i].instead))
			continue;
		len += snprintf(missing + len, sizeof(missing) - len, "%s%s %s", len ? ", " : "",
				capabilities[i].name, capabilities[i].step);
	}
	if (!len)
		return 0;
	err_set(err, ERR_PRIVILEGE, EPERM, "changing a lab needs %s", missing);
	err_hint(err, "run it as root: sudo vethlab ...");
	return -EPERM;
}

/* ---- by asking ------------------------------------------------------------------------------- */

struct probing {
	struct feature *list;
	size_t n;
};

static struct feature *add(struct probing *probing, const char *name, enum feature_need need,
			   bool there, const char *found, const char *without)
{
	struct feature *feature = &probing->list[probing->n++];

	*feature = (struct feature){.name = name, .need = need, .there = there, .without = without};
	snprintf(feature->found, sizeof(feature->found), "%.*s", (int)sizeof(feature->found) - 1,
		 found);
	return feature;
}

static void probe_kernel(struct probing *probing)
{
	struct utsname name;
	int major = 0, minor = 0;

	uname(&name);
	sscanf(name.release, "%d.%d", &major, &minor);
	add(probing, "kernel", FEATURE_NEEDED,
	    major > KERNEL_FLOOR_MAJOR ||
		    (major == KERNEL_FLOOR_MAJOR && minor >= KERNEL_FLOOR_MINOR),
	    name.release, KERNEL_FLOOR " is the oldest kernel that vethlab is tested on");
	add(probing, "live frames", FEATURE_WANTED, major > 5 || (major == 5 && minor >= 18),
	    major > 5 || (major == 5 && minor >= 18) ? "by the kernel's version" : "before 5.18",
	    "no packet generator for `vethlab bench`");
}

static void probe_btf(struct probing *probing)
{
	add(probing, "BTF", FEATURE_NEEDED, !access("/sys/kernel/btf/vmlinux", R_OK),
	    "/sys/kernel/btf/vmlinux", "it takes a kernel built with CONFIG_DEBUG_INFO_BTF");
}

static bool probe_privileges(struct probing *probing)
{
	bool all = !lab_privileges(NULL);

	add(probing, "privileges", FEATURE_NEEDED, all,
	    !all ? "not all that a lab needs"
	    : watch_is_refused()
		    ? "no eBPF (EPERM): those of a user namespace, say; `up --hooks none` works"
		    : "all that a lab needs",
	    "run it as root: sudo vethlab doctor; the rest cannot be tried without");
	return all;
}

static const char refused[] = "the kernel refuses eBPF to this process (EPERM)";

static void probe_bpf(struct probing *probing)
{
	struct statfs fs;
	bool bpffs = !statfs(BPFFS, &fs) && fs.f_type == BPF_FS_MAGIC;
	enum watch_tc tc = watch_tc_available();

	add(probing, "bpffs", FEATURE_WANTED, bpffs, bpffs ? BPFFS : "not mounted on " BPFFS,
	    "`vethlab up` mounts it and says so");
	if (watch_is_refused()) {
		add(probing, "tc programs", FEATURE_WANTED, false, refused,
		    "run it as root of the machine, not of a user namespace");
		add(probing, "XDP programs", FEATURE_WANTED, false, refused,
		    "run it as root of the machine, not of a user namespace");
		return;
	}
	add(probing, "tc programs", FEATURE_WANTED, tc == WATCH_TC_TCX, tc_word(tc),
	    "clsact serves instead (tcx came with 6.6)");
	add(probing, "XDP programs", FEATURE_WANTED,
	    libbpf_probe_bpf_prog_type(BPF_PROG_TYPE_XDP, NULL) == 1, "program type xdp",
	    "use --xdp off");
}

static void probe_perf(struct probing *probing)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_SW_BPF_OUTPUT,
		.sample_type = PERF_SAMPLE_RAW,
	};
	int fd = syscall(SYS_perf_event_open, &attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);

	add(probing, "perf buffers", FEATURE_WANTED, fd >= 0,
	    fd >= 0 ? "perf_event_open" : strerror(errno),
	    "`trace` and `ping` see no packets; needs CONFIG_PERF_EVENTS and CAP_PERFMON");
	if (fd >= 0)
		close(fd);
}

/* ---- by loading the programs of a lab ---------------------------------------------------------
 */

/* What the kernel said: the part of the error that is not about the lab, which there is none of. */
static const char *reason_of(const struct err *err)
{
	return err->error == EPERM ? refused : err->what;
}

/* The programs that a lab attaches to its ends, and the one that counts drops; nothing is pinned.
 */
static void probe_ledger(struct probing *probing)
{
	const struct watch_config config = {.lab = "doctor",
					    .n_ends = 1,
					    .in = true,
					    .out = true,
					    .xdp_generic = true,
					    .xdp_native = true};
	struct watch *watch = NULL;
	struct err err = {0};
	int ret = watch_load(&watch, &config, &err);

	add(probing, "counting", FEATURE_WANTED, !ret,
	    ret ? reason_of(&err) : "the programs of links load",
	    "`up --hooks none` builds labs that are not watched; nothing is counted or traced");
	if (ret)
		return;
	ret = watch_try_drops(watch, &err);
	add(probing, "drops", FEATURE_WANTED, !ret,
	    ret ? reason_of(&err) : "the program of drops loads and attaches",
	    "losses are counted without their reasons");
	watch_close(watch);
}

static int try_node_trace(enum node_trace_depth depth, struct err *err)
{
	const struct node_trace_config config = {.depth = depth};
	struct node_tracer *tracer = NULL;
	int ret = node_tracer_open(&tracer, &config, err);

	node_tracer_close(tracer);
	return ret;
}

/* without is static, since the feature points to it. */
static void probe_stack(struct probing *probing)
{
	static char without[NODE_TRACE_MISSING_SIZE + 64];
	char missing[NODE_TRACE_MISSING_SIZE], found[64];
	size_t n = node_trace_probe(missing);
	struct err err = {0};

	if (try_node_trace(NODE_TRACE_ALL, &err) || try_node_trace(NODE_TRACE_FRAMES, &err)) {
		add(probing, "stack events", FEATURE_WANTED, false, reason_of(&err),
		    "`ping`, `trace` and `capture` do not tell what nodes do, nor where they drop");
		return;
	}
	snprintf(found, sizeof(found), "%zu kinds of events inside nodes", n);
	snprintf(without, sizeof(without), "`ping --stack` and `trace --stack` do not tell: %s",
		 missing);
	add(probing, "stack events", FEATURE_WANTED, !missing[0], found, without);
}

static void probe_programs(struct probing *probing)
{
	const char *found = NULL, *path = getenv("PATH");
	char copy[PATH_MAX], file[PATH_MAX], *save = NULL;

	snprintf(copy, sizeof(copy), "%s", path ? path : "/usr/sbin:/usr/bin:/sbin:/bin");
	for (char *dir = strtok_r(copy, ":", &save); dir && !found;
	     dir = strtok_r(NULL, ":", &save)) {
		snprintf(file, sizeof(file), "%.3000s/%s", dir, "nft");
		found = access(file, X_OK) ? NULL : file;
	}
	add(probing, "nft", FEATURE_WANTED, found, found ? found : "not in PATH",
	    "labs with nft: rules need it: install nftables");
}

static void probe_files(struct probing *probing)
{
	struct rlimit limit = {0};
	char found[64];

	getrlimit(RLIMIT_NOFILE, &limit);
	snprintf(found, sizeof(found), "%llu at most", (unsigned long long)limit.rlim_max);
	add(probing, "open files", FEATURE_WANTED, limit.rlim_max >= 4096, found,
	    "a lab needs one a node: raise `ulimit -Hn`");
}

/* ---- by building something ------------------------------------------------------------------- */

struct trial {
	int veth, bridge, vlans; /* 0, or -errno */
};

static int try_veth(struct nl *nl, int netns_fd)
{
	struct veth_end ends[2] = {{.ifname = "a", .netns_fd = netns_fd, .ifindex = 1000001},
				   {.ifname = "b", .netns_fd = netns_fd, .ifindex = 1000002}};
	struct nl_what what = {"veth", "make a link", {0}, 0};
	struct err err = {0};
	int ret = link_add_veth(nl, ends, &what, &err);

	return ret ? ret : nl_flush(nl, &err);
}

static int try_bridge(struct nl *nl, const char *dev, bool vlan_filtering)
{
	struct bridge_options options = {.vlan_filtering = vlan_filtering};
	struct bridge_link bridge = {.options = &options};
	struct nl_what what = {"bridge", "make a bridge", {0}, 0};
	struct err err = {0};
	int ret;

	snprintf(options.dev, sizeof(options.dev), "%s", dev);
	ret = link_add_bridge(nl, &bridge, &what, &err);
	return ret ? ret : nl_flush(nl, &err);
}

/* Runs on a thread of its own, in a namespace without a name, which ends with the thread. */
static void *try_links(void *arg)
{
	struct trial *trial = arg;
	struct netns_id id;
	struct nl *nl = NULL;
	int fd = netns_new(&id, NULL);
	int ret = fd < 0 ? fd : nl_open(&nl, -1, NULL);

	trial->veth = ret ? ret : try_veth(nl, fd);
	trial->bridge = ret ? ret : try_bridge(nl, "c", false);
	trial->vlans = ret ? ret : try_bridge(nl, "d", true);
	nl_close(nl);
	if (fd >= 0)
		close(fd);
	return NULL;
}

static void probe_links(struct probing *probing)
{
	struct trial trial = {-EAGAIN, -EAGAIN, -EAGAIN};
	pthread_t thread;

	if (!pthread_create(&thread, NULL, try_links, &trial))
		pthread_join(thread, NULL);
	add(probing, "veth links", FEATURE_NEEDED, !trial.veth,
	    trial.veth ? strerror(-trial.veth) : "chosen ifindexes, both ends in their namespaces",
	    "as root: modprobe veth");
	add(probing, "bridges", FEATURE_WANTED, !trial.bridge,
	    trial.bridge ? strerror(-trial.bridge) : "made one",
	    "labs with kind: bridge need it: modprobe bridge");
	add(probing, "VLAN bridges", FEATURE_WANTED, !trial.vlans,
	    trial.vlans ? strerror(-trial.vlans) : "made one",
	    "vlan_filtering: true needs CONFIG_BRIDGE_VLAN_FILTERING");
}

/* A probe that fails is a result here: libbpf shall not print it. */
static int print_nothing(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	(void)level, (void)fmt, (void)ap;
	return 0;
}

size_t features_probe(struct feature features[FEATURES_MAX])
{
	struct probing probing = {.list = features};
	libbpf_print_fn_t before = libbpf_set_print(print_nothing);

	probe_kernel(&probing);
	probe_btf(&probing);
	probe_programs(&probing);
	probe_files(&probing);
	if (probe_privileges(&probing)) {
		probe_bpf(&probing);
		probe_perf(&probing);
		probe_ledger(&probing);
		probe_stack(&probing);
		probe_links(&probing);
	}
	libbpf_set_print(before);
	return probing.n;
}
