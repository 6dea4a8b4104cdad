// SPDX-License-Identifier: Apache-2.0
//
// The draws behind a view, apart from what is done with them, so that both can be
// tested.
#ifndef SC_DATA_AUGMENT_H
#define SC_DATA_AUGMENT_H

#include "runtime/base/rng.h"
#include "runtime/data/pixels.h"

enum sc_augment_kind {
    SC_AUGMENT_CROP,
    SC_AUGMENT_FLIP,
    SC_AUGMENT_JITTER,
    SC_AUGMENT_GRAY,
    SC_AUGMENT_BLUR,
    SC_N_AUGMENTS
};

// The places of parameters in simclr_augment_op.param.
enum { SC_CROP_AREA_MIN, SC_CROP_AREA_MAX, SC_CROP_RATIO_MIN, SC_CROP_RATIO_MAX };
enum { SC_FLIP_P };
enum {
    SC_JITTER_S,
    SC_JITTER_P,
    SC_JITTER_BRIGHTNESS,
    SC_JITTER_CONTRAST,
    SC_JITTER_SATURATION,
    SC_JITTER_HUE
};
enum { SC_GRAY_P };
enum { SC_BLUR_P, SC_BLUR_SIZE, SC_BLUR_SIGMA_MIN, SC_BLUR_SIGMA_MAX };

// The streams of random numbers of one seed: a view of an image, and the shuffle of
// an epoch. They differ from those of anything else with the same seed.
void sc_view_rng(struct sc_rng *rng, const struct simclr_view_key *key);
void sc_shuffle_rng(struct sc_rng *rng, uint64_t seed, uint64_t epoch);

// torchvision's RandomResizedCrop: an area uniform in its range, a ratio w/h uniform
// in its logarithm, sides rounded; of ten tries the first that fits; else the centre,
// as large as the ratios allow.
struct sc_box sc_draw_crop(const float *param, int64_t h, int64_t w, struct sc_rng *rng);

// What colour jitter does: four factors, in an order. Sub-operations are numbered
// brightness, contrast, saturation, hue; the factor of hue is a turn.
struct sc_jitter {
    int order[4];
    float factor[4];
};
struct sc_jitter sc_draw_jitter(const float *param, struct sc_rng *rng);

// What evaluation sees of an h x w image: the largest centred box of the target's
// shape, and of that the inner 7/8 if it is larger than the target.
struct sc_box sc_centre_box(int64_t h, int64_t w, int64_t target_h, int64_t target_w);

#endif
