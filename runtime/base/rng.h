// SPDX-License-Identifier: Apache-2.0
//
// Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3",
// SC 2011): four 32-bit words as a pure function of a 128-bit counter and a
// 64-bit key. No state, so a number depends on what it is for and on nothing
// that happened before: not on thread count, not on order, not on a resume.
#ifndef SC_BASE_RNG_H
#define SC_BASE_RNG_H

#include <stdint.h>

struct sc_philox {
    uint32_t word[4];
};

struct sc_philox sc_philox4x32(const uint32_t counter[4], const uint32_t key[2]);

// A stream: the numbers of one (seed, a, b). The key is {seed lo, seed hi}, the
// counter {i, b, a lo, a hi}, where i counts blocks of four words: at most 2^34
// words per stream. Words of a block are given out in order.
struct sc_rng {
    uint64_t seed, a;
    uint32_t b, block;
    struct sc_philox buffer;
    int used; // words of `buffer` already given out; 4 = none left
};

void sc_rng_init(struct sc_rng *rng, uint64_t seed, uint64_t a, uint32_t b);
uint32_t sc_rng_u32(struct sc_rng *rng);
// Uniform in [0, 1): the top 24 bits of a word times 2^-24, exact in float.
float sc_rng_uniform(struct sc_rng *rng);
// Uniform in {0, ..., n-1}, n >= 1, without modulo bias worth naming (n * 2^-32).
uint32_t sc_rng_below(struct sc_rng *rng, uint32_t n);
// Standard normal, in double, by Box-Muller from two words u, v:
// sqrt(-2 ln((u + 0.5) 2^-32)) * cos(2 pi (v + 0.5) 2^-32). The sine is not used,
// so that normal i always comes from words 2i and 2i+1.
double sc_rng_normal(struct sc_rng *rng);

// The same numbers from words one has already.
float sc_uniform_of(uint32_t word);
double sc_normal_of(uint32_t u, uint32_t v);

// FNV-1a, 64 bit: the stream id of a parameter's name.
uint64_t sc_hash_text(const char *text);

#endif
