// SPDX-License-Identifier: Apache-2.0
//
// Data: images from where the user keeps them, random views of them, and a
// loader that has the next batch ready. What a batch holds is a pure function
// of the data, the augmentation, the seed and the number of the step: not of the
// number of threads, nor of where a run was interrupted.
#ifndef SIMCLR_DATA_H
#define SIMCLR_DATA_H

#include <simclr/types.h>

// ---------------------------------------------------------------- data sets

// A set of RGB images, with labels or without. Immutable once open: any number
// of threads may read it.
struct simclr_dataset;

// Which part to open. A folder of classes without train/ and test/ is one part;
// asked for TRAIN or TEST, it holds out every fifth image of each class, in the
// order of names, for TEST.
enum simclr_split {
    SIMCLR_SPLIT_PRETRAIN, // all there is to learn from: TRAIN, or the whole of one part
    SIMCLR_SPLIT_TRAIN,    // what a probe is fitted on
    SIMCLR_SPLIT_TEST,     // what it is measured on
    SIMCLR_SPLIT_MEASURE,  // all there is to measure on: TEST, or the whole of one part
};

// Opens `spec`:
//   cifar10:DIR  the binary version: data_batch_*.bin (train), test_batch.bin (test),
//                in DIR or in DIR/cifar-10-batches-bin
//   folder:DIR   JPEG and PNG files: one folder per class, classes in the order of
//                their names; or without folders, unlabelled. DIR/train with
//                DIR/test or DIR/val are splits.
//   synthetic:[key=value,...]  drawn, not read: n (training images, 4096), test (1024),
//                classes (12; 8 to 24), size (32), seed (0)
//   DIR          whichever of the first two it is
// Images that fit are decoded now, by n_threads threads (0: one per core), and
// kept; a larger set of files is decoded as it is read. JPEGs whose shorter side
// has 1024 pixels or more are decoded at 1/2, 1/4 or 1/8 with at least 512 left.
//
// IO if there is no such folder; BAD_INPUT if what is there is no set of images,
// after one message per bad file; USAGE if `spec` makes no sense.
simclr_status simclr_dataset_open(struct simclr_diag *diag, const char *spec,
                                  enum simclr_split split, int n_threads,
                                  struct simclr_dataset **out);
void simclr_dataset_free(struct simclr_dataset *dataset); // NULL is allowed

int64_t simclr_dataset_n_images(const struct simclr_dataset *dataset); // >= 1
// 0 if the images are unlabelled.
int64_t simclr_dataset_n_classes(const struct simclr_dataset *dataset);
const char *simclr_dataset_class_name(const struct simclr_dataset *dataset, int64_t label);
// In [0, n_classes), or -1 if the images are unlabelled.
int64_t simclr_dataset_label(const struct simclr_dataset *dataset, int64_t i);
// Where image i comes from, for people: "train/cat/0007.jpg", "data_batch_1.bin #12".
// Writes at most `size` bytes, cut off if need be.
void simclr_dataset_origin(const struct simclr_dataset *dataset, int64_t i, char *text,
                           size_t size);
void simclr_dataset_image_size(const struct simclr_dataset *dataset, int64_t i, int64_t *h,
                               int64_t *w);
// The size that all images share; false if they do not.
bool simclr_dataset_common_size(const struct simclr_dataset *dataset, int64_t *h, int64_t *w);
size_t simclr_dataset_bytes(const struct simclr_dataset *dataset); // kept in memory

// h rows of w pixels of 3 bytes, R G B. Somebody else owns the pixels.
struct simclr_image {
    int64_t h, w;
    const uint8_t *pixels;
};

// A place to decode into, grown as needed; starts zeroed, ends with _deinit.
struct simclr_image_buffer {
    uint8_t *data;
    size_t capacity;
};
void simclr_image_buffer_deinit(struct simclr_image_buffer *buffer);

// Image i. The pixels are the data set's own or lie in `buffer` (one per thread)
// and stay until that is used again.
simclr_status simclr_dataset_fetch(const struct simclr_dataset *dataset,
                                   struct simclr_diag *diag, int64_t i,
                                   struct simclr_image_buffer *buffer,
                                   struct simclr_image *out);

// ------------------------------------------------------------- augmentation

