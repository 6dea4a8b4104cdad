// SPDX-License-Identifier: Apache-2.0
#include "runtime/base/rng.h"

#include <math.h>

// One round: two 32x32 -> 64 bit products, their halves crossed over and mixed
// with key and counter. Constants are those of the paper, section 3.2.
static struct sc_philox philox_round(struct sc_philox x, uint32_t key0, uint32_t key1)
{
    const uint64_t p0 = (uint64_t)0xd2511f53u * x.word[0];
    const uint64_t p1 = (uint64_t)0xcd9e8d57u * x.word[2];
    return (struct sc_philox){{(uint32_t)(p1 >> 32) ^ x.word[1] ^ key0, (uint32_t)p1,
                               (uint32_t)(p0 >> 32) ^ x.word[3] ^ key1, (uint32_t)p0}};
}

struct sc_philox sc_philox4x32(const uint32_t counter[4], const uint32_t key[2])
{
    struct sc_philox x = {{counter[0], counter[1], counter[2], counter[3]}};
    uint32_t key0 = key[0], key1 = key[1];
    for (int i = 0; i < 10; i++) {
        x = philox_round(x, key0, key1);
        key0 += 0x9e3779b9u;
        key1 += 0xbb67ae85u;
    }
    return x;
}

void sc_rng_init(struct sc_rng *rng, uint64_t seed, uint64_t a, uint32_t b)
{
    *rng = (struct sc_rng){.seed = seed, .a = a, .b = b, .used = 4};
}

uint32_t sc_rng_u32(struct sc_rng *rng)
{
    if (rng->used == 4) {
        const uint32_t counter[4] = {rng->block++, rng->b, (uint32_t)rng->a,
                                     (uint32_t)(rng->a >> 32)};
        const uint32_t key[2] = {(uint32_t)rng->seed, (uint32_t)(rng->seed >> 32)};
        rng->buffer = sc_philox4x32(counter, key);
        rng->used = 0;
    }
    return rng->buffer.word[rng->used++];
}

float sc_uniform_of(uint32_t word)
{
    return (float)(word >> 8) * 0x1p-24f;
}

float sc_rng_uniform(struct sc_rng *rng)
{
    return sc_uniform_of(sc_rng_u32(rng));
}

uint32_t sc_rng_below(struct sc_rng *rng, uint32_t n)
{
    return (uint32_t)(((uint64_t)sc_rng_u32(rng) * n) >> 32);
}

double sc_normal_of(uint32_t u, uint32_t v)
{
    const double two_pi = 6.283185307179586476925;
    const double x = ((double)u + 0.5) * 0x1p-32;
    const double y = ((double)v + 0.5) * 0x1p-32;
    return sqrt(-2.0 * log(x)) * cos(two_pi * y);
}

double sc_rng_normal(struct sc_rng *rng)
{
    const uint32_t u = sc_rng_u32(rng);
    const uint32_t v = sc_rng_u32(rng);
    return sc_normal_of(u, v);
}

uint64_t sc_hash_text(const char *text)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * 0x100000001b3u;
    return hash;
}
