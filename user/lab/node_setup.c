// SPDX-License-Identifier: GPL-2.0-only
/* node_setup.c - see node_setup.h. */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "topology/lab_diff.h"
#include "user/base/cleanup.h"
#include "user/base/process.h"
#include "user/lab/node_setup.h"
#include "user/net/devconf.h"

/* ---- sysctls --------------------------------------------------------------------------------- */

struct sysctl_journaling {
	struct journal *journal;
	const struct netns_id *id;
	struct err *err;
};

/* For sysctl_each_dependent(). */
static int journal_one(const char *key, void *arg)
{
	const struct sysctl_journaling *journaling = arg;
	cleanup_free char *value = NULL;
	int ret = sysctl_get_all(key, &value);

	if (ret == -ENOENT) /* an interface was removed meanwhile, or IPv6 is off for it */
		return 0;
	if (ret)
		return err_set(journaling->err, ERR_SYSTEM, -ret, "cannot read sysctl %s: %s", key,
			       strerror(-ret));
	return journal_sysctl(journaling->journal, journaling->id, key, value, journaling->err);
}

/*
 * In a foreign namespace: journal what the sysctl is, and before it, what the kernel changes with
 * it. Steps are undone in reverse order, so that those are restored after it.
 */
static int journal_before(const struct running_node *running_node, struct journal *journal,
			  const char *key, const char *before, struct err *err)
{
	struct sysctl_journaling journaling = {journal, &running_node->id, err};
	int ret = sysctl_each_dependent(key, journal_one, &journaling);

	return ret ? ret : journal_sysctl(journal, &running_node->id, key, before, err);
}

/* A sysctl in the namespace that vethlab was started in. */
struct elsewhere {
	const char *key;
	mode_t mode;
};

/* For netns_run(). */
static int look_elsewhere(void *arg)
{
	struct elsewhere *elsewhere = arg;

	return sysctl_mode(elsewhere->key, &elsewhere->mode);
}

/* Whether that namespace has it, and may write it if `written`. */
static bool is_elsewhere(const char *key, bool written)
{
	struct elsewhere elsewhere = {.key = key};
	cleanup_close int fd = netns_open_main(NULL);

	return fd >= 0 && !netns_run(fd, look_elsewhere, &elsewhere, NULL) &&
	       (!written || elsewhere.mode & 0222);
}

/* Where an interface's name begins in a key, and its length: all up to the last part. 0: nowhere.
 */
static size_t find_interface(const char *key, const char **name)
{
	static const char *const dirs[] = {"net.ipv4.conf.", "net.ipv6.conf.", "net.ipv4.neigh.",
					   "net.ipv6.neigh.", "net.mpls.conf."};

	for (size_t i = 0; i < sizeof(dirs) / sizeof(*dirs); i++) {
		const char *last = strrchr(key, '.');
		size_t len = strlen(dirs[i]);

		if (strncmp(key, dirs[i], len) != 0 || !last || last <= key + len)
			continue;
		*name = key + len;
		return last - *name;
	}
	return 0;
}

/* net.ipv4.conf.eth0.10.rp_filter: a '.' of a name is written '/'. */
static bool write_slashes(const char *key, char *buf, size_t size)
{
	const char *name = key;
	size_t len = find_interface(key, &name);
	mode_t mode;

	if (!len || (size_t)snprintf(buf, size, "%s", key) >= size)
		return false;
	for (size_t i = 0; i < len; i++)
		if (name[i] == '.')
			buf[name - key + i] = '/';
	return strcmp(buf, key) != 0 && !sysctl_mode(buf, &mode);
}

static void missing_hint(const char *key, struct err *err)
{
	char written[256], beside[256];
	const char *name = key;
	size_t len = find_interface(key, &name);
	mode_t mode;

	if (write_slashes(key, written, sizeof(written))) {
		err_hint(err, "a dot in an interface's name is written '/': %s", written);
		return;
	}
	if (is_elsewhere(key, false)) {
		err_hint(err,
			 "the namespace that vethlab was started in has it, this one does not: it "
			 "is set there, for all of them");
		return;
	}
	/* The same of an interface that every namespace has. */
	snprintf(beside, sizeof(beside), "%.*slo%s", (int)(name - key), key, name + len);
	if (len && !sysctl_mode(beside, &mode))
		err_hint(err,
			 "there is no interface %.*s in it when sysctls are set; what `exec` "
			 "makes comes later",
			 (int)len, name);
	else
		err_hint(err, "this kernel has no such setting, or its module is not loaded");
}

/* The kernel refuses to open a sysctl that it does not let this namespace set, even for root. */
static bool is_read_only(const char *key, int ret)
{
	mode_t mode;

	return (ret == -EACCES || ret == -EPERM) && !sysctl_mode(key, &mode) && !(mode & 0222);
}

