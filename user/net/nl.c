// SPDX-License-Identifier: GPL-2.0-only
/*
 * nl.c - one rtnetlink socket with requests in flight.
 *
 * rtnetlink works a batch off inside sendmsg(2), and answers a request without NLM_F_ACK only if
 * it fails (netlink_rcv_skb in net/netlink/af_netlink.c). So only the last request of a batch asks
 * for an ack: it says that all before it are done, and errors come on their own.
 */
#include <assert.h>
#include <errno.h>
#include <linux/netlink.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "user/base/array.h"
#include "user/net/net.h"

enum {
	BATCH_BYTES = 48 * 1024, /* below the default send buffer of 208 KiB, above NL_ROOM */
	BATCH_REQUESTS = 128,	 /* errors of all fit the default receive buffer */
	ANSWER_BYTES = 64 * 1024,
	DUMP_TRIES = 100,
};

/* A request that is not answered yet, in words. */
struct pending {
	char object[END_NAME_SIZE + 16];
	char action[96];
	struct where where;
	int ignore;
};

struct nl {
	struct mnl_socket *sock;
	unsigned port;
	uint32_t seq;	    /* of the last request */
	uint32_t first_seq; /* of pending[0] */
	size_t n_pending;
	struct pending pending[BATCH_REQUESTS];
	struct nlmsghdr *open; /* between nl_begin and nl_commit */
	size_t used;
	char batch[BATCH_BYTES] __attribute__((aligned(NLMSG_ALIGNTO)));
	char answer[ANSWER_BYTES] __attribute__((aligned(NLMSG_ALIGNTO)));
};

static int open_in_netns(void *arg)
{
	struct nl *nl = arg;

	nl->sock = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	if (!nl->sock)
		return -errno;
	if (mnl_socket_bind(nl->sock, 0, MNL_SOCKET_AUTOPID) < 0)
		return -errno;
	return 0;
}

int nl_open(struct nl **out, int netns_fd, struct err *err)
{
	int one = 1, ret;
	struct nl *nl = malloc(sizeof(*nl));

	if (!nl)
		return err_set(err, ERR_SYSTEM, ENOMEM, "netlink: out of memory");
	memset(nl, 0, offsetof(struct nl, pending)); /* the buffers need no zeros */
	nl->open = NULL;
	nl->used = 0;
	ret = netns_fd < 0 ? open_in_netns(nl) : netns_run(netns_fd, open_in_netns, nl, err);
	if (ret < 0) {
		err_set(err, ERR_SYSTEM, -ret, "cannot open a netlink socket: %s", strerror(-ret));
		nl_close(nl);
		return ret;
	}
	nl->port = mnl_socket_get_portid(nl->sock);
	/* Old kernels lack some of these; errors are then told with fewer words. */
	mnl_socket_setsockopt(nl->sock, NETLINK_EXT_ACK, &one, sizeof(one));
	mnl_socket_setsockopt(nl->sock, NETLINK_CAP_ACK, &one, sizeof(one));
	mnl_socket_setsockopt(nl->sock, NETLINK_GET_STRICT_CHK, &one, sizeof(one));
	*out = nl;
	return 0;
}

void nl_close(struct nl *nl)
{
	if (!nl)
		return;
	if (nl->sock)
		mnl_socket_close(nl->sock);
	free(nl);
}

struct nlmsghdr *nl_begin(struct nl *nl, uint16_t type, uint16_t flags)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(nl->batch + nl->used);

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	nlh->nlmsg_seq = nl->seq + 1;
	nl->open = nlh;
	return nlh;
}

int nl_commit(struct nl *nl, const struct nl_what *what, struct err *err)
{
	struct nlmsghdr *nlh = nl->open;
	struct pending *pending;

	nl->open = NULL;
	if (nlh->nlmsg_len > NL_ROOM)
		return err_set(err, ERR_SYSTEM, EMSGSIZE, "%s: cannot %s: the request is too long",
			       what->object, what->action);
	if (!nl->n_pending)
		nl->first_seq = nlh->nlmsg_seq;
	pending = &nl->pending[nl->n_pending++];
	snprintf(pending->object, sizeof(pending->object), "%s", what->object);
	snprintf(pending->action, sizeof(pending->action), "%s", what->action);
	pending->where = what->where;
	pending->ignore = what->ignore;
	nl->seq = nlh->nlmsg_seq;
	nl->used += MNL_ALIGN(nlh->nlmsg_len);
	if (nl->n_pending == BATCH_REQUESTS || nl->used + NL_ROOM > BATCH_BYTES)
		return nl_flush(nl, err);
	return 0;
}

