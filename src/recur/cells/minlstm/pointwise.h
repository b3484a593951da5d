// The minimal LSTM, one step: see step.py for the equations. Gates: f, i, h.
#pragma once

#include "cells/mingru/pointwise.h"

namespace recur {

struct MinLstm {
  static constexpr int input_gates = 3, state_gates = 0;
  static constexpr int states = 1, units = 0;
  static constexpr int saved = 4;  // f, i, the candidate, and its share
  static constexpr bool has_output = false, fed = false, same_gates = false;

  static constexpr float kShut = 1e-30f;

  template <class V>
  static RECUR_INLINE void forward(const V* gx, const V*, const V*, V, V* s, V* save) {
    const V f = sigmoid(gx[0]), i = sigmoid(gx[1]), n = above_zero(gx[2]);
    // Where both are nearly shut they are exponentials, and may both be 0: of them the ratio is left.
    const V share = f + i < V{} + kShut ? sigmoid(gx[1] - gx[0]) : i / (f + i);
    s[0] = s[0] + share * (n - s[0]);
    save[0] = f, save[1] = i, save[2] = n, save[3] = share;
  }

  template <class V>
  static RECUR_INLINE void backward(const V* save, const V*, V, const V* before, V* ds, V, V* dgx,
                                    V*, V*) {
    const V one = V{} + 1, f = save[0], i = save[1], n = save[2], share = save[3];
    const V d_share = ds[0] * (n - before[0]) * share * (one - share);
    dgx[0] = -d_share * (one - f);
    dgx[1] = d_share * (one - i);
    dgx[2] = ds[0] * share * slope_above_zero(n);
    ds[0] = ds[0] * (one - share);
  }
};

}  // namespace recur
