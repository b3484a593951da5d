// The minimal GRU, one step: see step.py for the equations. Gates: z, h.
#pragma once

#include "cells/vector.h"

namespace recur {

// What the candidates of minGRU and minLSTM go through: x + 1/2, or the sigmoid below zero.
template <class V>
RECUR_INLINE V above_zero(V x) {
  return x < V{} ? sigmoid(x) : x + (V{} + 1) / 2;
}
// Its slope where it is g.
template <class V>
RECUR_INLINE V slope_above_zero(V g) {
  const V one = V{} + 1;
  return g < one / 2 ? g * (one - g) : one;
}

struct MinGru {
  static constexpr int input_gates = 2, state_gates = 0;
  static constexpr int states = 1, units = 0;
  static constexpr int saved = 2;  // z, and the candidate
  static constexpr bool has_output = false, fed = false, same_gates = false;

  template <class V>
  static RECUR_INLINE void forward(const V* gx, const V*, const V*, V, V* s, V* save) {
    const V z = sigmoid(gx[0]), n = above_zero(gx[1]);
    s[0] = s[0] + z * (n - s[0]);
    save[0] = z, save[1] = n;
  }

  template <class V>
  static RECUR_INLINE void backward(const V* save, const V*, V, const V* before, V* ds, V, V* dgx,
                                    V*, V*) {
    const V one = V{} + 1, z = save[0], n = save[1];
    dgx[0] = ds[0] * (n - before[0]) * z * (one - z);
    dgx[1] = ds[0] * z * slope_above_zero(n);
    ds[0] = ds[0] * (one - z);
  }
};

}  // namespace recur
