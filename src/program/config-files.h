/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "core/settings.h"

/* Reads the configuration into `settings`: the main file, then the drop-ins of conf.d in the order
 * of their names, where the same name in a higher directory hides the lower one.
 *
 * `main_file` NULL stands for the installed configuration, whose main file need not exist and whose
 * drop-ins are in three directories. Any other must exist, and the conf.d beside it is the only
 * one.
 *
 * Returns 0, -ENOMEM, or -EINVAL with "FILE:LINE: what is wrong" in `reterr`. */
#define CONFIG_FILES_ERROR_MAX 8192
int config_files_read(const char *main_file, struct settings *settings,
                      char reterr[static CONFIG_FILES_ERROR_MAX]);

/* The same, but each error goes to `func`, and what stands behind it is read as well; a line that
 * is no assignment ends its file. Returns 0 or -ENOMEM. */
typedef void (*config_files_error_func)(const char *error, void *userdata);
int config_files_read_past_errors(const char *main_file, struct settings *settings,
                                  config_files_error_func func, void *userdata);
