/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One table row a kind of event, and one text a kind of trouble; the fields are the same for all
 * events, so that any of them can be found by any field. */

#include "report.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <systemd/sd-daemon.h>

#include "core/cleanup.h"
#include "core/duration.h"
#include "core/text.h"
#include "log.h"
#include "program/clock.h"

#define WARNING_INTERVAL_USEC USEC_PER_MIN

/* Connections that wait for their login, and what belongs to no session, are not told of: there is
 * nothing in it for those who read the log. pbs-rules(1) shows them. */
static const struct {
    const char *event, *message_id;
    int priority;
} kinds[_CHANGE_MAX] = {
    [CHANGE_ALLOW] = { "allow", LOG_MESSAGE_ID("01"), LOG_INFO },
    [CHANGE_EXTEND] = { "extend", LOG_MESSAGE_ID("02"), LOG_DEBUG },
    [CHANGE_EXPIRE] = { "expire", LOG_MESSAGE_ID("03"), LOG_INFO },
    [CHANGE_DISPLACE] = { "displace", LOG_MESSAGE_ID("0c"), LOG_INFO },
    [CHANGE_IGNORE_LOCAL] = { "ignore", LOG_MESSAGE_ID("04"), LOG_DEBUG },
    [CHANGE_IGNORE_NEVER] = { "ignore", LOG_MESSAGE_ID("04"), LOG_DEBUG },
    [CHANGE_REFUSE] = { "refuse", LOG_MESSAGE_ID("05"), LOG_DEBUG },
    [CHANGE_STALE] = { "stale", LOG_MESSAGE_ID("06"), LOG_DEBUG },
    [CHANGE_LOGOUT] = { "logout", LOG_MESSAGE_ID("0a"), LOG_DEBUG },
};

/* For how long an address is allowed now. */
static void describe_time(const struct record *record, char *ret, size_t size)
{
    char span[DURATION_TEXT_MAX];

    if (record->expires_usec <= record->login_usec)
        return;
    duration_format(record->expires_usec - record->login_usec, span);
    if (record->sessions > 0)
        snprintf(ret, size, " while a session is open, for %s at most", span);
    else
        snprintf(ret, size, " for %s", span);
}

/* What stands between the address and the rule. */
static void describe(const struct change *change, const struct settings *settings, char *ret,
                     size_t size)
{
    ret[0] = 0;
    switch (change->kind) {
    case CHANGE_ALLOW:
    case CHANGE_EXTEND:
    case CHANGE_LOGOUT:
        describe_time(&change->record, ret, size);
        break;
    case CHANGE_DISPLACE:
        snprintf(ret, size, ", the user has newer ones (MaxAddressesPerUser=%u)",
                 settings->max_per_user);
        break;
    case CHANGE_IGNORE_LOCAL:
        snprintf(ret, size, ", local network %s", change->network);
        break;
    case CHANGE_IGNORE_NEVER:
        snprintf(ret, size, ", never-grant network %s", change->network);
        break;
    case CHANGE_REFUSE:
        snprintf(ret, size, ", map is full (MaxEntries=%u)", settings->max_entries);
        break;
    case CHANGE_EXPIRE:
    case CHANGE_STALE:
    case CHANGE_CONNECT:
    case CHANGE_FAIL:
    case CHANGE_UNKNOWN:
    case CHANGE_NEW_RUN:
    case _CHANGE_MAX:
        break;
    }
}

static void log_change(const struct change *change, int priority, const struct settings *settings)
{
    const struct record *record = &change->record;
    bool is_of_map = change->kind == CHANGE_EXPIRE || change->kind == CHANGE_DISPLACE;
    char addr[ADDR_TEXT_MAX], key[ADDR_TEXT_MAX], middle[128], message[1024], event[32];
    char address[64], group[64], rule[64], user[USER_MAX + 16], expires[48];
    const char *fields[8] = {
        message, kinds[change->kind].message_id, event, address, rule, expires
    };
    size_t count = 6;

    addr_format(&change->addr, addr);
    addr_format_key(&change->addr, settings->ipv6_bits, key);
    describe(change, settings, middle, sizeof(middle));
    /* The user's name stands last: it is the one part that a stranger chooses. */
    snprintf(message, sizeof(message), "MESSAGE=%s %s%s, rule %s%s%s", kinds[change->kind].event,
             is_of_map ? key : addr, middle, record->rule, record->user[0] ? ", user " : "",
             record->user);
    snprintf(event, sizeof(event), "PBS_EVENT=%s", kinds[change->kind].event);
    snprintf(address, sizeof(address), "PBS_ADDRESS=%s", key);
    snprintf(rule, sizeof(rule), "PBS_RULE=%s", record->rule);
    snprintf(expires, sizeof(expires), "PBS_EXPIRES=%" PRIu64, record->expires_usec);
    if (record->user[0]) {
        snprintf(user, sizeof(user), "PBS_USER=%s", record->user);
        fields[count++] = user;
    }
    /* A journal field may have two values: the network that the map keeps, and who it was. */
    if (!is_of_map && strcmp(addr, key) != 0) {
        snprintf(group, sizeof(group), "PBS_ADDRESS=%s", addr);
        fields[count++] = group;
    }
    log_fields(priority, fields, count);
}

