// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_drops.c - packets that the kernel drops at the ends of a pair: counted once, with the
 * reason, at the end and on the side of our hooks where they were lost.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/prog/fixture.h"
#include "user/render/drop_text.h"
#include "user/watch/drops.h"

enum { BASE = 3000, N = 25 };

static struct watch *lab;
static struct nl *nl;
static int sender = -1;

static const struct nl_what what = {.object = "the pair", .action = "be made"};

static void start(void)
{
	struct err err = {};
	struct stat self;

	if (!fixture_ready())
		skip();
	assert_int_equal(stat("/proc/self/ns/net", &self), 0);
	fixture_pair(&nl, BASE, 1500);
	lab = fixture_load(BASE);
	for (uint32_t i = 0; i < 2; i++) {
		struct vl_end end = {
			.in_use = 1, .ifindex = BASE + i, .peer = !i, .netns = self.st_ino};

		assert_int_equal(watch_name_end(lab, i, &end, &err), 0);
		fixture_attach(lab, nl, watch_tc_available(), i, BASE + i);
	}
	sender = fixture_socket(BASE);
}

static int stop(void **state)
{
	struct err err = {};

	(void)state;
	if (!lab)
		return 0;
	close(sender);
	fixture_unload(lab);
	lab = NULL;
	if (link_delete(nl, BASE, &what, &err) || nl_flush(nl, &err))
		fail_msg("%s", err.what);
	nl_close(nl);
	return 0;
}

static void send_echoes(int n)
{
	struct bytes b;

	put_eth(&b, 0x0800);
	put_ipv4(&b, 1, 0, 0, 8);
	put_icmp(&b, 8, 0, 1, 1, NULL, 0);
	for (int i = 0; i < n; i++) {
		ssize_t ret = send(sender, b.at, b.len, 0);

		/* A queue that drops tells the sender. */
		if (ret < 0 && errno != ENOBUFS)
			fail_msg("send: %s", strerror(errno));
	}
}

static void say_all(void)
{
	struct watch_drop *drops;
	struct watch_missed missed;
	struct err err = {};
	size_t n;

	if (watch_read_drops(lab, &drops, &n, &missed, &err))
		return;
	for (size_t i = 0; i < n; i++)
		print_message("end %u, stage %d: %llu packets, %s in %s\n", drops[i].end,
			      drops[i].stage, drops[i].count.packets, drops[i].reason,
			      drops[i].place);
	free(drops);
}

static uint64_t missed_in_all(const struct watch_missed *missed)
{
	uint64_t sum = 0;

	for (int cause = 0; cause < VL_DROP_MISSED_CAUSES; cause++)
		sum += missed->of[cause];
	return sum;
}

/* Adds up the drops of one end and stage; *others: packets dropped elsewhere. */
static struct watch_drop sum_drops(uint32_t end, enum watch_drop_stage stage, uint64_t *others)
{
	struct watch_drop *drops, sum = {};
	struct err err = {};
	struct watch_missed missed = {0};
	size_t n = 0;
	int ret = watch_read_drops(lab, &drops, &n, &missed, &err);

	if (ret == -ENOENT) {
		print_message("this kernel has no BTF: drops are not counted\n");
		skip();
	}
	assert_int_equal(ret, 0);
	*others = missed_in_all(&missed);
	for (size_t i = 0; i < n; i++) {
		struct vl_drop_counters so_far = sum.count;

		if (drops[i].end != end || drops[i].stage != stage) {
			*others += drops[i].count.packets;
			continue;
		}
		sum = drops[i];
		sum.count.packets += so_far.packets;
		sum.count.segments += so_far.segments;
	}
	free(drops);
	return sum;
}

/*
 * Waits until n packets are known to be dropped there, for whatever reasons: while a carrier goes,
 * the driver drops the first ones and the queue the others; and other_n elsewhere. Returns one of
 * the kernel's names.
 */
static struct watch_drop await_both(uint32_t end, enum watch_drop_stage stage, uint64_t n,
				    uint64_t other_n)
{
	struct watch_drop drop = {};
	uint64_t others = 0;

	for (int i = 0; i < 3000 && (drop.count.packets < n || others < other_n); i++) {
		drop = sum_drops(end, stage, &others);
		poll(NULL, 0, 1);
	}
	if (drop.count.packets != n || others != other_n)
		say_all();
	assert_int_equal(drop.count.packets, n);
	assert_int_equal(drop.count.segments, n);
	assert_int_equal(others, other_n);
	return drop;
}

