// SPDX-License-Identifier: GPL-2.0-only
/*
 * main.c - dispatches the verb, prints the error once, sets the exit status. The main thread never
 * changes namespace.
 */
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "user/cmd/cmd.h"
#include "user/output/output.h"

#ifndef VETHLAB_VERSION
#define VETHLAB_VERSION "0.1"
#endif

/* In the order of `vethlab help`. */
const struct cmd cmds[] = {
	{"up", cmd_up,
	 "FILE|NAME [--isolated] [--as NAME] [--hooks LIST] [--xdp MODE] [--tc HOW] [-j]",
	 "build a lab and watch every end of its links",
	 "  FILE|NAME       a lab file, or the name of a bundled lab (blue)\n"
	 "  --isolated      a new namespace stands in for the host: nothing else changes\n"
	 "  --as NAME       run it under another name, with namespaces called NAME-NODE\n"
	 "  --hooks LIST    in,out (default), in, out, or none\n"
	 "  --xdp MODE      off (default), generic, native\n"
	 "  --tc HOW        auto (default), tcx, clsact\n"},
	{"down", cmd_down, "[LAB|FILE] [-j]", "remove a lab and everything that it made",
	 "Interfaces of others that are in its namespaces are handed back, or named as\n"
	 "processes in them are. It waits until the kernel has let go; of a lab of 100\n"
	 "nodes or more it does not, and says so. What looks at the lab until Ctrl-C\n"
	 "(trace, record, capture, ping, stats --watch) ends, with exit status 1.\n"},
	{"gc", cmd_gc, "[--dry-run] [-j]", "remove what crashed labs left, and nothing else",
	 "A lab whose files are lost is known by what it pinned: that is removed, and the\n"
	 "namespaces it was in are named.\n\n"
	 "  -n, --dry-run   only say what would be removed\n"},
	{"ls", cmd_ls, "[-j]", "list the labs of this machine", NULL},
	{"show", cmd_show, "[LAB] [-j]", "show a running lab: nodes, ends, state, addresses", NULL},
	{"observe", cmd_observe,
	 "[--netns NAME|--pid N|--all] [--name LAB] [--follow] [--hooks LIST] [--xdp MODE] [--tc "
	 "HOW] "
	 "[-j]",
	 "watch links that are there, whoever made them",
	 "Without options: veth links with an end in this namespace, the other anywhere.\n\n"
	 "  --netns NAME    those with an end in a namespace of `ip netns`, or at a path\n"
	 "  --pid N         in the namespace of a process, which may be a container's\n"
	 "  --all           in any namespace that can be seen: by name or process\n"
	 "  --name LAB      what the lab is called (observed)\n"
	 "  -f, --follow    go on: links and namespaces that come are watched too\n"
	 "  --hooks LIST    in,out (default), in, or out\n"
	 "  --xdp MODE      off (default), generic, native: these change a link\n"
	 "  --tc HOW        auto (default), tcx, clsact\n\n"
	 "Programs of others on the same hooks stay and run. `down` takes ours off, and\n"
	 "nothing else. Called again for a lab that is observed, it looks again.\n\n"
	 "  vethlab observe --all --follow\n"
	 "  vethlab observe --netns web --name web\n"},
	{"exec", cmd_exec, "[-l LAB] NODE COMMAND [ARGUMENTS]", "run a command inside a node",
	 "The exit status is the command's.\n\n  vethlab exec blue ip address\n"},
	{"shell", cmd_shell, "[-l LAB] NODE", "a shell inside a node",
	 "$SHELL, with VETHLAB_NODE set for its prompt. `exit` leaves it.\n"},
	{"link", cmd_link, "[-l LAB] END up|down | END address add|del PREFIX [-j]",
	 "set an end up or down, give it an address or take it away",
	 "  vethlab link default:veth0 up\n"
	 "  vethlab link blue:veth1 address add 10.1.1.9/24\n"},
	{"route", cmd_route,
	 "[-l LAB] NODE add|del PREFIX [via ADDRESS] [dev INTERFACE] [metric N] | NODE add|del "
	 "blackhole|unreachable|prohibit PREFIX [-j]",
	 "add a route to a node, or take it away",
	 "  vethlab route blue add default via 10.1.1.2\n"
	 "  vethlab route blue add blackhole 10.9.0.0/16\n"
	 "  vethlab route blue del default\n"},
	{"plan", cmd_plan, "[-l LAB] FILE [-j]",
	 "say what apply would change, and which traffic that disturbs",
	 "  FILE            the lab file as it is now; the lab runs from what it was\n"
	 "  -l LAB          a lab that runs by another name (up --as)\n\n"
	 "A running lab that was changed by hand is not compared, only its file.\n"},
	{"apply", cmd_apply, "[-l LAB] FILE [-j]",
	 "change a running lab into what its file says now",
	 "What is the same is left alone: its links keep their counters and their flows.\n"
	 "If a step fails, everything is put back. `vethlab plan` says what would be done.\n"},
	{"stats", cmd_stats, "[LAB] [--watch [SECONDS]] [--link END|--node NODE] [-j|...]",
	 "the ledger: what each link sent, received and lost",
	 "  --watch [N]     rates every N seconds (1), the busiest first if not all fit\n"
	 "  --link END      only the link of this end; --node NODE: only this node's links\n"
	 "  --time          how long echoes took, and what became of them\n"
	 "  --echo-timeout SECONDS\n"
	 "                  when a request without a reply is unanswered (1)\n"
	 "  --reset         count from now on; --all counts from when the lab was built\n"
	 "  --since FILE    count from when FILE was made: vethlab stats --json > FILE\n"
	 "  --openmetrics   for a monitoring system; --csv: for a spreadsheet\n\n"
	 "Packets are told as on a wire: a TSO super-packet counts as its segments.\n"},
	{"trace", cmd_trace, "[FILTER] [-i|--events] [--stack] [-c N] [--for TIME] [-l LAB] [-j]",
	 "print ICMP packets at every end and hook, as it happens",
	 "  -i, --itineraries  whole stories of echoes instead of single records\n"
	 "  --events           single records, also with `dropped`\n"
	 "  --stack            and what the nodes do between the ends: routes looked up,\n"
	 "                     neighbors asked, ICMP errors made, packets delivered\n"
	 "  -c N               end after N records (or stories)\n"
	 "  --for TIME         end after 10s, 500ms, ...; a bare number is seconds\n\n"
	 "FILTER, of which all words must fit:\n"
	 "  node N   end N:I   link N:I    where it is seen (a bare node or end will do)\n"
	 "  addr A[/L]   src A   dst A     whose it is (a bare address or prefix will do)\n"
	 "  type T[,T]                     request, reply, echo, unreachable, exceeded,\n"
	 "                                 error, redirect, nd, other\n"
	 "  id N   seq N   v4   v6\n"
	 "  failed                         stories of echoes that got no answer\n"
	 "  dropped                        those of which a node dropped something; with\n"
	 "                                 --events: the drops alone\n"
	 "  slower-than TIME               those with a round trip that long or longer\n\n"
	 "Stories are told whole, of echoes that the filter fits at one place or more;\n"
	 "`dropped` wants it to fit the drop.\n\n"
	 "  vethlab trace blue type echo\n"
	 "  vethlab trace slower-than 50us\n"},
	{"record", cmd_record, "FILE|- [FILTER] [--stack] [-c N] [--for TIME] [-l LAB]",
	 "write what `trace` would show to a file",
	 "  --stack            with all that the nodes do between the ends\n"
	 "  -c N               end after N records\n"
	 "  --for TIME         end after 10s, 500ms, ...; a bare number is seconds\n\n"
	 "FILTER is that of `vethlab trace` without what is about stories (failed,\n"
	 "dropped, slower-than). A file that is there already is overwritten.\n"},
	{"replay", cmd_replay, "FILE|- [FILTER] [-i] [--stack] [-c N] [--for TIME] [-j]",
	 "show a recording as `trace` would have; needs no root and no lab",
	 "Options and FILTER are those of `vethlab trace`.\n"},
	{"diff", cmd_diff, "A B [FILTER] [--no-times] [--threshold PERCENT] [-j]",
	 "what changed between two recordings: ways, losses, times",
	 "  A, B            files of `vethlab record`; one of them may be -\n"
	 "  FILTER          as that of `vethlab trace`: compare only these echoes\n"
	 "  --no-times      only ways and losses\n"
	 "  --threshold P   how many percent medians must be apart to count (10)\n\n"
	 "A way, a loss or an answer that only one run has is a difference; losses of both\n"
	 "are, where their shares are too far apart for chance (Fisher, p < 0.01); times,\n"
	 "where the 95 % intervals of their medians do not meet. Needs no root, no lab.\n"
	 "The exit status is 0 if nothing changed, 1 if something did.\n\n"
	 "  vethlab record before.rec --for 10s   # and after a change, after.rec\n"
	 "  vethlab diff before.rec after.rec\n"},
	{"capture", cmd_capture,
	 "[WHAT...] -w FILE|- [-f FILTER] [-s SNAP] [-c N] [--for TIME] [-l LAB]",
	 "whole frames of ends into a pcapng file, for Wireshark",
	 "  WHAT            ends (node:interface), nodes, `link END`, all (the default)\n"
	 "  -f FILTER       in the language of tcpdump: 'icmp or arp'\n"
	 "  -s SNAP         bytes of a frame to keep (262144)\n"
	 "  -c N            end after N frames; --for TIME: after 10s, 500ms, ...\n\n"
	 "A file that is there already is overwritten.\n"
	 "Each end has two interfaces, one a direction. Packet comments have the numbers\n"
	 "of echoes (of their parts and the ICMP errors about them, too) and note what\n"
	 "nodes and links dropped, of any protocol, within 0.2 s of the frame.\n\n"
	 "  vethlab capture blue -w - | wireshark -k -i -\n"},
	{"ping", cmd_ping,
	 "FROM TO [-c N] [-i TIME] [-s SIZE] [-W TIME] [-t TTL] [-4|-6] [-q] [--flood] [--stack] "
	 "[-l LAB] [-j]",
	 "send echo requests from a node and tell the way of each",
	 "  FROM            a node\n"
	 "  TO              an address, a node, or an end (node:interface)\n"
	 "  -c N            how many echoes (1); 0: until Ctrl-C\n"
	 "  -i TIME         from one to the next (1s); 0: as fast as answers come\n"
	 "  -s SIZE         payload bytes (56)\n"
	 "  -W TIME         how long to wait for an answer (1s)\n"
	 "  -t TTL          time to live (the node's default)\n"
	 "  --stack         and what the nodes do between the ends: routes, neighbors, ...\n"
	 "  -q              only the summary\n"
	 "  -f, --flood     as fast as answers come, until Ctrl-C or -c, and only the\n"
	 "                  summary\n"
	 "\n"
	 "TIME is 500ms, 50us, ...; a bare number is seconds.\n"
	 "The exit status is 1 if no answer came at all.\n\n"
	 "  vethlab ping blue default -c 3\n"},
	{"doctor", cmd_doctor, "[-j]", "what this machine can do for a lab",
	 "Exit status 4 if something is missing that every lab needs.\n"},
	{"check", cmd_check, "FILE|NAME... [-j]", "say everything that is wrong with a lab file",
	 "Nothing is touched. The exit status is 3 if a file has errors, not for warnings.\n"},
	{"graph", cmd_graph, "[LAB|FILE|NAME] [--text|--dot|--mermaid] [--live] [-l LAB]",
	 "draw a lab: as text, for graphviz, for Mermaid",
	 "A running lab is drawn as it is now, a file as it says.\n\n"
	 "  --live          of a running lab: packets each way on every link\n\n"
	 "  vethlab graph blue\n"
	 "  vethlab graph --dot my.yaml | dot -Tsvg > my.svg\n"},
	{"generate", cmd_generate, "SHAPE SIZE... [--v4|--v6] [--routes] [--name NAME] [-o FILE]",
	 "write a lab file of a regular shape, to edit",
	 "  chain N         nodes in a line; the inner ones are routers\n"
	 "  ring N          routers in a circle\n"
	 "  star N          hosts around a router\n"
	 "  tree DEPTH [FANOUT]\n"
	 "                  routers that branch DEPTH times, hosts as leaves\n"
	 "  mesh N          hosts, each with a link to each other\n"
	 "  grid COLUMNS ROWS\n"
	 "  clos SPINES LEAVES [HOSTS]\n"
	 "                  leaves with HOSTS (2) each, each leaf linked to each spine\n"
	 "  fat-tree K      of switches with K ports\n"
	 "\n"
	 "  --v4, --v6      only addresses of this family\n"
	 "  --routes        spell every route out, instead of `routing: static`\n"
	 "  -o FILE         write a new file instead of the standard output\n"},
	{"traceroute", cmd_traceroute, "FROM TO [-m MAX] [-W TIME] [-4|-6] [-l LAB] [-j]",
	 "probe with rising TTL: each hop as node and end",
	 "  -m MAX          the largest TTL (30)\n"
	 "  -W TIME         how long to wait for an answer (1s)\n\n"
	 "The exit status is 1 if TO did not answer.\n"},
	{"why", cmd_why, "FROM TO [-s SIZE] [-4|-6] [-l LAB] [-j]",
	 "say where a packet would go and what would stop it; sends nothing",
	 "  -s SIZE         payload bytes of the echo that it thinks of (56)\n\n"
	 "Each node's kernel is asked for its routes, MTUs, link states and\n"
	 "settings.\n"
	 "The exit status is 1 if something stops it.\n"},
	{"bench", cmd_bench,
	 "[LINK | FROM TO] [--what LIST] [--hooks LIST] [--matrix] [--compare OLD.json] ...",
	 "how fast a veth link is, and what watching it costs",
	 "Without a link: labs of its own, which are gone afterwards.\n\n"
	 "  LINK            an end (node:interface) of a running lab; FROM TO: two nodes\n"
	 "  --what LIST     rtt, pps, tcp, udp, rr (all; pps only in labs of its own)\n"
	 "  --hooks LIST    none (default), tcx, clsact, xdp-generic, xdp-native, default\n"
	 "  --set LIST      gro, threaded (NAPI), no-tso, at both ends of its own links\n"
	 "  --matrix        none to xdp-native with frames of 64 and 1500 bytes and TCP,\n"
	 "                  by TSO, GRO and threaded NAPI, beside the unobserved link\n"
	 "  --size LIST     bytes of a frame (64,1500)\n"
	 "  --time S        of one measurement (0.3; 0.1 for --matrix)\n"
	 "  --runs N        of each, in turns (9; 15 for --matrix; 6 can tell apart)\n"
	 "  --threads N     that generate live frames (one a CPU)\n"
	 "  --cpu A,B       where sender and receiver run; none: where the kernel likes\n"
	 "  --compare FILE  beside an earlier --json, and whatever differs in how it\n"
	 "                  was measured; exit status 1 if something is worse\n"
	 "  --threshold P   by more than P percent (5)\n"
	 "  --plot          medians and their intervals as bars, too\n"
	 "  --csv           one line a measurement\n\n"
	 "Killed, it leaves no labs either: a process of its own removes them.\n"
	 "`bench build [SHAPE SIZE...] [--runs N] [-j]` measures how long a generated lab\n"
	 "(chain 100) takes to build and to remove: watched, not, and by ip -batch.\n\n"
	 "  vethlab bench --what rtt,tcp\n"
	 "  vethlab bench blue:veth1 --what tcp --time 2\n"},
	{NULL},
};

