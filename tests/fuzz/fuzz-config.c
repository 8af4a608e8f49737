/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Configuration files, from the text to rules that are verified, looked through for mistakes and
 * written down again. */

#include <errno.h>
#include <glob.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/config.h"
#include "core/lint.h"
#include "core/settings.h"
#include "target.h"
#include "unit/export-file.h"

struct reading {
    struct settings *settings;
    const char *text;
    size_t len;
    unsigned last_line;
    bool is_bad; /* some assignment */
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* The byte of the file that is said to be this one of the value. Where lines are joined it is the
 * blank's backslash; one that has nothing behind it on the file's last line is not joined. */
static void check_place(const struct reading *reading, const struct config_item *item,
                        size_t offset)
{
    const char *line = reading->text, *end = reading->text + reading->len;
    unsigned at_line, column;

    FUZZ_CHECK(config_locate(reading->text, reading->len, item->line, offset, &at_line, &column) ==
               0);
    FUZZ_CHECK(at_line >= item->line && column >= 1);
    for (unsigned i = 1; i < at_line; i++) {
        line = memchr(line, '\n', (size_t)(end - line));
        FUZZ_CHECK(line != NULL);
        line++;
    }
    FUZZ_CHECK(column - 1 <= (size_t)(end - line));
    if (at_line > item->line)
        FUZZ_REACHED("a value that goes on in another line");
    if (!item->value[offset])
        return;
    FUZZ_CHECK(column - 1 < (size_t)(end - line));
    FUZZ_CHECK(line[column - 1] == item->value[offset] ||
               (item->value[offset] == ' ' && line[column - 1] == '\\'));
}

static void check_item(struct reading *reading, const struct config_item *item)
{
    size_t len = strlen(item->value);

    FUZZ_CHECK(item->line > reading->last_line);
    reading->last_line = item->line;
    FUZZ_CHECK(item->key[0] && !strchr(item->key, '=') && !strchr(item->key, '\n'));
    FUZZ_CHECK(!strchr(item->value, '\n') && !strpbrk(item->section, "[]\n"));
    FUZZ_CHECK(len == 0 || (!is_blank(item->value[0]) && !is_blank(item->value[len - 1])));
    check_place(reading, item, item->line % (len + 1));
    check_place(reading, item, len);
}

/* An error ends the reading of a file, but what follows it is worth a look here; the settings as a
 * whole are then of no use. */
static int assign(const struct config_item *item, void *userdata)
{
    struct reading *reading = userdata;
    char origin[32], error[SETTINGS_ERROR_MAX] = "";
    int r;

    check_item(reading, item);
    snprintf(origin, sizeof(origin), "fuzz:%u", item->line);
    r = settings_assign(reading->settings, item->section, item->key, item->value, origin, error);
    FUZZ_CHECK(r == 0 || r == -EINVAL);
    FUZZ_CHECK((r == 0) == !error[0]);
    if (r == 0)
        FUZZ_REACHED("a good assignment");
    else
        FUZZ_REACHED("a bad assignment");
    reading->is_bad |= r < 0;
    return 0;
}

/* True if nothing in it is wrong. */
static bool read_text(struct settings *settings, const char *text, size_t len)
{
    struct reading reading = { settings, text, len, 0, false };
    unsigned line = 0;
    const char *reason = NULL;
    int r = config_parse(text, len, assign, &reading, &line, &reason);

    FUZZ_CHECK(r == 0 || (r == -EBADMSG && line > 0 && reason));
    if (r < 0)
        FUZZ_REACHED("bad syntax");
    return r == 0 && !reading.is_bad;
}

static int check_finding(const struct lint_finding *finding, void *userdata)
{
    const struct assignment *assignment;

    FUZZ_REACHED("a finding about a rule");
    FUZZ_CHECK(finding->text[0]);
    if (!finding->key)
        return 0;
    assignment = settings_find_rule_key(userdata, finding->rule, finding->key, finding->index);
    FUZZ_CHECK(assignment != NULL && finding->offset <= strlen(assignment->value));
    return 0;
}

/* A rule that is enabled says what it is about, and for how long. */
static void check_rules(const struct settings *settings)
{
    char error[RULE_ERROR_MAX] = "";
    enum event_kind kind;
    size_t pattern;

    for (size_t i = 0; i < rules_count(settings->rules); i++) {
        const struct rule *rule = rules_at(settings->rules, i);

        FUZZ_CHECK(rules_find(settings->rules, rule_name(rule)) == rule);
        if (!rule_enabled(rule))
            continue;
        FUZZ_CHECK(rule_verify(rule, &kind, &pattern, error) == 0);
        FUZZ_CHECK(rule_match(rule, 0) && rule_pattern(rule, EVENT_LOGIN, 0));
        FUZZ_CHECK(rule_grace_usec(rule) > 0 && rule_max_session_usec(rule) > 0);
        FUZZ_REACHED("a rule that works");
    }
}

static char *dump(const struct settings *settings, size_t *ret_len)
{
    char *text = NULL;
    FILE *file = open_memstream(&text, ret_len);

    FUZZ_CHECK(file != NULL);
    settings_dump(settings, file);
    FUZZ_CHECK(fclose(file) == 0);
    return text;
}

/* Leaves out the comments, which say where things stood. */
static size_t strip(char *text)
{
    char *to = text;

    for (char *from = text, *end; *from; from = end) {
        end = strchr(from, '\n') + 1;
        if (*from == '#')
            continue;
        memmove(to, from, (size_t)(end - from));
        to += end - from;
    }
    *to = '\0';
    return (size_t)(to - text);
}

/* What is written down is read as the same. */
static void check_dump(const struct settings *settings)
{
    size_t len, again_len;
    char error[SETTINGS_ERROR_MAX] = "", *text = dump(settings, &len), *again;
    struct settings *second;

    FUZZ_CHECK(settings_new(&second) == 0);
    FUZZ_CHECK(read_text(second, text, len));
    FUZZ_CHECK(settings_finish(second, error) == 0);
    again = dump(second, &again_len);
    len = strip(text);
    again_len = strip(again);
    FUZZ_CHECK(len == again_len && memcmp(text, again, len) == 0);
    FUZZ_REACHED("settings that are written down");
    free(text);
    free(again);
    settings_free(second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct settings *settings;
    char error[SETTINGS_ERROR_MAX] = "";
    bool is_good;

    FUZZ_CHECK(settings_new(&settings) == 0);
    is_good = read_text(settings, (const char *)data, len);
    if (is_good)
        FUZZ_CHECK(lint_rules(settings->rules, check_finding, settings) == 0);
    if (settings_finish(settings, error) == 0) {
        check_rules(settings);
        if (is_good)
            check_dump(settings);
    } else {
        FUZZ_REACHED("no rules, or bad ones");
        FUZZ_CHECK(error[0]);
    }
    settings_free(settings);
    return 0;
}

static void seed_files(fuzz_seed_func seed)
{
    glob_t found;

    FUZZ_CHECK(glob(SOURCE_DIR "/conf.d/*.conf*", 0, NULL, &found) == 0);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        size_t len;
        char *text = read_whole_file(found.gl_pathv[i], &len);

        seed(text, len);
        free(text);
    }
    globfree(&found);
}

void fuzz_make_seeds(fuzz_seed_func seed)
{
#define RULE "[Rule x]\nMatch=_SYSTEMD_UNIT=x.service\n"
    static const char *const seeds[] = {
        "[Watcher]\nGrace=10min\nMaxEntries=5\nIPv6Prefix=64\nDebug=yes\n" RULE
        "Login=^in (?<addr>[0-9.]+)$\nLogout=^out (?<user>.*)$\nGrace=5min\nMaxSession=\n",
        RULE "Connect=^from (?<addr>[0-9.]+)$\nLogin=^in$\nFail=^no$\n",
        RULE "Require=_UID=0 \\\n  SYSLOG_IDENTIFIER=x*\nLogin=^(?<user>.*) \\\n# no\n"
             "  (?<addr>.*)$\n",
        RULE "Peer=_SYSTEMD_UNIT=@(?<addr>[0-9.]+)-\nLogin=x\nLineMax=100\n",
        RULE "Trust=forgeable\nMatch=\nMatch=SYSLOG_IDENTIFIER=x\nLogin=(?J)(?:a(?<addr>.)|"
             "(?<addr>.)b|((?:x*)*y)[[:alpha:]\\d-z]{2,3}?\\Q.\\E\\x41\\K)\n",
        "[Watcher]\nLocalNetworks=192.0.2.0/24 !::1/128\\\n\n postconf\nNeverGrant=10.0.0.0/8\n",
        "[Watcher]\nMap=relative\n[Rule x\n",
        "[Rule two words]\nLogin=a\nNonsense=1\n; x\n=y\n",
        "key=before any section\nno assignment\n",
    };

    seed_files(seed);
    for (size_t i = 0; i < sizeof(seeds) / sizeof(seeds[0]); i++)
        seed(seeds[i], strlen(seeds[i]));
}