/* The kernel's own sentence in an ack, or NULL. */
static const char *extack_text(const struct nlmsghdr *nlh)
{
	const struct nlmsgerr *ack = mnl_nlmsg_get_payload(nlh);
	size_t skip = sizeof(*ack);
	const struct nlattr *attr;

	if (!(nlh->nlmsg_flags & NLM_F_ACK_TLVS))
		return NULL;
	if (!(nlh->nlmsg_flags & NLM_F_CAPPED))
		skip += ack->msg.nlmsg_len - sizeof(ack->msg);
	mnl_attr_for_each(attr, nlh, MNL_ALIGN(skip)) {
		if (mnl_attr_get_type(attr) == NLMSGERR_ATTR_MSG)
			return mnl_attr_get_str(attr);
	}
	return NULL;
}

static void request_failed(const struct pending *pending, int error, const char *text,
			   struct err *err)
{
	bool forbidden = error == EPERM || error == EACCES;
	enum err_code code = error == EOPNOTSUPP ? ERR_PRIVILEGE : err_code_of(error);

	if (err && err->code)
		return; /* the first failure is the cause */
	if (text)
		err_set(err, code, error, "%s: cannot %s (kernel: %s)", pending->object,
			pending->action, text);
	else
		err_set(err, code, error, "%s: cannot %s (kernel: %s)", pending->object,
			pending->action, strerror(error));
	if (pending->where.line)
		err_at(err, pending->where);
	if (forbidden)
		err_hint(err, "this needs CAP_NET_ADMIN in the namespace: run as root");
	else if (code == ERR_PRIVILEGE)
		err_hint(err,
			 "this kernel was built without it: `vethlab doctor` tells what is there");
}

/* An answer: -errno of a failed request, 0, or 1 for the ack of the last request. */
static int take_ack(struct nl *nl, const struct nlmsghdr *nlh, struct err *err)
{
	const struct nlmsgerr *ack = mnl_nlmsg_get_payload(nlh);
	uint32_t i = nlh->nlmsg_seq - nl->first_seq;
	const struct pending *pending;
	bool last = nlh->nlmsg_seq == nl->seq;

	if (nlh->nlmsg_type != NLMSG_ERROR || i >= nl->n_pending)
		return 0;
	pending = &nl->pending[i];
	if (ack->error && -ack->error != pending->ignore) {
		request_failed(pending, -ack->error, extack_text(nlh), err);
		return ack->error;
	}
	return last;
}

static int receive(struct nl *nl, struct err *err)
{
	ssize_t n;

	do
		n = mnl_socket_recvfrom(nl->sock, nl->answer, sizeof(nl->answer));
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_set(err, ERR_SYSTEM, errno, "netlink: cannot receive: %s",
			       strerror(errno));
	return n;
}

int nl_flush(struct nl *nl, struct err *err)
{
	int first_error = 0;
	bool done = false;
	struct nlmsghdr *last = NULL;

	if (!nl->n_pending)
		return 0;
	for (size_t at = 0; at < nl->used; at += MNL_ALIGN(last->nlmsg_len))
		last = (struct nlmsghdr *)(nl->batch + at);
	last->nlmsg_flags |= NLM_F_ACK;
	if (mnl_socket_sendto(nl->sock, nl->batch, nl->used) < 0) {
		first_error = err_set(err, ERR_SYSTEM, errno, "netlink: cannot send: %s",
				      strerror(errno));
		done = true;
	}
	while (!done) {
		struct nlmsghdr *nlh = (struct nlmsghdr *)nl->answer;
		int left = receive(nl, err);

		if (left < 0) {
			first_error = first_error ? first_error : left;
			break;
		}
		for (; mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left)) {
			int ret = take_ack(nl, nlh, err);

			if (ret < 0 && !first_error)
				first_error = ret;
			/* The last request is answered, well or not: so is all before it. */
			done |= nlh->nlmsg_seq == nl->seq && nlh->nlmsg_type == NLMSG_ERROR;
		}
	}
	nl->n_pending = 0;
	nl->used = 0;
	return first_error;
}

/* All messages that answer one request. */
struct answers {
	char *bytes;
	size_t n, room;
	bool interrupted; /* the kernel saw a change in the middle (NLM_F_DUMP_INTR) */
	bool complete;
};

/* Whether the message ends the answers to the last request: a dump's are NLM_F_MULTI but an error.
 */
static bool is_last(const struct nl *nl, const struct nlmsghdr *nlh)
{
	return nlh->nlmsg_seq == nl->seq &&
	       (nlh->nlmsg_type == NLMSG_DONE || !(nlh->nlmsg_flags & NLM_F_MULTI));
}