/* ENOENT: no such key, EINVAL, ERANGE: no such value, read-only: not here. */
static enum err_code sysctl_code(int ret, bool read_only)
{
	return ret == -ENOENT || ret == -EINVAL || ret == -ERANGE || read_only ? ERR_INPUT
									       : err_code_of(-ret);
}

static int refused(const struct node *node, const char *key, const char *value, struct where where,
		   int ret, struct err *err)
{
	bool read_only = is_read_only(key, ret);

	err_set(err, sysctl_code(ret, read_only), -ret, "%s: cannot set sysctl %s to %s: %s",
		node->name, key, value,
		read_only ? "the kernel lets this namespace only read it" : strerror(-ret));
	if (read_only && is_elsewhere(key, true))
		err_hint(err, "it is set in the namespace that vethlab was started in, for all of "
			      "them");
	else if (ret == -ENOENT)
		missing_hint(key, err);
	err_at(err, where);
	return ret;
}

static int set_sysctl(const struct running *run, struct journal *journal, const struct node *node,
		      const char *key, const char *value, struct where where, struct err *err)
{
	const struct running_node *running_node = &run->nodes[node->index];
	cleanup_free char *before = NULL;
	int ret = 0;

	if (!running_node->ours) {
		ret = sysctl_get_all(key, &before);
		if (ret)
			return refused(node, key, value, where, ret, err);
		if (!strcmp(before, value))
			return 0;
		ret = journal_before(running_node, journal, key, before, err);
		if (ret)
			return ret;
	}
	ret = sysctl_set(key, value);
	return ret ? refused(node, key, value, where, ret, err) : 0;
}

bool node_setup_has_sysctls(const struct node *node, enum node_sysctls which)
{
	if (which == NODE_SYSCTLS_ALL)
		return node->forward_v4 || node->forward_v6 || node->n_sysctls;
	for (size_t i = 0; i < node->n_sysctls; i++)
		if (sysctl_is_default(node->sysctls[i].key))
			return true;
	return false;
}

static int set_forwarding(const struct running *run, struct journal *journal,
			  const struct node *node, struct err *err)
{
	int ret = 0;

	if (node->forward_v4)
		ret = set_sysctl(run, journal, node, forward_v4.key, forward_v4.value, node->where,
				 err);
	if (ret || !node->forward_v6)
		return ret;
	return set_sysctl(run, journal, node, forward_v6.key, forward_v6.value, node->where, err);
}

int node_setup_sysctls(const struct running *run, struct journal *journal, const struct node *node,
		       enum node_sysctls which, struct err *err)
{
	int ret = which == NODE_SYSCTLS_ALL ? set_forwarding(run, journal, node, err) : 0;

	for (size_t i = 0; !ret && i < node->n_sysctls; i++) {
		const struct sysctl *sysctl = &node->sysctls[i];

		if (which == NODE_SYSCTLS_ALL || sysctl_is_default(sysctl->key))
			ret = set_sysctl(run, journal, node, sysctl->key, sysctl->value,
					 sysctl->where, err);
	}
	return ret;
}

int node_setup_new(const struct node *node, struct err *err)
{
	int ret = node->inherits ? 0 : devconf_set_defaults(err);

	if (ret)
		return ret;
	ret = sysctl_set("net.ipv6.conf.default.accept_dad", "0");
	if (!ret || ret == -ENOENT) /* no IPv6 in this kernel: nothing to detect */
		return 0;
	return err_set(err, ERR_SYSTEM, -ret, "%s: cannot turn duplicate address detection off: %s",
		       node->name, strerror(-ret));
}

/*
 * The key with "default" instead of an interface's name: when eth0 is made, the kernel copies the
 * value of net.ipv4.conf.default.rp_filter to net.ipv4.conf.eth0.rp_filter.
 */
static void default_key(const char *key, char *buf, size_t size)
{
	static const char *const families[] = {"net.ipv4.conf.", "net.ipv6.conf.",
					       "net.ipv4.neigh.", "net.ipv6.neigh."};

	snprintf(buf, size, "%s", key);
	for (size_t i = 0; i < 4; i++) {
		size_t len = strlen(families[i]);
		const char *rest = strncmp(key, families[i], len) ? NULL : strchr(key + len, '.');

		if (rest)
			snprintf(buf, size, "%sdefault%s", families[i], rest);
	}
}

/*
 * Read a sysctl in a new namespace, as the node's was. Afterwards the thread is in netns_fd again.
 */
static int fresh_sysctl(const struct node *node, const char *key, int netns_fd, char **value,
			struct err *err)
{
	char general[256];
	struct netns_id id;
	int fd = netns_new(&id, err), ret;

