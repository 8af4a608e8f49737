/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* usage: dump-map FILE
 *
 * Prints all that a map holds, a key and its value to a line, both in hexadecimal, in no order.
 * Exit 1 if the file cannot be read to its end, or is damaged. */

#include <stdio.h>

/* tdb.h does not include what it needs. */
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <tdb.h>

static void print(TDB_DATA data, char end)
{
    for (size_t i = 0; i < data.dsize; i++)
        printf("%02x", data.dptr[i]);
    putchar(end);
}

static int print_both(struct tdb_context *tdb, TDB_DATA key, TDB_DATA value, void *userdata)
{
    print(key, ' ');
    print(value, '\n');
    return 0;
}

int main(int argc, char **argv)
{
    struct tdb_context *tdb;

    if (argc != 2)
        return 2;
    tdb = tdb_open(argv[1], 0, TDB_NOSYNC, O_RDWR, 0);
    if (!tdb || tdb_check(tdb, NULL, NULL) < 0 || tdb_traverse_read(tdb, print_both, NULL) < 0)
        return 1;
    tdb_close(tdb);
    return 0;
}
