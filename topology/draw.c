// SPDX-License-Identifier: GPL-2.0-only
/* draw.c - a lab as text, dot and Mermaid. */
#include <string.h>

#include "user/base/plain.h"
#include "topology/draw.h"

typedef const char *(*note_fn)(const struct end *near, void *arg);

const char *draw_node_word(const struct node *node)
{
	if (node->kind == NODE_BRIDGE)
		return "bridge";
	if (node->netns == NETNS_HOST)
		return "this host";
	return node->forward_v4 || node->forward_v6 ? "router" : "host";
}

/* Addresses behind a separator each. */
static void write_addresses(FILE *f, const struct address *addresses, size_t n,
			    const char *separator)
{
	char text[IP_TEXT_SIZE];

	for (size_t i = 0; i < n; i++)
		fprintf(f, "%s%s", separator,
			ip_prefix_format(&addresses[i].prefix, text, sizeof(text)));
}

/* An interface of the node itself, which is on no link: lo, the bridge. */
static void write_own(FILE *f, const char *dev, const struct address *addresses, size_t n)
{
	if (!n)
		return;
	fprintf(f, "  %s", dev);
	write_addresses(f, addresses, n, " ");
	fputc('\n', f);
}

/* ---- text ---------------------------------------------------------------------------------- */

static void write_end(FILE *f, const struct end *end)
{
	write_addresses(f, end->addresses, end->n_addresses, " ");
	if (end->gone)
		fputs(" (gone)", f);
	else if (!end->up)
		fputs(" (down)", f);
}

static void text_node(FILE *f, const struct node *node, note_fn note, void *arg)
{
	int width = 0, peer_width = 0;

	fprintf(f, "%s (%s)\n", node->name, draw_node_word(node));
	write_own(f, "lo", node->lo_addresses, node->n_lo_addresses);
	write_own(f, node->bridge.dev, node->bridge_addresses, node->n_bridge_addresses);
	for (size_t i = 0; i < node->n_ends; i++) {
		int len = strlen(node->ends[i]->ifname);
		int peer_len = strlen(node->ends[i]->peer->name);

		width = len > width ? len : width;
		peer_width = peer_len > peer_width ? peer_len : peer_width;
	}
	for (size_t i = 0; i < node->n_ends; i++) {
		const struct end *end = node->ends[i];
		const char *more = note ? note(end, arg) : NULL;

		bool bare = !end->n_addresses && end->up && !more;

		fprintf(f, "  %-*s -- %-*s", width, end->ifname, bare ? 0 : peer_width,
			end->peer->name);
		fputs(bare ? "" : " ", f);
		write_end(f, end);
		fprintf(f, "%s%s\n", more ? "  " : "", more ?: "");
	}
}

static void text(FILE *f, const struct lab *lab, note_fn note, void *arg)
{
	fprintf(f, "%s", lab->name);
	if (lab->about) {
		fputs(": ", f);
		plain_print(lab->about, f);
	}
	fputc('\n', f);
	for (size_t i = 0; i < lab->n_nodes; i++) {
		fputc('\n', f);
		text_node(f, lab->nodes[i], note, arg);
	}
}

/* ---- dot ----------------------------------------------------------------------------------- */

/* Text inside double quotes. Names of nodes need no care, those of interfaces do. */
static void dot_quoted(FILE *f, const char *text)
{
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			fputc('\\', f);
		fputc(*text == '\n' ? ' ' : *text, f);
	}
}

static const char *dot_shape(const struct node *node)
{
	if (node->kind == NODE_BRIDGE)
		return "ellipse";
	return node->forward_v4 || node->forward_v6 ? "octagon" : "box";
}

static void dot_end(FILE *f, const char *key, const struct end *end)
{
	fprintf(f, "%s=\"", key);
	dot_quoted(f, end->ifname);
	write_addresses(f, end->addresses, end->n_addresses, "\\n");
	fputs(end->gone ? "\\n(gone)\"" : "\"", f);
}