static int receive_answers(struct nl *nl, struct answers *answers, struct err *err)
{
	answers->n = 0;
	answers->interrupted = answers->complete = false;
	while (!answers->complete) {
		int left = receive(nl, err);
		struct nlmsghdr *nlh = (struct nlmsghdr *)nl->answer;

		if (left < 0)
			return left;
		if (array_reserve(&answers->bytes, &answers->room, answers->n + left, 1))
			return err_set(err, ERR_SYSTEM, ENOMEM, "netlink: out of memory");
		for (; mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left)) {
			size_t bytes = MNL_ALIGN(nlh->nlmsg_len);

			answers->interrupted |= nlh->nlmsg_flags & NLM_F_DUMP_INTR;
			answers->complete |= is_last(nl, nlh);
			nlh->nlmsg_flags &= ~NLM_F_DUMP_INTR; /* libmnl would give up there */
			memcpy(answers->bytes + answers->n, nlh, bytes);
			answers->n += bytes;
		}
	}
	return 0;
}

/*
 * An interrupted dump may lack what was there all the time (the kernel goes on at the number of an
 * entry, and others went), so it is asked for again before anybody sees it.
 */
static int ask(struct nl *nl, struct nlmsghdr *request, struct answers *answers,
	       const struct nl_what *what, struct err *err)
{
	for (unsigned tries = 0; tries < DUMP_TRIES; tries++) {
		int ret;

		request->nlmsg_seq = ++nl->seq;
		if (mnl_socket_sendto(nl->sock, request, request->nlmsg_len) < 0)
			return err_set(err, ERR_SYSTEM, errno, "netlink: cannot send: %s",
				       strerror(errno));
		ret = receive_answers(nl, answers, err);
		if (ret || !answers->interrupted)
			return ret;
	}
	if (!what->whole)
		return 0;
	err_set(err, ERR_SYSTEM, EAGAIN,
		"%s: cannot %s: they changed each time while they were read", what->object,
		what->action);
	err_hint(err, "it was tried %u times: do it again when less is changed here", DUMP_TRIES);
	return -EAGAIN;
}

int nl_dump(struct nl *nl, struct nlmsghdr *request, mnl_cb_t cb, void *arg,
	    const struct nl_what *what, struct err *err)
{
	struct answers answers = {0};
	int ret;

	/* Their acknowledgements would be taken for answers. */
	assert(!nl->n_pending);
	nl->open = NULL;
	ret = ask(nl, request, &answers, what, err);
	if (!ret)
		ret = mnl_cb_run(answers.bytes, answers.n, nl->seq, nl->port, cb, arg);
	else
		answers.complete = false;
	free(answers.bytes);
	if (!answers.complete)
		return ret;
	if (ret < 0) {
		ret = -errno;
		if (ret != -what->ignore)
			err_set(err, ERR_SYSTEM, -ret, "%s: cannot %s (kernel: %s)", what->object,
				what->action, strerror(-ret));
		return ret;
	}
	return 0;
}

const struct nlattr *nl_find_attr(const void *attrs, size_t size, uint16_t type)
{
	const struct nlattr *attr;

	mnl_attr_for_each_payload(attrs, size)
		if (mnl_attr_get_type(attr) == type)
			return attr;
	return NULL;
}

int nl_listen(struct nl *nl, unsigned group, struct err *err)
{
	if (!mnl_socket_setsockopt(nl->sock, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)))
		return 0;
	return err_set(err, ERR_SYSTEM, errno, "netlink: cannot listen to group %u: %s", group,
		       strerror(errno));
}

bool nl_listen_all_netns(struct nl *nl)
{
	int one = 1;

	return !mnl_socket_setsockopt(nl->sock, NETLINK_LISTEN_ALL_NSID, &one, sizeof(one));
}

int nl_fd(const struct nl *nl)
{
	return mnl_socket_get_fd(nl->sock);
}

void nl_discard_events(struct nl *nl)
{
	ssize_t n;

	/* ENOBUFS: some were lost; others are there yet. */
	do
		n = recv(nl_fd(nl), nl->answer, sizeof(nl->answer), MSG_DONTWAIT);
	while (n > 0 || (n < 0 && (errno == EINTR || errno == ENOBUFS)));
}

int nl_event(struct nl *nl, int timeout_ms, mnl_cb_t cb, void *arg, struct err *err)
{
	struct pollfd poll_fd = {.fd = mnl_socket_get_fd(nl->sock), .events = POLLIN};
	int ret = poll(&poll_fd, 1, timeout_ms);

	if (ret < 0)
		return err_set(err, ERR_SYSTEM, errno, "netlink: cannot wait for events: %s",
			       strerror(errno));
	if (!ret)
		return -ETIMEDOUT;
	ret = receive(nl, err);
	if (ret < 0)
		return ret;
	mnl_cb_run(nl->answer, ret, 0, 0, cb, arg);
	return 0;
}
