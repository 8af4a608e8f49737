/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <stdio.h>

#include "check.h"
#include "core/cut.h"
#include "core/duration.h"
#include "fake-entry.h"

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
        /* The beginning is a line; what follows may not be one, however late it comes. */
        { "7", 0, LINE_MAX_BYTES, false, true },
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
        { "7", 0, 40, true, true },
        { "7", 0, 60, false, false },
        { "7", 30, 60, false, false },
        { "7", 60, 60, false, true },
    };

    check_steps(steps);
}

static void test_other_processes(void **state)
{
    static const struct step steps[] = {
        { "7", 0, 511, false, true }, { "77", 0, 60, false, true },  { "8", 0, 60, false, true },
        { "7", 0, 60, false, false }, { NULL, 0, 60, false, false },
    };

    check_steps(steps);
}

static void test_busy_server(void **state)
{
    _cleanup_(cuts_freep) struct cuts *cuts = cuts_new(LINE_MAX_BYTES);
    struct step step = { "7", 0, 511, false, true };
    size_t passed = 0;

    check_true("beginning", ask(cuts, &step));
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

    check_true("beginning", ask(cuts, &step));
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
    cuts_doubt_all(cuts, USEC_PER_DAY);
    for (unsigned i = 0; i < 2; i++) {
        step.seconds += 3600;
        check_true("the beginning may be among the dropped", !ask(cuts, &step));
    }
    step.seconds += 11;
    check_true("believed after silence", ask(cuts, &step));
    step.seconds += 1;
    check_true("and stays so", ask(cuts, &step));
    step.pid = "8";
    check_true("another has not been heard of since", !ask(cuts, &step));
    step.pid = "9";
    step.seconds = 2 * 86400;
    check_true("a day later", ask(cuts, &step));
}

static void test_more_than_can_be_remembered(void **state)
{
    _cleanup_(cuts_freep) struct cuts *cuts = cuts_new(LINE_MAX_BYTES);
    char pid[16];
    struct step step = { pid, 0, 511, false, true };

    for (int i = 0; i < 100; i++) {
        snprintf(pid, sizeof(pid), "%d", i);
        (void)ask(cuts, &step);
    }
    step.len = 60;
    for (int i = 0; i < 200; i++) {
        snprintf(pid, sizeof(pid), "%d", i);
        check_true(pid, !ask(cuts, &step));
    }
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
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
