/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <errno.h>
#include <stdio.h>

#include "check.h"
#include "core/cut.h"
#include "core/duration.h"
#include "fake-entry.h"
#include "random.h"

#define LINE_MAX_BYTES 503

struct step {
    const char *pid; /* NULL: the field is missing */
    double seconds;  /* since the first step */
    size_t len;      /* of the message */
    bool has_raw;    /* journald cut blanks off */
    bool is_whole;   /* what must be said */
};

static bool ask(struct cuts *cuts, const struct step *step)
{
    static const char message[2000];
    const struct fake_field fields[] = {
        { step->pid ? "_PID" : "_OTHER", step->pid, step->pid ? strlen(step->pid) : 0, 0 },
        { "MESSAGE", message, step->len, 0 },
        { step->has_raw ? "SYSLOG_RAW" : NULL, "raw ", 4, 0 },
        { NULL, NULL, 0, 0 },
    };
    struct entry entry =
        fake_entry(fields, USEC_PER_DAY + (uint64_t)(step->seconds * (double)USEC_PER_SEC));

    return cuts_is_whole(cuts, &entry);
}

#define check_steps(steps) check_each_step((steps), sizeof(steps) / sizeof((steps)[0]))

static void check_each_step(const struct step *steps, size_t count)
{
    _cleanup_(cuts_freep) struct cuts *cuts = cuts_new(LINE_MAX_BYTES);
    char what[64];

    assert_non_null(cuts);
    for (size_t i = 0; i < count; i++) {
        snprintf(what, sizeof(what), "step %zu", i);
        check_int(what, ask(cuts, &steps[i]), steps[i].is_whole);
    }
}

static void test_short_lines(void **state)
{
    static const struct step steps[] = {
        { "7", 0, 60, false, true },
        { "7", 0, LINE_MAX_BYTES - 1, false, true },
        { "7", 0, 60, false, true },
        { "8", 0, 1, false, true },
    };

    check_steps(steps);
}

static void test_rest_of_a_line(void **state)
{
    static const struct step steps[] = {
        /* The beginning may have lost its end; what follows may be that, however late it comes. */
        { "7", 0, LINE_MAX_BYTES, false, false },
        { "7", 60, 60, false, false },
        { "7", 120, 60, false, false },
        /* Two have passed, but without silence there may still be something waiting. */
        { "7", 129.9, 60, false, false },
        { "7", 139.9, 60, false, true },
        { "7", 140, 60, false, true },
    };

    check_steps(steps);
}

static void test_blanks_that_journald_cut(void **state)
{
    static const struct step steps[] = {
        { "7", 0, 40, true, false },
        { "7", 0, 60, false, false },
        { "7", 30, 60, false, false },
        { "7", 60, 60, false, true },
    };

    check_steps(steps);
}

static void test_other_processes(void **state)
{
    static const struct step steps[] = {
        { "7", 0, 511, false, false }, { "77", 0, 60, false, true },  { "8", 0, 60, false, true },
        { "7", 0, 60, false, false },  { NULL, 0, 60, false, false },
    };

    check_steps(steps);
}

static void test_busy_server(void **state)
{
    _cleanup_(cuts_freep) struct cuts *cuts = cuts_new(LINE_MAX_BYTES);
    struct step step = { "7", 0, 511, false, true };
    size_t passed = 0;

    check_true("beginning", !ask(cuts, &step));
    step.len = 99;
    for (; !ask(cuts, &step) && passed < 1000; step.seconds += 0.01)
        passed++;
    /* Two buffers of 4096 bytes, at 100 a line. */
    check_unsigned("lines passed over", passed, 82);
    check_true("from then on", ask(cuts, &step));
}

static void test_again_and_again(void **state)
{
    _cleanup_(cuts_freep) struct cuts *cuts = cuts_new(LINE_MAX_BYTES);
    struct step step = { "7", 0, 511, false, true };

    check_true("beginning", !ask(cuts, &step));
    for (unsigned i = 0; i < 1000; i++) {
        step.len = i % 50 == 49 ? 511 : 99;
        step.seconds += 0.01;
        check_true("within two buffers of the last cut", !ask(cuts, &step));
    }
}

