/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "line.h"
#include "unit/random.h"

void client_new(struct client *client, const struct server *server)
{
    static const char *const addrs[] = { "192.0.2.10", "198.51.100.7", "203.0.113.255",
                                         "127.0.0.1",  "2001:db8::10", "::1" };
    static unsigned pid;
    uint64_t id;

    client->addr = addrs[random_below(server->knows_ipv6 ? 6 : 4)];
    id = random_next();
    snprintf(client->session, sizeof(client->session), "%08x/+tlg%08x", (unsigned)(id >> 32),
             (unsigned)id);
    snprintf(client->number, sizeof(client->number), "%u", (unsigned)random_magnitude() % 1000000);
    snprintf(client->port, sizeof(client->port), "%u", (unsigned)random_below(65536));
    snprintf(client->pid, sizeof(client->pid), "%u", ++pid);
}

/* How many bytes form one UTF-8 character; 0 if they do not. */
static size_t character_len(const unsigned char *bytes, size_t left)
{
    size_t len = *bytes < 0x80 ? 1 : *bytes < 0xc2 ? 0 : *bytes < 0xe0 ? 2 : *bytes < 0xf0 ? 3 : 4;

    if (len == 0 || len > left || *bytes > 0xf4)
        return 0;
    for (size_t i = 1; i < len; i++)
        if ((bytes[i] & 0xc0) != 0x80)
            return 0;
    return len;
}

/* Characters count as one, where the server knows of them. */
static void write_name(const struct habit *habit, const struct buffer *name, size_t max,
                       struct buffer *ret)
{
    const unsigned char *bytes = (const unsigned char *)name->data;

    for (size_t i = 0, n = 0, len; i < name->len; i += len, n++) {
        len = habit->control ? character_len(bytes + i, name->len - i) : 1;
        if (max && n == max) {
            buffer_add_text(ret, habit->cut_mark ? habit->cut_mark : "");
            return;
        }
        if (len == 0 || (habit->control && iscntrl(bytes[i]))) {
            buffer_add(ret, &habit->control, 1);
            len = len ? len : 1;
        } else if (!habit->refuses || !bytes[i] || !strchr(habit->refuses, bytes[i])) {
            buffer_add(ret, bytes + i, len);
        }
    }
}

static void write_mapped(const struct client *client, struct buffer *ret)
{
    if (!strchr(client->addr, ':'))
        buffer_add_text(ret, "::ffff:");
    buffer_add_text(ret, client->addr);
}

/* UW's "%.80s" is about both together. */
static void write_client(const struct client *client, struct buffer *ret)
{
    size_t start = ret->len;

    if (client->host[0]) {
        buffer_add_text(ret, client->host);
        buffer_add_text(ret, " ");
    }
    buffer_add_text(ret, "[");
    write_mapped(client, ret);
    buffer_add_text(ret, "]");
    if (ret->len > start + 80)
        ret->len = start + 80;
}

static void write_mechanism(const struct client *client, struct buffer *ret)
{
    for (size_t i = 0; i < client->other->len && i < 64; i++) {
        char byte = (char)toupper((unsigned char)client->other->data[i]);

        if (byte && !isspace((unsigned char)byte))
            buffer_add(ret, &byte, 1);
    }
}

static void write_one_line(const struct buffer *name, struct buffer *ret)
{
    for (size_t i = 0; i < name->len; i++)
        if (name->data[i] != '\n')
            buffer_add(ret, name->data + i, 1);
}

static void write_slot(const struct server *server, char slot, const struct client *client,
                       struct buffer *ret)
{
    switch (slot) {
    case 'U':
        write_name(&server->habit, client->name, server->habit.max, ret);
        break;
    case 'B':
        write_name(&server->habit, client->name, server->habit.other_max, ret);
        break;
    case 'R':
        buffer_add(ret, client->name->data, client->name->len);
        break;
    case 'O':
        write_one_line(client->name, ret);
        break;
    case 'W':
        buffer_add(ret, client->other->data, client->other->len);
        break;
    case 'K':
        write_mechanism(client, ret);
        break;
    case 'H':
        buffer_add_text(ret, client->host[0] ? client->host : client->addr);
        break;
    case 'I':
        buffer_add_text(ret, client->ident);
        break;
    case 'A':
        buffer_add_text(ret, client->addr);
        break;
    case 'M':
        write_mapped(client, ret);
        break;
    case 'C':
        write_client(client, ret);
        break;
    case 'N':
        buffer_add_text(ret, client->number);
        break;
    case 'P':
        buffer_add_text(ret, client->port);
        break;
    case 'S':
        buffer_add_text(ret, client->session);
        break;
    }
}

void line_write(const struct server *server, const char *text, const struct client *client,
                struct buffer *ret)
{
    while (*text) {
        if (*text != '{') {
            buffer_add(ret, text++, 1);
        } else if (text[1] == '{') {
            buffer_add(ret, text, 1);
            text += 2;
        } else {
            write_slot(server, text[1], client, ret);
            text += 3;
        }
    }
}

/* Nobody knows just where, so that it can be anywhere; what makes sense is where the line then ends
 * like a whole one. */
void line_cut(const struct server *server, struct buffer *line)
{
    const struct habit *habit = &server->habit;
    size_t len;
    char last;

    if (!habit->line_min || line->len <= habit->line_min)
        return;
    last = line->data[line->len - 1];
    len = habit->line_min + random_below(habit->line_max - habit->line_min + 1);
    if (random_below(2))
        while (len < line->len && line->data[len - 1] != last)
            len++;
    if (len < line->len && len <= habit->line_max)
        line->len = len;
    if (line->len > habit->line_max)
        line->len = habit->line_max;
}