static struct watch_drop await(uint32_t end, enum watch_drop_stage stage, uint64_t n)
{
	return await_both(end, stage, n, 0);
}

/*
 * Asserts that all packets of one end that were lost on its link were so by one of these, which
 * begin as "REASON at PLACE": a compiler may have put something behind a function's name. NULL ends
 * them.
 */
static void assert_causes(uint32_t end, uint64_t n, const char *const *causes)
{
	struct watch_drop *drops;
	struct err err = {};
	struct watch_missed missed;
	uint64_t sum = 0;
	char cause[256];
	size_t n_drops;

	assert_int_equal(watch_read_drops(lab, &drops, &n_drops, &missed, &err), 0);
	for (size_t i = 0; i < n_drops; i++) {
		if (drops[i].end != end || drops[i].stage != WATCH_DROP_ON_LINK)
			continue;
		snprintf(cause, sizeof(cause), "%s at %s", drops[i].reason, drops[i].place);
		for (const char *const *one = causes; *one; one++)
			if (!strncmp(cause, *one, strlen(*one)))
				sum += drops[i].count.packets;
	}
	free(drops);
	if (sum != n)
		say_all();
	assert_int_equal(sum, n);
}

/* Who has no room for it: before 6.3 what a queue refuses is freed, and said to be, by a helper. */
#define QUEUE_REFUSED "QDISC_DROP at __dev_queue_xmit", "QDISC_DROP at kfree_skb_list_reason"

static void test_not_for_us(void **state)
{
	struct watch_drop drop;

	(void)state;
	start();
	send_echoes(N); /* to a MAC address that the receiver does not have */
	drop = await(1, WATCH_DROP_AFTER_IN, N);
	assert_string_equal(drop.reason, "OTHERHOST");
	assert_int_equal(counters_of(lab, VL_HOOK_OUT, 0).packets, N);
	assert_int_equal(counters_of(lab, VL_HOOK_IN, 1).packets, N);
}

static void test_peer_is_down(void **state)
{
	struct err err = {};

	(void)state;
	start();
	if (link_set_up(nl, BASE + 1, false, &what, &err) || nl_flush(nl, &err))
		fail_msg("%s", err.what);
	send_echoes(N);
	await(0, WATCH_DROP_ON_LINK, N);
	/* By the driver, until it is known that there is no carrier; then there is no queue to wait
	 * in. */
	assert_causes(
		0, N,
		(const char *const[]){QUEUE_REFUSED, "NOT_SPECIFIED at __dev_forward_skb", NULL});
	assert_int_equal(counters_of(lab, VL_HOOK_OUT, 0).packets, N);
	assert_int_equal(counters_of(lab, VL_HOOK_IN, 1).packets, 0);
}

enum { TCX_INGRESS = 46, TCX_EGRESS = 47, TC_ACT_SHOT = 2 };

static int load_other(enum bpf_prog_type type, const struct bpf_insn *insns, size_t n)
{
	int prog = bpf_prog_load(type, "other", "GPL", insns, n, NULL);

	assert_true(prog >= 0);
	return prog;
}

/* A program that always returns verdict. */
static int load_verdict(enum bpf_prog_type type, int verdict)
{
	const struct bpf_insn insns[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = verdict},
		{.code = BPF_JMP | BPF_EXIT},
	};

	return load_other(type, insns, 2);
}

/* Attach somebody else's program, which is closed, as a link. */
static int attach_other(int prog, uint32_t ifindex, int attach_type, uint32_t flags)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = flags);
	int link = bpf_link_create(prog, ifindex, (enum bpf_attach_type)attach_type, &opts);

	close(prog);
	if (link < 0 && errno == EINVAL) {
		print_message("this kernel has no tcx (6.6)\n");
		skip();
	}
	assert_true(link >= 0);
	return link;
}

static int other_program(enum bpf_prog_type type, int verdict, uint32_t ifindex, int attach_type,
			 uint32_t flags)
{
	return attach_other(load_verdict(type, verdict), ifindex, attach_type, flags);
}

