// SPDX-License-Identifier: Apache-2.0
//
// One thread produces batches into a ring of slots, its pool making the rows; the
// consumer holds one slot at a time. A row depends on the seed, the epoch, the
// image and the view alone, and the order of images on the seed and the epoch, so
// any batch can be made without those before it.
#include "runtime/data/augment.h"

#include "runtime/base/checked.h"
#include "runtime/base/thread.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

struct slot {
    struct simclr_batch batch;
    float *x;
    int64_t *label;
    simclr_status status;
};

struct simclr_loader {
    struct simclr_diag *diag;
    const struct simclr_dataset *dataset;
    struct simclr_augment augment;
    struct simclr_loader_options options;
    uint64_t steps_per_epoch;
    size_t n_bytes;
    float scale[3], shift[3]; // x = value * scale + shift

    // The producer's own.
    struct sc_pool *pool;
    struct simclr_image_buffer *buffer; // one per thread of the pool
    float **row;                        // one per thread: a view before normalisation
    uint32_t *order;                    // the images in the order of `order_epoch`
    uint64_t order_epoch;
    pthread_t producer;
    bool is_started;

    // Shared, under the lock. Slots [n_taken, n_made) are full; the consumer holds
    // slot n_taken - 1 until it asks for the next.
    pthread_mutex_t lock;
    pthread_cond_t made, taken;
    uint64_t n_made, n_taken;
    bool is_stopping;
    int n_slots;
    struct slot *slot;
};

// ---------------------------------------------------------------- producing

// Fisher-Yates, its numbers drawn from the epoch's own stream.
static void shuffle(struct simclr_loader *loader, uint64_t epoch)
{
    const uint32_t n = (uint32_t)simclr_dataset_n_images(loader->dataset);
    struct sc_rng rng;
    sc_shuffle_rng(&rng, loader->options.seed, epoch);
    for (uint32_t i = 0; i < n; i++)
        loader->order[i] = i;
    for (uint32_t i = n - 1; i > 0; i--) {
        const uint32_t k = sc_rng_below(&rng, i + 1);
        const uint32_t swapped = loader->order[i];
        loader->order[i] = loader->order[k];
        loader->order[k] = swapped;
    }
    loader->order_epoch = epoch;
}

struct fill {
    struct simclr_loader *loader;
    struct slot *slot;
    uint64_t first; // place in the epoch of the batch's first image
    atomic_int status;
};

static void normalize_nchw(const struct simclr_loader *loader, const float *planes,
                           float *restrict out)
{
    const int64_t n = loader->options.h * loader->options.w;
    for (int64_t c = 0; c < 3; c++) {
        const float scale = loader->scale[c], shift = loader->shift[c];
        for (int64_t i = 0; i < n; i++)
            out[c * n + i] = planes[c * n + i] * scale + shift;
    }
}

static void normalize_nhwc(const struct simclr_loader *loader, const float *planes,
                           float *restrict out)
{
    const int64_t n = loader->options.h * loader->options.w;
    for (int64_t i = 0; i < n; i++) {
        for (int64_t c = 0; c < 3; c++)
            out[3 * i + c] = planes[c * n + i] * loader->scale[c] + loader->shift[c];
    }
}

