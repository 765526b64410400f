// SPDX-License-Identifier: GPL-2.0-only
/* ruleset.c - chains and rules of a namespace, and what the chains at a hook may do. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "user/base/array.h"
#include "user/base/cleanup.h"
#include "user/net/net.h"
#include "user/net/rule_match.h"
#include "user/net/ruleset.h"

enum { NAME_SIZE = 64, DEPTH_MAX = 16 /* NFT_JUMP_STACK_SIZE */, READ_TRIES = 100 };

struct nft_chain {
	uint8_t family; /* NFPROTO_* */
	char table[NAME_SIZE], name[NAME_SIZE];
	bool base, nat, drops; /* drops: by its policy */
	uint32_t hook;
	char dev[IFNAME_MAX + 1]; /* of netdev; "": several */
};

struct nft_rule {
	uint8_t family;
	char table[NAME_SIZE], chain[NAME_SIZE];
	struct nlattr *expressions; /* owned */
};

struct ruleset {
	struct nft_chain *chains;
	size_t n_chains;
	struct nft_rule *rules;
	size_t n_rules;
	char legacy[2][NAME_SIZE]; /* tables of iptables and ip6tables without nft */
};

const char *ruleset_hook_word(enum ruleset_hook hook)
{
	static const char *const words[] = {"prerouting",  "input",   "forward", "output",
					    "postrouting", "ingress", "egress"};

	return words[hook];
}

/* ---- reading --------------------------------------------------------------------------------- */

static void take_hook(struct nft_chain *chain, const struct nlattr *nest)
{
	const struct nlattr *attr;

	chain->base = true;
	mnl_attr_for_each_nested(attr, nest) {
		if (mnl_attr_get_type(attr) == NFTA_HOOK_HOOKNUM)
			chain->hook = ntohl(mnl_attr_get_u32(attr));
		else if (mnl_attr_get_type(attr) == NFTA_HOOK_DEV)
			snprintf(chain->dev, sizeof(chain->dev), "%s", mnl_attr_get_str(attr));
	}
}

static int on_chain(const struct nlmsghdr *nlh, void *arg)
{
	const struct nfgenmsg *nfg = mnl_nlmsg_get_payload(nlh);
	struct ruleset *ruleset = arg;
	const struct nlattr *attr;
	struct nft_chain *chain;

	if (array_reserve_one(&ruleset->chains, ruleset->n_chains, sizeof(*chain))) {
		errno = ENOMEM;
		return MNL_CB_ERROR;
	}
	chain = &ruleset->chains[ruleset->n_chains++];
	*chain = (struct nft_chain){.family = nfg->nfgen_family};
	mnl_attr_for_each(attr, nlh, sizeof(*nfg)) {
		switch (mnl_attr_get_type(attr)) {
		case NFTA_CHAIN_TABLE:
			snprintf(chain->table, NAME_SIZE, "%s", mnl_attr_get_str(attr));
			break;
		case NFTA_CHAIN_NAME:
			snprintf(chain->name, NAME_SIZE, "%s", mnl_attr_get_str(attr));
			break;
		case NFTA_CHAIN_HOOK:
			take_hook(chain, attr);
			break;
		case NFTA_CHAIN_POLICY:
			chain->drops = ntohl(mnl_attr_get_u32(attr)) == NF_DROP;
			break;
		case NFTA_CHAIN_TYPE:
			chain->nat = !strcmp(mnl_attr_get_str(attr), "nat");
			break;
		}
	}
	return MNL_CB_OK;
}

static int on_rule(const struct nlmsghdr *nlh, void *arg)
{
	const struct nfgenmsg *nfg = mnl_nlmsg_get_payload(nlh);
	struct ruleset *ruleset = arg;
	const struct nlattr *attr;
	struct nft_rule *rule;

	if (array_reserve_one(&ruleset->rules, ruleset->n_rules, sizeof(*rule))) {
		errno = ENOMEM;
		return MNL_CB_ERROR;
	}
	rule = &ruleset->rules[ruleset->n_rules++];
	*rule = (struct nft_rule){.family = nfg->nfgen_family};
	mnl_attr_for_each(attr, nlh, sizeof(*nfg)) {
		size_t len = mnl_attr_get_len(attr);

		switch (mnl_attr_get_type(attr)) {
		case NFTA_RULE_TABLE:
			snprintf(rule->table, NAME_SIZE, "%s", mnl_attr_get_str(attr));
			break;
		case NFTA_RULE_CHAIN:
			snprintf(rule->chain, NAME_SIZE, "%s", mnl_attr_get_str(attr));
			break;
		case NFTA_RULE_EXPRESSIONS:
			rule->expressions = malloc(len);
			if (!rule->expressions) {
				errno = ENOMEM;
				return MNL_CB_ERROR;
			}
			memcpy(rule->expressions, attr, len);
			break;
		}
	}
	return MNL_CB_OK;
}

