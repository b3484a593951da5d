/* The engine's interface: one layer in one direction, over a batch of sequences, forward or backward.
 *
 * Letters: T time, B batch, I input size, H hidden size, Gx and Gh the gates fed by the input and by
 * the state. Numbers are float or double, as `dtype` says. Strides count numbers, not bytes; the
 * last axis is always dense. A pointer marked "or null" may be left out. No two arrays may overlap,
 * but that inputs may be one another.
 *
 * The caller owns every array. Nothing is kept between calls, and calls from several threads at
 * once are independent.
 */
#pragma once

#include <stdint.h>

#define RECUR_PUBLIC __attribute__((visibility("default")))

#ifdef __cplusplus
extern "C" {
#endif

enum recur_cell { RECUR_RNN_TANH = 0, RECUR_RNN_RELU = 1, RECUR_LSTM = 2, RECUR_GRU = 3 };
enum recur_dtype { RECUR_FLOAT32 = 0, RECUR_FLOAT64 = 1 };
enum recur_status { RECUR_OK = 0, RECUR_NO_MEMORY = 1, RECUR_UNKNOWN = 2 };

typedef struct recur_scan {
  int32_t cell;    /* enum recur_cell */
  int32_t dtype;   /* enum recur_dtype */
  int32_t reverse; /* 1: from the last step to the first */
  int32_t threads; /* at most this many; at most one for each row is used */
  int64_t time, batch, inputs, hidden;

  const int64_t* lengths; /* (B) or null: steps before it exist */
  const uint8_t* mask;    /* (T, B) dense, or null: 1 where a step exists */
  const uint8_t* starts;  /* (T, B) dense, or null: 1 where the incoming state is zero */

  const void* x; /* (T, B, I) with strides */
  int64_t x_time, x_batch;
  const void *h0, *c0;       /* (B, H) dense; c0 null but for the LSTM */
  const void *w_ih, *w_hh;   /* (Gx H, I) and (Gh H, H), dense */
  const void *b_ih, *b_hh;   /* (Gx H) and (Gh H), or null */

  void* y; /* (T, B, H) with strides, or null (forward without `saved` only); written by forward,
              zero where no step exists; read by backward */
  int64_t y_time, y_batch;
  void *hn, *cn; /* (B, H) dense, the final states; written by forward */
  void* saved;   /* recur_scan_saved(...) numbers, or null for inference; written by forward, read
                    by backward, and opaque between */

  /* What follows is read and written by backward only. */
  const void* dy; /* (T, B, H) with strides, or null: gradient of y */
  int64_t dy_time, dy_batch;
  const void *dhn, *dcn; /* (B, H) dense, or null: gradients of the final states */
  void* dx;              /* (T, B, I) with strides, or null; zero where no step exists */
  int64_t dx_time, dx_batch;
  void *dh0, *dc0;     /* (B, H) dense, written */
  void *dw_ih, *dw_hh; /* as the weights, written */
  void *db_ih, *db_hh; /* as the biases, written, or null */
} recur_scan;

/* How many numbers `saved` must hold for `steps` existing steps in all (T * B is always enough). */
RECUR_PUBLIC int64_t recur_scan_saved(int32_t cell, int32_t dtype, int64_t hidden, int64_t steps);

/* Both return enum recur_status. */
RECUR_PUBLIC int recur_scan_forward(const recur_scan* problem);
RECUR_PUBLIC int recur_scan_backward(const recur_scan* problem);

/* The activations over an array, so that their error can be measured: 0 sigmoid, 1 tanh. */
RECUR_PUBLIC int recur_activation(int32_t which, int32_t dtype, const void* from, void* to, int64_t count);

#ifdef __cplusplus
}
#endif