static simclr_status make_rows(struct fill *fill, int64_t k, int thread)
{
    struct simclr_loader *const loader = fill->loader;
    const struct simclr_loader_options *const o = &loader->options;
    struct slot *const slot = fill->slot;
    const uint64_t place = fill->first + (uint64_t)k;
    const uint32_t i = o->is_sequential ? (uint32_t)place : loader->order[place];
    struct simclr_image image;
    SC_TRY(simclr_dataset_fetch(loader->dataset, loader->diag, i, &loader->buffer[thread],
                                &image));
    slot->label[k] = simclr_dataset_label(loader->dataset, i);
    for (int view = 0; view < o->views; view++) {
        const struct simclr_view_key key = {.seed = o->seed,
                                            .epoch = (uint32_t)slot->batch.epoch,
                                            .image = i,
                                            .view = (uint32_t)view};
        float *const planes = loader->row[thread];
        if (simclr_augment_apply(&loader->augment, &image, &key, o->h, o->w, planes) !=
            SIMCLR_OK)
            return sc_fail(loader->diag, SIMCLR_NO_MEMORY, NULL, "out of memory for a view");
        float *const out = slot->x + (k * o->views + view) * 3 * o->h * o->w;
        if (o->is_nhwc)
            normalize_nhwc(loader, planes, out);
        else
            normalize_nchw(loader, planes, out);
    }
    return SIMCLR_OK;
}

static void fill_task(void *ctx, int64_t k, int thread)
{
    struct fill *const fill = ctx;
    if (atomic_load(&fill->status) != SIMCLR_OK) return;
    const simclr_status status = make_rows(fill, k, thread);
    if (status != SIMCLR_OK) atomic_store(&fill->status, (int)status);
}

// Makes the batch of `step`.
static void fill_slot(struct simclr_loader *loader, uint64_t step, struct slot *slot)
{
    const struct simclr_loader_options *const o = &loader->options;
    const uint64_t n = (uint64_t)simclr_dataset_n_images(loader->dataset);
    const uint64_t batch = (uint64_t)o->batch;
    const uint64_t epoch = step / loader->steps_per_epoch;
    struct fill fill = {.loader = loader, .slot = slot};
    uint64_t n_images = batch;
    if (o->is_sequential) {
        fill.first = step < loader->steps_per_epoch ? step * batch : n;
        n_images = n - fill.first < batch ? n - fill.first : batch;
    } else {
        fill.first = step % loader->steps_per_epoch * batch;
        if (epoch != loader->order_epoch) shuffle(loader, epoch);
    }
    atomic_init(&fill.status, SIMCLR_OK);
    slot->batch = (struct simclr_batch){.step = step,
                                        .epoch = epoch,
                                        .n_images = (int64_t)n_images,
                                        .n_rows = (int64_t)n_images * o->views,
                                        .x = slot->x,
                                        .label = slot->label};
    sc_pool_run(loader->pool, (int64_t)n_images, fill_task, &fill);
    slot->status = (simclr_status)atomic_load(&fill.status);
}

// Waits for a slot that neither holds a batch nor is in the consumer's hands; false
// if the loader is being freed.
static bool wait_for_room(struct simclr_loader *loader)
{
    pthread_mutex_lock(&loader->lock);
    const uint64_t n_slots = (uint64_t)loader->n_slots;
    for (;;) {
        const uint64_t n_free_from = loader->n_taken > 0 ? loader->n_taken - 1 : 0;
        if (loader->is_stopping || loader->n_made - n_free_from < n_slots) break;
        pthread_cond_wait(&loader->taken, &loader->lock);
    }
    const bool goes_on = !loader->is_stopping;
    pthread_mutex_unlock(&loader->lock);
    return goes_on;
}

static void *produce(void *arg)
{
    struct simclr_loader *const loader = arg;
    for (uint64_t i = 0; wait_for_room(loader); i++) {
        struct slot *const slot = &loader->slot[i % (uint64_t)loader->n_slots];
        fill_slot(loader, loader->options.first_step + i, slot);
        const bool is_last = slot->status != SIMCLR_OK;
        pthread_mutex_lock(&loader->lock);
        loader->n_made++;
        pthread_cond_signal(&loader->made);
        pthread_mutex_unlock(&loader->lock);
        if (is_last) return NULL;
    }
    return NULL;
}

// ---------------------------------------------------------------- consuming

