// SPDX-License-Identifier: GPL-2.0-only
/* nexthops.c - see nexthops.h. */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>

#include "user/net/nexthops.h"

/* Behind the header of the message. */
static const void *attributes(const struct nexthop_object *object, size_t *size)
{
	const size_t skip = MNL_ALIGN(sizeof(struct nhmsg));

	*size = object->size > skip ? object->size - skip : 0;
	return object->bytes + skip;
}

static const struct nlattr *find(const struct nexthop_object *object, uint16_t type)
{
	size_t size;
	const void *attrs = attributes(object, &size);

	return nl_find_attr(attrs, size, type);
}

int nexthop_read(struct nexthop_object *object, unsigned char *bytes, size_t size)
{
	struct nexthop_object read = {.bytes = bytes, .size = size};
	const struct nlattr *id, *oif;

	if (size < sizeof(struct nhmsg))
		return -EINVAL;
	id = find(&read, NHA_ID);
	oif = find(&read, NHA_OIF);
	if (!id || mnl_attr_get_payload_len(id) != sizeof(uint32_t) ||
	    (oif && mnl_attr_get_payload_len(oif) != sizeof(uint32_t)))
		return -EINVAL;
	read.id = mnl_attr_get_u32(id);
	read.ifindex = oif ? mnl_attr_get_u32(oif) : 0;
	read.is_group = find(&read, NHA_GROUP);
	*object = read;
	return 0;
}

struct nexthop_visit {
	bool (*cb)(const struct nexthop_object *object, void *arg);
	void *arg;
};

static int on_nexthop(const struct nlmsghdr *nlh, void *arg)
{
	struct nexthop_visit *visit = arg;
	struct nexthop_object object;

	if (nlh->nlmsg_type == RTM_NEWNEXTHOP && visit->cb &&
	    !nexthop_read(&object, mnl_nlmsg_get_payload(nlh), mnl_nlmsg_get_payload_len(nlh)) &&
	    !visit->cb(&object, visit->arg))
		visit->cb = NULL;
	return MNL_CB_OK;
}

int nexthop_list(struct nl *nl, bool (*cb)(const struct nexthop_object *object, void *arg),
		 void *arg, struct err *err)
{
	struct nexthop_visit visit = {cb, arg};
	struct nl_what what = {.object = "nexthop objects", .action = "be listed"};
	struct nlmsghdr *nlh = nl_begin(nl, RTM_GETNEXTHOP, NLM_F_DUMP);

	mnl_nlmsg_put_extra_header(nlh, sizeof(struct nhmsg));
	return nl_dump(nl, nlh, on_nexthop, &visit, &what, err);
}

size_t nexthop_members(const struct nexthop_object *object, const struct nexthop_grp **members)
{
	const struct nlattr *attr = find(object, NHA_GROUP);

	if (!attr)
		return 0;
	*members = mnl_attr_get_payload(attr);
	return mnl_attr_get_payload_len(attr) / sizeof(**members);
}

/* What rtm_nh_res_policy_new of net/ipv4/nexthop.c takes: how long the table has been unbalanced is
 * told, and not taken. */
static void put_resilient(struct nlmsghdr *nlh, const struct nlattr *nest)
{
	struct nlattr *copy = mnl_attr_nest_start(nlh, NHA_RES_GROUP);
	const struct nlattr *attr;

	mnl_attr_for_each_nested(attr, nest)
		if (mnl_attr_get_type(attr) == NHA_RES_GROUP_BUCKETS ||
		    mnl_attr_get_type(attr) == NHA_RES_GROUP_IDLE_TIMER ||
		    mnl_attr_get_type(attr) == NHA_RES_GROUP_UNBALANCED_TIMER)
			mnl_attr_put(nlh, mnl_attr_get_type(attr), mnl_attr_get_payload_len(attr),
				     mnl_attr_get_payload(attr));
	mnl_attr_nest_end(nlh, copy);
}