static void test_other_programs(void **state)
{
	struct watch_drop drop;
	int link;

	(void)state;
	start();
	link = other_program(BPF_PROG_TYPE_XDP, XDP_DROP, BASE + 1, BPF_XDP, XDP_FLAGS_SKB_MODE);
	send_echoes(N);
	drop = await(0, WATCH_DROP_ON_LINK, N);
	assert_string_equal(drop.reason, "XDP");
	assert_non_null(strstr(drop.place, "xdp"));
	assert_int_equal(counters_of(lab, VL_HOOK_IN, 1).packets, 0);
	close(link);
	stop(NULL);

	start();
	link = other_program(BPF_PROG_TYPE_SCHED_CLS, TC_ACT_SHOT, BASE, TCX_EGRESS, 0);
	send_echoes(N);
	drop = await(0, WATCH_DROP_ON_LINK, N);
	assert_string_equal(drop.reason, "TC_EGRESS");
	assert_int_equal(counters_of(lab, VL_HOOK_OUT, 0).packets, N);
	assert_int_equal(counters_of(lab, VL_HOOK_IN, 1).packets, 0);
	close(link);
	stop(NULL);

	start();
	link = other_program(BPF_PROG_TYPE_SCHED_CLS, TC_ACT_SHOT, BASE + 1, TCX_INGRESS, 0);
	send_echoes(N);
	drop = await(1, WATCH_DROP_AFTER_IN, N);
	assert_string_equal(drop.reason, "TC_INGRESS");
	assert_int_equal(counters_of(lab, VL_HOOK_IN, 1).packets, N);
	close(link);
}

/* Native XDP takes packets out of the ring of the end, before they are anywhere else. */
static void test_native_xdp(void **state)
{
	struct watch_drop drop;
	int link;

	(void)state;
	start();
	link = other_program(BPF_PROG_TYPE_XDP, XDP_DROP, BASE + 1, BPF_XDP, XDP_FLAGS_DRV_MODE);
	send_echoes(N);
	drop = await(0, WATCH_DROP_ON_LINK, N);
	assert_string_equal(drop.reason, "XDP");
	assert_string_equal(drop.place, "veth_xdp_rcv_skb");
	assert_int_equal(counters_of(lab, VL_HOOK_OUT, 0).packets, N);
	assert_int_equal(counters_of(lab, VL_HOOK_IN, 1).packets, 0);
	close(link);
}

/*
 * A program at the way in of lo that sends n copies of a packet out of an interface. It runs in the
 * kernel's softirq, which the end's NAPI has to wait for: the copies pile up in its ring.
 */
static int copier(uint32_t ifindex, int n)
{
	const struct bpf_insn insns[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = 6, .src_reg = 1},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 7, .imm = n},
		{.code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = 1, .src_reg = 6},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 2, .imm = ifindex},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 3},
		{.code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_clone_redirect},
		{.code = BPF_ALU64 | BPF_ADD | BPF_K, .dst_reg = 7, .imm = -1},
		{.code = BPF_JMP | BPF_JNE | BPF_K, .dst_reg = 7, .off = -6},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = -1},
		{.code = BPF_JMP | BPF_EXIT},
	};

	return load_other(BPF_PROG_TYPE_SCHED_CLS, insns, sizeof(insns) / sizeof(*insns));
}

/* A ring that is full: 256 packets wait in it, and the driver drops the others. */
static void test_full_ring(void **state)
{
	enum { RING = 256, COPIES = 400 };
	int link, passes, lo;
	uint64_t elsewhere;
	struct bytes b;

	(void)state;
	start();
	link = attach_other(load_verdict(BPF_PROG_TYPE_XDP, XDP_PASS), BASE + 1, BPF_XDP,
			    XDP_FLAGS_DRV_MODE);
	passes = attach_other(copier(BASE, COPIES), LO_IFINDEX, TCX_INGRESS, 0);
	assert_int_equal(system("ip link set lo up"), 0);
	lo = fixture_socket(LO_IFINDEX);
	put_eth(&b, 0x88b5);
	put_zeros(&b, 46);
	assert_int_equal(send(lo, b.at, b.len, 0), b.len);
	/* Nobody wants the others of this type, once they are in. */
	await_both(0, WATCH_DROP_ON_LINK, COPIES - RING, RING);
	assert_causes(0, COPIES - RING, (const char *const[]){"NOT_SPECIFIED at veth_xmit", NULL});
	assert_string_equal(drop_explain("NOT_SPECIFIED", "veth_xmit"),
			    "the ring of the receiving end is full, or that end is gone");
	sum_drops(1, WATCH_DROP_AFTER_IN, &elsewhere);
	assert_int_equal(elsewhere, COPIES - RING);
	assert_int_equal(counters_of(lab, VL_HOOK_OUT, 0).packets, COPIES);
	assert_int_equal(counters_of(lab, VL_HOOK_IN, 1).packets, RING);
	close(lo);
	close(passes);
	close(link);
}

