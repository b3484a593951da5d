/* The engine's interface: one layer in one direction, over a batch of sequences, forward or backward.
 *
 * Letters: T time, B batch, I input size, H hidden size, R size of the state h (H, or the
 * projection's), Gx and Gh the gates fed by the input and by the state. Numbers are stored as
 * `dtype` says, and computed in float (double for RECUR_FLOAT64). Strides count numbers, not bytes;
 * the last axis is always dense. A pointer marked "or null" may be left out. No two arrays may
 * overlap, but that inputs may be one another, h0 may be hn and c0 may be cn.
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

enum recur_cell {
  RECUR_RNN_TANH = 0,
  RECUR_RNN_RELU = 1,
  RECUR_LSTM = 2,
  RECUR_GRU = 3,
  /* These by recur_variant_forward and recur_variant_backward only. */
  RECUR_LSTM_COUPLED = 4,
  RECUR_GRU_BEFORE = 5,
  RECUR_INDRNN_TANH = 6,
  RECUR_INDRNN_RELU = 7,
  RECUR_MINGRU = 8,
  RECUR_MINLSTM = 9,
  RECUR_SLSTM = 10
};
enum recur_dtype {
  RECUR_FLOAT32 = 0,
  RECUR_FLOAT64 = 1,
  RECUR_BFLOAT16 = 2, /* computed in float32 */
  RECUR_FLOAT16 = 3   /* computed in float32 */
};
enum recur_status { RECUR_OK = 0, RECUR_NO_MEMORY = 1, RECUR_UNKNOWN = 2 };

typedef struct recur_scan {
  int32_t cell;    /* enum recur_cell */
  int32_t dtype;   /* enum recur_dtype */
  int32_t reverse; /* 1: from the last step to the first */
  int32_t threads; /* at most this many; at most one for each row is used */
  int64_t time, batch, inputs, hidden;
  int64_t projection; /* R, or 0 for none (LSTM only) */
  int64_t every;      /* 0: keep what backward needs of each step; k: keep the states of every k-th
                         step, and walk the steps between again in backward */

  const int64_t* lengths; /* (B) or null: steps before it exist */
  const uint8_t* mask;    /* (T, B) dense, or null: 1 where a step exists */
  const uint8_t* starts;  /* (T, B) dense, or null: 1 where the incoming state is zero */

  const void* x; /* (T, B, I) with strides */
  int64_t x_time, x_batch;
  const void *h0, *c0;     /* (B, R) and (B, H) dense, or null for zeros */
  const void *w_ih, *w_hh; /* (Gx H, I) and (Gh H, R), dense */
  const void *b_ih, *b_hh; /* (Gx H) and (Gh H), or null */
  const void* w_hr;        /* (R, H), dense; null without a projection */

  void* y; /* (T, B, R) with strides, or null (forward: without `saved` or with `every` only);
              written by forward, zero where no step exists; read by backward unless `every` */
  int64_t y_time, y_batch;
  void *hn, *cn; /* (B, R) and (B, H) dense, the final states; cn for the LSTM only; written by
                    forward */
  void* saved;   /* recur_scan_saved(...) floats or doubles, or null for inference; written by
                    forward, read by backward, and opaque between */

  /* What follows is read and written by backward only. */
  const void* dy; /* (T, B, R) with strides, or null: gradient of y */
  int64_t dy_time, dy_batch;
  const void *dhn, *dcn; /* (B, R) and (B, H) dense, or null: gradients of the final states */
  void* dx;              /* (T, B, I) with strides, or null; zero where no step exists */
  int64_t dx_time, dx_batch;
  void *dh0, *dc0;     /* (B, R) and (B, H) dense, written, or null */
  void *dw_ih, *dw_hh; /* as the weights, written */
  void *db_ih, *db_hh; /* as the biases, written, or null */
  void* dw_hr;         /* as w_hr, written; null without a projection */
} recur_scan;