simclr_status simclr_loader_next(struct simclr_loader *loader, struct simclr_batch *out)
{
    const uint64_t n_slots = (uint64_t)loader->n_slots;
    // After a failure nothing more is made.
    if (loader->n_taken > 0 &&
        loader->slot[(loader->n_taken - 1) % n_slots].status != SIMCLR_OK)
        return loader->slot[(loader->n_taken - 1) % n_slots].status;
    pthread_mutex_lock(&loader->lock);
    const struct slot *const slot = &loader->slot[loader->n_taken % n_slots];
    loader->n_taken++;
    pthread_cond_signal(&loader->taken);
    while (loader->n_made < loader->n_taken)
        pthread_cond_wait(&loader->made, &loader->lock);
    pthread_mutex_unlock(&loader->lock);
    *out = slot->batch;
    return slot->status;
}

uint64_t simclr_loader_steps_per_epoch(const struct simclr_loader *loader)
{
    return loader->steps_per_epoch;
}

size_t simclr_loader_bytes(const struct simclr_loader *loader)
{
    return loader->n_bytes;
}

// ------------------------------------------------------------ making, freeing

static simclr_status check_options(struct simclr_diag *diag,
                                   const struct simclr_loader_options *o, int64_t n_images)
{
    if (o->batch < 1 || o->h < 1 || o->w < 1 || o->views < 1)
        return sc_fail(diag, SIMCLR_USAGE, NULL,
                       "a batch of %" PRId64 " images of %" PRId64 " x %" PRId64
                       " pixels in %d views, expected at least 1 of each",
                       o->batch, o->w, o->h, o->views);
    if (!o->is_sequential && o->batch > n_images)
        return sc_fail(diag, SIMCLR_USAGE, NULL,
                       "the data has %" PRId64
                       " images, expected at least one batch of %" PRId64,
                       n_images, o->batch);
    return SIMCLR_OK;
}

// The bytes of one slot's rows; false on overflow.
static bool count_row_bytes(const struct simclr_loader_options *o, size_t *out)
{
    const struct simclr_shape shape = {.rank = 4,
                                       .dim = {o->batch, 3 * (int64_t)o->views, o->h, o->w}};
    return sc_checked_nbytes(SIMCLR_f32, &shape, out);
}

// Rows are aligned for vectors, and padded so.
static void *allocate(struct simclr_loader *loader, size_t n)
{
    enum { ALIGNMENT = 64 };
    size_t padded;
    if (!sc_checked_add(n, ALIGNMENT - 1, &padded)) return NULL;
    padded &= ~(size_t)(ALIGNMENT - 1);
    loader->n_bytes += padded;
    return aligned_alloc(ALIGNMENT, padded);
}

static bool allocate_slots(struct simclr_loader *loader)
{
    const struct simclr_loader_options *const o = &loader->options;
    size_t row_bytes;
    loader->slot = calloc((size_t)loader->n_slots, sizeof *loader->slot);
    if (!loader->slot || !count_row_bytes(o, &row_bytes)) return false;
    for (int i = 0; i < loader->n_slots; i++) {
        struct slot *const slot = &loader->slot[i];
        slot->x = allocate(loader, row_bytes);
        slot->label = allocate(loader, (size_t)o->batch * sizeof *slot->label);
        if (!slot->x || !slot->label) return false;
    }
    return true;
}

static bool allocate_rest(struct simclr_loader *loader)
{
    const struct simclr_loader_options *const o = &loader->options;
    const size_t n_threads = (size_t)sc_pool_n_threads(loader->pool);
    const size_t n_images = (size_t)simclr_dataset_n_images(loader->dataset);
    loader->buffer = calloc(n_threads, sizeof *loader->buffer);
    loader->row = calloc(n_threads, sizeof *loader->row);
    if (!loader->buffer || !loader->row) return false;
    for (size_t i = 0; i < n_threads; i++) {
        loader->row[i] = allocate(loader, (size_t)(3 * o->h * o->w) * sizeof **loader->row);
        if (!loader->row[i]) return false;
    }
    if (o->is_sequential) return true;
    loader->order = allocate(loader, n_images * sizeof *loader->order);
    return loader->order != NULL;
}