/* All but its members; only what rtm_nh_policy_new of net/ipv4/nexthop.c takes. */
static void put_object(struct nlmsghdr *nlh, const struct nexthop_object *object)
{
	struct nhmsg *header = mnl_nlmsg_put_extra_header(nlh, sizeof(*header));
	const struct nlattr *attr;
	size_t size;
	const void *attrs = attributes(object, &size);

	memcpy(header, object->bytes, sizeof(*header));
	header->nh_scope = 0; /* the kernel works it out */
	header->nh_flags &= RTNH_F_ONLINK;
	mnl_attr_for_each_payload(attrs, size) {
		switch (mnl_attr_get_type(attr)) {
		case NHA_RES_GROUP:
			put_resilient(nlh, attr);
			break;
		case NHA_ID:
		case NHA_GROUP_TYPE:
		case NHA_BLACKHOLE:
		case NHA_OIF:
		case NHA_GATEWAY:
		case NHA_ENCAP_TYPE:
		case NHA_ENCAP:
		case NHA_FDB:
			mnl_attr_put(nlh, attr->nla_type, mnl_attr_get_payload_len(attr),
				     mnl_attr_get_payload(attr));
			break;
		}
	}
}

static int too_long(const struct nexthop_object *object, const struct nl_what *what,
		    struct err *err)
{
	if (object->size <= NL_ROOM - MNL_NLMSG_HDRLEN)
		return 0;
	return err_set(err, ERR_SYSTEM, EMSGSIZE, "%s: cannot %s: the request is too long",
		       what->object, what->action);
}

int nexthop_add(struct nl *nl, const struct nexthop_object *object, const struct nl_what *what,
		struct err *err)
{
	int ret = too_long(object, what, err);

	if (ret)
		return ret;
	put_object(nl_begin(nl, RTM_NEWNEXTHOP, NLM_F_CREATE | NLM_F_EXCL), object);
	return nl_commit(nl, what, err);
}

int nexthop_set_group(struct nl *nl, const struct nexthop_object *group,
		      const struct nexthop_grp *members, size_t n, const struct nl_what *what,
		      struct err *err)
{
	struct nlmsghdr *nlh;
	int ret = too_long(group, what, err);

	if (ret)
		return ret;
	if (n * sizeof(*members) > NL_ROOM / 2)
		return err_set(err, ERR_SYSTEM, EMSGSIZE, "%s: cannot %s: it has %zu members",
			       what->object, what->action, n);
	nlh = nl_begin(nl, RTM_NEWNEXTHOP, NLM_F_CREATE | NLM_F_REPLACE);
	put_object(nlh, group);
	mnl_attr_put(nlh, NHA_GROUP, n * sizeof(*members), members);
	return nl_commit(nl, what, err);
}

static void via_words(const struct nexthop_object *object, const char *dev, char *buf, size_t size)
{
	const struct nlattr *gateway = find(object, NHA_GATEWAY);
	struct nhmsg header;
	struct ip_addr addr = {0};
	char text[IP_TEXT_SIZE] = "";

	memcpy(&header, object->bytes, sizeof(header));
	addr.family = header.nh_family;
	if (gateway && mnl_attr_get_payload_len(gateway) == address_bytes(&addr)) {
		memcpy(addr.bytes, mnl_attr_get_payload(gateway), address_bytes(&addr));
		ip_format(&addr, text, sizeof(text));
	}
	if (find(object, NHA_BLACKHOLE))
		snprintf(buf, size, "%u blackhole", object->id);
	else
		snprintf(buf, size, "%u%s%s dev %s%s%s", object->id, text[0] ? " via " : "", text,
			 dev, header.nh_flags & RTNH_F_ONLINK ? " onlink" : "",
			 find(object, NHA_ENCAP) ? " encap" : "");
}

void nexthop_words(const struct nexthop_object *object, const char *dev, char *buf, size_t size)
{
	const struct nexthop_grp *members = NULL;
	size_t n = nexthop_members(object, &members), used;

	if (!object->is_group) {
		via_words(object, dev, buf, size);
		return;
	}
	used = snprintf(buf, size, "%u group", object->id);
	for (size_t i = 0; i < n && used < size; i++) {
		used += snprintf(buf + used, size - used, "%c%u", i ? '/' : ' ', members[i].id);
		if (members[i].weight && used < size)
			used += snprintf(buf + used, size - used, ",%u", members[i].weight + 1);
	}
}
