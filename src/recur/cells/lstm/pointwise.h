// The LSTM, one step: see step.py for the equations. Gates: i, f, g, o.
#pragma once

#include "cells/vector.h"

namespace recur {

struct Lstm {
  static constexpr int input_gates = 4, state_gates = 4, shared_gates = 4;
  static constexpr int saved = 5;  // i, f, g, o, c
  static constexpr bool has_c = true;
  static constexpr int block = 1;
  static constexpr int saved_c = 4;

  template <class V>
  static RECUR_INLINE void begin(const V* a, const V*, V& c, V* save) {
    const V i = sigmoid(a[0]), f = sigmoid(a[1]), g = tanh(a[2]), o = sigmoid(a[3]);
    c = f * c + i * g;
    save[0] = i, save[1] = f, save[2] = g, save[3] = o, save[4] = c;
  }

  template <class V>
  static RECUR_INLINE void end(V* save, V& h) {
    h = output(save);
  }

  // h_t from what was saved.
  template <class V>
  static RECUR_INLINE V output(const V* save) {
    return save[3] * tanh(save[4]);
  }

  // dc: gradient of c_t from later steps in, of c_{t-1} out.
  template <class V>
  static RECUR_INLINE void backward(const V* save, V, V, V c_before, V dh, V& dc, V* dgx, V*,
                                    V& through) {
    const V one = V{} + 1;
    const V i = save[0], f = save[1], g = save[2], o = save[3], tanh_c = tanh(save[4]);
    const V d_c = dc + dh * o * (one - tanh_c * tanh_c);
    dgx[0] = d_c * g * i * (one - i);
    dgx[1] = d_c * c_before * f * (one - f);
    dgx[2] = d_c * i * (one - g * g);
    dgx[3] = dh * tanh_c * o * (one - o);
    dc = d_c * f;
    through = V{};
  }
};

}  // namespace recur
