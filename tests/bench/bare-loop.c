/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* usage: bare-loop DIRECTORY MATCH...
 *
 * The least that a program can do that reads what servers say: goes through the entries that the
 * matches select, in the words of journalctl(1), and fetches the message of each. Prints how many
 * there were. */

#include <stdio.h>
#include <string.h>

#include <systemd/sd-journal.h>

static int add_matches(sd_journal *journal, char **words)
{
    int r = 0;

    for (; *words && r >= 0; words++)
        r = strcmp(*words, "+") == 0 ? sd_journal_add_disjunction(journal)
                                     : sd_journal_add_match(journal, *words, 0);
    return r;
}

static int read_messages(sd_journal *journal, unsigned long *ret_count, unsigned long *ret_bytes)
{
    int r;

    while ((r = sd_journal_next(journal)) > 0) {
        const void *data;
        size_t len;

        if (sd_journal_get_data(journal, "MESSAGE", &data, &len) < 0)
            continue;
        *ret_count += 1;
        *ret_bytes += len;
    }
    return r;
}

int main(int argc, char **argv)
{
    unsigned long count = 0, bytes = 0;
    sd_journal *journal = NULL;
    int r;

    if (argc < 2) {
        fputs("usage: bare-loop DIRECTORY MATCH...\n", stderr);
        return 2;
    }
    r = sd_journal_open_directory(&journal, argv[1], 0);
    if (r >= 0)
        r = add_matches(journal, argv + 2);
    if (r >= 0)
        r = read_messages(journal, &count, &bytes);
    sd_journal_close(journal);
    if (r < 0) {
        fprintf(stderr, "bare-loop: %s: %s\n", argv[1], strerror(-r));
        return 1;
    }
    printf("entries %lu\nbytes %lu\n", count, bytes);
    return 0;
}