	if (fd < 0)
		return fd;
	close(fd);
	ret = node->inherits ? 0 : devconf_set_defaults(err);
	if (!ret)
		ret = sysctl_get_all(key, value);
	default_key(key, general, sizeof(general));
	if (ret == -ENOENT)
		ret = sysctl_get_all(general, value);
	if (setns(netns_fd, CLONE_NEWNET))
		return err_set(err, ERR_SYSTEM, errno, "cannot enter a network namespace: %s",
			       strerror(errno));
	return ret;
}

int node_setup_reset_sysctl(const struct running *run, const struct node *node, int netns_fd,
			    const char *key, struct err *err)
{
	const struct running_node *running_node = &run->nodes[node->index];
	cleanup_free char *value = NULL;
	int ret = running_node->ours
			  ? fresh_sysctl(node, key, netns_fd, &value, err)
			  : journal_find_sysctl(run->name, &running_node->id, key, &value);

	if (ret == -ENOENT)
		return 0; /* the lab did not change it */
	if (!ret)
		ret = sysctl_restore(key, value);
	if (!ret || ret == -ENOENT) /* the interface that it is about was removed */
		return 0;
	return err_set(err, ERR_SYSTEM, -ret, "%s: cannot put sysctl %s back: %s", node->name, key,
		       ret == -ERANGE ? "the kernel has another value after it was written"
				      : strerror(-ret));
}

/* ---- programs -------------------------------------------------------------------------------- */

/* Cut a program's output to its first line. */
static const char *first_line(char *output)
{
	output[strcspn(output, "\n")] = '\0';
	return output;
}

/* Rules are wrong, unless nft names an error of the kernel that no rule could cure. */
static enum err_code nft_code(const char *said)
{
	static const int errors[] = {EPERM, EACCES, EOPNOTSUPP, EPROTONOSUPPORT, EAFNOSUPPORT};

	for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); i++)
		if (strstr(said, strerror(errors[i])))
			return ERR_PRIVILEGE;
	return ERR_INPUT;
}

static int load_rules(const struct node *node, const char *rules, struct err *err)
{
	char *argv[] = {"nft", "-f", "-", NULL}, output[512];
	int ret = process_run(argv, rules, NULL, NULL, output, sizeof(output));

	if (!ret)
		return 0;
	if (ret == 127) {
		err_set(err, ERR_PRIVILEGE, ENOENT,
			"%s: its nft rules need the program nft, which is "
			"not installed",
			node->name);
		err_hint(err, "install the package nftables");
	} else if (ret < 0) {
		err_set(err, ERR_SYSTEM, -ret, "%s: cannot run nft: %s", node->name,
			strerror(-ret));
	} else {
		err_set(err, nft_code(first_line(output)), EINVAL, "%s: nft refuses the rules: %s",
			node->name, output);
	}
	err_at(err, node->nft_where);
	return -EINVAL;
}

int node_setup_nft(const struct node *node, struct err *err)
{
	return node->nft ? load_rules(node, node->nft, err) : 0;
}

int node_setup_replace_nft(const struct node *node, struct err *err)
{
	cleanup_free char *rules = NULL;

	/* One transaction, so that no packet passes with an empty ruleset. */
	if (asprintf(&rules, "flush ruleset\n%s\n", node->nft ? node->nft : "") < 0) {
		rules = NULL;
		return err_set(err, ERR_SYSTEM, ENOMEM, "%s: out of memory", node->name);
	}
	return load_rules(node, rules, err);
}

/* In the new process, which says itself what went wrong. */
static int prepare_command(void)
{
	static const char failed[] = "cannot mount a /sys of the network namespace\n";
	int ret = netns_mount_sysfs();

	if (ret && write(STDOUT_FILENO, failed, sizeof(failed) - 1) < 0)
		return ret;
	return ret;
}

int node_setup_exec(const struct node *node, const volatile int *interrupted, struct err *err)
{
	for (size_t i = 0; i < node->n_exec; i++) {
		const struct command *command = &node->exec[i];
		char *argv[] = {"/bin/sh", "-c", command->line, NULL}, output[256];
		int ret = process_run(argv, NULL, prepare_command, interrupted, output,
				      sizeof(output));

		if (!ret)
			continue;
		if (ret == -EINTR)
			err_set(err, ERR_FAILED, EINTR,
				"%s: `%s` was interrupted; what was done is "
				"undone",
				node->name, command->line);
		else if (ret < 0)
			err_set(err, ERR_SYSTEM, -ret, "%s: cannot run `%s`: %s", node->name,
				command->line, strerror(-ret));
		else
			err_set(err, ERR_FAILED, EINVAL, "%s: `%s` ended with status %d%s%s",
				node->name, command->line, ret, output[0] ? ": " : "",
				first_line(output));
		err_at(err, command->where);
		return -EINVAL;
	}
	return 0;
}