/* How many floats (doubles) `saved` must hold for each of T x B steps; with `every` for each of
 * ceil(T / every) x B checkpoints. */
RECUR_PUBLIC int64_t recur_scan_saved(int32_t cell, int32_t dtype, int64_t hidden,
                                      int64_t projection, int64_t every);

/* Walk one direction, or two over the same x (count 1 or 2). With two, both write their own y; the
 * gradient dx is their sum, in the first one's. Both return enum recur_status. */
RECUR_PUBLIC int recur_scan_forward(const recur_scan* walks, int64_t count);
RECUR_PUBLIC int recur_scan_backward(const recur_scan* walks, int64_t count);

/* What a walk may do besides, and what other cells need. With these a walk is general: each step's
 * product goes through memory before the cell sees it. P: the numbers a unit has of its own. */
enum { RECUR_STATES = 4 };
typedef struct recur_extras {
  /* In the place of h0, c0, hn, cn and their gradients in recur_scan, in the cell's order, h first;
     (B, H) dense, inputs may be null for zeros. sn written by forward; ds0 by backward, or null. */
  const void* s0[RECUR_STATES];
  void* sn[RECUR_STATES];
  const void* dsn[RECUR_STATES];
  void* ds0[RECUR_STATES];

  const void* units; /* (P, H) dense, or null: peepholes, or the recurrent weights of an IndRNN */
  const void* keep;  /* (B, G, H) dense, or null: what h is multiplied by before W_hh (dropout) */
  int64_t keep_gates; /* G: 1 for one mask of all gates; or Gh, one for each gate's rows of W_hh, which
                         excludes layer normalisation */

  /* Layer normalisation, all of these or none: scales of the products with W_ih (Gx H) and with W_hh
     (Gh H), which are normalised before the biases are added; for the LSTM scale and bias (H) of c
     where the output reads it, else null. */
  const void *norm_x, *norm_h, *norm_c, *norm_c_bias;

  const int64_t* seed; /* of the units that zoneout keeps; null: their expectation */
  double zoneout[RECUR_STATES]; /* the share of each state that stays as it was */
  double clip_state;            /* the LSTM's c lies within -this .. this; 0: anywhere */
  double clip_gradient;         /* the same for the gradients of the gates */

  void* record; /* or null: what the cell saw at every step (forward); number k of unit u at time t in
                   row b stands at k record_number + (t B + b) record_row + u */
  int64_t record_number, record_row;

  /* Written by backward; null where not wanted, all norms or none. */
  void *dunits, *dnorm_x, *dnorm_h, *dnorm_c, *dnorm_c_bias;
} recur_extras;

/* As for recur_scan, an extras for each walk; float32 and float64, no projection, no `every`. `inside`
 * is what record has of each unit. */
RECUR_PUBLIC int64_t recur_variant_saved(int32_t cell, int32_t dtype, int64_t inputs, int64_t hidden,
                                         int32_t normed);
RECUR_PUBLIC int64_t recur_variant_inside(int32_t cell);
RECUR_PUBLIC int recur_variant_forward(const recur_scan* walks, const recur_extras* extras,
                                       int64_t count);
RECUR_PUBLIC int recur_variant_backward(const recur_scan* walks, const recur_extras* extras,
                                        int64_t count);

/* Whether other programs want the processors, as far as the walks have noticed (crowding.h): 1 or 0. */
RECUR_PUBLIC int32_t recur_crowded(void);
/* For tests: 1 or 0 from now on, -1 as the walks notice. */
RECUR_PUBLIC void recur_set_crowded(int32_t crowded);

/* As in memory.h: once, before the first walk. */
RECUR_PUBLIC void recur_keep_freed_memory(void);

/* The activations over an array of floats or doubles, so that their error can be measured: 0
 * sigmoid, 1 tanh. */
RECUR_PUBLIC int recur_activation(int32_t which, int32_t dtype, const void* from, void* to,
                                  int64_t count);

#ifdef __cplusplus
}
#endif
