/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A record has the time of one login, the latest; while sessions hold an address, this is where an
 * earlier one is kept whose grace lasts longer. */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "map-private.h"

#define KEY_MAX (sizeof(MAP_GRACE_PREFIX) + ADDR_TEXT_MAX)

static void grace_key(const struct map *map, const struct addr *addr, char ret[static KEY_MAX])
{
    char text[ADDR_TEXT_MAX];

    addr_format_key(addr, map->ipv6_bits, text);
    snprintf(ret, KEY_MAX, MAP_GRACE_PREFIX "%s", text);
}

int map_put_grace(struct map *map, const struct addr *addr, uint64_t until_usec)
{
    char key[KEY_MAX], value[24];
    int len = snprintf(value, sizeof(value), "%" PRIu64, until_usec);

    grace_key(map, addr, key);
    return map_store(map, key, value, (size_t)len);
}

int map_grace_decode(const void *data, size_t len, uint64_t *ret)
{
    char text[24], *end;
    uint64_t until_usec;

    if (len == 0 || len >= sizeof(text))
        return -EBADMSG;
    memcpy(text, data, len);
    text[len] = 0;
    errno = 0;
    until_usec = strtoull(text, &end, 10);
    if (errno != 0 || end != text + len || text[0] < '0' || text[0] > '9')
        return -EBADMSG;
    *ret = until_usec;
    return 0;
}

int map_get_grace(struct map *map, const struct addr *addr, uint64_t *ret)
{
    char key[KEY_MAX], text[24];
    size_t len;
    int r;

    grace_key(map, addr, key);
    r = map_fetch(map, key, text, sizeof(text), &len);
    return r < 0 ? r : map_grace_decode(text, len, ret);
}

int map_delete_grace(struct map *map, const struct addr *addr)
{
    char key[KEY_MAX];

    grace_key(map, addr, key);
    return map_remove(map, key);
}