/* A queue that has no room: the packet has left by `out`, and does not come in. */
static void test_queue(void **state)
{
	(void)state;
	start();
	assert_int_equal(system("tc qdisc add dev v3000 root pfifo limit 0"), 0);
	send_echoes(N);
	await(0, WATCH_DROP_ON_LINK, N);
	assert_causes(0, N, (const char *const[]){QUEUE_REFUSED, NULL});
	assert_int_equal(counters_of(lab, VL_HOOK_OUT, 0).packets, N);
	assert_int_equal(counters_of(lab, VL_HOOK_IN, 1).packets, 0);
}

static int open_pinned(const char *name)
{
	char path[256];
	int fd;

	watch_path(path, FIXTURE_LAB, "%s", name);
	fd = bpf_obj_get(path);
	if (fd < 0) {
		print_message("this kernel has no BTF: drops are not counted\n");
		skip();
	}
	return fd;
}

static struct watch_missed read_missed(size_t n_drops)
{
	struct watch_missed missed = {};
	struct watch_drop *drops;
	struct err err = {};
	size_t n;

	assert_int_equal(watch_read_drops(lab, &drops, &n, &missed, &err), 0);
	free(drops);
	assert_int_equal(n, n_drops);
	return missed;
}

/* What the map of drops has no entry for is told apart no more, but counted. */
static void test_full_map(void **state)
{
	const uint64_t most = watch_drops_room(FIXTURE_ENDS);
	struct vl_drop_key key = {.end = 3};
	void *none = calloc(libbpf_num_possible_cpus(), sizeof(struct vl_drop_counters));
	struct watch_missed missed = {};
	uint64_t room = 0;
	int fd;

	(void)state;
	start();
	fd = open_pinned("drop_count");
	assert_non_null(none);
	for (; room <= most; room++) {
		key.location = room;
		if (bpf_map_update_elem(fd, &key, none, BPF_NOEXIST))
			break;
	}
	assert_int_equal(room, most);
	assert_int_equal(system("tc qdisc add dev v3000 root pfifo limit 0"), 0);
	send_echoes(N);
	for (int i = 0; i < 3000 && missed.of[VL_DROP_MISSED_FULL] < N; i++) {
		missed = read_missed(0);
		poll(NULL, 0, 1);
	}
	assert_int_equal(missed.of[VL_DROP_MISSED_FULL], N);
	assert_int_equal(missed_in_all(&missed), N);
	assert_int_equal(missed.room, most);
	/* With room again, what comes is told apart. */
	key.location = 0;
	assert_int_equal(bpf_map_delete_elem(fd, &key), 0);
	send_echoes(N);
	await_both(0, WATCH_DROP_ON_LINK, N, N);
	assert_causes(0, N, (const char *const[]){QUEUE_REFUSED, NULL});
	close(fd);
	free(none);
}

/* The table grows with the ends of a lab, up to a limit. */
static void test_room(void **state)
{
	(void)state;
	assert_int_equal(watch_drops_room(0), 4096);
	assert_int_equal(watch_drops_room(256), 4096);
	assert_int_equal(watch_drops_room(6000), 96000);
	assert_int_equal(watch_drops_room(20022), 320352);
	assert_int_equal(watch_drops_room(~0u), 1 << 20);
}

/* Each cause by which a drop has no entry is read from its own counter. */
static void test_missed_causes(void **state)
{
	int fd, n_cpus = libbpf_num_possible_cpus();
	struct vl_drop_counters *values = calloc(n_cpus, sizeof(*values));
	struct watch_missed missed;

	(void)state;
	start();
	fd = open_pinned("drop_missed");
	assert_non_null(values);
	for (uint32_t cause = 0; cause < VL_DROP_MISSED_CAUSES; cause++) {
		for (int cpu = 0; cpu < n_cpus; cpu++)
			values[cpu].packets = 10 * cause + 1;
		assert_int_equal(bpf_map_update_elem(fd, &cause, values, BPF_ANY), 0);
	}
	missed = read_missed(0);
	for (int cause = 0; cause < VL_DROP_MISSED_CAUSES; cause++)
		assert_int_equal(missed.of[cause], n_cpus * (10 * cause + 1));
	assert_true(missed.interrupted_known);
	assert_int_equal(missed.interrupted, 0);
	close(fd);
	free(values);
}

