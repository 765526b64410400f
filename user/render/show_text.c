// SPDX-License-Identifier: GPL-2.0-only
/* show_text.c - see show_text.h. */
#include <limits.h>
#include <string.h>
#include <time.h>

#include "user/base/hook_word.h"
#include "user/output/output.h"
#include "user/render/blind_text.h"
#include "user/render/show_text.h"

static const char *hook_words(unsigned hooks)
{
	if (hooks == (HOOKS_IN | HOOKS_OUT))
		return "out and in";
	return hooks & HOOKS_OUT ? "out" : hooks & HOOKS_IN ? "in" : "";
}

const char *running_hooks_text(const struct running *run, const struct end *end,
			       char buf[RUNNING_HOOKS_SIZE])
{
	unsigned hooks = running_hooks(run, end);
	enum xdp_mode xdp = running_xdp(run, end);

	if (hooks == HOOKS_NONE)
		snprintf(buf, RUNNING_HOOKS_SIZE, "no programs");
	else
		snprintf(buf, RUNNING_HOOKS_SIZE, "%s by %s, xdp %s", hook_words(hooks),
			 tc_word(run->tc), xdp_mode_word(xdp));
	return buf;
}

static const char *netns_words(const struct running *run, const struct node *node)
{
	static const char *const words[] = {
		[NETNS_NEW] = "new",
		[NETNS_HOST] = "host",
		[NETNS_PATH] = "existing",
		[NETNS_PID] = "of a process",
	};

	if (running_is_unseen(run, node))
		return "unseen";
	return run->nodes[node->index].ours ? run->nodes[node->index].netns_name
					    : words[node->netns];
}

static void print_head(const struct running *run, FILE *f)
{
	char when[64], text[PATH_MAX + 128];
	time_t started = run->started;
	struct tm tm;

	strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", localtime_r(&started, &tm));
	snprintf(text, sizeof(text), "lab %s%s%s", run->name, run->lab->about ? ": " : "",
		 run->lab->about ? run->lab->about : "");
	output_wrap("", text, f);
	if (run->observed)
		snprintf(text, sizeof(text),
			 "observed since %s: links of others, which `down` leaves as they are",
			 when);
	else
		snprintf(text, sizeof(text), "up since %s%s, from %s", when,
			 run->isolated ? ", isolated from the host" : "", run->lab->path);
	output_wrap("", text, f);
}

static void print_nodes(const struct running *run, bool all, FILE *f)
{
	const struct table_column columns[] = {
		{"node", TABLE_LEFT},
		{"namespace", TABLE_LEFT},
		{"ends", TABLE_RIGHT},
		{"inode", TABLE_RIGHT},
	};
	struct table *table = table_new(columns, all ? 4 : 3);

	for (size_t i = 0; i < run->lab->n_nodes; i++) {
		const struct node *node = run->lab->nodes[i];

		table_cell(table, "%s", node->name);
		table_cell(table, "%s", netns_words(run, node));
		table_cell(table, "%zu", node->n_ends);
		if (all)
			table_cell(table, "%llu", (unsigned long long)run->nodes[i].id.inode);
	}
	table_print(table, f);
	table_free(table);
}

/* The table of ends: addresses are cells, or, where that is too wide, lines below their ends. */
struct end_table {
	struct table *table;
	bool all;   /* with ifindex and MAC */
	bool below; /* addresses are lines */
};

enum { ADDRESS_TEXT_SIZE = IP_TEXT_SIZE + 16 };

/* "2001:db8::9/64 dadfailed" */
static const char *address_text(const struct address_info *address, char text[ADDRESS_TEXT_SIZE])
{
	const char *unusable = address_unusable_word(address->flags);
	size_t n = strlen(ip_prefix_format(&address->prefix, text, IP_TEXT_SIZE));

	if (unusable)
		snprintf(text + n, ADDRESS_TEXT_SIZE - n, " %s", unusable);
	return text;
}

static void address_cell(struct table *table, const struct end_status *live, size_t i)
{
	char text[ADDRESS_TEXT_SIZE];

	table_cell(table, "%s",
		   i < live->n_addresses ? address_text(&live->addresses[i], text) : "");
}