static int dump(struct mnl_socket *sock, uint16_t what, mnl_cb_t on_message,
		struct ruleset *ruleset)
{
	char buf[32768] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct nfgenmsg *nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));
	ssize_t n;
	int ret = 1;

	nlh->nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | what;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	nlh->nlmsg_seq = what;
	nfg->nfgen_family = AF_UNSPEC;
	nfg->version = NFNETLINK_V0;
	if (mnl_socket_sendto(sock, nlh, nlh->nlmsg_len) < 0)
		return -errno;
	while (ret > MNL_CB_STOP) {
		n = mnl_socket_recvfrom(sock, buf, sizeof(buf));
		ret = n < 0 ? -1
			    : mnl_cb_run(buf, n, what, mnl_socket_get_portid(sock), on_message,
					 ruleset);
	}
	return ret < 0 ? -errno : 0;
}

static void read_legacy(struct ruleset *ruleset)
{
	static const char *const paths[] = {"/proc/thread-self/net/ip_tables_names",
					    "/proc/thread-self/net/ip6_tables_names"};

	for (int v6 = 0; v6 < 2; v6++) {
		char *names = ruleset->legacy[v6];
		cleanup_close int fd = open(paths[v6], O_RDONLY | O_CLOEXEC);
		ssize_t n = fd < 0 ? 0 : read(fd, names, NAME_SIZE - 1);

		names[n > 0 ? n : 0] = '\0';
		names[strcspn(names, "\n")] = '\0'; /* the first will do */
	}
}

static int read_by(struct mnl_socket *sock, void *arg)
{
	int ret;

	if (mnl_socket_bind(sock, 0, MNL_SOCKET_AUTOPID) < 0)
		return -errno;
	ret = dump(sock, NFT_MSG_GETCHAIN, on_chain, arg);
	return ret ? ret : dump(sock, NFT_MSG_GETRULE, on_rule, arg);
}

static int read_in_netns(void *arg)
{
	struct mnl_socket *sock;
	int ret;

	read_legacy(arg);
	sock = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	if (!sock)
		return -errno;
	ret = read_by(sock, arg);
	mnl_socket_close(sock);
	return ret;
}

int ruleset_read(struct ruleset **out, int netns_fd, struct err *err)
{
	struct ruleset *ruleset = NULL;
	unsigned tries = 0;
	int ret;

	do {
		ruleset_free(ruleset);
		ruleset = calloc(1, sizeof(*ruleset));
		if (!ruleset)
			return err_set(err, ERR_SYSTEM, ENOMEM, "nft rules: out of memory");
		ret = netns_run(netns_fd, read_in_netns, ruleset, err);
	} while (ret == -EINTR && ++tries < READ_TRIES); /* they changed meanwhile */
	/* Built without netfilter, or the module cannot be had: no rules. */
	if (ret && ret != -EPROTONOSUPPORT && ret != -EINVAL && ret != -EOPNOTSUPP &&
	    ret != -ENOENT) {
		ruleset_free(ruleset);
		return err_set(err, ERR_SYSTEM, -ret, "cannot read the nft rules (kernel: %s)",
			       strerror(-ret));
	}
	*out = ruleset;
	return 0;
}

void ruleset_free(struct ruleset *ruleset)
{
	if (!ruleset)
		return;
	for (size_t i = 0; i < ruleset->n_rules; i++)
		free(ruleset->rules[i].expressions);
	free(ruleset->rules);
	free(ruleset->chains);
	free(ruleset);
}

/* ---- looking --------------------------------------------------------------------------------- */

static const char *family_word(uint8_t family)
{
	return family == NFPROTO_IPV4	  ? "ip"
	       : family == NFPROTO_IPV6	  ? "ip6"
	       : family == NFPROTO_INET	  ? "inet"
	       : family == NFPROTO_ARP	  ? "arp"
	       : family == NFPROTO_BRIDGE ? "bridge"
					  : "netdev";
}

