// The independently recurrent network, one step: see step.py for the equations. Gate: h.
#pragma once

#include "cells/vector.h"

namespace recur {

template <bool kRelu>
struct IndRnn {
  static constexpr int input_gates = 1, state_gates = 0;
  static constexpr int states = 1;
  static constexpr int units = 1;  // u, what each unit's own state is weighted by
  static constexpr int saved = 1;  // h
  static constexpr bool has_output = false, fed = false, same_gates = false;

  template <class V>
  static RECUR_INLINE void forward(const V* gx, const V*, const V* u, V, V* s, V* save) {
    const V a = gx[0] + u[0] * s[0];
    s[0] = save[0] = kRelu ? relu(a) : tanh(a);
  }

  template <class V>
  static RECUR_INLINE void backward(const V* save, const V* u, V, const V* before, V* ds, V, V* dgx,
                                    V*, V* du) {
    const V one = V{} + 1, h = save[0];
    dgx[0] = kRelu ? (h > V{} ? ds[0] : V{}) : ds[0] * (one - h * h);
    du[0] = dgx[0] * before[0];
    ds[0] = u[0] * dgx[0];
  }
};

}  // namespace recur
