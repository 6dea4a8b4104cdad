// SPDX-License-Identifier: Apache-2.0
#include "runtime/core/schedule.h"
#include "tests/harness/scratch.h"

#include <math.h>

static void assert_near(double found, double expected)
{
    if (!(fabs(found - expected) <= 1e-15 * fabs(expected) + 1e-18))
        fail_msg("found %.17g, expected %.17g", found, expected);
}

static void scaling_follows_the_paper(void **state)
{
    (void)state;
    assert_near(sc_schedule_peak(0.3, SC_LR_LINEAR, 4096), 4.8);
    assert_near(sc_schedule_peak(0.075, SC_LR_SQRT, 4096), 4.8);
    assert_near(sc_schedule_peak(0.3, SC_LR_NONE, 4096), 0.3);
}

static void warmup_rises_in_equal_steps_from_the_first(void **state)
{
    (void)state;
    const struct sc_schedule s = {.peak = 1.0, .warmup = 4, .total = 12};
    assert_near(sc_schedule_lr(&s, 0), 0.25);
    assert_near(sc_schedule_lr(&s, 1), 0.5);
    assert_near(sc_schedule_lr(&s, 3), 1.0);
}

// (1 + cos(pi k / 8)) / 2 for k = 0, 2, 4, 7.
static void cosine_falls_per_step_and_ends_above_zero(void **state)
{
    (void)state;
    const struct sc_schedule s = {.peak = 2.0, .warmup = 4, .total = 12};
    assert_near(sc_schedule_lr(&s, 4), 2.0);
    assert_near(sc_schedule_lr(&s, 6), 1.0 + sqrt(0.5));
    assert_near(sc_schedule_lr(&s, 8), 1.0);
    assert_near(sc_schedule_lr(&s, 11), 1.0 - sqrt(2.0 + sqrt(2.0)) / 2.0);
    assert_near(sc_schedule_lr(&s, 12), 0.0);
}

static void warmup_may_be_missing_or_everything(void **state)
{
    (void)state;
    const struct sc_schedule none = {.peak = 1.0, .warmup = 0, .total = 2};
    assert_near(sc_schedule_lr(&none, 0), 1.0);
    assert_near(sc_schedule_lr(&none, 1), 0.5);
    const struct sc_schedule all = {.peak = 1.0, .warmup = 2, .total = 2};
    assert_near(sc_schedule_lr(&all, 1), 1.0);
    assert_near(sc_schedule_lr(&all, 2), 0.0);
}

static void stretches_are_epochs_or_steps(void **state)
{
    struct scratch *const s = *state;
    uint64_t steps = 0;
    assert_int_equal(sc_parse_stretch(&s->diag, "warmup", "10ep", 97, &steps), SIMCLR_OK);
    assert_int_equal(steps, 970);
    assert_int_equal(sc_parse_stretch(&s->diag, "warmup", "0.5ep", 10, &steps), SIMCLR_OK);
    assert_int_equal(steps, 5);
    assert_int_equal(sc_parse_stretch(&s->diag, "warmup", "500it", 97, &steps), SIMCLR_OK);
    assert_int_equal(steps, 500);
    assert_int_equal(sc_parse_stretch(&s->diag, "warmup", "0it", 97, &steps), SIMCLR_OK);
    assert_int_equal(steps, 0);
    assert_int_equal(s->n_messages, 0);
}

static void other_stretches_are_refused(void **state)
{
    struct scratch *const s = *state;
    const char *const wrong[] = {"", "10", "ep", "-1ep", "1.5it", "10 ep", "nanep", "1e300it"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        uint64_t steps = 7;
        assert_int_equal(sc_parse_stretch(&s->diag, "warmup", wrong[i], 97, &steps),
                         SIMCLR_USAGE);
        assert_int_equal(steps, 7);
    }
    assert_string_equal(s->message,
                        "simclr: error: option '--warmup': found '1e300it', expected "
                        "epochs as in '10ep' or steps as in '500it'");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scaling_follows_the_paper),
        cmocka_unit_test(warmup_rises_in_equal_steps_from_the_first),
        cmocka_unit_test(cosine_falls_per_step_and_ends_above_zero),
        cmocka_unit_test(warmup_may_be_missing_or_everything),
        SCRATCH_TEST(stretches_are_epochs_or_steps),
        SCRATCH_TEST(other_stretches_are_refused),
    };
    return cmocka_run_group_tests_name("train/schedule", tests, NULL, NULL);
}
