/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The text of a session in the map. As with records, only what the writer writes is taken. */

#include "session.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

static const char *const state_names[] = {
    [SESSION_PENDING] = "pending",
    [SESSION_OPEN] = "open",
};

size_t session_key_encode(const struct session_key *key, char ret[static SESSION_KEY_TEXT_MAX])
{
    return (size_t)snprintf(ret, SESSION_KEY_TEXT_MAX, "@%s/%s/%s", key->rule, key->invocation,
                            key->session);
}

size_t session_encode(const struct session *session, char ret[static SESSION_TEXT_MAX])
{
    char addr[ADDR_TEXT_MAX];

    addr_format(&session->addr, addr);
    return (size_t)snprintf(ret, SESSION_TEXT_MAX, "%s %" PRIu64 " %s %s %s",
                            state_names[session->state], session->since_usec, addr, session->unit,
                            session->user);
}

/* Names are written only if they are printable ASCII. */
static bool is_plain(const char *text)
{
    for (; *text; text++)
        if (*text < ' ' || *text > '~')
            return false;
    return true;
}

/* Takes what stands before the next `end` off the front, into a buffer that it has to fit. */
static int take_word(char **rest, char end, char *ret, size_t size)
{
    char *stop = strchr(*rest, end);
    size_t len;

    if (!stop)
        return -EBADMSG;
    len = (size_t)(stop - *rest);
    if (len == 0 || len >= size)
        return -EBADMSG;
    memcpy(ret, *rest, len);
    ret[len] = 0;
    *rest = stop + 1;
    return 0;
}

static int copy_text(const void *data, size_t len, char *ret, size_t size)
{
    if (len >= size || memchr(data, 0, len))
        return -EBADMSG;
    memcpy(ret, data, len);
    ret[len] = 0;
    return 0;
}

int session_key_decode(const void *data, size_t len, struct session_key *ret)
{
    char text[SESSION_KEY_TEXT_MAX], *rest = text + 1;
    struct session_key key;

    if (copy_text(data, len, text, sizeof(text)) < 0 || text[0] != '@' || !is_plain(text) ||
        take_word(&rest, '/', key.rule, sizeof(key.rule)) < 0 ||
        take_word(&rest, '/', key.invocation, sizeof(key.invocation)) < 0 ||
        strchr(key.rule, ' ') || strchr(key.invocation, ' ') || !rest[0] ||
        strlen(rest) >= sizeof(key.session))
        return -EBADMSG;
    snprintf(key.session, sizeof(key.session), "%s", rest);
    *ret = key;
    return 0;
}

static int decode(char *text, struct session *ret)
{
    char state[16], since[24], addr[ADDR_TEXT_MAX], again[SESSION_TEXT_MAX], *rest = text;
    struct session session = { 0 };

    if (take_word(&rest, ' ', state, sizeof(state)) < 0 ||
        take_word(&rest, ' ', since, sizeof(since)) < 0 ||
        take_word(&rest, ' ', addr, sizeof(addr)) < 0 ||
        take_word(&rest, ' ', session.unit, sizeof(session.unit)) < 0 || !is_plain(session.unit) ||
        strchr(session.unit, '/'))
        return -EBADMSG;
    session.state = strcmp(state, state_names[SESSION_OPEN]) == 0 ? SESSION_OPEN : SESSION_PENDING;
    session.since_usec = strtoull(since, NULL, 10);
    if (addr_parse(addr, strlen(addr), &session.addr) < 0 || strlen(rest) > USER_MAX)
        return -EBADMSG;
    (void)text_sanitise(rest, strlen(rest), session.user, sizeof(session.user));
    /* Whatever was read wrongly comes out differently. */
    session_encode(&session, again);
    if (strcmp(again, text) != 0)
        return -EBADMSG;
    *ret = session;
    return 0;
}

int session_decode(const void *data, size_t len, struct session *ret)
{
    char text[SESSION_TEXT_MAX];

    return copy_text(data, len, text, sizeof(text)) < 0 ? -EBADMSG : decode(text, ret);
}
