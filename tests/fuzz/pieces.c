/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Random bytes alone would hardly ever look like a line, so that names are put together from the
 * server's own lines, whole and in parts, from the lines and names of recorded attacks, and from
 * what separates the parts of a line; then they are damaged, and made to fit the lengths at which
 * servers cut. */

#include <ctype.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pieces.h"
#include "unit/check.h"
#include "unit/export-file.h"
#include "unit/fake-entry.h"
#include "unit/random.h"

/* Names are a few hundred bytes at most, most of the time. */
#define NAME_BYTES_MAX 4000

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct corpus {
    struct buffer *items;
    size_t count;
};

static void corpus_add(struct corpus *corpus, const void *data, size_t len)
{
    /* With sanitizers, each time is a copy of it all. */
    if ((corpus->count & (corpus->count - 1)) == 0) {
        size_t capacity = corpus->count ? 2 * corpus->count : 1;

        corpus->items = realloc(corpus->items, capacity * sizeof(*corpus->items));
        assert_non_null(corpus->items);
    }
    corpus->items[corpus->count].len = 0;
    buffer_add(&corpus->items[corpus->count++], data, len);
}

static void add_names(struct corpus *corpus, const char *path)
{
    size_t len;
    char *text = read_whole_file(path, &len), *rest = text, *line;

    while ((line = strsep(&rest, "\n")) && *line) {
        const char *user;

        strsep(&line, "\t");
        strsep(&line, "\t");
        user = strsep(&line, "\t");
        if (strlen(user) > 12)
            corpus_add(corpus, user, strlen(user));
    }
    free(text);
}

/* A message that names the stranger, most often in a name. */
static void add_messages(struct corpus *corpus, const char *path)
{
    struct export_file file;

    export_open(&file, path);
    while (export_next(&file)) {
        struct entry entry = fake_entry(file.fields, 0);
        const void *message;
        size_t len;

        if (entry.get(&entry, "MESSAGE", &message, &len) == 0 &&
            memmem(message, len, STRANGER, strlen(STRANGER)))
            corpus_add(corpus, message, len);
    }
    export_close(&file);
}

static void add_files(struct corpus *corpus, const char *pattern,
                      void (*add)(struct corpus *corpus, const char *path))
{
    glob_t files;

    check_int(pattern, glob(pattern, 0, NULL, &files), 0);
    for (size_t i = 0; i < files.gl_pathc; i++)
        add(corpus, files.gl_pathv[i]);
    globfree(&files);
}

struct corpus *corpus_new(void)
{
    struct corpus *corpus = calloc(1, sizeof(*corpus));

    assert_non_null(corpus);
    add_files(corpus, SOURCE_DIR "/tests/journals/*.expect", add_names);
    add_files(corpus, SOURCE_DIR "/tests/journals/*.export", add_messages);
    return corpus;
}

void corpus_free(struct corpus *corpus)
{
    free(corpus->items);
    free(corpus);
}

/* One of the servers that the rule is about. */
static const struct server *find_writer(const char *rule)
{
    const struct server *found = NULL;
    size_t n = 0;

    for (const struct server *server = servers; server->rule; server++)
        if (strcmp(server->rule, rule) == 0 && random_below(++n) == 0)
            found = server;
    return found;
}

/* A line of one of them, for a stranger whose name is "eve". */
static void write_strangers_line(const struct server *server, struct buffer *ret)
{
    static const struct buffer eve = { 3, "eve" };
    struct client stranger = { .name = &eve, .other = &eve };
    const struct server *writer = find_writer(server->rule);
    const struct shape *shape;
    size_t n = 0;

    while (writer->shapes[n].text)
        n++;
    do
        shape = &writer->shapes[random_below(n)];
    while (shape->kind != SHAPE_LOGIN && random_below(2));
    client_new(&stranger, writer);
    stranger.addr = STRANGER;
    if (random_below(2))
        make_harmless_host(&stranger);
    line_write(writer, shape->text, &stranger, ret);
}

/* The line, a part of it, what stands before the name, or what stands behind it. */
static void add_line(const struct server *server, struct buffer *ret)
{
    struct buffer line = { 0 };
    const char *name;

    write_strangers_line(server, &line);
    name = memmem(line.data, line.len, "eve", 3);
    switch (random_below(name ? 6 : 2)) {
    case 0:
        buffer_add(ret, line.data, line.len);
        break;
    case 1:
        buffer_add_part(ret, line.data, line.len);
        break;
    case 2:
        buffer_add(ret, line.data, (size_t)(name - line.data));
        break;
    default: /* the best of all */
        buffer_add(ret, name + 3, (size_t)(line.data + line.len - name - 3));
        break;
    }
}

/* The fixed text between two slots. */
static void add_fixed_text(const struct server *server, struct buffer *ret)
{
    size_t n = 0;
    const char *text;

    while (server->shapes[n].text)
        n++;
    text = server->shapes[random_below(n)].text;
    text += random_below(strlen(text));
    text += strcspn(text, "}");
    if (*text)
        text++;
    buffer_add(ret, text, strcspn(text, "{"));
}

static void add_run(struct buffer *ret)
{
    char byte = (char)random_next();
    size_t len = 1 + random_magnitude() % 600;

    if (random_below(4))
        byte = "L0 .:[<("[random_below(8)];
    while (len--)
        buffer_add(ret, &byte, 1);
}

