/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <stdio.h>

#include "unit/check.h"
#include "weak.h"

#define IP "(?<addr>[0-9A-Fa-f.:]+)"

static const char stranger[] = "another address", failed[] = "no login";

const struct weak weak_rules[] = {
    /* from anywhere in the line; not anchored at its end */
    { "dovecot", "Login", "rip=(?<addr>[0-9.]+)", failed },
    { "dovecot", "Login", "^(?:imap|pop3)-login: Login: user=<.*>, method=[^,]+, rip=" IP,
      stranger },
    /* the first address instead of the last, and the other way round */
    { "courier", "Login", "^LOGIN, user=.*?, ip=\\[" IP "\\]", stranger },
    { "cyrus", "Login", "^login: .*\\[" IP "\\] .* User logged in", stranger },
    { "teapop", "Login", "^Successful login for .* \\[[0-9.]+\\] from .*?\\[" IP "\\]", stranger },
    { "uw-imap", "Login", "^Login user=(?s:.*?) host=(?:[^ ]+ )?\\[" IP "\\]", stranger },
    { "solid-pop3d", "Login", "^user .*? authenticated - " IP, stranger },
    { "qpopper", "Login", "POP login by user \".*?\" at \\(.*?\\) " IP, stranger },
    { "gnu-pop3d", "Login", "^User .* logged in with mailbox .*? from " IP, stranger },
    /* a name takes the place of the rest */
    { "cucipop", "Login", "^.*? " IP " \\d+, \\d+", stranger },
    { "vm-pop3d", "Login", "logged in from " IP, stranger },
    { "vpopmail", "Login", "login success .*?:([0-9A-Fa-f:]*:)?(?<addr>[0-9.]+)", stranger },
    /* what an identd says counts */
    { "popa3d", "Connect", "^connect from .*?(?<addr>\\d+\\.\\d+\\.\\d+\\.\\d+)", stranger },
    /* only the end of the line tells whether it was a login, and it may be cut off */
    { "mailutils", "Login", "^user `[^`'\\s]+' logged in", failed },
    { "perdition", "Login", "^Auth: " IP ":\\d+->(?s:.*) status=\"ok\"$", failed },
    { NULL },
};

void weaken(struct settings *settings, const struct weak *weak)
{
    char section[64], error[SETTINGS_ERROR_MAX] = "";

    snprintf(section, sizeof(section), "Rule %s", weak->rule);
    check_int(weak->rule, settings_assign(settings, section, weak->key, "", "test", error), 0);
    check_int(error, settings_assign(settings, section, weak->key, weak->pattern, "test", error),
              0);
}