static void print_help(FILE *f)
{
	fputs("vethlab: network labs of namespaces and veth links, watched by eBPF at every end\n\n"
	      "usage: vethlab VERB [ARGUMENTS]      vethlab help VERB\n\n",
	      f);
	for (const struct cmd *cmd = cmds; cmd->name; cmd++)
		fprintf(f, "  %-11s %s\n", cmd->name, cmd->summary);
	fputs("\n"
	      "  -l LAB    the lab, where several run      -j, --json   output for programs\n\n"
	      "exit status: 0 good; 1 the lab did not do what was asked; 2 usage; 3 lab file;\n"
	      "4 privileges or kernel features; 5 a system call failed (what was done is\n"
	      "undone), or the output could not be written\n",
	      f);
}

static const struct cmd *find_cmd(const char *name)
{
	for (const struct cmd *cmd = cmds; cmd->name; cmd++)
		if (!strcmp(cmd->name, name))
			return cmd;
	return NULL;
}

static int unknown_verb(const char *typed, struct err *err)
{
	const char *names[32], *near;
	size_t n = 0;

	for (const struct cmd *cmd = cmds; cmd->name && n < 32; cmd++)
		names[n++] = cmd->name;
	near = nearest_name(typed, names, n);
	err_set(err, ERR_USAGE, 0, "there is no verb '%s'", typed);
	if (near)
		err_hint(err, "did you mean '%s'? `vethlab help` lists the verbs", near);
	else
		err_hint(err, "`vethlab help` lists the verbs");
	return ERR_USAGE;
}