static void test_dropped_entries(void **state)
{
    _cleanup_(cuts_freep) struct cuts *cuts = cuts_new(LINE_MAX_BYTES);
    struct step step = { "7", 0, 60, false, true };

    check_true("before", ask(cuts, &step));
    cuts_doubt_all(cuts);
    for (unsigned i = 0; i < 2; i++) {
        step.seconds += 3600;
        check_true("the beginning may be among the dropped", !ask(cuts, &step));
    }
    step.seconds += 11;
    check_true("believed after silence", ask(cuts, &step));
    step.seconds += 1;
    check_true("and stays so", ask(cuts, &step));
    step.pid = "8";
    step.seconds += 10 * 86400;
    check_true("another has not been heard of since", !ask(cuts, &step));
    cuts_reset(cuts);
    step.pid = "9";
    check_true("forgotten", ask(cuts, &step));
}

/* At any point the text holds all there is to know: one that is restored from it says the same. */
static void test_restored(void **state)
{
    _cleanup_(cuts_freep) struct cuts *cuts = cuts_new(LINE_MAX_BYTES);
    _cleanup_(cuts_freep) struct cuts *copy = cuts_new(LINE_MAX_BYTES);
    char kept[CUTS_TEXT_MAX] = "0", pid[16], what[64];
    struct step step = { pid };
    unsigned whole = 0;

    for (unsigned i = 0; i < 20000; i++) {
        char text[CUTS_TEXT_MAX];
        bool said;

        snprintf(pid, sizeof(pid), "%u", 100 + (unsigned)random_below(6));
        step.seconds += random_below(20) == 0 ? 11 : 0.01;
        step.len = random_below(200) == 0 ? 511 : random_below(200);
        step.has_raw = random_below(500) == 0;
        if (random_below(2000) == 0)
            cuts_doubt_all(cuts);
        if (cuts_take_text(cuts, text))
            memcpy(kept, text, sizeof(kept));
        snprintf(what, sizeof(what), "step %u", i);
        check_int(what, cuts_restore(copy, kept), 0);
        said = ask(cuts, &step);
        check_int(what, ask(copy, &step), said);
        whole += said;
    }
    check_true("both were said", whole > 1000 && whole < 19000);
}

static void test_bad_text(void **state)
{
    static const char *const texts[] = {
        "",
        "2",
        "x",
        "0 7",
        "0 7:1:0:0",
        "0 7:2:0:0:0",
        "0 x:1:0:0:0",
        "0 7:1:0:0:0x",
        "0 123456789012345678901:1:0:0:0",
        "0 1:1:0:0:0 2:1:0:0:0 3:1:0:0:0 4:1:0:0:0 5:1:0:0:0 6:1:0:0:0 7:1:0:0:0 8:1:0:0:0 "
        "9:1:0:0:0 10:1:0:0:0 11:1:0:0:0 12:1:0:0:0 13:1:0:0:0 14:1:0:0:0 15:1:0:0:0 "
        "16:1:0:0:0 17:1:0:0:0",
    };
    _cleanup_(cuts_freep) struct cuts *cuts = cuts_new(LINE_MAX_BYTES);
    struct step step = { "7", 0, 60, false, false };

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        check_int(texts[i], cuts_restore(cuts, texts[i]), -EBADMSG);
        check_true(texts[i], !ask(cuts, &step));
    }
    check_int("good", cuts_restore(cuts, "0 8:1:0:0:0"), 0);
    check_true("good", ask(cuts, &step));
}

/* Loggers that end in doubt must not take the places of those that live. */
static void test_more_than_can_be_remembered(void **state)
{
    _cleanup_(cuts_freep) struct cuts *cuts = cuts_new(LINE_MAX_BYTES);
    char pid[16];
    struct step step = { pid, 0, 511, false, true };

    for (int i = 0; i < 100; i++, step.seconds++) {
        snprintf(pid, sizeof(pid), "%d", i);
        (void)ask(cuts, &step);
    }
    step.len = 60;
    for (int i = 0; i < 200; i++, step.seconds++) {
        snprintf(pid, sizeof(pid), "%d", i);
        check_true(pid, !ask(cuts, &step));
    }
    check_true("a second line", !ask(cuts, &step));
    step.seconds += 11;
    check_true("believed after silence, as ever", ask(cuts, &step));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_short_lines),
        cmocka_unit_test(test_rest_of_a_line),
        cmocka_unit_test(test_blanks_that_journald_cut),
        cmocka_unit_test(test_other_processes),
        cmocka_unit_test(test_busy_server),
        cmocka_unit_test(test_again_and_again),
        cmocka_unit_test(test_dropped_entries),
        cmocka_unit_test(test_more_than_can_be_remembered),
        cmocka_unit_test_setup(test_restored, random_setup),
        cmocka_unit_test(test_bad_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
