/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <limits.h>
#include <stddef.h>

/* A directory of a test's own, removed after it whether it passed or not. For
 * cmocka_unit_test_setup_teardown(); also does what random_setup() does. */
int temp_dir_setup(void **state);
int temp_dir_teardown(void **state);

/* The path of a file in the directory of the running test; holds until the end of the test. */
const char *temp_path(const char *name);

/* How many files there are in it. */
size_t temp_count(void);
