/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* From request line to reply. Two rules keep mail flowing when something is wrong here: what is not
 * an address is "not found" whatever the state of the map, since Postfix asks for host names first
 * and drops the connection at the first 400; and "not found" for an address is said only after
 * looking into a map that can be read, since Postfix turns it into a final rejection. */

#include "answer.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "core/cleanup.h"
#include "core/tcp_table.h"
#include "core/text.h"
#include "log.h"
#include "patience.h"
#include "store/map.h"

struct answers {
    const char *path;
    struct catch_up *catch_up;
    struct map *map; /* NULL until it could be opened */
    int error;       /* negative errno: why the map cannot be read; 0: it can */
    bool checked;    /* `map` and `error` are those of this wake-up */
    bool is_held;    /* nobody changes the map until let_go() */
    bool warned;     /* the log's last word is that the map cannot be read */
    struct log_limit warning;
    uint64_t realtime_usec, monotonic_usec;
};

struct answers *answers_new(const char *path, struct catch_up *catch_up)
{
    struct answers *answers = calloc(1, sizeof(*answers));

    if (answers) {
        answers->path = path;
        answers->catch_up = catch_up;
    }
    return answers;
}

static void let_go(struct answers *answers)
{
    if (answers->is_held)
        map_unlock(answers->map);
    answers->is_held = false;
}

struct answers *answers_free(struct answers *answers)
{
    if (!answers)
        return NULL;
    let_go(answers);
    map_close(answers->map);
    free(answers);
    return NULL;
}

void answers_begin(struct answers *answers, uint64_t realtime_usec, uint64_t monotonic_usec)
{
    /* Clients that are served in one turn of the loop have the same time. */
    if (monotonic_usec != answers->monotonic_usec) {
        answers->checked = false;
        patience_renew(monotonic_usec);
    }
    answers->realtime_usec = realtime_usec;
    answers->monotonic_usec = monotonic_usec;
}

/* Both kinds of warning can recur with every request, and tell of the same trouble. */
static bool may_warn(struct answers *answers)
{
    return log_limit_passes(&answers->warning, answers->monotonic_usec);
}

/* Makes sure that the map is the one that the watcher writes now. */
static int check_map(struct answers *answers)
{
    return answers->map ? map_refresh(answers->map) : map_open_reader(answers->path, &answers->map);
}

/* Has the map ready for look-ups. Tries once a wake-up, so that a long batch of requests costs no
 * more than one attempt. */
static int hold_map(struct answers *answers)
{
    if (answers->is_held || (answers->checked && answers->error < 0))
        return answers->error;
    if (!answers->checked)
        answers->error = check_map(answers);
    answers->checked = true;
    if (answers->error == 0)
        answers->error = map_lock(answers->map);
    answers->is_held = answers->error == 0;
    if (answers->error < 0) {
        if (may_warn(answers)) {
            log_line(LOG_WARNING, "cannot read map %s: %s, answering 400", answers->path,
                     map_error_text(answers->error));
            answers->warned = true;
        }
    } else if (answers->warned) {
        log_line(LOG_INFO, "reading map %s", answers->path);
        answers->warned = false;
    }
    return answers->error;
}

static enum tcp_table_reply find(struct answers *answers, const struct addr *addr)
{
    struct record record;

    if (hold_map(answers) < 0)
        return TCP_TABLE_UNAVAILABLE;

    int r = map_get(answers->map, addr, &record);
    if (r == -ENOENT)
        return TCP_TABLE_NOT_FOUND;
    if (r == 0)
        return answers->realtime_usec < record.expires_usec ? TCP_TABLE_FOUND : TCP_TABLE_NOT_FOUND;

    if (may_warn(answers)) {
        char text[ADDR_TEXT_MAX];

        (void)addr_format(addr, text);
        log_line(LOG_WARNING, "cannot read the record of %s in map %s: %s, answering 400", text,
                 answers->path, map_error_text(r));
    }
    return TCP_TABLE_UNAVAILABLE;
}

static enum tcp_table_reply look_up(struct answers *answers, const struct addr *addr)
{
    enum tcp_table_reply reply;

    patience_begin();
    reply = find(answers, addr);
    patience_end();
    return reply;
}

/* *ret_is_miss is set if it is the map that does not have it. */
static enum tcp_table_reply choose_reply(struct answers *answers, const char *line, size_t len,
                                         bool *ret_is_miss)
{
    enum tcp_table_reply reply;
    struct addr addr;

    switch (tcp_table_parse(line, len, &addr)) {
    case TCP_TABLE_ADDRESS:
        reply = look_up(answers, &addr);
        *ret_is_miss = reply == TCP_TABLE_NOT_FOUND;
        return reply;
    case TCP_TABLE_OTHER:
        return TCP_TABLE_NOT_FOUND;
    case TCP_TABLE_BAD:
        break;
    }
    return TCP_TABLE_REFUSED;
}

const char *answers_give(struct answers *answers, const char *line, size_t len,
                         struct catch_up_wait *wait)
{
    bool is_miss = false;
    const char *reply = tcp_table_reply(choose_reply(answers, line, len, &is_miss));

    if (is_miss && wait && catch_up_ask(answers->catch_up, wait))
        return NULL;
    if (log_is_debug()) {
        char shown[128];

        (void)text_sanitise(line, len, shown, sizeof(shown));
        log_line(LOG_DEBUG, "%s: %.*s", shown, (int)strcspn(reply, "\n"), reply);
    }
    return reply;
}

void answers_end_turn(struct answers *answers)
{
    catch_up_serve(answers->catch_up);
    let_go(answers);
    catch_up_send(answers->catch_up);
}

void answers_leave(struct answers *answers, struct catch_up_wait *wait)
{
    catch_up_leave(answers->catch_up, wait);
}
