/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "regex-scan.h"

#define AMBIGUITY_EXAMPLE_MAX 512

/* A message in which the pattern's group "addr" could be either of two pieces, with something in
 * between, so that whoever writes some of the message may have a say in which it is. */
struct ambiguity {
    enum { AMBIGUITY_NONE, AMBIGUITY_FOUND, AMBIGUITY_UNDECIDED } result;
    size_t token; /* AMBIGUITY_FOUND: the part that can take the place of the address, */
    size_t len;   /* and the shortest such message, from the pattern's start on; cut if too long */
    char example[AMBIGUITY_EXAMPLE_MAX];
};

/* Searches for the shortest one, whatever the quantifiers prefer. Returns 0 or -ENOMEM. */
int ambiguity_find(const struct regex *regex, struct ambiguity *ret);
