/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Whether a file is a map, and whole: its structure, and every record in it. */

#include <errno.h>
#include <stdlib.h>

#include "map-private.h"

int map_read_settings(struct map *map)
{
    char text[16], *end;
    size_t len;
    unsigned long bits;
    int r = map_fetch(map, ".format", text, sizeof(text) - 1, &len);

    if (r < 0)
        return r == -ENOENT ? -EMEDIUMTYPE : r;
    text[len] = 0;
    if (strcmp(text, MAP_FORMAT) != 0)
        return -EPROTONOSUPPORT;
    r = map_fetch(map, ".prefix", text, sizeof(text) - 1, &len);
    if (r < 0)
        return r == -ENOENT ? -EBADMSG : r;
    text[len] = 0;
    bits = strtoul(text, &end, 10);
    if (len == 0 || *end || bits < 1 || bits > 128)
        return -EBADMSG;
    map->ipv6_bits = (unsigned)bits;
    return 0;
}

/* What the records say while TDB checks the file, which is read only once so. */
struct inspection {
    unsigned ipv6_bits; /* of the keys; 0 while there was none */
    bool is_damaged;
};

/* Keys show the prefix that they were made with. */
static unsigned key_bits(TDB_DATA key)
{
    const char *text = (const char *)key.dptr, *slash = memchr(text, '/', key.dsize);
    unsigned bits = 0;

    if (!slash)
        return memchr(text, ':', key.dsize) ? 128 : 0;
    for (const char *p = slash + 1; p < text + key.dsize && *p >= '0' && *p <= '9' && bits < 128;
         p++)
        bits = 10 * bits + (unsigned)(*p - '0');
    return bits >= 1 && bits <= 128 ? bits : 1;
}

static int inspect(TDB_DATA key, TDB_DATA value, void *userdata)
{
    struct inspection *inspection = userdata;
    unsigned bits;
    struct record record;
    struct addr addr;

    if (key.dsize > 0 && (key.dptr[0] == '@' || key.dptr[0] == '.'))
        return 0;
    bits = key_bits(key);
    if (addr_parse_key((const char *)key.dptr, key.dsize, bits > 0 ? bits : 128, &addr) < 0 ||
        record_decode(value.dptr, value.dsize, &record) < 0 ||
        (bits > 0 && inspection->ipv6_bits > 0 && bits != inspection->ipv6_bits))
        inspection->is_damaged = true;
    if (bits > 0)
        inspection->ipv6_bits = bits;
    return 0;
}

int map_check_error(struct map *map)
{
    switch (tdb_error(map->tdb)) {
    case TDB_ERR_OOM:
        return (off_t)tdb_hash_size(map->tdb) * (off_t)sizeof(uint32_t) < map->size ? -ENOMEM
                                                                                    : -EBADMSG;
    case TDB_ERR_LOCK:
    case TDB_ERR_NOLOCK:
    case TDB_ERR_LOCK_TIMEOUT:
        return map_gave_up() ? -EAGAIN : -ENOLCK;
    default:
        return -EBADMSG;
    }
}

int map_check(struct map *map)
{
    struct inspection inspection = { 0 };
    int r;

    if (tdb_check(map->tdb, inspect, &inspection) < 0)
        return map_check_error(map);
    r = map_read_settings(map);
    if (r < 0)
        return r;
    if (inspection.is_damaged ||
        (inspection.ipv6_bits > 0 && inspection.ipv6_bits != map->ipv6_bits))
        return -EBADMSG;
    return 0;
}
