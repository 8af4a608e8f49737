/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <stdio.h>

#include "unit/check.h"
#include "weak.h"

#define IP "(?<addr>[0-9A-Fa-f.:]+)"

const struct weak weak_rules[] = {
    /* from anywhere in the line */
    { "dovecot", "Login", "rip=(?<addr>[0-9.]+)" },
    /* not for IPv6, so that where that is the true one, the last one that fits is the name's */
    { "dovecot", "Login",
      "^(?:imap|pop3)-login: Login: user=<.*>, method=[^,]+, rip=(?<addr>[0-9.]+)," },
    /* the first address instead of the last, and the other way round */
    { "courier", "Login", "^LOGIN, user=.*?, ip=\\[" IP "\\]" },
    { "cyrus", "Login", "^login: .*\\[" IP "\\] .* User logged in" },
    { "teapop", "Login", "^Successful login for .* \\[[0-9.]+\\] from .*?\\[" IP "\\]" },
    { "uw-imap", "Login", "^Login user=(?s:.*?) host=(?:[^ ]+ )?\\[" IP "\\]" },
    { "solid-pop3d", "Login", "^user .*? authenticated - " IP },
    { "qpopper", "Login", "POP login by user \".*?\" at \\(.*?\\) " IP },
    { "gnu-pop3d", "Login", "^User .* logged in with mailbox .*? from " IP },
    /* a name takes the place of the rest */
    { "cucipop", "Login", "^(?!authentication |lost ).*? " IP " \\d+, \\d+" },
    { "vm-pop3d", "Login", "logged in from " IP },
    { "vpopmail", "Login", "login success .*?:([0-9A-Fa-f:]*:)?(?<addr>[0-9.]+)" },
    /* what an identd says counts */
    { "popa3d", "Connect", "^connect from .*?(?<addr>\\d+\\.\\d+\\.\\d+\\.\\d+)" },
    /* only the end of the line tells whether it was a login, and it may be cut off */
    { "mailutils", "Login", "^user `[^`'\\s]+' logged in" },
    { "perdition", "Login", "^Auth: " IP ":\\d+->(?s:.*) status=\"ok\"$" },
    /* somebody else's session */
    { "courier", "Logout",
      "^LOGOUT, user=.*?, ip=\\[(?<session>[0-9A-Fa-f.:]+\\], port=\\[\\d+)\\]" },
    { "dovecot", "Logout", "\\)<\\d+><(?<session>[^<>]*)>: Disconnected" },
    { "dovecot", "Logout", "^imap\\((?<user>.*?)\\): Logged out" },
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
