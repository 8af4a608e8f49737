/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Each rule of conf.d/ over messages, as its server would log them. The first byte says which
 * server, the second whose bytes the rest is: with 0 the whole message, which is then judged as
 * what it is; or else the name in the server's line of that number, where only the client's own
 * address may come of it. How far a pattern got is told to the fuzzer, which sees nothing of what
 * goes on inside of PCRE2. */

#include <glob.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/text.h"
#include "core/trace.h"
#include "line.h"
#include "target.h"
#include "unit/export-file.h"
#include "unit/fake-entry.h"
#include "unit/shipped-rules.h"

#define INVOCATION "0123456789abcdef0123456789abcdef"
#define ADDR       "192.0.2.10"

/* libFuzzer takes what it finds in this section for coverage: a byte for each place in a pattern.
 */
__attribute__((section("__libfuzzer_extra_counters"))) static uint8_t progress[1 << 16];

static struct settings *settings;

static void load_rules(void)
{
    static const char *files[64];
    glob_t found;

    FUZZ_CHECK(glob(SOURCE_DIR "/conf.d/*.conf", 0, NULL, &found) == 0);
    FUZZ_CHECK(found.gl_pathc < sizeof(files) / sizeof(files[0]));
    for (size_t i = 0; i < found.gl_pathc; i++)
        files[i] = strrchr(found.gl_pathv[i], '/') + 1;
    settings = load_shipped_rules(files);
    globfree(&found);
}

/* An entry of the server, or with another unit one that only looks like it. */
static enum rules_verdict judge(const struct server *server, const struct buffer *unit,
                                const struct buffer *message, struct event *ret)
{
    const struct fake_field fields[] = {
        { "_SYSTEMD_UNIT", unit->data, unit->len, 0 },
        FAKE_TEXT("_SYSTEMD_INVOCATION_ID", INVOCATION),
        FAKE_TEXT("_PID", "4711"),
        { "_UID", server->uid, strlen(server->uid), 0 },
        { "PRIORITY", server->priority, 1, 0 },
        { "SYSLOG_IDENTIFIER", server->identifier, strlen(server->identifier), 0 },
        { "MESSAGE", message->data, message->len, 0 },
        { NULL, NULL, 0, 0 },
    };
    struct entry entry = fake_entry(fields, 1);
    const struct rule *by;
    enum rules_verdict verdict;

    rule_restore_doubts(rules_find(settings->rules, server->rule), NULL);
    *ret = (struct event){ .kind = EVENT_FAIL };
    verdict = rules_judge(settings->rules, &entry, ret, &by);
    if (verdict == RULES_EVENT) {
        FUZZ_CHECK(by == ret->rule && rule_enabled(by) && rule_speaks_for(by, &entry));
        FUZZ_CHECK(rule_pattern(by, ret->kind, ret->pattern) != NULL);
    }
    return verdict;
}

/* True if the address stands in the text, in any spelling. */
static bool names_address(const struct buffer *text, const struct addr *addr)
{
    static const char in_addresses[] = "0123456789abcdefABCDEF.:";

    for (size_t i = 0; i < text->len; i++) {
        struct addr found;

        for (size_t len = 1; i + len <= text->len && len < INET6_ADDRSTRLEN; len++) {
            char last = text->data[i + len - 1];

            if (!last || !strchr(in_addresses, last))
                break;
            if (addr_parse(text->data + i, len, &found) == 0 && addr_compare(&found, addr) == 0)
                return true;
        }
    }
    return false;
}

static bool is_printable(const char *text)
{
    for (; *text; text++)
        if (*text < ' ' || *text > '~')
            return false;
    return true;
}