// One operation; kinds and parameters are those of runtime/data/augment_parse.c.
enum { SIMCLR_MAX_AUGMENT_OPS = 16, SIMCLR_MAX_AUGMENT_PARAMS = 6 };

struct simclr_augment_op {
    int kind;
    float param[SIMCLR_MAX_AUGMENT_PARAMS];
};

// A list of operations, applied in order. Zeroed, it is "none".
struct simclr_augment {
    int n_ops;
    struct simclr_augment_op op[SIMCLR_MAX_AUGMENT_OPS];
};

// Reads a preset (none, simclr-imagenet, simclr-cifar) or a list such as
// "crop(0.08,1),flip(0.5),jitter(s=0.5,p=0.8),gray(0.2),blur(p=0.5)": parameters
// by place or by name, missing ones have their default. USAGE if it is neither.
simclr_status simclr_augment_parse(struct simclr_diag *diag, const char *spec,
                                   struct simclr_augment *out);

// What a view's randomness is made of.
struct simclr_view_key {
    uint64_t seed;
    uint32_t epoch, image, view;
};

// One random view of `image`: h x w, R plane, G plane, B plane, values in [0, 1].
// Without a crop in `augment` the image's centre is resized. `out` has 3*h*w
// elements. NO_MEMORY is the only failure, and is not reported.
simclr_status simclr_augment_apply(const struct simclr_augment *augment,
                                   const struct simclr_image *image,
                                   const struct simclr_view_key *key, int64_t h, int64_t w,
                                   float *out);

// A PNG of the first n_images, one row each: the image as evaluation sees it, then
// n_views views, each h x w.
simclr_status simclr_augment_sheet(struct simclr_diag *diag,
                                   const struct simclr_dataset *dataset,
                                   const struct simclr_augment *augment, uint64_t seed,
                                   int64_t n_images, int64_t n_views, int64_t h, int64_t w,
                                   const char *path);

// Writes h rows of w RGB pixels, 3 bytes each.
simclr_status simclr_png_write(struct simclr_diag *diag, const char *path,
                               const struct simclr_image *image);

// ------------------------------------------------------------------- loader

// How batches are made. Zero is a default where one is named.
struct simclr_loader_options {
    int64_t batch; // images per step, N
    int views;     // 2: rows 2k and 2k+1 are the views of image k. 0 means 1.
    int64_t h, w;  // of a row
    bool is_nhwc;  // a row is [h][w][3] instead of [3][h][w]
    // Rows hold (value - mean) / std per channel, value in [0, 1]. A std of 0 means 1.
    float mean[3], std[3];
    uint64_t seed;
    // In the order of the data set, each image once, as evaluation sees it; the last
    // batch may be short, and those after it are empty. Augmentation, views and seed
    // play no part. Otherwise each epoch is shuffled anew and its rest dropped.
    bool is_sequential;
    uint64_t first_step; // number of the first batch asked for: where a resumed run goes on
    int n_threads;       // that prepare batches; 0: one per core
    int n_prefetch;      // batches kept ready beside the one in use; 0 means 2
};

// A batch. The arrays are the loader's and stay until its next call.
struct simclr_batch {
    uint64_t step;        // of the whole run, counted from 0
    uint64_t epoch;       // step / steps per epoch
    int64_t n_images;     // N, or fewer at the end of a sequential loader
    int64_t n_rows;       // n_images * views
    const float *x;       // n_rows rows
    const int64_t *label; // n_images; -1 if unlabelled
};

struct simclr_loader;

// Starts to prepare batches. `dataset` must outlive the loader; `augment` is copied
// and may be NULL for "none". USAGE if an epoch has not one whole batch.
simclr_status simclr_loader_new(struct simclr_diag *diag, const struct simclr_dataset *dataset,
                                const struct simclr_augment *augment,
                                const struct simclr_loader_options *options,
                                struct simclr_loader **out);
void simclr_loader_free(struct simclr_loader *loader); // NULL is allowed

// Waits for the next batch. From one thread at a time. A failure (an image that
// cannot be read any more) is reported and final.
simclr_status simclr_loader_next(struct simclr_loader *loader, struct simclr_batch *out);

// Batches per epoch: n / N, rounded up if sequential.
uint64_t simclr_loader_steps_per_epoch(const struct simclr_loader *loader);
// What the loader allocates, without the data set: a line of the memory plan.
size_t simclr_loader_bytes(const struct simclr_loader *loader);

#endif
