/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cleanup.h"
#include "cut.h"
#include "event.h"
#include "match.h"

struct rule;
struct rules;

struct rules *rules_new(void);
struct rules *rules_free(struct rules *rules);
DEFINE_CLEANUP(struct rules *, rules_free)

/* The rule of that name, made at the end of the set if it is not there yet. Returns -EINVAL unless
 * the name is 1 to RULE_NAME_MAX letters, digits, "-" and "_"; -ENOMEM. */
int rules_get(struct rules *rules, const char *name, struct rule **ret);

size_t rules_count(const struct rules *rules);
struct rule *rules_at(const struct rules *rules, size_t i);

const char *rule_name(const struct rule *rule);
bool rule_enabled(const struct rule *rule);
uint64_t rule_grace_usec(const struct rule *rule);

/* The rule's Match= lines; NULL past the last. */
const struct match *rule_match(const struct rule *rule, size_t i);

void rule_set_enabled(struct rule *rule, bool enabled);
void rule_set_grace(struct rule *rule, uint64_t grace_usec);
void rule_set_forgeable(struct rule *rule, bool forgeable);

/* From how many bytes on an entry may be the beginning of a line that the server's logger has cut
 * (see cut.h); 0 for loggers that do not cut. Returns 0 or -ENOMEM. */
int rule_set_line_max(struct rule *rule, unsigned line_max);

/* Adds one line of Match=, one pattern of Login=. Returns 0, -ENOMEM, or -EINVAL with the reason in
 * `reterr`. */
#define RULE_ERROR_MAX 320
int rule_add_match(struct rule *rule, const char *text, char reterr[static RULE_ERROR_MAX]);
int rule_add_login(struct rule *rule, const char *text, char reterr[static RULE_ERROR_MAX]);
void rule_clear_matches(struct rule *rule);
void rule_clear_logins(struct rule *rule);

/* Checks that the rule is whole: something to match, something to recognise a login by, and a
 * trusted unit or the word that it does without. Returns 0, or -EINVAL with the reason. */
int rule_verify(const struct rule *rule, char reterr[static RULE_ERROR_MAX]);

enum rules_verdict {
    RULES_LOGIN,
    RULES_NOTHING,     /* no rule has a pattern for it */
    RULES_BAD_ADDRESS, /* what a pattern took for the address is none */
    RULES_GAVE_UP,     /* too long, or a pattern ran into its limit */
    RULES_CUT,         /* it may be the rest of a line that somebody made too long on purpose */
};

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

/* Judges an entry by the enabled rules whose Match= it fulfils, in their order; the first login
 * counts. *ret is set for RULES_LOGIN; *ret_rule for all but RULES_NOTHING. */
enum rules_verdict rules_judge(const struct rules *rules, const struct entry *entry,
                               struct event *ret, const struct rule **ret_rule);
