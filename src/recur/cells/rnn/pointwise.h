// The simple recurrent network, one step: see step.py for the equations.
#pragma once

#include "cells/vector.h"

namespace recur {

// h_t = f(gx + gh)
template <bool kRelu>
struct Rnn {
  static constexpr int input_gates = 1, state_gates = 1, shared_gates = 1;
  static constexpr int saved = 0;       // h_t is all that backward needs, and is put out anyway
  static constexpr bool has_c = false;  // a second state
  static constexpr int block = 2;       // vectors of units that a register tile takes at once

  // A step is taken in two rounds, so that a row's results are not waited for while others can go on.
  // a: the gates, summed. save: for backward, and between the rounds (one more where none is saved).
  template <class V>
  static RECUR_INLINE void begin(const V* a, const V*, V&, V* save) {
    save[0] = a[0];
  }

  // h: h_{t-1} in, h_t out.
  template <class V>
  static RECUR_INLINE void end(V* save, V& h) {
    h = kRelu ? relu(save[0]) : tanh(save[0]);
  }

  // dh: gradient of h_t. dgx: gradient of the gates. through: of h_{t-1}, past the product.
  template <class V>
  static RECUR_INLINE void backward(const V*, V h_t, V, V, V dh, V&, V* dgx, V*, V& through) {
    const V one = V{} + 1;
    dgx[0] = kRelu ? (h_t > V{} ? dh : V{}) : dh * (one - h_t * h_t);
    through = V{};
  }
};

}  // namespace recur
