/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cleanup.h"
#include "cut.h"
#include "event.h"
#include "match.h"
#include "pattern.h"

struct rule;
struct rules;

struct rules *rules_new(void);
struct rules *rules_free(struct rules *rules);
DEFINE_CLEANUP(struct rules *, rules_free)

/* The rule of that name, made at the end of the set if it is not there yet. Returns -EINVAL unless
 * the name is 1 to RULE_NAME_MAX letters, digits, "-" and "_"; -ENOMEM. */
int rules_get(struct rules *rules, const char *name, struct rule **ret);

/* The rule of that name; NULL if there is none. */
const struct rule *rules_find(const struct rules *rules, const char *name);

/* Forgets the rules that are not enabled. */
void rules_keep_enabled(struct rules *rules);

size_t rules_count(const struct rules *rules);
struct rule *rules_at(const struct rules *rules, size_t i);

const char *rule_name(const struct rule *rule);
bool rule_enabled(const struct rule *rule);
uint64_t rule_grace_usec(const struct rule *rule);

/* For how long an open session counts; meant for rules that have a Logout=. */
uint64_t rule_max_session_usec(const struct rule *rule);

/* True if the rule says how sessions end, so that an address is allowed while one is open. */
bool rule_has_logout(const struct rule *rule);

/* The rule's lines and patterns, in the order in which they were added; NULL past the last. */
const struct match *rule_match(const struct rule *rule, size_t i);
const struct match *rule_require(const struct rule *rule, size_t i);
const struct pattern *rule_pattern(const struct rule *rule, enum event_kind kind, size_t i);

/* The pattern of Peer=, and the field that it is matched against; NULL if there is none. */
const struct pattern *rule_peer(const struct rule *rule, const char **ret_field);

void rule_set_enabled(struct rule *rule, bool enabled);
void rule_set_grace(struct rule *rule, uint64_t grace_usec);
void rule_set_max_session(struct rule *rule, uint64_t max_session_usec);
void rule_set_forgeable(struct rule *rule, bool forgeable);

/* From how many bytes on an entry may be the beginning of a line that the server's logger has cut
 * (see cut.h); 0 for loggers that do not cut. Returns 0 or -ENOMEM. */
int rule_set_line_max(struct rule *rule, unsigned line_max);

/* Adds one line of Match= or Require=, one pattern of Login=, Logout=, Connect= or Fail=, or sets
 * Peer= ("FIELD=PATTERN"; "" for none). Returns 0, -ENOMEM, or -EINVAL with the reason in `reterr`.
 */
#define RULE_ERROR_MAX 320
int rule_add_match(struct rule *rule, const char *text, char reterr[static RULE_ERROR_MAX]);
int rule_add_require(struct rule *rule, const char *text, char reterr[static RULE_ERROR_MAX]);
int rule_add_pattern(struct rule *rule, enum event_kind kind, const char *text,
                     char reterr[static RULE_ERROR_MAX]);
int rule_set_peer(struct rule *rule, const char *text, char reterr[static RULE_ERROR_MAX]);
void rule_clear_matches(struct rule *rule);
void rule_clear_requires(struct rule *rule);
void rule_clear_patterns(struct rule *rule, enum event_kind kind);

/* Checks that the rule is whole: something to match, something to recognise a login by, an address
 * for each login and a session for all that needs one, and a trusted unit or the word that it does
 * without. Returns 0, or -EINVAL with the reason; *reterr_kind and *reterr_pattern then say which
 * pattern it is about, the former _EVENT_KIND_MAX if it is none. */
int rule_verify(const struct rule *rule, enum event_kind *reterr_kind, size_t *reterr_pattern,
                char reterr[static RULE_ERROR_MAX]);

/* True if the entry fulfils one line of the rule's Match= and every line of its Require=. */
bool rule_speaks_for(const struct rule *rule, const struct entry *entry);

enum rules_verdict {
    RULES_EVENT,
    RULES_NOTHING,     /* no rule has a pattern for it */
    RULES_BAD_ADDRESS, /* what a pattern took for the address is none */
    RULES_GAVE_UP,     /* too long, or a pattern ran into its limit */
    RULES_CUT,         /* it may be the rest of a line that somebody made too long on purpose */
};

/* What one rule's patterns make of an entry that it speaks for. *ret is set for RULES_EVENT. */
enum rules_verdict rule_judge(const struct rule *rule, const struct entry *entry,
                              struct event *ret);

/* Judges an entry by the enabled rules that speak for it, in their order; the first event counts.
 * *ret_rule is set for all but RULES_NOTHING. *ret is set for RULES_EVENT; in all other cases
 * ret->rule is NULL, or a rule that speaks for the entry and follows sessions: then `unit`,
 * `invocation` and `time_usec` are set, which tell whether its server was started anew. */
enum rules_verdict rules_judge(const struct rules *rules, const struct entry *entry,
                               struct event *ret, const struct rule **ret_rule);

/* Has to be told of each notice of journald that it dropped entries, "Suppressed 123 messages from
 * UNIT". Returns whether an enabled rule listens to that unit, which *ret_unit then is, inside the
 * notice; those whose logger cuts lines doubt what comes next. */
bool rules_note_drop(const struct rules *rules, const char *notice, size_t len,
                     const char **ret_unit, size_t *ret_unit_len);

/* What went before the entries that will be judged is not known. */
void rules_doubt_all(const struct rules *rules);

/* What a rule has to remember of the entries that it was shown, as text of less than CUTS_TEXT_MAX
 * bytes: see cut.h. rule_take_doubts() returns false if there is nothing to be written down;
 * rule_restore_doubts() takes NULL where nothing was. */
bool rule_take_doubts(const struct rule *rule, char ret[static CUTS_TEXT_MAX]);
void rule_restore_doubts(const struct rule *rule, const char *text);