static void other_addresses(const struct end_table *ends, const struct end_status *live)
{
	char text[ADDRESS_TEXT_SIZE];

	for (size_t i = !ends->below; i < live->n_addresses; i++) {
		if (ends->below) {
			table_line(ends->table, "    %s", address_text(&live->addresses[i], text));
			continue;
		}
		table_cell(ends->table, "%s", "");
		address_cell(ends->table, live, i);
		for (int blank = 0; blank < (ends->all ? 4 : 2); blank++)
			table_cell(ends->table, "%s", "");
	}
}

enum { END_TEXT_SIZE = 2 * END_NAME_SIZE + 16 };

/* Its name, with the one that its interface has now: "r:eth1 (now r:uplink)". */
static const char *end_text(const struct end *end, const struct end_status *live,
			    char text[END_TEXT_SIZE])
{
	const struct node *node = live->moved_to ? live->moved_to : end->node;

	if (live->info.ifname[0] && (live->moved_to || strcmp(live->info.ifname, end->ifname) != 0))
		snprintf(text, END_TEXT_SIZE, "%s (now %s:%s)", end->name, node->name,
			 live->info.ifname);
	else
		snprintf(text, END_TEXT_SIZE, "%s", end->name);
	return text;
}

static void end_rows(const struct end_table *ends, const struct end *end,
		     const struct end_status *live)
{
	bool known = end_is_there(live);
	struct table *table = ends->table;
	char mac[18], name[END_TEXT_SIZE];

	table_cell(table, "%s", end_text(end, live, name));
	if (!ends->below && known)
		address_cell(table, live, 0);
	else if (!ends->below)
		table_cell(table, "-");
	table_cell(table, "%s", end_state_word(live->state));
	if (!known) {
		for (int i = 0; i < (ends->all ? 3 : 1); i++)
			table_cell(table, "-");
		return;
	}
	table_cell(table, "%u", live->info.mtu);
	if (ends->all) {
		table_cell(table, "%u", live->info.ifindex);
		table_cell(table, "%s", mac_format(live->info.mac, mac));
	}
	other_addresses(ends, live);
}

/* Whether lines with addresses in them do not fit the terminal. */
static bool are_wide(const struct running *run, const struct end_status *ends, bool all, FILE *f)
{
	size_t name = strlen("end"), state = strlen("state"), address = strlen("address"), more;
	char text[ADDRESS_TEXT_SIZE], name_text[END_TEXT_SIZE];

	for (size_t i = 0; i < lab_n_ends(run->lab); i++) {
		size_t n = output_columns(end_text(lab_end(run->lab, i), &ends[i], name_text));
		size_t s = strlen(end_state_word(ends[i].state));

		name = n > name ? n : name;
		state = s > state ? s : state;
		for (size_t k = 0; k < ends[i].n_addresses; k++) {
			size_t a = strlen(address_text(&ends[i].addresses[k], text));

			address = a > address ? a : address;
		}
	}
	/* mtu; ifindex and mac; two blanks between columns */
	more = 5 + (all ? strlen("ifindex") + 17 + 2 * 2 : 0);
	return name + state + address + more + 3 * 2 > (size_t)output_width(f);
}

static void print_ends(const struct running *run, const struct end_status *ends, bool all, FILE *f)
{
	static const struct table_column columns[] = {
		{"end", TABLE_LEFT},  {"address", TABLE_LEFT},	{"state", TABLE_LEFT},
		{"mtu", TABLE_RIGHT}, {"ifindex", TABLE_RIGHT}, {"mac", TABLE_LEFT},
	};
	struct end_table table = {.all = all, .below = are_wide(run, ends, all, f)};
	struct table_column shown[6];
	size_t n = 0;

	for (size_t i = 0; i < (all ? 6 : 4); i++)
		if (i != 1 || !table.below)
			shown[n++] = columns[i];
	table.table = table_new(shown, n);
	for (size_t i = 0; i < lab_n_ends(run->lab); i++)
		end_rows(&table, lab_end(run->lab, i), &ends[i]);
	table_print(table.table, f);
	table_free(table.table);
}

static void print_native(const struct end *end, FILE *f)
{
	char text[2 * END_NAME_SIZE + 128];

	snprintf(text, sizeof(text),
		 "native xdp on %s changed the link: its receive path goes by NAPI, and %s has "
		 "lost TSO and GSO",
		 end->name, end->peer->name);
	output_fold("", text, f);
}

