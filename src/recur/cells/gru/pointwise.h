// The GRU, reset after the product, one step: see step.py for the equations. Gates: r, z, n.
#pragma once

#include "cells/vector.h"

namespace recur {

struct Gru {
  static constexpr int input_gates = 3, state_gates = 3, shared_gates = 2;
  static constexpr int saved = 4;  // r, z, n, and the candidate's half that the state feeds
  static constexpr bool has_c = false;
  static constexpr int block = 1;

  // a: r and z summed, and the state's half of n; x: the input's half of n.
  template <class V>
  static RECUR_INLINE void begin(const V* a, const V* x, V&, V* save) {
    const V r = sigmoid(a[0]), z = sigmoid(a[1]), n_h = a[2];
    save[0] = r, save[1] = z, save[2] = x[0] + r * n_h, save[3] = n_h;
  }

  template <class V>
  static RECUR_INLINE void end(V* save, V& h) {
    const V n = tanh(save[2]);
    h = n + save[1] * (h - n);
    save[2] = n;
  }

  template <class V>
  static RECUR_INLINE void backward(const V* save, V, V h_before, V, V dh, V&, V* dgx, V* dgh,
                                    V& through) {
    const V one = V{} + 1;
    const V r = save[0], z = save[1], n = save[2], n_h = save[3];
    const V d_n = dh * (one - z) * (one - n * n);
    dgx[0] = d_n * n_h * r * (one - r);
    dgx[1] = dh * (h_before - n) * z * (one - z);
    dgx[2] = d_n;
    dgh[0] = dgx[0];
    dgh[1] = dgx[1];
    dgh[2] = d_n * r;
    through = dh * z;
  }
};

}  // namespace recur
