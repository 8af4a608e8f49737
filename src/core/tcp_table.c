/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The codec follows Postfix's client (dict_tcp.c) rather than the looser words of tcp_table(5):
 * that client sends no verb but "get", quotes every byte that is "%", a blank or not printable
 * ASCII, and reads a reply by its first digit and the blank after the third. It unquotes the text
 * of any reply, and takes a CR for part of the text, so that a reply with "%" or CR in it would be
 * an error there.
 *
 * Being strict about addresses is cheap: Postfix asks for each client's host name first, so half of
 * all requests are for something that is none. A key that cannot be unquoted is no address either,
 * and gets the same answer: "not found" is the truth about it. */

#include "tcp_table.h"

#include <string.h>

#define VERB "get "

/* Bytes of a key after unquoting. The longest spelling of an address, "[IPv6:...]" with an IPv4
 * tail, has 52; what is longer is no address and need not be kept. */
#define KEY_MAX 64

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* Reads the byte that stands for one or three of the text. Returns how many they are, or 0 if "%"
 * is not followed by two hexadecimal digits. */
static size_t unquote_byte(const char *text, size_t len, char *ret)
{
    if (text[0] != '%') {
        *ret = text[0];
        return 1;
    }
    if (len < 3)
        return 0;

    int high = hex_value(text[1]), low = hex_value(text[2]);
    if (high < 0 || low < 0)
        return 0;
    *ret = (char)(high << 4 | low);
    return 3;
}

enum tcp_table_request tcp_table_parse(const char *line, size_t len, struct addr *ret)
{
    const size_t verb_len = strlen(VERB);

    if (len < verb_len || memcmp(line, VERB, verb_len) != 0)
        return TCP_TABLE_BAD;

    char key[KEY_MAX];
    size_t key_len = 0;
    for (size_t i = verb_len; i < len;) {
        if (key_len == sizeof(key))
            return TCP_TABLE_OTHER;
        size_t used = unquote_byte(line + i, len - i, &key[key_len++]);
        if (used == 0)
            return TCP_TABLE_OTHER;
        i += used;
    }

    return addr_parse_lookup(key, key_len, ret) == 0 ? TCP_TABLE_ADDRESS : TCP_TABLE_OTHER;
}

const char *tcp_table_reply(enum tcp_table_reply reply)
{
    static const char *const replies[] = {
        [TCP_TABLE_FOUND] = "200 OK\n",
        [TCP_TABLE_NOT_FOUND] = "500 not found\n",
        [TCP_TABLE_UNAVAILABLE] = "400 map is not available\n",
        [TCP_TABLE_REFUSED] = "400 not a request\n",
        [TCP_TABLE_TOO_LONG] = "400 request too long\n",
    };

    return replies[reply];
}