/* What holds of every event, whatever it came from. */
static void check_event(const struct event *event, const struct buffer *unit,
                        const struct buffer *message)
{
    char user[USER_MAX + 1];

    FUZZ_CHECK(event->kind < _EVENT_KIND_MAX);
    if (event->has_addr)
        FUZZ_CHECK(names_address(message, &event->addr) || names_address(unit, &event->addr));
    FUZZ_CHECK(event->has_addr || event->kind != EVENT_CONNECT);
    FUZZ_CHECK(event->has_addr || event->kind != EVENT_LOGIN ||
               rule_pattern(event->rule, EVENT_CONNECT, 0));
    FUZZ_CHECK(text_sanitise(event->user, strlen(event->user), user, sizeof(user)) ==
                   strlen(event->user) &&
               strcmp(event->user, user) == 0);
    FUZZ_CHECK(is_printable(event->session) && is_printable(event->unit));
    FUZZ_CHECK(!strpbrk(event->unit, " /") && !strpbrk(event->invocation, " /"));
}

static void note_progress(const struct server *server, const struct buffer *message)
{
    const struct rule *rule = rules_find(settings->rules, server->rule);
    const struct pattern *pattern;
    struct trace trace;
    uint32_t hash = (uint32_t)(server - servers);

    for (unsigned kind = 0; kind < _EVENT_KIND_MAX; kind++)
        for (size_t i = 0; (pattern = rule_pattern(rule, (enum event_kind)kind, i)); i++)
            if (trace_pattern(pattern, message->data, message->len, &trace) == 0) {
                uint32_t place = ((hash * 31 + kind) * 31 + (uint32_t)i) * 521 +
                                 (uint32_t)(trace.item + trace.word);

                progress[place % sizeof(progress)]++;
            }
}

/* The same from a user's own process is nothing. */
static void check_stranger(const struct server *server, const struct buffer *message)
{
    static const struct buffer stranger = { 17, "user@1001.service" };
    struct event event;

    FUZZ_CHECK(judge(server, &stranger, message, &event) == RULES_NOTHING);
    FUZZ_CHECK(event.rule == NULL);
}

static void check_verdict(enum rules_verdict verdict, const struct event *event)
{
    switch (verdict) {
    case RULES_EVENT:
        switch (event->kind) {
        case EVENT_LOGIN:
            FUZZ_REACHED("a login");
            break;
        case EVENT_LOGOUT:
            FUZZ_REACHED("a logout");
            break;
        case EVENT_CONNECT:
            FUZZ_REACHED("a connect");
            break;
        default:
            FUZZ_REACHED("a failed login");
            break;
        }
        break;
    case RULES_NOTHING:
        FUZZ_REACHED("nothing");
        break;
    case RULES_BAD_ADDRESS:
        FUZZ_REACHED("a bad address");
        break;
    case RULES_GAVE_UP:
        FUZZ_REACHED("giving up");
        break;
    case RULES_CUT:
        FUZZ_REACHED("a cut line");
        break;
    }
}

/* shape is NULL if the whole message is somebody's. */
static void judge_message(const struct server *server, const struct shape *shape,
                          const struct buffer *unit, const struct buffer *message)
{
    struct event event;
    enum rules_verdict verdict = judge(server, unit, message, &event);
    char addr[ADDR_TEXT_MAX];

    check_verdict(verdict, &event);
    if (verdict == RULES_NOTHING && message->len < 1024)
        note_progress(server, message);
    check_stranger(server, message);
    if (verdict != RULES_EVENT)
        return;
    check_event(&event, unit, message);
    if (!shape)
        return;
    FUZZ_REACHED("an event from a line that a name is in");
    FUZZ_CHECK(event.kind != EVENT_LOGIN || shape->kind == SHAPE_LOGIN);
    if (!event.has_addr)
        return;
    addr_format(&event.addr, addr);
    FUZZ_CHECK(strcmp(addr, ADDR) == 0);
}

/* One whose logger begins a new entry at each newline writes something in front of the rest. */
static void judge_lines(const struct server *server, const struct shape *shape,
                        const struct buffer *unit, const struct buffer *line)
{
    static struct buffer part;

    for (size_t at = 0, end; at <= line->len; at = end + 1) {
        const char *newline =
            server->habit.next_line ? memchr(line->data + at, '\n', line->len - at) : NULL;

        end = newline ? (size_t)(newline - line->data) : line->len;
        part.len = 0;
        buffer_add_text(&part, at ? server->habit.next_line : "");
        buffer_add(&part, line->data + at, end - at);
        judge_message(server, shape, unit, &part);
    }
}