/* A tag that is cut short is dropped where the tag is taken off, which is before tc: on the link.
 */
static void test_cut_vlan_tag(void **state)
{
	struct watch_drop drop;
	struct bytes b;

	(void)state;
	start();
	put_eth(&b, 0x8100);
	put_zeros(&b, 2);
	for (int i = 0; i < N; i++)
		assert_int_equal(send(sender, b.at, b.len, 0), b.len);
	drop = await(0, WATCH_DROP_ON_LINK, N);
	assert_string_equal(drop.place, "skb_vlan_untag");
	assert_int_equal(counters_of(lab, VL_HOOK_OUT, 0).packets, N);
	assert_int_equal(counters_of(lab, VL_HOOK_IN, 1).packets, 0);
}

/*
 * What vethlab sends itself to see that a link carries frames is neither counted nor anybody's
 * loss, though a bridge drops it; frames of others from an invalid source are.
 */
static void test_proof_frame(void **state)
{
	struct vl_end entries[FIXTURE_ENDS];
	struct err err = {};
	struct bytes b;
	int proof;

	(void)state;
	start();
	/* A bridge that snoops joins the group of all snoopers, and says so to its ports. */
	assert_int_equal(system("ip link add name br0 up type bridge mcast_snooping 0 && "
				"ip link set dev v3001 master br0"),
			 0);
	if (watch_frame_load(&proof, &err) || proof < 0)
		fail_msg("%s", err.what);
	for (int i = 0; i < N; i++)
		assert_int_equal(watch_frame_send(proof, BASE, "v3000", &err), 0);
	close(proof);
	put_eth(&b, 0x0806);
	memset(b.at + 6, 0, 6);
	put_zeros(&b, 46);
	for (int i = 0; i < N; i++)
		assert_int_equal(send(sender, b.at, b.len, 0), b.len);
	await(1, WATCH_DROP_AFTER_IN, N);
	assert_int_equal(counters_of(lab, VL_HOOK_OUT, 0).packets, N);
	assert_int_equal(counters_of(lab, VL_HOOK_IN, 1).packets, N);
	assert_int_equal(watch_frame_seen(lab, entries, &err), 0);
	assert_int_equal(entries[0].proof_seen[VL_HOOK_OUT], 1);
	assert_int_equal(entries[0].proof_seen[VL_HOOK_IN], 0);
	assert_int_equal(entries[1].proof_seen[VL_HOOK_OUT], 0);
	assert_int_equal(entries[1].proof_seen[VL_HOOK_IN], 1);
	assert_int_equal(system("ip link delete br0"), 0);
}

/* Packets of an interface with an end's number in another namespace are nobody's. */
static void test_other_namespace(void **state)
{
	struct vl_end elsewhere = {.in_use = 1, .ifindex = BASE + 1, .netns = 1};
	struct watch_drop *drops;
	struct watch_missed missed;
	struct err err = {};
	size_t n;

	(void)state;
	start();
	assert_int_equal(watch_name_end(lab, 1, &elsewhere, &err), 0);
	send_echoes(N);
	for (int i = 0; i < 3000 && counters_of(lab, VL_HOOK_IN, 1).packets < N; i++)
		poll(NULL, 0, 1);
	poll(NULL, 0, 20);
	if (watch_read_drops(lab, &drops, &n, &missed, &err) == -ENOENT)
		skip();
	assert_int_equal(n, 0);
	free(drops);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_not_for_us, stop),
		cmocka_unit_test_teardown(test_peer_is_down, stop),
		cmocka_unit_test_teardown(test_other_programs, stop),
		cmocka_unit_test_teardown(test_native_xdp, stop),
		cmocka_unit_test_teardown(test_full_ring, stop),
		cmocka_unit_test_teardown(test_queue, stop),
		cmocka_unit_test_teardown(test_full_map, stop),
		cmocka_unit_test(test_room),
		cmocka_unit_test_teardown(test_missed_causes, stop),
		cmocka_unit_test_teardown(test_cut_vlan_tag, stop),
		cmocka_unit_test_teardown(test_proof_frame, stop),
		cmocka_unit_test_teardown(test_other_namespace, stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