/* What watches the ends: said once where it is the same everywhere. */
static void print_hooks(const struct running *run, FILE *f)
{
	char hooks[RUNNING_HOOKS_SIZE], first[RUNNING_HOOKS_SIZE] = "";
	size_t n = lab_n_ends(run->lab);
	bool same = true;

	for (size_t i = 0; i < n; i++) {
		running_hooks_text(run, lab_end(run->lab, i), hooks);
		if (!i)
			strcpy(first, hooks);
		same &= !strcmp(first, hooks);
	}
	if (same && n)
		fprintf(f, "watched at every end: %s\n", first);
	for (size_t i = 0; !same && i < n; i++)
		fprintf(f, "%s: %s\n", lab_end(run->lab, i)->name,
			running_hooks_text(run, lab_end(run->lab, i), hooks));
	for (size_t i = 0; i < n; i++) {
		const struct end *end = lab_end(run->lab, i);

		if (running_hooks(run, end) != HOOKS_NONE &&
		    running_xdp(run, end) == XDP_MODE_NATIVE)
			print_native(end, f);
	}
}

/* What a lab does not have on every machine. */
static void print_inherited(const struct running *run, const struct devconf_settings *inherited,
			    FILE *f)
{
	for (size_t i = 0; i < run->lab->n_nodes; i++) {
		for (size_t k = 0; k < inherited[i].n; k++)
			output_print(f,
				     "%s inherits settings: %s is %s, the kernel's default is %s\n",
				     run->lab->nodes[i]->name, inherited[i].list[k].key,
				     inherited[i].list[k].value, inherited[i].list[k].by_default);
	}
}

/* The ends that are not watched any more, and what mends that. */
static void print_missing(const struct running *run, const struct end_hooks *hooks, FILE *f)
{
	char line[LAB_NAME_MAX + BLIND_TEXT_SIZE + 128], text[BLIND_TEXT_SIZE];
	size_t n_missing = 0, n_unknown = 0;

	if (!hooks && running_has_programs(run)) {
		snprintf(line, sizeof(line),
			 "but its maps are not pinned below %s/%s any more: its counters cannot be "
			 "read",
			 WATCH_DIR, run->name);
		output_wrap("", line, f);
		n_missing = 1;
	}
	for (size_t i = 0; hooks && i < lab_n_ends(run->lab); i++) {
		n_unknown += hooks[i].is_unknown;
		for (int hook = 0; hook < VL_HOOKS; hook++) {
			if (!(hooks[i].missing & 1 << hook))
				continue;
			n_missing++;
			snprintf(line, sizeof(line), "but %s",
				 blind_text(lab_end(run->lab, i), hook,
					    hook_attachment_word(run->tc, hook),
					    end_hooks_gone_word(&hooks[i], hook), text));
			output_wrap("", line, f);
		}
	}
	if (n_missing)
		blind_print_mend(run->name, run->observed, f);
	if (n_unknown)
		blind_print_unchecked(n_unknown, f);
}

void running_print(const struct running *run, const struct end_status *ends,
		   const struct devconf_settings *inherited, const struct end_hooks *hooks,
		   bool all, FILE *f)
{
	print_head(run, f);
	print_hooks(run, f);
	print_missing(run, hooks, f);
	if (lab_n_ends(run->lab)) {
		fputc('\n', f);
		print_ends(run, ends, all, f);
	}
	fputc('\n', f);
	print_nodes(run, all, f);
	print_inherited(run, inherited, f);
}

/* Hooks whose program is not there any more. */
static json_t *missing_to_json(const struct running *run, const struct end_hooks *hooks)
{
	json_t *list = json_array();

	for (int hook = 0; hook < VL_HOOKS; hook++)
		if (hooks->missing & 1 << hook)
			output_json_append(
				list,
				output_json_pack("{s:s, s:s, s:s}", "hook", hook_word(hook),
						 "attachment", hook_attachment_word(run->tc, hook),
						 "gone", end_hooks_gone_word(hooks, hook)));
	return list;
}

