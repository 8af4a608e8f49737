/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* usage: check-map FILE
 *
 * One pass of TDB's own check over the file, and nothing else. */

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>
#include <tdb.h>

int main(int argc, char **argv)
{
    struct tdb_context *tdb = argc == 2 ? tdb_open(argv[1], 0, TDB_DEFAULT, O_RDWR, 0) : NULL;

    if (!tdb || tdb_check(tdb, NULL, NULL) < 0) {
        fputs("usage: check-map FILE, which has to be a whole TDB file\n", stderr);
        return 1;
    }
    return tdb_close(tdb) < 0;
}
