/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A rule that takes the server's address for the client's lets nobody in, and is hard to notice:
 * the lines look right. */

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <string.h>

#include "miss.h"

int miss_read_own(struct networks **ret)
{
    _cleanup_(networks_freep) struct networks *own = networks_new();
    struct ifaddrs *list = NULL;
    int r = 0;

    if (!own)
        return -ENOMEM;
    if (getifaddrs(&list) < 0)
        return -errno;
    for (struct ifaddrs *item = list; item && r == 0; item = item->ifa_next) {
        const struct sockaddr *address = item->ifa_addr;
        const void *bytes;
        char text[INET6_ADDRSTRLEN];

        if (!address || (item->ifa_flags & IFF_LOOPBACK) ||
            (address->sa_family != AF_INET && address->sa_family != AF_INET6))
            continue;
        bytes =
            address->sa_family == AF_INET
                ? (const void *)&((const struct sockaddr_in *)(const void *)address)->sin_addr
                : (const void *)&((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
        if (inet_ntop(address->sa_family, bytes, text, sizeof(text)))
            r = networks_add(own, text, strlen(text));
    }
    freeifaddrs(list);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(own);
    return 0;
}

bool miss_warns_of_own(const struct networks *own, const struct event *event,
                       char ret[static MISS_TEXT_MAX])
{
    char text[ADDR_TEXT_MAX];

    if (event->kind != EVENT_LOGIN || !event->has_addr ||
        !networks_contain(own, &event->addr, NULL))
        return false;
    (void)addr_format(&event->addr, text);
    snprintf(ret, MISS_TEXT_MAX,
             "%s is one of this host's own addresses; does rule %s capture the server's address "
             "instead of the client's?",
             text, rule_name(event->rule));
    return true;
}
