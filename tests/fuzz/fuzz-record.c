/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Keys and values of the map. The first byte says of which kind; the rest is taken once for the
 * text of one, and once for what is to be written as one. */

#include <string.h>

#include "core/record.h"
#include "core/session.h"
#include "core/text.h"
#include "target.h"

/* Input that is used up from the front. */
struct bytes {
    const uint8_t *data;
    size_t len;
};

static void take(struct bytes *bytes, void *ret, size_t size)
{
    size_t n = size < bytes->len ? size : bytes->len;

    memset(ret, 0, size);
    memcpy(ret, bytes->data, n);
    bytes->data += n;
    bytes->len -= n;
}

/* A name as the rules let it through: printable, without the given bytes, not empty. */
static void take_name(struct bytes *bytes, const char *without, char *ret, size_t size)
{
    uint8_t want;
    size_t n = 0;

    take(bytes, &want, 1);
    for (size_t most = 1 + want % (size - 1); n < most; n++) {
        uint8_t byte;

        take(bytes, &byte, 1);
        ret[n] = byte > ' ' && byte <= '~' && !strchr(without, byte) ? (char)byte : 'x';
    }
    ret[n] = '\0';
}

static void take_user(struct bytes *bytes, char *ret, size_t size)
{
    (void)text_sanitise(bytes->data, bytes->len, ret, size);
    bytes->len = 0;
}

static void decode_record(const void *data, size_t len)
{
    struct record record;
    char text[RECORD_TEXT_MAX];

    if (record_decode(data, len, &record) < 0) {
        FUZZ_REACHED("no record");
        return;
    }
    FUZZ_REACHED("a record");
    FUZZ_CHECK(record_encode(&record, text) == len && memcmp(text, data, len) == 0);
}

static void encode_record(struct bytes *bytes)
{
    struct record record = { 0 }, again;
    char text[RECORD_TEXT_MAX];
    size_t len;

    take(bytes, &record.expires_usec, sizeof(record.expires_usec));
    take(bytes, &record.login_usec, sizeof(record.login_usec));
    take(bytes, &record.sessions, sizeof(record.sessions));
    take_name(bytes, " ", record.rule, sizeof(record.rule));
    take_user(bytes, record.user, sizeof(record.user));
    len = record_encode(&record, text);
    FUZZ_CHECK(len == strlen(text) && len < RECORD_TEXT_MAX);
    FUZZ_CHECK(record_decode(text, len, &again) == 0);
    FUZZ_CHECK(again.expires_usec == record.expires_usec && again.login_usec == record.login_usec &&
               again.sessions == record.sessions && strcmp(again.rule, record.rule) == 0 &&
               strcmp(again.user, record.user) == 0);
}

static void decode_session(const void *data, size_t len)
{
    struct session session;
    char text[SESSION_TEXT_MAX];

    if (session_decode(data, len, &session) < 0) {
        FUZZ_REACHED("no session");
        return;
    }
    FUZZ_REACHED("a session");
    if (session.state == SESSION_PENDING)
        FUZZ_REACHED("a pending session");
    FUZZ_CHECK(session_encode(&session, text) == len && memcmp(text, data, len) == 0);
}

static void encode_session(struct bytes *bytes)
{
    struct session session = { 0 }, again;
    char text[SESSION_TEXT_MAX];
    uint8_t state;
    size_t len;

    take(bytes, &state, 1);
    session.state = state % 2 ? SESSION_OPEN : SESSION_PENDING;
    take(bytes, &session.since_usec, sizeof(session.since_usec));
    take(bytes, &session.addr, sizeof(session.addr));
    take_name(bytes, "/", session.unit, sizeof(session.unit));
    take_user(bytes, session.user, sizeof(session.user));
    len = session_encode(&session, text);
    FUZZ_CHECK(len == strlen(text) && len < SESSION_TEXT_MAX);
    FUZZ_CHECK(session_decode(text, len, &again) == 0);
    FUZZ_CHECK(again.state == session.state && again.since_usec == session.since_usec &&
               addr_compare(&again.addr, &session.addr) == 0 &&
               strcmp(again.unit, session.unit) == 0 && strcmp(again.user, session.user) == 0);
}

static void decode_key(const void *data, size_t len)
{
    struct session_key key;
    char text[SESSION_KEY_TEXT_MAX];

    if (session_key_decode(data, len, &key) < 0) {
        FUZZ_REACHED("no key of a session");
        return;
    }
    FUZZ_REACHED("a key of a session");
    FUZZ_CHECK(session_key_encode(&key, text) == len && memcmp(text, data, len) == 0);
}

static void encode_key(struct bytes *bytes)
{
    struct session_key key = { .rule = "" }, again;
    char text[SESSION_KEY_TEXT_MAX];
    size_t len;

    take_name(bytes, "/", key.rule, sizeof(key.rule));
    take_name(bytes, "/", key.invocation, sizeof(key.invocation));
    take_name(bytes, "", key.session, sizeof(key.session));
    len = session_key_encode(&key, text);
    FUZZ_CHECK(len == strlen(text) && len < SESSION_KEY_TEXT_MAX);
    FUZZ_CHECK(session_key_decode(text, len, &again) == 0);
    FUZZ_CHECK(strcmp(again.rule, key.rule) == 0 && strcmp(again.session, key.session) == 0 &&
               strcmp(again.invocation, key.invocation) == 0);
}

static const struct kind {
    void (*decode)(const void *data, size_t len);
    void (*encode)(struct bytes *bytes);
} kinds[] = {
    { decode_record, encode_record },
    { decode_session, encode_session },
    { decode_key, encode_key },
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    const struct kind *kind;

    if (len == 0)
        return 0;
    kind = &kinds[data[0] % (sizeof(kinds) / sizeof(kinds[0]))];
    kind->decode(data + 1, len - 1);
    kind->encode(&(struct bytes){ data + 1, len - 1 });
    return 0;
}

void fuzz_make_seeds(fuzz_seed_func seed)
{
    static const char *const seeds[] = {
        "01795339117193980 1795337317193980 1 dovecot anna@example.org",
        "01795339117193980 1795337317193980 0 popa3d ",
        "018446744073709551615 18446744073709551615 4294967295 x m\xc3\xbcller b",
        "018446744073709551616 1 4294967296 x y",
        "001 00 00 x ",
        "01 1 1 dovecot ?",
        "1open 1795339117193980 192.0.2.10 dovecot.service anna",
        "1pending 1795339117193980 2001:db8::10 popa3d@3-127.0.0.1:110-192.0.2.10:4711.service ",
        "1open 1 ::ffff:192.0.2.10 x y",
        "1closed 1 192.0.2.10 x y",
        "1open 99999999999999999999 192.0.2.10 x y",
        "2@dovecot/0123456789abcdef0123456789abcdef/fqyuahRIKq1/AAAB",
        "2@courier/674f1b39c8694398b541c7f59cfb579f/192.0.2.10], port=[38311",
        "2@x/y/",
        "2@x//z",
    };

    for (size_t i = 0; i < sizeof(seeds) / sizeof(seeds[0]); i++)
        seed(seeds[i], strlen(seeds[i]));
}