static size_t count_servers(void)
{
    size_t n = 0;

    while (servers[n].rule)
        n++;
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static struct buffer name, line, unit;
    struct client client = {
        .addr = ADDR,
        .name = &name,
        .other = &name,
        .session = "AAAAAA/+tlgAAAA",
        .number = "12",
        .port = "38311",
        .pid = "4711",
    };
    const struct server *server;
    const struct shape *shape = NULL;

    if (!settings)
        load_rules();
    if (len < 2)
        return 0;
    server = &servers[data[0] % count_servers()];
    name.len = line.len = unit.len = 0;
    line_write(server, server->unit, &client, &unit);
    buffer_add(&name, data + 2, len - 2);
    if (data[1] == 0) {
        judge_message(server, NULL, &unit, &name);
        return 0;
    }
    shape = server->shapes;
    for (unsigned i = 1; i < data[1] && shape->text; i++)
        shape++;
    if (!shape->text)
        return 0;
    line_write(server, shape->text, &client, &line);
    judge_lines(server, shape, &unit, &line);
    return 0;
}

static void seed_with(fuzz_seed_func seed, size_t server, size_t shape, const void *data,
                      size_t len)
{
    uint8_t input[2 + MESSAGE_MAX + 1] = { (uint8_t)server, (uint8_t)shape };

    len = len < sizeof(input) - 2 ? len : sizeof(input) - 2;
    if (len > 0)
        memcpy(input + 2, data, len);
    seed(input, 2 + len);
}

/* Every shape of every server, with a name, and as a message that is free. */
static void seed_shapes(fuzz_seed_func seed)
{
    static const char text[] = "anna";
    static struct buffer name, line;
    const struct client client = {
        .addr = ADDR, .name = &name, .other = &name, .session = "s", .number = "1", .port = "2"
    };

    name.len = 0;
    buffer_add_text(&name, text);
    for (size_t i = 0; servers[i].rule; i++)
        for (size_t k = 0; servers[i].shapes[k].text; k++) {
            line.len = 0;
            line_write(&servers[i], servers[i].shapes[k].text, &client, &line);
            seed_with(seed, i, 0, line.data, line.len);
            seed_with(seed, i, 1 + k, name.data, name.len);
            seed_with(seed, i, 1 + k, line.data, line.len);
        }
}

/* What attackers tried, as the whole message and as a name. */
static void seed_journal(fuzz_seed_func seed, const char *path, size_t server)
{
    struct export_file file;
    unsigned n = 0;

    export_open(&file, path);
    while (export_next(&file))
        for (const struct fake_field *field = file.fields; field->name; field++)
            if (strcmp(field->name, "MESSAGE") == 0 && ++n % 8 == 0)
                seed_with(seed, server, n % 16 ? 0 : 1 + n / 16 % 8, field->data, field->len);
    export_close(&file);
}

static void seed_journals(fuzz_seed_func seed)
{
    for (size_t i = 0; servers[i].rule; i++) {
        char path[512];

        if (i > 0 && strcmp(servers[i].rule, servers[i - 1].rule) == 0)
            continue;
        snprintf(path, sizeof(path), "%s/tests/journals/%s.export", SOURCE_DIR, servers[i].rule);
        if (access(path, R_OK) == 0)
            seed_journal(seed, path, i);
    }
}

static size_t find_server(const char *rule)
{
    size_t i = 0;

    while (strcmp(servers[i].rule, rule) != 0)
        i++;
    return i;
}

void fuzz_make_seeds(fuzz_seed_func seed)
{
    static char blanks[MESSAGE_MAX + 1];
    size_t courier = find_server("courier");

    seed_shapes(seed);
    seed_journals(seed);
    memset(blanks, ' ', sizeof(blanks));
    seed_with(seed, 0, 0, blanks, sizeof(blanks));
    /* an address that is none, and a line that courierlogger may have cut */
    seed_with(seed, courier, 0, "LOGIN, user=x, ip=[1.2.3.4.5], port=[1]", 39);
    seed_with(seed, courier, 0, blanks, 600);
}
