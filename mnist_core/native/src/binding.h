/* The C interface of the native engine: what Python calls through ctypes.
 *
 * Functions that can fail return 0 when they succeed; dd_error() then says in one line why not. No
 * exception leaves the library. Images are uint8 [*, 28, 28], labels int64 [*] of 0 to 9. */
#pragma once

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define DD_API __attribute__((visibility("default")))

enum dd_kind {
  DD_CONV,
  DD_LINEAR,
  DD_BN,
  DD_ACTIVATION,
  DD_DROPOUT,
  DD_MAXPOOL,
  DD_AVGPOOL,
  DD_GAP,
  DD_FLATTEN
};

/* Indices follow mnist_core.layers.ACTIVATIONS. */
enum dd_activation {
  DD_RELU,
  DD_SILU,
  DD_GELU,
  DD_ELU,
  DD_LEAKY_RELU,
  DD_HARDSWISH,
  DD_MISH,
  DD_TANH
};

struct dd_layer {
  int32_t kind;
  int32_t inputs, outputs, kernel, padding, stride, groups, bias; /* conv, linear, pools */
  int32_t activation;
  int32_t whole_channels; /* dropout2d */
  double rate;            /* dropout */
};

enum dd_augmentation_kind { DD_AFFINE, DD_JITTER }; /* a rotation is an affine map */

struct dd_augmentation {
  int32_t kind;
  int32_t bilinear;     /* else nearest */
  int32_t whole_pixels; /* round the shift */
  double degrees;       /* each: as in mnist_core.augment_ops */
  double translate[2], scale[2], shear[2];
  double fill;
  double brightness, contrast;
};

enum dd_optimizer { DD_SGD, DD_ADAM, DD_ADAMW };

struct dd_recipe {
  int32_t batch_size;
  int32_t optimizer;
  int32_t decay_all; /* weight decay on all parameters, not on weights only */
  int32_t nesterov;
  int32_t averaging;
  double average_decay;
  double weight_decay;
  double beta2;
  double label_smoothing;
  uint64_t augmentation_seed, dropout_seed;
};

typedef struct dd_engine dd_engine;

DD_API const char* dd_version(void);
DD_API const char* dd_compiler(void);
DD_API const char* dd_instruction_set(void);      /* that this library was compiled for */
DD_API const char* dd_best_instruction_set(void); /* that this processor has; asked of "portable" */
DD_API const char* dd_error(void);                /* of this thread's latest failure */

/* Bytes that an engine would take; -1 where the net or its size is impossible. */
DD_API int64_t dd_bytes(const struct dd_layer* layers, int32_t count,
                        const struct dd_recipe* recipe);
DD_API dd_engine* dd_create(const struct dd_layer* layers, int32_t layer_count,
                            const struct dd_augmentation* augmentations, int32_t augmentation_count,
                            const struct dd_recipe* recipe); /* NULL on failure */
DD_API void dd_destroy(dd_engine* engine);

/* Loss (mean over the batch) and gradients of the images with these `count` indices out of `size`,
 * augmented, with the dropout of this step (counted from 0). Changes running statistics, not the
 * parameters. */
DD_API int dd_backward(dd_engine* engine, const uint8_t* images, const int64_t* labels,
                       int64_t size, const int64_t* chosen, int32_t count, int64_t step,
                       double* loss, int64_t* correct);
/* One update with the gradients of the latest dd_backward, and of the average. momentum: of SGD, or
 * Adam's beta 1. */
DD_API int dd_update(dd_engine* engine, double lr, double momentum);
DD_API void dd_reset_optimizer(dd_engine* engine);

/* Sum of the losses (without smoothing) over `count` images, and how many are right; of the
 * averaged net if asked for. */
DD_API int dd_evaluate(dd_engine* engine, const uint8_t* images, const int64_t* labels,
                       int64_t count, int32_t averaged, double* loss, int64_t* correct);

/* The net's tensors in the order of torch's state_dict, num_batches_tracked left out: weight, bias,
 * and of batch norm also running_mean, running_var, in torch's shapes, contiguous. */
enum dd_which { DD_CURRENT, DD_AVERAGE, DD_GRADIENT };
DD_API int dd_read(const dd_engine* engine, int32_t which, int32_t tensor, float* values,
                   int64_t size);
DD_API int dd_write(dd_engine* engine, int32_t which, int32_t tensor, const float* values,
                    int64_t size);

/* Seconds spent in each part since the engine was made, for the table of costs. */
DD_API int dd_costs(const dd_engine* engine, double* seconds, int32_t count);

/* Parts on their own, for tests. */
DD_API void dd_random_words(uint64_t seed, uint64_t step, uint32_t layer, uint32_t image,
                            uint32_t index, uint32_t* words /* [4] */);
DD_API int dd_augment(const struct dd_augmentation* augmentations, int32_t augmentation_count,
                      uint64_t seed, int64_t step, const uint8_t* images, const int64_t* chosen,
                      int32_t count, float* out /* [count, 28, 28], grey values */);
DD_API int dd_warp(const uint8_t* image, const double* matrix /* [2, 3] */, double fill,
                   int32_t bilinear, float* out);

#ifdef __cplusplus
}
#endif