static void not_sure(struct ruleset_answer *answer, const struct nft_chain *chain)
{
	if (!answer->unsure)
		snprintf(answer->where, sizeof(answer->where), "table %s %.40s, chain %.40s",
			 family_word(chain->family), chain->table, chain->name);
	answer->unsure = true;
}

static const struct nft_chain *chain_named(const struct ruleset *ruleset,
					   const struct nft_chain *from, const char *name)
{
	for (size_t i = 0; i < ruleset->n_chains; i++) {
		const struct nft_chain *chain = &ruleset->chains[i];

		if (chain->family == from->family && !strcmp(chain->table, from->table) &&
		    !strcmp(chain->name, name))
			return chain;
	}
	return NULL;
}

/* Returns true if the packet surely comes to the chain's end, or back from it. */
static bool run_chain(const struct ruleset *ruleset, const struct nft_chain *chain,
		      const struct ruleset_packet *packet, int depth, struct ruleset_answer *answer)
{
	for (size_t i = 0; i < ruleset->n_rules; i++) {
		const struct nft_rule *rule = &ruleset->rules[i];
		const struct nft_chain *next;
		struct rule_outcome outcome;

		if (rule->family != chain->family || strcmp(rule->table, chain->table) ||
		    strcmp(rule->chain, chain->name) || !rule->expressions)
			continue;
		rule_match(rule->expressions, packet, &outcome);
		if (outcome.fits == RULE_NO || outcome.act == RULE_NOTHING)
			continue;
		switch (outcome.act) {
		case RULE_ACCEPT:
			if (outcome.fits == RULE_YES)
				return false;
			break;
		case RULE_RETURN:
			if (outcome.fits == RULE_YES)
				return true;
			break;
		case RULE_SOURCE_NAT:
			answer->source_nat = true;
			if (outcome.fits == RULE_YES)
				return false;
			not_sure(answer, chain);
			break;
		case RULE_JUMP:
			next = chain_named(ruleset, chain, outcome.target);
			if (!next || depth == DEPTH_MAX)
				not_sure(answer, chain);
			else if (!run_chain(ruleset, next, packet, depth + 1, answer) &&
				 outcome.fits == RULE_YES)
				return false;
			break;
		default:
			not_sure(answer, chain);
			break;
		}
	}
	return true;
}

static bool is_at(const struct nft_chain *chain, enum ruleset_layer layer, enum ruleset_hook hook,
		  const struct ruleset_packet *packet)
{
	bool device = hook == RULESET_INGRESS || hook == RULESET_EGRESS;
	const char *dev = hook == RULESET_EGRESS ? packet->out : packet->in;

	if (!chain->base || (chain->nat && packet->reply))
		return false;
	if (device && (chain->family == NFPROTO_NETDEV ||
		       (chain->family == NFPROTO_INET && chain->hook == 5 /* NF_INET_INGRESS */)))
		return (chain->family == NFPROTO_INET ? hook == RULESET_INGRESS
						      : chain->hook == hook - RULESET_INGRESS) &&
		       (!chain->dev[0] || !dev || !strcmp(dev, chain->dev));
	if (device || chain->family == NFPROTO_NETDEV)
		return false;
	if (layer == RULESET_ARP)
		return chain->family == NFPROTO_ARP && chain->hook == (hook == RULESET_OUTPUT);
	if (layer == RULESET_BRIDGE)
		return chain->family == NFPROTO_BRIDGE && chain->hook == hook;
	return chain->hook == hook &&
	       (chain->family == NFPROTO_INET ||
		chain->family == (packet->to.family == AF_INET6 ? NFPROTO_IPV6 : NFPROTO_IPV4));
}

void ruleset_look(const struct ruleset *ruleset, enum ruleset_layer layer, enum ruleset_hook hook,
		  const struct ruleset_packet *packet, struct ruleset_answer *answer)
{
	const char *legacy = ruleset->legacy[packet->to.family == AF_INET6];

	*answer = (struct ruleset_answer){0};
	for (size_t i = 0; i < ruleset->n_chains; i++) {
		const struct nft_chain *chain = &ruleset->chains[i];

		/* A verdict of accept ends one chain of the hook, not the others. */
		if (is_at(chain, layer, hook, packet) &&
		    run_chain(ruleset, chain, packet, 0, answer) && chain->drops)
			not_sure(answer, chain);
	}
	if (layer == RULESET_IP && hook <= RULESET_POSTROUTING && legacy[0] && !answer->unsure) {
		answer->unsure = true;
		snprintf(answer->where, sizeof(answer->where), "iptables without nft, table %s",
			 legacy);
	}
}
