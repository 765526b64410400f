// SPDX-License-Identifier: GPL-2.0-only
/* graph.c - vethlab graph: draw a lab file or a running lab. */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "topology/draw.h"
#include "topology/ip.h"
#include "user/base/confine.h"
#include "user/cmd/cmd.h"
#include "user/ledger/reading.h"
#include "user/lab/end_state.h"
#include "user/output/output.h"

/* Whether the file gives an end that address. */
static bool has_address(const struct end *end, const struct ip_prefix *prefix)
{
	for (size_t i = 0; i < end->n_addresses; i++)
		if (ip_equal(&end->addresses[i].prefix.addr, &prefix->addr))
			return true;
	return false;
}

/* An end as it is now: its addresses but for the kernel's own, and whether it is up. */
static int take_end(struct end *end, const struct end_status *live)
{
	struct address *addresses = calloc(live->n_addresses + 1, sizeof(*addresses));
	size_t n = 0;

	if (!addresses)
		return -ENOMEM;
	for (size_t i = 0; i < live->n_addresses; i++)
		if (!ip_is_link_local(&live->addresses[i].prefix.addr) ||
		    has_address(end, &live->addresses[i].prefix))
			addresses[n++].prefix = live->addresses[i].prefix;
	free(end->addresses);
	end->addresses = addresses;
	end->n_addresses = n;
	/* Of one that cannot be seen nothing bad is known. */
	end->gone = live->state == END_GONE || live->state == END_MOVED;
	end->up = live->state != END_DOWN && !end->gone;
	return 0;
}

/* A running lab may differ from its file by now. Who may not look is told so. */
static int take_live(struct running *run, struct err *err)
{
	struct end_status *live = NULL;
	struct err refused = {0};
	int ret = end_status_read(&live, run, &refused);

	/* The name that it runs under: the file may have another copy running, and several. */
	memcpy(run->lab->name, run->name, sizeof(run->name));
	if (ret && refused.code == ERR_PRIVILEGE) {
		cmd_note("drawn as its file says: looking at what is now needs root", NULL);
		return 0;
	}
	for (size_t i = 0; !ret && i < lab_n_ends(run->lab); i++)
		ret = take_end(lab_end(run->lab, i), &live[i]);
	end_status_free(live, run);
	if (refused.code)
		*err = refused;
	return refused.code || !ret ? ret : err_set(err, ERR_SYSTEM, ENOMEM, "out of memory");
}

static int draw_running(const char *name, enum draw_format format, struct err *err)
{
	cleanup_running struct running *run = NULL;

	if (lab_open(&run, name, err) || take_live(run, err))
		return err->code;
	draw_lab(stdout, run->lab, format, NULL, NULL);
	return 0;
}

/* ---- with counters --------------------------------------------------------------------------- */

struct graph_notes {
	const struct ledger *ledger;
	char text[128];
};

/* How many packets went one way, and what is missing of them. */
static size_t write_way(char *buf, size_t size, const char *arrow, const struct ledger_entry *entry)
{
	size_t len;

	if (!entry->has_sent && !entry->has_received)
		return snprintf(buf, size, "%s ?", arrow);
	len = snprintf(buf, size, "%s %" PRIu64, arrow,
		       entry->has_sent ? entry->sent_segments : entry->received_segments);
	if (entry->has_sent && entry->has_received && entry->lost)
		len += snprintf(buf + len, size - len, " (%" PRIu64 " lost)", entry->lost);
	return len;
}

/* "-> 12, <- 11 (1 lost)": packets away from this end, and towards it. */
static const char *note(const struct end *near, void *arg)
{
	struct graph_notes *notes = arg;
	const struct ledger_entry *entries = notes->ledger->entries;
	size_t len = write_way(notes->text, sizeof(notes->text), "->",
			       &entries[2 * near->link->index + (near->link->ends[1] == near)]);

	len += snprintf(notes->text + len, sizeof(notes->text) - len, ", ");
	write_way(notes->text + len, sizeof(notes->text) - len, "<-",
		  &entries[2 * near->link->index + (near->link->ends[0] == near)]);
	return notes->text;
}

