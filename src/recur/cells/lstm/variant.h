// The LSTM with peepholes, clipping, and a normalised cell for the output; or with coupled gates: see
// step.py for the equations. Gates: i, f, g, o; coupled: f, g, o.
#pragma once

#include "cells/vector.h"

namespace recur {

template <bool kCoupled>
struct LstmVariant {
  static constexpr int input_gates = kCoupled ? 3 : 4, state_gates = input_gates;
  static constexpr int states = 2;                      // h, c
  static constexpr int units = kCoupled ? 2 : 3;        // peepholes: i, f, o
  static constexpr int saved = kCoupled ? 3 : 4;        // i, f, g, o
  static constexpr bool has_output = true;  // h is made of c in a second step
  static constexpr bool fed = false, same_gates = true;

  static constexpr int F = kCoupled ? 0 : 1, G = F + 1, O = F + 2;  // gates
  static constexpr int PF = kCoupled ? 0 : 1, PO = PF + 1;          // peepholes

  template <class V>
  static RECUR_INLINE void forward(const V* gx, const V* gh, const V* u, V limit, V* s, V* save) {
    const V one = V{} + 1;
    const V f = sigmoid(gx[F] + gh[F] + u[PF] * s[1]), g = tanh(gx[G] + gh[G]);
    const V i = kCoupled ? one - f : sigmoid(gx[0] + gh[0] + u[0] * s[1]);
    s[1] = within_limit(f * s[1] + i * g, limit);
    const V o = sigmoid(gx[O] + gh[O] + u[PO] * s[1]);
    if constexpr (!kCoupled) save[0] = i;
    save[F] = f, save[G] = g, save[O] = o;
  }

  // h_t; c as the output reads it.
  template <class V>
  static RECUR_INLINE V output(const V* save, V c) {
    return save[O] * tanh(c);
  }

  // c_t, again.
  template <class V>
  static RECUR_INLINE V fresh(const V* save, const V* before, V limit) {
    return within_limit(unlimited(save, before), limit);
  }

  // dc: the gradient of c through the output; d_o: of the output gate before its sigmoid.
  template <class V>
  static RECUR_INLINE void output_backward(const V* save, V c, V dh, V& dc, V& d_o) {
    const V one = V{} + 1, o = save[O], tanh_c = tanh(c);
    dc = dh * o * (one - tanh_c * tanh_c);
    d_o = dh * tanh_c * o * (one - o);
  }

  // ds[1]: the gradient of c_t, without what comes by the peephole of o, in; of c_{t-1} out.
  template <class V>
  static RECUR_INLINE void backward(const V* save, const V* u, V limit, const V* before, V* ds, V d_o,
                                    V* dgx, V*, V* du) {
    const V one = V{} + 1, f = save[F], g = save[G], i = kCoupled ? one - f : save[0];
    const V c = unlimited(save, before);
    V d_c = ds[1] + u[PO] * d_o;
    d_c = (c < -limit) | (c > limit) ? V{} : d_c;
    dgx[G] = d_c * i * (one - g * g);
    dgx[O] = d_o;
    if constexpr (kCoupled) {
      dgx[F] = d_c * (before[1] - g) * f * (one - f);
    } else {
      dgx[0] = d_c * g * i * (one - i);
      dgx[F] = d_c * before[1] * f * (one - f);
      du[0] = dgx[0] * before[1];
    }
    du[PF] = dgx[F] * before[1];
    du[PO] = d_o * within_limit(c, limit);
    ds[0] = V{};
    ds[1] = d_c * f + u[PF] * dgx[F];
    if constexpr (!kCoupled) ds[1] += u[0] * dgx[0];
  }

 private:
  template <class V>
  static RECUR_INLINE V unlimited(const V* save, const V* before) {
    const V f = save[F];
    return f * before[1] + (kCoupled ? (V{} + 1) - f : save[0]) * save[G];
  }
  template <class V>
  static RECUR_INLINE V within_limit(V c, V limit) {
    c = c > limit ? limit : c;
    return c < -limit ? -limit : c;
  }
};

}  // namespace recur
