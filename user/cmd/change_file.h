/* SPDX-License-Identifier: GPL-2.0-only */
/* change_file.h - what plan, apply and reset share: the lab file, and what is printed. */
#ifndef VETHLAB_USER_CMD_CHANGE_FILE_H
#define VETHLAB_USER_CMD_CHANGE_FILE_H

#include <jansson.h>

#include "user/cmd/cmd.h"
#include "user/change/change_apply.h"

/* Begins as struct cmd_args, into which the options of all verbs go. */
struct change_args {
	struct cmd_args common;
	bool keep_foreign;
};

/* Its entry in the table of a verb. */
#define OPTION_KEEP_FOREIGN                                                                        \
	{                                                                                          \
		"keep-foreign", .text = "leave what was added by hand",                            \
				INTO_BOOL(struct change_args, keep_foreign)                        \
	}

/*
 * Parse `[-l LAB] FILE [-j]` and read the file; its findings are printed to stderr. Returns 0, with
 * *lab for the caller to give to lab_plan() or lab_apply(), or the exit status.
 */
int change_file_read(const struct cmd *cmd, struct change_args *args, int argc, char **argv,
		     struct lab **lab, struct err *err);

/* Print what is to change or was changed. notes: those of an apply with -j, taken; else NULL. */
void change_file_print(const struct change_plan *plan, bool applied, bool json, json_t *notes);
/*
 * Finish the output before the end of the program, which would not know what a failure means for
 * the lab.
 */
int change_file_finish(const char *lab, struct err *err);

#endif
