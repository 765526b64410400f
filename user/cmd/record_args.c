// SPDX-License-Identifier: GPL-2.0-only
/* record_args.c - the options that trace, record, replay and diff share. */
#include <getopt.h>

#include "user/base/duration.h"
#include "user/base/number.h"
#include "user/cmd/record_args.h"

int record_args_parse(struct record_args *args, int argc, char **argv, struct err *err)
{
	static const struct option longs[] = {
		{"lab", required_argument, NULL, 'l'},	 {"json", no_argument, NULL, 'j'},
		{"count", required_argument, NULL, 'c'}, {"for", required_argument, NULL, 'f'},
		{"itineraries", no_argument, NULL, 'i'}, {"events", no_argument, NULL, 'e'},
		{"stack", no_argument, NULL, 's'},	 {NULL}};
	int c;

	optind = 1;
	opterr = 0;
	while ((c = getopt_long(argc, argv, ":l:jc:i", longs, NULL)) != -1) {
		switch (c) {
		case 'l':
			args->lab = optarg;
			break;
		case 'j':
			args->view.json = true;
			break;
		case 'i':
			args->view.filter.itineraries = true;
			args->view.filter.events = false;
			break;
		case 'e':
			args->view.filter.itineraries = false;
			args->view.filter.events = true;
			break;
		case 's':
			args->view.stack = true;
			break;
		case 'c':
			if (!number_parse(optarg, 1, UINT64_MAX, &args->view.count))
				return cmd_usage(err, argv[0], "-c %s: that is no number of lines",
						 optarg);
			break;
		case 'f':
			if (!duration_parse(optarg, &args->view.for_ns) || !args->view.for_ns)
				return cmd_usage(err, argv[0],
						 "--for %s: that is no time (10s, 500ms)", optarg);
			break;
		default:
			return cmd_bad_option(err, argv[0], c, argv);
		}
	}
	if (args->wants_operand) {
		if (optind == argc)
			return cmd_usage(err, argv[0], "which file?");
		args->operand = argv[optind++];
	}
	args->argc = argc - optind;
	args->argv = argv + optind;
	return 0;
}