static int priority_of(const struct change *change)
{
    return change->is_late ? LOG_DEBUG : kinds[change->kind].priority;
}

bool report_has_words(const struct change *change)
{
    return change->kind == CHANGE_REFUSE || change->kind == CHANGE_NEW_RUN ||
           (kinds[change->kind].event && log_wants(priority_of(change)));
}

/* Tells of a server that was started anew while sessions were open. */
static void log_new_run(const char *unit, unsigned sessions)
{
    char message[512], field[UNIT_MAX + 16];
    const char *fields[] = { message, LOG_MESSAGE_ID("0b"), field };

    snprintf(message, sizeof(message),
             "MESSAGE=%s was started anew; %u session%s of its last run ended with it", unit,
             sessions, sessions == 1 ? "" : "s");
    snprintf(field, sizeof(field), "PBS_UNIT=%s", unit);
    log_fields(LOG_INFO, fields, 3);
}

void report_change(struct report *report, const struct change *change,
                   const struct settings *settings)
{
    int priority = priority_of(change);

    report->changes[change->kind]++;
    if (change->kind == CHANGE_NEW_RUN)
        log_new_run(change->record.user, change->record.sessions);
    if (change->kind == CHANGE_REFUSE)
        report_trouble(report, TROUBLE_FULL, "");
    if (kinds[change->kind].event && log_wants(priority))
        log_change(change, priority, settings);
}

void report_trouble(struct report *report, enum trouble trouble, const char *detail)
{
    static const char *const texts[_TROUBLE_MAX] = {
        [TROUBLE_BAD_ADDRESS] = "what a pattern took for the address is none; rule",
        [TROUBLE_GAVE_UP] = ("a message was too long for a rule's patterns, or took them too many "
                             "steps, and was passed over; rule"),
        [TROUBLE_CUT] = ("an entry may be part of a line that the server's logger cut, as is done "
                         "to forge logins; "
                         "logins in its place, and in those that follow, do not count; rule"),
        [TROUBLE_UNTIED] = ("a login names no address, and the connection that it belongs to was "
                            "not seen; rule"),
        [TROUBLE_CROWDED] = ("a user logs in from more addresses than MaxAddressesPerUser=, and "
                             "his oldest ones are not allowed any more; user"),
        [TROUBLE_FULL] =
            ("the map is full, new addresses are not let in; raise MaxEntries=, or find "
             "out who logs in from so many addresses"),
        [TROUBLE_UNFOLLOWED] =
            ("there are more open sessions than MaxEntries=; those beyond are not followed, and "
             "their logins count for the grace only"),
        [TROUBLE_JOURNAL] = "reading the journal failed and is tried again",
        [TROUBLE_MAP] = "writing the map failed and is tried again; those in it stay allowed",
    };
    uint64_t now_usec = clock_monotonic_usec();

    report->troubles[trouble]++;
    if (report->warned_usec[trouble] != 0 &&
        now_usec - report->warned_usec[trouble] < WARNING_INTERVAL_USEC)
        return;
    report->warned_usec[trouble] = now_usec;
    log_warning("%s%s%s (%" PRIu64 " time%s since the start)", texts[trouble],
                detail[0] ? ": " : "", detail, report->troubles[trouble],
                report->troubles[trouble] == 1 ? "" : "s");
}

void report_drop_notice(struct report *report, const char *notice, size_t len, const char *unit,
                        size_t unit_len)
{
    char message[1024], text[256], name[256];
    const char *fields[] = { message, LOG_MESSAGE_ID("09") };

    report->drops++;
    (void)text_sanitise(notice, len, text, sizeof(text));
    (void)text_sanitise(unit, unit_len, name, sizeof(name));
    snprintf(message, sizeof(message),
             "MESSAGE=journald dropped messages of a mail server (\"%s\"), and logins may be among "
             "them; LogRateLimitIntervalSec=1s with LogRateLimitBurst=1000000 in \"systemctl edit "
             "%s\" ends that",
             text, name);
    log_fields(LOG_WARNING, fields, 2);
}

void report_prefix(struct report *report, const char *prefix)
{
    report->prefix = prefix;
}

void report_status(struct report *report, size_t entries, size_t sessions)
{
    uint64_t logins = report->changes[CHANGE_ALLOW] + report->changes[CHANGE_EXTEND];
    char status[sizeof(report->status)], drops[80] = "";

    if (report->drops > 0)
        snprintf(drops, sizeof(drops),
                 "; journald dropped messages of mail servers %" PRIu64 " time%s", report->drops,
                 report->drops == 1 ? "" : "s");
    snprintf(status, sizeof(status),
             "%s%zu address%s allowed, %zu session%s open; since the start %" PRIu64
             " login%s counted, %" PRIu64 " ignored as local, %" PRIu64
             " as never to be granted, %" PRIu64 " refused%s",
             report->prefix ? report->prefix : "", entries, entries == 1 ? "" : "es", sessions,
             sessions == 1 ? "" : "s", logins, logins == 1 ? "" : "s",
             report->changes[CHANGE_IGNORE_LOCAL], report->changes[CHANGE_IGNORE_NEVER],
             report->changes[CHANGE_REFUSE], drops);
    if (strcmp(status, report->status) == 0)
        return;
    memcpy(report->status, status, sizeof(status));
    (void)sd_notifyf(0, "STATUS=%s", status);
}
