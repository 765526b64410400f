// SPDX-License-Identifier: GPL-2.0-only
/* trace.c - vethlab trace: packets at every end and hook, as it happens. */
#include <inttypes.h>
#include <stdio.h>

#include "user/base/clock.h"
#include "user/base/interrupt.h"
#include "user/cmd/record_args.h"
#include "user/trace/stream.h"
#include "user/output/output.h"

enum { POLL_MS = 100 };

static void on_event(const struct vl_event *event, void *view)
{
	record_view_add(view, event);
}

static void on_stack(const struct vl_stack *record, void *view)
{
	record_view_add_stack(view, record);
}

static void tell_losses(struct record_stream *stream, struct record_view *view)
{
	uint64_t newly = record_stream_newly_lost(stream);
	char text[STORY_NOT_SEEN_SIZE];

	if (view->story)
		story_cannot_see(view->story,
				 record_stream_not_seen(stream->run, stream->stack, stream->blind,
							stream->lost_told, text));

	if (newly)
		record_view_losses(view, newly, stream->lost_told);
}

/*
 * Each round shows what was stamped before the round before began: by then every CPU's buffer has
 * been read past that time, so nothing older can come.
 */
static int follow(struct record_stream *stream, struct record_view *view, uint64_t until,
		  struct err *err)
{
	const struct record_stream_handlers handlers = {on_event, on_stack, view};
	uint64_t settled = 0;
	bool taken_down = false;
	int ret = 0;

	while (!interrupt_requested && !ret && !taken_down) {
		uint64_t began = clock_monotonic_ns();

		if (began >= until)
			break;
		taken_down = running_is_gone(stream->run);
		ret = record_stream_poll(stream, POLL_MS, &handlers, err);
		tell_losses(stream, view);
		if (!ret)
			ret = record_view_show(view, settled, err);
		settled = began;
		if (record_view_reader_left())
			return 0;
	}
	if (ret)
		return ret < 0 ? ret : 0;
	/* What came until the end. */
	ret = record_stream_poll(stream, 0, &handlers, err);
	tell_losses(stream, view);
	if (ret)
		return ret < 0 ? ret : 0;
	ret = record_view_finish(view, err);
	if (ret < 0)
		return ret;
	return taken_down && !ret ? running_taken_down(stream->run, err)
				  : 0; /* > 0: it showed enough */
}

/* Not among the records: whoever reads those gets lines of one kind only. */
static void print_sums(const struct record_view *view, const struct record_stream *stream)
{
	const struct record_view_options *options = view->options;
	const char *s = view->shown == 1 ? "" : "s";

	output_flush(stdout); /* the sums stand behind what they add up */
	if (options && options->filter.itineraries) {
		fprintf(stderr, "%" PRIu64 " stor%s", view->shown, view->shown == 1 ? "y" : "ies");
		if (view->drops)
			fprintf(stderr, " and %" PRIu64 " drop%s of no echo", view->drops,
				view->drops == 1 ? "" : "s");
		fputs(" of ", stderr);
	} else if (options && options->count && view->shown < view->records) {
		fprintf(stderr, "%" PRIu64 " record%s shown of ", view->shown, s);
	}
	fprintf(stderr, "%" PRIu64 " record%s, %" PRIu64 " lost\n", view->records,
		view->records == 1 ? "" : "s", record_stream_lost(stream));
}

static int run_trace(struct running *run, const struct record_view_options *options,
		     struct err *err)
{
	cleanup_record_stream struct record_stream stream;
	cleanup_record_view struct record_view view = {0};
	uint64_t now;
	int ret;

	/* Before anybody can see that it listens: a Ctrl-C then ends it with its last line. */
	interrupt_catch_signals();
	ret = record_stream_open(&stream, run, &options->filter.packets, record_view_depth(options),
				 err);
	if (ret)
		return ret;
	now = clock_monotonic_ns();
	ret = record_view_open(&view, options, run->lab, now, record_stream_drop_names, NULL, err);
	output_flush(stdout);
	if (!ret)
		ret = follow(&stream, &view, options->for_ns ? now + options->for_ns : UINT64_MAX,
			     err);
	print_sums(&view, &stream);
	return ret;
}

static int trace_main(int argc, char **argv, struct err *err)
{
	struct record_args args = {0};
	cleanup_running struct running *run = NULL;

	if (record_args_parse(&cmd_trace, &args, argc, argv, err) ||
	    lab_open(&run, args.lab, err) ||
	    record_filter_parse(&args.view.filter, args.argc, args.argv, run->lab, err) ||
	    run_trace(run, &args.view, err))
		return err->code;
	return 0;
}

static const struct cmd_operand operands[] = {
	OPERAND_FILTER,
	OPERANDS_END,
};

static const struct cmd_option options[] = {
	OPTION_ITINERARIES(.usage = "-i",
			   .text = "whole stories of echoes, and of other packets, instead of\n"
				   "single records"),
	OPTION_EVENTS(.alternative = true, .text = "single records, also with `dropped`"),
	OPTION_STACK(.text = "and what the nodes do between the ends: routes looked up,\n"
			     "neighbors asked, ICMP errors made, packets delivered"),
	OPTION_COUNT(.text = "end after N records (or stories)"),
	OPTION_FOR(),
	OPTION_LAB(struct record_args),
	OPTION_RECORD_JSON(),
	OPTIONS_END,
};

const struct cmd cmd_trace = {
	.name = "trace",
	.summary = "print packets at every end and hook, as they pass: ICMP, or any",
	.operands = operands,
	.options = options,
	.column = 21,
	.notes =
		"FILTER, all words of which must fit:\n"
		"  node N   end N:I   link N:I    where it is seen (a bare node or end will do)\n"
		"  addr A[/L]   src A   dst A     an address of the packet (a bare one will do)\n"
		"  type T[,T]                     request, reply, echo, unreachable, exceeded,\n"
		"                                 error, redirect, nd, other\n"
		"  id N   seq N                   of an echo\n"
		"  v4   v6                        ARP is of v4\n"
		"  tcp   udp   icmp   arp   sctp\n"
		"  proto N                        of an IP protocol\n"
		"  port N   sport N   dport N     a port of it; the one from, the one to\n"
		"  flags F[,F]                    TCP: fin, syn, rst, psh, ack, urg, ece or cwr\n"
		"  vlan N                         with this tag\n"
		"  any                            of all protocols. Without one of the words from\n"
		"                                 tcp to any, ICMP without a tag alone is shown\n"
		"  failed                         stories of echoes that got no answer\n"
		"  dropped                        those of which a node dropped something; with\n"
		"                                 --events: the drops alone\n"
		"  slower-than TIME               those with a round trip that long or longer\n\n"
		"Stories are told whole, of echoes that the filter fits at one place or more, and\n"
		"of single packets of other protocols, which are known by their content;\n"
		"`dropped` wants it to fit the drop, and shows the drops of what is no echo, "
		"too.\n",
	.examples = "vethlab trace blue type echo\n"
		    "vethlab trace tcp port 80 flags syn,rst\n"
		    "vethlab trace slower-than 50us\n",
	.run = trace_main,
};