static void add_word(struct buffer *ret)
{
    static const char *const words[] = {
        STRANGER,
        "[" STRANGER "]",
        "(" STRANGER ")",
        "::ffff:" STRANGER,
        STRANGER ":6",
        "eve",
        "\n",
        "\r\n",
        "\xc3\xb6",
        "\xff\x80",
        ": ",
        ", ",
        " - ",
        "> ",
        "\", ",
        "'",
        "\"",
        "`",
        "<",
        ">",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        "=",
        ",",
        ":",
        " ",
        "\t",
        "\\",
        "%s%n",
        "-ERR",
        "2001:db8:6::6",
        "::",
        "ok",
        "rip=" STRANGER,
        "ip=[" STRANGER "]",
        "/",
        "@",
        "->",
        "\x1b[31m",
        "\x7f",
        "\xe2\x80\xae",
    };

    if (random_below(24) == 0)
        buffer_add(ret, "", 1);
    buffer_add_text(ret, words[random_below(COUNT(words))]);
}

static void add_piece(const struct corpus *corpus, const struct server *server, struct buffer *ret)
{
    const struct buffer *item = &corpus->items[random_below(corpus->count)];
    char text[24];

    switch (random_below(12)) {
    case 0:
    case 1:
    case 2:
    case 3:
        add_line(server, ret);
        break;
    case 4:
        add_fixed_text(server, ret);
        break;
    case 5:
        random_bytes(text, sizeof(text));
        buffer_add(ret, text, random_below(9));
        break;
    case 6:
        add_run(ret);
        break;
    case 7:
        snprintf(text, sizeof(text), "%llu", (unsigned long long)random_magnitude());
        buffer_add_text(ret, text);
        break;
    case 8:
        buffer_add_part(ret, item->data, item->len);
        break;
    default:
        add_word(ret);
        break;
    }
}

static void damage(struct buffer *name)
{
    size_t at = name->len ? random_below(name->len) : 0;
    size_t n = name->len ? 1 + random_magnitude() % (name->len - at) : 0;
    char *place = name->data + at;

    if (name->len == 0 || name->len == sizeof(name->data))
        return;
    switch (random_below(5)) {
    case 0: /* end there */
        name->len = at;
        break;
    case 1: /* lose some */
        memmove(place, place + n, name->len - at - n);
        name->len -= n;
        break;
    case 2: /* have one more */
        memmove(place + 1, place, name->len - at);
        name->len++;
        __attribute__((fallthrough));
    case 3: /* have another one */
        *place = random_below(2) ? (char)random_next() : " \n<>()[]'\"`,.:;=-6"[random_below(18)];
        break;
    case 4: /* say it again */
        buffer_add_part(name, name->data, name->len);
        break;
    }
}

/* Makes the name so long that it ends where a server cuts it, or the line. */
static void fit(const struct server *server, struct buffer *name)
{
    const size_t lengths[] = { 40, 64, 80, server->habit.max, server->habit.line_min };
    size_t len = lengths[random_below(COUNT(lengths))];
    struct buffer fitted = { 0 };

    if (random_below(2))
        len += random_below(300);
    if (name->len > len)
        name->len = len;
    while (fitted.len + name->len < len)
        buffer_add_text(&fitted, "L");
    buffer_add(&fitted, name->data, name->len);
    if (random_below(2))
        add_run(&fitted);
    *name = fitted;
}

void make_hostile_name(const struct corpus *corpus, const struct server *server, struct buffer *ret)
{
    ret->len = 0;
    for (size_t n = 1 + random_below(5); n > 0; n--)
        add_piece(corpus, server, ret);
    if (random_below(2))
        for (size_t n = 1 + random_below(3); n > 0; n--)
            damage(ret);
    if (random_below(4) == 0)
        fit(server, ret);
    if (ret->len > NAME_BYTES_MAX)
        ret->len = NAME_BYTES_MAX;
}

void make_harmless_name(struct buffer *ret)
{
    static const char rest[] = "abcdefghijklmnopqrstuvwxyz0123456789._-+";

    ret->len = 0;
    buffer_add(ret, &rest[random_below(26)], 1);
    for (size_t n = random_below(20); n > 0; n--)
        buffer_add(ret, &rest[random_below(sizeof(rest) - 1)], 1);
    if (random_below(2))
        buffer_add_text(ret, "@b.example");
}

void make_harmless_host(struct client *client)
{
    static const char *const hosts[] = { "", "client.example.net", "localhost", "3-0-0.domain.pt" };

    snprintf(client->host, sizeof(client->host), "%s", hosts[random_below(COUNT(hosts))]);
    snprintf(client->ident, sizeof(client->ident), "%s", random_below(2) ? "alice" : "unknown");
}

/* What can be in a host's name for the resolver of glibc, and what in an identd's answer for tcpd.
 */
static bool is_host_byte(int byte)
{
    return isalnum(byte) || strchr("-._", byte);
}

static bool is_ident_byte(int byte)
{
    return isgraph(byte);
}

static void copy_bytes(const struct buffer *from, bool (*can_be)(int byte), char ret[static 256])
{
    size_t n = 0;

    for (size_t i = 0; i < from->len && n < 255; i++)
        if (from->data[i] && can_be((unsigned char)from->data[i]))
            ret[n++] = from->data[i];
    ret[n] = '\0';
}

void make_hostile_host(const struct corpus *corpus, const struct server *server,
                       struct client *client)
{
    struct buffer text;

    make_hostile_name(corpus, server, &text);
    copy_bytes(&text, is_ident_byte, client->ident);
    if (random_below(2))
        make_hostile_name(corpus, server, &text);
    copy_bytes(&text, is_host_byte, client->host);
    if (random_below(4) == 0)
        snprintf(client->host, sizeof(client->host), STRANGER);
}