/* A line of words in lines that fit: what stands in brackets stays together if it can. */
static void print_usage(const struct cmd *cmd)
{
	char lead[64];
	size_t column, indent, width = output_width(stdout);
	const char *p = cmd->usage;

	snprintf(lead, sizeof(lead), "usage: vethlab %s", cmd->name);
	column = indent = strlen(lead);
	fputs(lead, stdout);
	while (*p) {
		size_t len = 0;

		for (int depth = 0; p[len] && (p[len] != ' ' || depth); len++)
			depth += (p[len] == '[') - (p[len] == ']');
		if (column + 1 + len > width && column > indent) {
			printf("\n%*s", (int)indent, "");
			column = indent;
		}
		printf(" %.*s", (int)len, p);
		column += 1 + len;
		p += len + (p[len] == ' ');
	}
	putchar('\n');
}

static int help(int argc, char **argv, struct err *err)
{
	const struct cmd *cmd;

	if (argc < 2 || !strcmp(argv[1], "help")) {
		print_help(stdout);
		return 0;
	}
	cmd = find_cmd(argv[1]);
	if (!cmd)
		return unknown_verb(argv[1], err);
	print_usage(cmd);
	printf("\n%s\n", cmd->summary);
	if (cmd->help)
		printf("\n%s", cmd->help);
	return 0;
}

