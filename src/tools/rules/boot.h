/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

#include <systemd/sd-journal.h>

/* The boots that a journal has entries of, numbered as journalctl(1) does it. */

/* True if the text can stand behind -b: an id of 32 hexadecimal digits, or a number. */
bool boot_is_name(const char *text);

/* Finds the id: "" and "0" are the latest boot in the journal, or the current one if it is the
 * local journal; "-1" the one before; "1" the first. Removes the journal's matches. Returns 0,
 * -ENXIO if there is no such boot, or another negative errno. */
#define BOOT_ID_TEXT_MAX 33
int boot_find(sd_journal *journal, bool is_local, const char *name,
              char ret[static BOOT_ID_TEXT_MAX]);
