/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Lists of networks. They are short (an administrator's mynetworks), are consulted once a login,
 * and their order matters, so a plain array is searched from the front. */

#include "network.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "limits.h"

struct network {
    struct addr addr;
    unsigned bits;
    bool exception;
    char text[ADDR_TEXT_MAX]; /* for messages */
};

struct networks {
    struct network *items;
    size_t count, capacity;
};

struct networks *networks_new(void)
{
    return calloc(1, sizeof(struct networks));
}

struct networks *networks_free(struct networks *networks)
{
    if (networks)
        free(networks->items);
    free(networks);
    return NULL;
}

void networks_clear(struct networks *networks)
{
    networks->count = 0;
}

static int add(struct networks *networks, const struct addr *addr, unsigned bits, bool exception)
{
    struct network *network;
    bool is_ipv4 = addr_is_ipv4(addr) && bits >= 96;
    size_t len;

    if (networks->count == NETWORKS_MAX)
        return -E2BIG;
    if (networks->count == networks->capacity) {
        size_t capacity = networks->capacity ? 2 * networks->capacity : 16;
        struct network *items = reallocarray(networks->items, capacity, sizeof(*items));

        if (!items)
            return -ENOMEM;
        networks->items = items;
        networks->capacity = capacity;
    }
    network = &networks->items[networks->count++];
    *network = (struct network){ .addr = *addr, .bits = bits, .exception = exception };
    len = addr_format(addr, network->text);
    snprintf(network->text + len, sizeof(network->text) - len, "/%u", is_ipv4 ? bits - 96 : bits);
    return 0;
}

int networks_append(struct networks *networks, const struct networks *other)
{
    int r = 0;

    for (size_t i = 0; i < other->count && r == 0; i++)
        r = add(networks, &other->items[i].addr, other->items[i].bits, other->items[i].exception);
    return r;
}

/* Takes "/24" or nothing. Without a prefix the network is the one address. */
static int parse_bits(const char *text, size_t len, unsigned most, unsigned *ret)
{
    unsigned bits = 0;

    if (len == 0) {
        *ret = most;
        return 0;
    }
    if (len < 2 || len > 4 || (text[1] == '0' && len > 2))
        return -EINVAL;
    for (size_t i = 1; i < len; i++) {
        if (text[i] < '0' || text[i] > '9')
            return -EINVAL;
        bits = bits * 10 + (unsigned)(text[i] - '0');
    }
    if (bits > most)
        return -EINVAL;
    *ret = bits;
    return 0;
}

int networks_add(struct networks *networks, const char *text, size_t len)
{
    const char *end = text + len, *slash;
    bool exception = len > 0 && text[0] == '!';
    struct addr addr, masked;
    unsigned bits;
    size_t addr_len;
    bool is_ipv4;

    if (exception)
        text++;
    slash = memchr(text, '/', (size_t)(end - text));
    if (!slash)
        slash = end;
    addr_len = (size_t)(slash - text);
    if (addr_len > 2 && text[0] == '[' && slash[-1] == ']') {
        text++;
        addr_len -= 2;
    }
    if (addr_parse(text, addr_len, &addr) < 0)
        return -EINVAL;
    /* The prefix counts in the notation used: [::ffff:127.0.0.0]/104 is 127.0.0.0/8. */
    is_ipv4 = addr_is_ipv4(&addr) && !memchr(text, ':', addr_len);
    if (parse_bits(slash, (size_t)(end - slash), is_ipv4 ? 32 : 128, &bits) < 0)
        return -EINVAL;
    if (is_ipv4)
        bits += 96;
    masked = addr_mask(&addr, bits);
    if (addr_compare(&addr, &masked) != 0)
        return -EINVAL;
    return add(networks, &addr, bits, exception);
}

/* "::/0" is all of IPv6 and, although we keep IPv4 inside of it, nothing of that. */
static bool is_other_family(const struct network *network, const struct addr *addr)
{
    return addr_is_ipv4(addr) && network->bits < 96;
}

bool networks_contain(const struct networks *networks, const struct addr *addr, const char **ret)
{
    for (size_t i = 0; i < networks->count; i++) {
        const struct network *network = &networks->items[i];
        struct addr masked = addr_mask(addr, network->bits);

        if (is_other_family(network, addr) || addr_compare(&masked, &network->addr) != 0)
            continue;
        if (!network->exception && ret)
            *ret = network->text;
        return !network->exception;
    }
    return false;
}

bool networks_contain_group(const struct networks *networks, const struct addr *addr, unsigned bits)
{
    for (size_t i = 0; i < networks->count; i++) {
        const struct network *network = &networks->items[i];
        unsigned common = network->bits < bits ? network->bits : bits;
        struct addr ours = addr_mask(addr, common), theirs = addr_mask(&network->addr, common);

        if (is_other_family(network, addr) || addr_compare(&ours, &theirs) != 0)
            continue;
        /* The first that has anything in common decides; one that is a part of the group does not
         * speak for all of it. */
        return network->bits <= bits && !network->exception;
    }
    return false;
}

size_t networks_count(const struct networks *networks)
{
    return networks->count;
}