static bool wants_help(int argc, char **argv)
{
	/* What stands behind the verb's own words may belong to another program (exec). */
	return argc > 1 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"));
}

/*
 * Options that stand before the verb, as other tools have them, go behind it: `-l LAB VERB ...`
 * becomes `VERB -l LAB ...`. Whether the verb knows them is its own to say.
 */
static void options_behind_verb(int argc, char **argv)
{
	char *verb;
	int n = 1;

	while (n < argc) {
		if (!strcmp(argv[n], "-l") || !strcmp(argv[n], "--lab"))
			n += 2;
		else if (!strncmp(argv[n], "-l", 2) || !strncmp(argv[n], "--lab=", 6) ||
			 !strcmp(argv[n], "-j") || !strcmp(argv[n], "--json"))
			n++;
		else
			break;
	}
	if (n == 1 || n >= argc)
		return;
	verb = argv[n];
	memmove(argv + 2, argv + 1, (n - 1) * sizeof(*argv));
	argv[1] = verb;
}

static int dispatch(int argc, char **argv, struct err *err)
{
	const struct cmd *cmd;

	if (argc < 2) {
		print_help(stderr);
		return ERR_USAGE;
	}
	options_behind_verb(argc, argv);
	if (!strcmp(argv[1], "help") || !strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))
		return help(argc - 1, argv + 1, err);
	if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V")) {
		printf("vethlab %s\n", VETHLAB_VERSION);
		return 0;
	}
	cmd = find_cmd(argv[1]);
	if (!cmd)
		return unknown_verb(argv[1], err);
	if (wants_help(argc - 1, argv + 1))
		return help(2, argv, err);
	return cmd->run(argc - 1, argv + 1, err);
}

int main(int argc, char **argv)
{
	struct err err = {0}, output = {0};
	int status, written;

	/* A closed pipe is a write error, reported as one; it must not end a build half-way. */
	signal(SIGPIPE, SIG_IGN);
	/* A line at once: what several processes say on one terminal does not mix. */
	setvbuf(stderr, NULL, _IOLBF, BUFSIZ);
	status = dispatch(argc, argv, &err);
	/* Output that did not arrive is a failure too; a reader that left (head) is not. */
	written = output_finish(stdout, &output);
	if (written && written != -EPIPE && !err.code)
		err = output;
	if (err.code) {
		output_error(&err, stderr);
		if (status <= 0)
			status = err.code;
	}
	return status;
}
