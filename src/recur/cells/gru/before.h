// The GRU with the reset gate before the product: see step.py for the equations. Gates: r, z, n; the
// state's product for n is taken of what `feed` gives.
#pragma once

#include "cells/vector.h"

namespace recur {

struct GruBefore {
  static constexpr int input_gates = 3, state_gates = 3;
  static constexpr int states = 1, units = 0;
  static constexpr int saved = 3;  // r, z, n
  static constexpr bool has_output = false, fed = true, same_gates = false;

  // What the last gate's product reads in the place of h; `gh` holds r and z.
  template <class V>
  static RECUR_INLINE V feed(const V* gx, const V* gh, V h) {
    return sigmoid(gx[0] + gh[0]) * h;
  }
  template <class V>
  static RECUR_INLINE V fed_again(const V* save, V h) {
    return save[0] * h;
  }
  // dfed: the gradient of what was fed. dr: of the gate r before its sigmoid. Returns that of h.
  template <class V>
  static RECUR_INLINE V feed_backward(const V* save, V h, V dfed, V& dr) {
    const V one = V{} + 1, r = save[0];
    dr = dfed * h * r * (one - r);
    return dfed * r;
  }

  template <class V>
  static RECUR_INLINE void forward(const V* gx, const V* gh, const V*, V, V* s, V* save) {
    const V r = sigmoid(gx[0] + gh[0]), z = sigmoid(gx[1] + gh[1]), n = tanh(gx[2] + gh[2]);
    s[0] = n + z * (s[0] - n);
    save[0] = r, save[1] = z, save[2] = n;
  }

  // The gradient of r comes by feed_backward.
  template <class V>
  static RECUR_INLINE void backward(const V* save, const V*, V, const V* before, V* ds, V, V* dgx,
                                    V* dgh, V*) {
    const V one = V{} + 1, z = save[1], n = save[2];
    dgx[0] = dgh[0] = V{};
    dgx[1] = dgh[1] = ds[0] * (before[0] - n) * z * (one - z);
    dgx[2] = dgh[2] = ds[0] * (one - z) * (one - n * n);
    ds[0] = ds[0] * z;
  }
};

}  // namespace recur