/* hooks: NULL: nothing is pinned. */
static json_t *end_to_json(const struct running *run, const struct end *end,
			   const struct end_status *live, const struct end_hooks *looked)
{
	uint8_t put = running_hook_bits(run, end);
	const struct end_hooks unpinned = {.put = put, .missing = put, .unpinned = put};
	unsigned hooks = running_hooks(run, end);
	json_t *object = output_json_end(end), *addresses = json_array(), *list = json_array();
	json_t *unusable = json_object();
	char text[IP_TEXT_SIZE], mac[18];

	for (size_t i = 0; i < live->n_addresses; i++) {
		const char *word = address_unusable_word(live->addresses[i].flags);

		ip_prefix_format(&live->addresses[i].prefix, text, sizeof(text));
		output_json_append(addresses, output_json_text(text));
		if (word)
			output_json_set(unusable, text, output_json_text(word));
	}
	if (hooks & HOOKS_OUT)
		output_json_append(list, output_json_text("out"));
	if (hooks != HOOKS_NONE && running_xdp(run, end) != XDP_MODE_OFF)
		output_json_append(list, output_json_text("xdp"));
	if (hooks & HOOKS_IN)
		output_json_append(list, output_json_text("in"));
	output_json_set(object, "number", json_integer(end->number));
	output_json_set(object, "peer", output_json_text(end->peer->name));
	output_json_set(object, "state", output_json_text(end_state_word(live->state)));
	output_json_set(object, "ifindex", json_integer(running_ifindex(run, end)));
	if (end_is_there(live) || live->moved_to)
		output_json_set(
			object, "now",
			output_json_pack("{s:s, s:o}", "node",
					 (live->moved_to ? live->moved_to : end->node)->name,
					 "interface", output_json_text(live->info.ifname)));
	if (end_is_there(live)) {
		output_json_set(object, "mtu", json_integer(live->info.mtu));
		output_json_set(object, "mac", output_json_text(mac_format(live->info.mac, mac)));
	}
	output_json_set(object, "addresses", addresses);
	output_json_set(object, "unusable", unusable);
	output_json_set(object, "hooks", list);
	output_json_set(object, "missing", missing_to_json(run, looked ? looked : &unpinned));
	output_json_set(object, "unchecked", json_boolean(looked && looked->is_unknown));
	output_json_set(object, "xdp",
			output_json_text(hooks == HOOKS_NONE
						 ? "off"
						 : xdp_mode_word(running_xdp(run, end))));
	return object;
}

static json_t *node_to_json(const struct running *run, size_t i,
			    const struct devconf_settings *inherited)
{
	const struct node *node = run->lab->nodes[i];
	json_t *object = output_json_pack("{s:s, s:s, s:b, s:I}", "node", node->name, "namespace",
					  netns_words(run, node), "ours", run->nodes[i].ours,
					  "inode", (json_int_t)run->nodes[i].id.inode);
	json_t *list;

	if (!node->inherits)
		return object;
	list = json_array();
	for (size_t k = 0; k < inherited->n; k++)
		output_json_append(
			list, output_json_pack("{s:s, s:o, s:o}", "sysctl", inherited->list[k].key,
					       "value", output_json_text(inherited->list[k].value),
					       "default",
					       output_json_text(inherited->list[k].by_default)));
	output_json_set(object, "inherited", list);
	return object;
}

json_t *running_json(const struct running *run, const struct end_status *ends,
		     const struct devconf_settings *inherited, const struct end_hooks *hooks)
{
	json_t *doc = output_json_document("vethlab.show/1");
	json_t *nodes = json_array(), *links = json_array();

	output_json_set(doc, "lab", output_json_text(run->name));
	output_json_set(doc, "about",
			run->lab->about ? output_json_text(run->lab->about) : json_null());
	output_json_set(doc, "file", output_json_text(run->lab->path));
	output_json_set(doc, "started", json_integer(run->started));
	output_json_set(doc, "isolated", json_boolean(run->isolated));
	output_json_set(doc, "observed", json_boolean(run->observed));
	output_json_set(doc, "tc", output_json_text(tc_word(run->tc)));
	output_json_set(doc, "ifindex_base", json_integer(run->ifindex_base));
	for (size_t i = 0; i < run->lab->n_nodes; i++)
		output_json_append(nodes, node_to_json(run, i, &inherited[i]));
	for (size_t i = 0; i < run->lab->n_links; i++) {
		const struct link *link = run->lab->links[i];
		char name[2 * END_NAME_SIZE + 8];
		json_t *both = json_array();

		for (int side = 0; side < 2; side++)
			output_json_append(both,
					   end_to_json(run, link->ends[side], &ends[2 * i + side],
						       hooks ? &hooks[2 * i + side] : NULL));
		output_json_append(links, output_json_pack("{s:s, s:o}", "link",
							   output_link(link, name, sizeof(name)),
							   "ends", both));
	}
	output_json_set(doc, "nodes", nodes);
	output_json_set(doc, "links", links);
	return doc;
}
