// SPDX-License-Identifier: Apache-2.0
//
// The random views of "A Simple Framework for Contrastive Learning of Visual
// Representations" (Chen et al., 2020, appendix A), with torchvision's sampling of
// crops. Each operation draws from the view's own stream, in the order of the list.
#include "runtime/data/augment.h"

#include <math.h>

void sc_view_rng(struct sc_rng *rng, const struct simclr_view_key *key)
{
    enum { VIEW = 0x56494557 }; // "VIEW"
    sc_rng_init(rng, key->seed, (uint64_t)key->epoch << 32 | key->image,
                (uint32_t)VIEW + key->view);
}

void sc_shuffle_rng(struct sc_rng *rng, uint64_t seed, uint64_t epoch)
{
    enum { SHUFFLE = 0x53485546 }; // "SHUF"
    sc_rng_init(rng, seed, epoch, SHUFFLE);
}

static float draw_between(struct sc_rng *rng, float low, float high)
{
    return low + (high - low) * sc_rng_uniform(rng);
}

static bool draw_coin(struct sc_rng *rng, float p)
{
    return sc_rng_uniform(rng) < p;
}

// Nearest to the middle of the ratios when no try fits.
static struct sc_box fall_back(const float *param, int64_t h, int64_t w)
{
    const double ratio = (double)w / (double)h;
    int64_t box_h = h, box_w = w;
    if (ratio < (double)param[SC_CROP_RATIO_MIN])
        box_h = lround((double)w / (double)param[SC_CROP_RATIO_MIN]);
    else if (ratio > (double)param[SC_CROP_RATIO_MAX])
        box_w = lround((double)h * (double)param[SC_CROP_RATIO_MAX]);
    box_h = box_h < 1 ? 1 : box_h > h ? h : box_h;
    box_w = box_w < 1 ? 1 : box_w > w ? w : box_w;
    return (struct sc_box){.y = (h - box_h) / 2, .x = (w - box_w) / 2, .h = box_h, .w = box_w};
}

struct sc_box sc_draw_crop(const float *param, int64_t h, int64_t w, struct sc_rng *rng)
{
    enum { TRIES = 10 };
    const float log_min = logf(param[SC_CROP_RATIO_MIN]);
    const float log_max = logf(param[SC_CROP_RATIO_MAX]);
    for (int i = 0; i < TRIES; i++) {
        const float share = draw_between(rng, param[SC_CROP_AREA_MIN], param[SC_CROP_AREA_MAX]);
        const double area = (double)share * (double)h * (double)w;
        const double ratio = (double)expf(draw_between(rng, log_min, log_max));
        const int64_t box_w = lround(sqrt(area * ratio));
        const int64_t box_h = lround(sqrt(area / ratio));
        if (box_w < 1 || box_w > w || box_h < 1 || box_h > h) continue;
        const int64_t y = sc_rng_below(rng, (uint32_t)(h - box_h + 1));
        const int64_t x = sc_rng_below(rng, (uint32_t)(w - box_w + 1));
        return (struct sc_box){.y = y, .x = x, .h = box_h, .w = box_w};
    }
    return fall_back(param, h, w);
}

struct sc_box sc_centre_box(int64_t h, int64_t w, int64_t target_h, int64_t target_w)
{
    // h * target_w > w * target_h: the image is taller than the target.
    int64_t box_h = h, box_w = w;
    if (h * target_w > w * target_h)
        box_h = w * target_h / target_w;
    else
        box_w = h * target_w / target_h;
    if (box_h > target_h && box_w > target_w) {
        box_h -= box_h / 8;
        box_w -= box_w / 8;
    }
    box_h = box_h < 1 ? 1 : box_h;
    box_w = box_w < 1 ? 1 : box_w;
    return (struct sc_box){.y = (h - box_h) / 2, .x = (w - box_w) / 2, .h = box_h, .w = box_w};
}

struct sc_jitter sc_draw_jitter(const float *param, struct sc_rng *rng)
{
    struct sc_jitter jitter = {.order = {0, 1, 2, 3}};
    for (uint32_t i = 3; i > 0; i--) {
        const uint32_t k = sc_rng_below(rng, i + 1);
        const int swapped = jitter.order[i];
        jitter.order[i] = jitter.order[k];
        jitter.order[k] = swapped;
    }
    for (int i = 0; i < 3; i++) {
        const float reach = param[SC_JITTER_S] * param[SC_JITTER_BRIGHTNESS + i];
        jitter.factor[i] = draw_between(rng, fmaxf(0.0f, 1.0f - reach), 1.0f + reach);
    }
    const float turn = fminf(0.5f, param[SC_JITTER_S] * param[SC_JITTER_HUE]);
    jitter.factor[3] = draw_between(rng, -turn, turn);
    return jitter;
}

static void apply_jitter(const struct sc_jitter *jitter, float *planes, int64_t n)
{
    static void (*const operation[4])(float *, int64_t, float) = {sc_brightness, sc_contrast,
                                                                  sc_saturation, sc_hue};
    for (int i = 0; i < 4; i++) {
        const int k = jitter->order[i];
        operation[k](planes, n, jitter->factor[k]);
    }
}

// False if memory is exhausted. A crop has been done before.
static bool apply_op(const struct simclr_augment_op *op, int64_t h, int64_t w,
                     struct sc_rng *rng, float *planes)
{
    const float *const param = op->param;
    switch ((enum sc_augment_kind)op->kind) {
    case SC_AUGMENT_FLIP:
        if (draw_coin(rng, param[SC_FLIP_P])) sc_flip(planes, h, w);
        return true;
    case SC_AUGMENT_JITTER:
        if (draw_coin(rng, param[SC_JITTER_P])) {
            const struct sc_jitter jitter = sc_draw_jitter(param, rng);
            apply_jitter(&jitter, planes, h * w);
        }
        return true;
    case SC_AUGMENT_GRAY:
        if (draw_coin(rng, param[SC_GRAY_P])) sc_gray(planes, h * w);
        return true;
    case SC_AUGMENT_BLUR:
        if (draw_coin(rng, param[SC_BLUR_P])) {
            const int64_t size = (int64_t)((double)param[SC_BLUR_SIZE] * (double)h + 1e-4);
            const float sigma =
                draw_between(rng, param[SC_BLUR_SIGMA_MIN], param[SC_BLUR_SIGMA_MAX]);
            return sc_blur(planes, h, w, size / 2, sigma);
        }
        return true;
    case SC_AUGMENT_CROP:
    case SC_N_AUGMENTS: break;
    }
    return true;
}

simclr_status simclr_augment_apply(const struct simclr_augment *augment,
                                   const struct simclr_image *image,
                                   const struct simclr_view_key *key, int64_t h, int64_t w,
                                   float *out)
{
    struct sc_rng rng;
    sc_view_rng(&rng, key);
    const bool has_crop = augment->n_ops > 0 && augment->op[0].kind == SC_AUGMENT_CROP;
    const struct sc_box box = has_crop
                                  ? sc_draw_crop(augment->op[0].param, image->h, image->w, &rng)
                                  : sc_centre_box(image->h, image->w, h, w);
    bool ok = sc_resize(image, &box, h, w, out);
    for (int i = has_crop; ok && i < augment->n_ops; i++)
        ok = apply_op(&augment->op[i], h, w, &rng, out);
    return ok ? SIMCLR_OK : SIMCLR_NO_MEMORY;
}