static void dot(FILE *f, const struct lab *lab, note_fn note, void *arg)
{
	fprintf(f, "graph \"%s\" {\n\tlabel=\"", lab->name);
	dot_quoted(f, lab->about ?: lab->name);
	fputs("\";\n\tlayout=neato;\n\toverlap=false;\n\tsplines=true;\n"
	      "\tnode [fontname=\"sans-serif\"];\n\tedge [fontname=\"sans-serif\", fontsize=9];\n",
	      f);
	for (size_t i = 0; i < lab->n_nodes; i++) {
		const struct node *node = lab->nodes[i];

		fprintf(f, "\t\"%s\" [shape=%s, label=\"%s", node->name, dot_shape(node),
			node->name);
		write_addresses(f, node->lo_addresses, node->n_lo_addresses, "\\nlo ");
		write_addresses(f, node->bridge_addresses, node->n_bridge_addresses, "\\n");
		fputs("\"];\n", f);
	}
	for (size_t i = 0; i < lab->n_links; i++) {
		const struct link *link = lab->links[i];
		const char *more = note ? note(link->ends[0], arg) : NULL;

		fprintf(f, "\t\"%s\" -- \"%s\" [", link->ends[0]->node->name,
			link->ends[1]->node->name);
		dot_end(f, "taillabel", link->ends[0]);
		dot_end(f, ", headlabel", link->ends[1]);
		if (more) {
			fputs(", label=\"", f);
			dot_quoted(f, more);
			fputc('"', f);
		}
		fprintf(f, "%s];\n",
			link->ends[0]->up && link->ends[1]->up ? "" : ", style=dashed");
	}
	fputs("}\n", f);
}

/* ---- Mermaid ------------------------------------------------------------------------------- */

/* Text inside double quotes: Mermaid knows entities by number only. */
static void mermaid_quoted(FILE *f, const char *text)
{
	for (; *text; text++) {
		if (strchr("\"#<>&", *text))
			fprintf(f, "#%d;", *text);
		else
			fputc(*text == '\n' ? ' ' : *text, f);
	}
}

static void mermaid_node(FILE *f, const struct node *node)
{
	static const char *const brackets[3][2] = {
		{"[\"", "\"]"},	  /* host: a box */
		{"{{\"", "\"}}"}, /* router: a hexagon */
		{"([\"", "\"])"}, /* bridge: rounded */
	};
	int shape = node->kind == NODE_BRIDGE ? 2 : node->forward_v4 || node->forward_v6;

	fprintf(f, "    n%u%s%s", node->index, brackets[shape][0], node->name);
	write_addresses(f, node->lo_addresses, node->n_lo_addresses, "<br/>lo ");
	write_addresses(f, node->bridge_addresses, node->n_bridge_addresses, "<br/>");
	fprintf(f, "%s\n", brackets[shape][1]);
}

static void mermaid_end(FILE *f, const struct end *end)
{
	mermaid_quoted(f, end->ifname);
	write_addresses(f, end->addresses, end->n_addresses, " ");
	if (end->gone)
		fputs(" (gone)", f);
}

static void mermaid(FILE *f, const struct lab *lab, note_fn note, void *arg)
{
	fputs("graph LR\n", f);
	for (size_t i = 0; i < lab->n_nodes; i++)
		mermaid_node(f, lab->nodes[i]);
	for (size_t i = 0; i < lab->n_links; i++) {
		const struct link *link = lab->links[i];
		bool up = link->ends[0]->up && link->ends[1]->up;
		const char *more = note ? note(link->ends[0], arg) : NULL;

		fprintf(f, "    n%u %s|\"", link->ends[0]->node->index, up ? "---" : "-.-");
		mermaid_end(f, link->ends[0]);
		fputs("<br/>", f);
		mermaid_end(f, link->ends[1]);
		if (more) {
			fputs("<br/>", f);
			mermaid_quoted(f, more);
		}
		fprintf(f, "\"| n%u\n", link->ends[1]->node->index);
	}
}

void draw_lab(FILE *f, const struct lab *lab, enum draw_format format, note_fn note, void *arg)
{
	switch (format) {
	case GRAPH_TEXT:
		text(f, lab, note, arg);
		break;
	case GRAPH_DOT:
		dot(f, lab, note, arg);
		break;
	case GRAPH_MERMAID:
		mermaid(f, lab, note, arg);
		break;
	}
}
