/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <errno.h>
#include <stdio.h>

#include "check.h"
#include "map-support.h"

struct map_options map_options_for(const char *path, unsigned max_entries, unsigned ipv6_bits)
{
    return (struct map_options){
        .path = path,
        .max_entries = max_entries,
        .ipv6_bits = ipv6_bits,
        .now_usec = UINT64_C(1795340148272798),
    };
}

struct map *open_writer(const char *path, unsigned max_entries, unsigned ipv6_bits,
                        enum map_state want)
{
    struct map_options options = map_options_for(path, max_entries, ipv6_bits);
    struct map *map = NULL;
    enum map_state state;

    check_int(path ? path : "memory", map_open_writer(&options, &map, &state), 0);
    check_int(path ? path : "memory", state, want);
    check_unsigned("prefix", map_ipv6_bits(map), ipv6_bits);
    check_int(path ? path : "memory", map_publish(map), 0);
    return map;
}

struct addr addr_from(const char *text)
{
    struct addr addr;

    check_int(text, addr_parse(text, strlen(text), &addr), 0);
    return addr;
}

struct addr addr_number(unsigned number)
{
    char text[ADDR_TEXT_MAX];

    if (number % 2 == 0)
        snprintf(text, sizeof(text), "10.%u.%u.%u", number >> 16 & 0xff, number >> 8 & 0xff,
                 number & 0xff);
    else
        snprintf(text, sizeof(text), "2001:db8:%x:%x::1", number >> 16, number & 0xffff);
    return addr_from(text);
}

struct record record_of(uint64_t expires_usec, uint64_t login_usec, const char *user)
{
    struct record record = {
        .expires_usec = expires_usec,
        .login_usec = login_usec,
        .rule = "dovecot",
    };

    snprintf(record.user, sizeof(record.user), "%s", user);
    return record;
}

void put_user(struct map *map, const char *address, uint64_t expires_usec, const char *user)
{
    struct addr addr = addr_from(address);
    struct record record = record_of(expires_usec, expires_usec / 2, user);

    check_int(address, map_put(map, &addr, &record), 0);
}

void check_user(struct map *map, const char *address, const char *want)
{
    struct addr addr = addr_from(address);
    struct record record = { .user = "untouched" };

    check_int(address, map_get(map, &addr, &record), want ? 0 : -ENOENT);
    check_text(address, record.user, want ? want : "untouched");
}

int write_generation(struct map *map, unsigned n, uint64_t generation)
{
    char text[64];
    int r = map_begin(map);

    snprintf(text, sizeof(text), "generation %llu", (unsigned long long)generation);
    for (unsigned i = 0; i < n && r == 0; i++) {
        struct addr addr = addr_number(i);
        struct record record = record_of(generation + 1000, generation, text);

        r = map_put(map, &addr, &record);
    }
    if (r == 0)
        r = map_put_cursor(map, "local", text, generation);
    if (r == 0)
        r = map_commit(map);
    if (r < 0)
        map_cancel(map);
    return r;
}

uint64_t cursor_generation(struct map *map)
{
    char *cursor = NULL, want[64];
    uint64_t generation = 0;

    check_int("cursor", map_get_cursor(map, "local", &cursor, &generation), 0);
    snprintf(want, sizeof(want), "generation %llu", (unsigned long long)generation);
    check_text("cursor", cursor, want);
    free(cursor);
    return generation;
}

static int count_one(const struct addr *addr, const struct record *record, void *userdata)
{
    size_t *count = userdata;

    check_true("readable record", record != NULL);
    ++*count;
    return 0;
}

size_t count_records(struct map *map)
{
    size_t count = 0;

    check_int("each", map_each(map, count_one, &count), 0);
    return count;
}

void check_generation(struct map *map, unsigned n, uint64_t generation)
{
    char want[64];

    snprintf(want, sizeof(want), "generation %llu", (unsigned long long)generation);
    check_unsigned("cursor", cursor_generation(map), generation);
    check_unsigned("records", count_records(map), n);
    for (unsigned i = 0; i < n; i++) {
        struct addr addr = addr_number(i);
        struct record record;

        check_int(want, map_get(map, &addr, &record), 0);
        check_text(want, record.user, want);
        check_unsigned(want, record.login_usec, generation);
        check_unsigned(want, record.expires_usec, generation + 1000);
        check_text(want, record.rule, "dovecot");
    }
}
