// SPDX-License-Identifier: Apache-2.0
//
// Whole blocks of the generator are turned into values at once, which is several
// times as fast as asking for one number after the other. The numbers are those
// of sc_rng_normal and sc_rng_uniform; a test compares them.
#include "runtime/base/init.h"

#include "runtime/base/rng.h"

#include <assert.h>

// Block number `block` of the stream (seed, a, 0); see struct sc_rng.
static struct sc_philox block_of(uint64_t seed, uint64_t a, uint32_t block)
{
    const uint32_t counter[4] = {block, 0, (uint32_t)a, (uint32_t)(a >> 32)};
    const uint32_t key[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
    return sc_philox4x32(counter, key);
}

static void fill_normal(double mean, double deviation, uint64_t seed, uint64_t a, int64_t n,
                        float *out)
{
    for (int64_t i = 0; i < n; i += 2) {
        const struct sc_philox x = block_of(seed, a, (uint32_t)(i / 2));
        out[i] = (float)(mean + deviation * sc_normal_of(x.word[0], x.word[1]));
        if (i + 1 < n)
            out[i + 1] = (float)(mean + deviation * sc_normal_of(x.word[2], x.word[3]));
    }
}

static void fill_uniform(double low, double high, uint64_t seed, uint64_t a, int64_t n,
                         float *out)
{
    for (int64_t i = 0; i < n; i += 4) {
        const struct sc_philox x = block_of(seed, a, (uint32_t)(i / 4));
        for (int64_t k = 0; k < 4 && i + k < n; k++)
            out[i + k] = (float)(low + (high - low) * (double)sc_uniform_of(x.word[k]));
    }
}

void sc_init_fill(enum simclr_init kind, double a, double b, uint64_t seed, const char *name,
                  int64_t n, float *out)
{
    assert(kind != SIMCLR_INIT_stored);
    if (kind == SIMCLR_INIT_normal) {
        fill_normal(a, b, seed, sc_hash_text(name), n, out);
    } else if (kind == SIMCLR_INIT_uniform) {
        fill_uniform(a, b, seed, sc_hash_text(name), n, out);
    } else {
        for (int64_t i = 0; i < n; i++)
            out[i] = (float)a;
    }
}