static int draw_live(const char *name, enum draw_format format, struct err *err)
{
	cleanup_reading struct reading reading = {0};
	struct snapshot snapshot = {0};
	struct ledger ledger = {0};
	struct graph_notes notes = {.ledger = &ledger};
	int ret;

	if (reading_open(&reading, name, err) || reading_set_base(&reading, false, NULL, err) ||
	    reading_take(&reading, &ledger, &snapshot, err))
		return err->code;
	ret = take_live(reading.run, err);
	if (!ret)
		draw_lab(stdout, reading.run->lab, format, note, &notes);
	ledger_free(&ledger);
	snapshot_free(&snapshot);
	return ret ? (int)err->code : 0;
}

/* ---- a file ---------------------------------------------------------------------------------- */

static int draw_file(const char *typed, enum draw_format format, struct err *err)
{
	struct diags diags = {0};
	char path[PATH_MAX];
	struct lab *lab;

	if (cmd_lab_path(typed, path, sizeof(path), err))
		return err->code;
	confine_to_reading();
	lab = lab_read_file(path, &diags);
	if (!lab)
		output_diags(&diags, stderr);
	diags_free(&diags);
	if (!lab)
		return ERR_INPUT;
	draw_lab(stdout, lab, format, NULL, NULL);
	lab_free(lab);
	return 0;
}

/* A name is a running lab first, since that may differ from the bundled file. */
static bool is_running(const char *name)
{
	struct err ignored = {0};
	bool found = false;
	char **names;
	size_t n;

	if (lab_list(&names, &n, &ignored))
		return false;
	for (size_t i = 0; i < n; i++)
		found |= !strcmp(names[i], name);
	lab_list_free(names, n);
	return found;
}

struct graph_args {
	const char *lab;
	enum draw_format format;
	bool live;
};

static int graph_main(int argc, char **argv, struct err *err)
{
	struct graph_args args = {.format = GRAPH_TEXT};
	struct cmd_words words;
	const char *typed;
	int ret = options_parse(&cmd_graph, &args, argc, argv, &words, err);

	if (ret)
		return ret;
	if (words.argc > 1 || (words.argc && args.lab))
		return cmd_usage(err, &cmd_graph, "one lab at a time");
	typed = words.argc ? words.argv[0] : NULL;
	if (args.live && typed && strpbrk(typed, "./"))
		return cmd_usage(err, &cmd_graph,
				 "--live is of a lab that runs, by its name, and not of a "
				 "file: '%s'",
				 typed);
	if (args.live)
		return draw_live(typed ? typed : args.lab, args.format, err);
	if (!typed || is_running(typed))
		return draw_running(typed ? typed : args.lab, args.format, err);
	return draw_file(typed, args.format, err);
}

#define FORMAT(word, constant_, of)                                                                \
	.name = word, .text = "draw it " of, .row = NO_ROW, .store = STORE_CONSTANT,               \
	.constant = constant_, INTO_MEMBER(enum draw_format, struct graph_args, format)

static const struct cmd_operand operands[] = {
	{"LAB|FILE|NAME", .kind = VALUE_LAB | VALUE_LAB_FILE | VALUE_BUNDLED, .optional = true,
	 .text = "a lab that runs, a lab file, or the name of a bundled lab", .row = NO_ROW},
	OPERANDS_END,
};

static const struct cmd_option options[] = {
	{FORMAT("text", GRAPH_TEXT, "as text")},
	{FORMAT("dot", GRAPH_DOT, "for graphviz"), .alternative = true},
	{FORMAT("mermaid", GRAPH_MERMAID, "for Mermaid"), .alternative = true},
	{"live", .text = "of a running lab: packets each way on every link",
	 INTO_BOOL(struct graph_args, live)},
	OPTION_LAB(struct graph_args),
	OPTIONS_END,
};

const struct cmd cmd_graph = {
	.name = "graph",
	.summary = "draw a lab: as text, for graphviz, for Mermaid",
	.operands = operands,
	.options = options,
	.about = "A running lab is drawn as it is now, a file as it says.\n",
	.examples = "vethlab graph blue\n"
		    "vethlab graph --dot my.yaml | dot -Tsvg > my.svg\n",
	.run = graph_main,
};