static simclr_status start(struct simclr_loader *loader)
{
    SC_TRY(sc_pool_new(loader->diag, loader->options.n_threads, &loader->pool));
    if (!allocate_slots(loader) || !allocate_rest(loader))
        return sc_fail(loader->diag, SIMCLR_NO_MEMORY, NULL,
                       "out of memory for %d batches of %" PRId64 " images", loader->n_slots,
                       loader->options.batch);
    loader->is_started = pthread_create(&loader->producer, NULL, produce, loader) == 0;
    if (!loader->is_started)
        return sc_fail(loader->diag, SIMCLR_NO_MEMORY, NULL, "cannot start a thread");
    return SIMCLR_OK;
}

static void set_up(struct simclr_loader *loader)
{
    const struct simclr_loader_options *const o = &loader->options;
    const uint64_t n = (uint64_t)simclr_dataset_n_images(loader->dataset);
    const uint64_t batch = (uint64_t)o->batch;
    loader->steps_per_epoch = o->is_sequential ? (n + batch - 1) / batch : n / batch;
    loader->order_epoch = UINT64_MAX;
    loader->n_slots = 1 + (o->n_prefetch > 0 ? o->n_prefetch : 2);
    for (int c = 0; c < 3; c++) {
        loader->scale[c] = o->std[c] > 0 ? 1.0f / o->std[c] : 1.0f;
        loader->shift[c] = -o->mean[c] * loader->scale[c];
    }
    pthread_mutex_init(&loader->lock, NULL);
    pthread_cond_init(&loader->made, NULL);
    pthread_cond_init(&loader->taken, NULL);
}

simclr_status simclr_loader_new(struct simclr_diag *diag, const struct simclr_dataset *dataset,
                                const struct simclr_augment *augment,
                                const struct simclr_loader_options *options,
                                struct simclr_loader **out)
{
    struct simclr_loader_options o = *options;
    if (o.is_sequential || o.views == 0) o.views = 1;
    SC_TRY(check_options(diag, &o, simclr_dataset_n_images(dataset)));
    struct simclr_loader *const loader = calloc(1, sizeof *loader);
    if (!loader) return sc_fail(diag, SIMCLR_NO_MEMORY, NULL, "out of memory for a loader");
    loader->diag = diag;
    loader->dataset = dataset;
    loader->options = o;
    if (augment && !o.is_sequential) loader->augment = *augment;
    set_up(loader);
    const simclr_status status = start(loader);
    if (status != SIMCLR_OK)
        simclr_loader_free(loader);
    else
        *out = loader;
    return status;
}

static void free_storage(struct simclr_loader *loader)
{
    const int n_threads = loader->pool ? sc_pool_n_threads(loader->pool) : 0;
    for (int i = 0; i < n_threads; i++) {
        if (loader->buffer) simclr_image_buffer_deinit(&loader->buffer[i]);
        if (loader->row) free(loader->row[i]);
    }
    for (int i = 0; loader->slot && i < loader->n_slots; i++) {
        free(loader->slot[i].x);
        free(loader->slot[i].label);
    }
    free(loader->slot);
    free(loader->buffer);
    free(loader->row);
    free(loader->order);
}

void simclr_loader_free(struct simclr_loader *loader)
{
    if (!loader) return;
    pthread_mutex_lock(&loader->lock);
    loader->is_stopping = true;
    pthread_cond_signal(&loader->taken);
    pthread_mutex_unlock(&loader->lock);
    if (loader->is_started) (void)pthread_join(loader->producer, NULL);
    free_storage(loader);
    sc_pool_free(loader->pool);
    pthread_cond_destroy(&loader->taken);
    pthread_cond_destroy(&loader->made);
    pthread_mutex_destroy(&loader->lock);
    free(loader);
}
