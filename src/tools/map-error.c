/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "map-error.h"

#include <errno.h>
#include <stdio.h>
#include <sysexits.h>

#include "store/map.h"

static const struct problem {
    int error;
    int status;
    const char *text;
} problems[] = {
    { ENOENT, EX_UNAVAILABLE,
      "there is no map yet; see \"systemctl status pop-before-smtp\", or name it with --dbfile=" },
    { EACCES, EX_NOPERM,
      "permission denied; run as root or as a member of group _pop-before-smtp" },
    { EPERM, EX_NOPERM, "permission denied; run as root or as a member of group _pop-before-smtp" },
    { EROFS, EX_UNAVAILABLE,
      "the file system is read-only; the map needs to be locked, for which it is opened for "
      "writing" },
    { EMEDIUMTYPE, EX_UNAVAILABLE, "not a map of pop-before-smtp; is --dbfile= right?" },
    { EBADMSG, EX_UNAVAILABLE,
      "damaged; \"systemctl restart pop-before-smtp\" makes a new one from the journal" },
    { EPROTONOSUPPORT, EX_UNAVAILABLE, "made by a newer pop-before-smtp; use its own pbs-list" },
    { ENOMEM, EX_OSERR, "not enough memory" },
};

int map_error_complain(const char *path, int error)
{
    for (size_t i = 0; i < sizeof(problems) / sizeof(problems[0]); i++)
        if (problems[i].error == -error) {
            fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, path, problems[i].text);
            return problems[i].status;
        }
    fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, path, map_error_text(error));
    return EX_UNAVAILABLE;
}
