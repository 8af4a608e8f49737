/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The text of a map record. The reader takes only what the writer writes: a value that would come
 * out differently again is damage, not another spelling. */

#include "record.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "text.h"

size_t record_encode(const struct record *record, char ret[static RECORD_TEXT_MAX])
{
    return (size_t)snprintf(ret, RECORD_TEXT_MAX, "%" PRIu64 " %" PRIu64 " %" PRIu32 " %s %s",
                            record->expires_usec, record->login_usec, record->sessions,
                            record->rule, record->user);
}

/* Takes a number and the blank behind it off the front. */
static bool take_number(const char **text, const char *end, uint64_t most, uint64_t *ret)
{
    uint64_t value = 0;
    const char *p = *text;

    for (; p < end && *p >= '0' && *p <= '9'; p++) {
        unsigned digit = (unsigned)(*p - '0');

        if (value > (most - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    if (p == *text || p == end || *p != ' ' || (**text == '0' && p > *text + 1))
        return false;
    *text = p + 1;
    *ret = value;
    return true;
}

int record_decode(const void *data, size_t len, struct record *ret)
{
    const char *text = data, *end = text + len, *blank;
    struct record record = { 0 };
    uint64_t sessions;
    size_t rule_len, user_len;

    if (!take_number(&text, end, UINT64_MAX, &record.expires_usec) ||
        !take_number(&text, end, UINT64_MAX, &record.login_usec) ||
        !take_number(&text, end, UINT32_MAX, &sessions))
        return -EBADMSG;
    record.sessions = (uint32_t)sessions;

    blank = memchr(text, ' ', (size_t)(end - text));
    if (!blank)
        return -EBADMSG;
    rule_len = (size_t)(blank - text);
    user_len = (size_t)(end - blank) - 1;
    if (rule_len == 0 || rule_len > RULE_NAME_MAX || user_len > USER_MAX)
        return -EBADMSG;
    if (text_sanitise(text, rule_len, record.rule, sizeof(record.rule)) != rule_len ||
        memcmp(record.rule, text, rule_len) != 0 ||
        text_sanitise(blank + 1, user_len, record.user, sizeof(record.user)) != user_len ||
        memcmp(record.user, blank + 1, user_len) != 0)
        return -EBADMSG;
    *ret = record;
    return 0;
}
