/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Postfix's mynetworks (postconf(5)): items separated by blanks or commas. "/file" stands for what
 * is in the file, "type:table" for a lookup table, and "!" in front of any of them excludes. */

#include "local-networks.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "command.h"
#include "core/cleanup.h"
#include "core/duration.h"
#include "core/limits.h"

/* postconf takes some 20 ms; one that hangs must not hold up the start for long. */
#define POSTCONF_TIMEOUT_USEC (5 * USEC_PER_SEC)

/* A file may name a file; Postfix sets no limit, and a loop must end. */
#define DEPTH_MAX 8

static const char separators[] = ", \t\r\n";

struct import {
    struct networks *networks;
    local_networks_note_func note;
};

static int add_items(const struct import *import, char *text, const char *where, unsigned depth);

__attribute__((format(printf, 3, 4))) static void note(const struct import *import, int priority,
                                                       const char *format, ...)
{
    char text[1024];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    import->note(priority, text);
}

static int skip(const struct import *import, const char *item, const char *where, const char *why)
{
    note(import, LOG_WARNING, "%s: leaving out \"%.200s\": %s", where, item, why);
    return 0;
}

static int add_network(const struct import *import, const char *item, const char *where)
{
    int r = networks_add(import->networks, item, strlen(item));

    if (r != -EINVAL)
        return r;
    return skip(import, item, where,
                strstr(item, ":/") ? "tables of this type are not read" : "not a network");
}

/* One line of a cidr_table(5): a network, then what Postfix would answer, which does not matter
 * here. */
static int add_table_line(const struct import *import, char *line, const char *where)
{
    char *pattern = line + strspn(line, " \t");

    if (strchr("#\r\n", *pattern) || pattern > line)
        return 0; /* a comment, or the continuation of an answer */
    pattern[strcspn(pattern, " \t\r\n")] = 0;
    if (strcasecmp(pattern, "if") == 0 || strcasecmp(pattern, "endif") == 0)
        return skip(import, pattern, where, "conditions are not understood");
    if (pattern[0] == '!')
        return skip(import, pattern, where, "a negated table line says nothing about its network");
    return add_network(import, pattern, where);
}

static int add_table(const struct import *import, const char *path)
{
    _cleanup_(fclosep) FILE *file = fopen(path, "re");
    _cleanup_(freep) char *line = NULL;
    size_t size = 0;
    int r = 0;

    if (!file)
        return skip(import, path, "mynetworks", strerror(errno));
    while (r == 0 && getline(&line, &size, file) >= 0)
        r = add_table_line(import, line, path);
    return r == 0 && ferror(file) ? skip(import, path, "mynetworks", strerror(errno)) : r;
}

static int add_file(const struct import *import, const char *path, unsigned depth)
{
    _cleanup_(fclosep) FILE *file = NULL;
    _cleanup_(freep) char *line = NULL;
    size_t size = 0;
    int r = 0;

    if (depth == DEPTH_MAX)
        return skip(import, path, "mynetworks", "files are nested too deeply");
    file = fopen(path, "re");
    if (!file)
        return skip(import, path, "mynetworks", strerror(errno));
    while (r == 0 && getline(&line, &size, file) >= 0) {
        line[strcspn(line, "#")] = 0;
        r = add_items(import, line, path, depth + 1);
    }
    return r == 0 && ferror(file) ? skip(import, path, "mynetworks", strerror(errno)) : r;
}

static int add_item(const struct import *import, const char *item, const char *where,
                    unsigned depth)
{
    static const char cidr[] = "cidr:";

    if (strncmp(item, cidr, strlen(cidr)) == 0)
        return add_table(import, item + strlen(cidr));
    if (item[0] == '/')
        return add_file(import, item, depth);
    if (item[0] == '!' && (item[1] == '/' || strncmp(item + 1, cidr, strlen(cidr)) == 0))
        return skip(import, item, where, "exceptions are understood for single networks only");
    return add_network(import, item, where);
}

static int add_items(const struct import *import, char *text, const char *where, unsigned depth)
{
    char *save = NULL;
    int r = 0;

    for (char *item = strtok_r(text, separators, &save); item && r == 0;
         item = strtok_r(NULL, separators, &save))
        r = add_item(import, item, where, depth);
    return r;
}

/* Adds what postconf says. Returns 0, -ENOENT if there is no Postfix, -ENOMEM, or another errno
 * that was told. */
static int import_mynetworks(const struct import *import)
{
    static const char *const argv[] = { "postconf", "-xh", "mynetworks", NULL };
    _cleanup_(freep) char *text = malloc(CONFIG_FILE_MAX);
    int r;

    if (!text)
        return -ENOMEM;
    r = command_read(argv, POSTCONF_TIMEOUT_USEC, text, CONFIG_FILE_MAX);
    if (r == -ENOENT)
        return r;
    if (r < 0) {
        note(import, LOG_WARNING,
             "postconf -xh mynetworks failed (%s); only loopback is taken for local",
             r == -EPROTO ? "it says why above" : strerror(-r));
        return r;
    }
    r = add_items(import, text, "mynetworks", 0);
    if (r == -E2BIG)
        note(import, LOG_WARNING, "mynetworks holds more than %d networks; the rest is left out",
             NETWORKS_MAX);
    return r;
}

static int add_loopback(struct networks *networks)
{
    int r = networks_add(networks, "127.0.0.0/8", strlen("127.0.0.0/8"));

    return r < 0 ? r : networks_add(networks, "::1", strlen("::1"));
}

int local_networks_collect(const struct settings *settings, local_networks_note_func func,
                           struct networks **ret)
{
    _cleanup_(networks_freep) struct networks *networks = networks_new();
    struct import import = { networks, func };
    int r;

    if (!networks)
        return -ENOMEM;
    /* Set to nothing at all: then not even loopback is local. */
    if (networks_count(settings->local_networks) == 0 && !settings->local_from_postconf) {
        *ret = TAKE_PTR(networks);
        return 0;
    }
    r = add_loopback(networks);
    if (r == 0)
        r = networks_append(networks, settings->local_networks);
    if (r < 0)
        return r;
    if (settings->local_from_postconf)
        r = import_mynetworks(&import);
    if (r == -ENOMEM)
        return r;
    if (r == -ENOENT)
        note(&import, LOG_INFO,
             "there is no postconf; only loopback and what LocalNetworks= lists is local");
    *ret = TAKE_PTR(networks);
    return 0;
}
