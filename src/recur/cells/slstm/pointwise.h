// The sLSTM, one step: see step.py for the equations. Gates: i, f, z, o.
#pragma once

#include "cells/vector.h"

namespace recur {

struct Slstm {
  static constexpr int input_gates = 4, state_gates = 4;
  static constexpr int states = 4;  // h, c, n, m
  static constexpr int units = 0;
  static constexpr int saved = 5;  // i and f as m scales them, z, o, and sigmoid(f)
  static constexpr bool has_output = false, fed = false, same_gates = true;

  template <class V>
  static RECUR_INLINE void forward(const V* gx, const V* gh, const V*, V, V* s, V* save) {
    const V one = V{} + 1;
    const V a_i = gx[0] + gh[0], a_f = gx[1] + gh[1];
    const V z = tanh(gx[2] + gh[2]), o = sigmoid(gx[3] + gh[3]);
    const V below = a_f < V{} ? a_f : -a_f;  // log sigmoid(a_f) = min(a_f, 0) - log(1 + e^-|a_f|)
    const V kept = (a_f < V{} ? a_f : V{}) - log1p_unit(exp_below(below)) + s[3];
    const V none = V{};
    // Where nothing is remembered yet there is nothing to scale.
    const auto by_input = (kept <= a_i) | (s[2] == none);
    const V i = by_input ? one : exp_below(by_input ? none : a_i - kept);
    V f = by_input ? exp_below(by_input & (kept <= a_i) ? kept - a_i : none) : one;
    f = s[2] == none ? none : f;
    s[3] = by_input ? a_i : kept;
    s[1] = f * s[1] + i * z;
    s[2] = f * s[2] + i;
    s[0] = o * (s[1] / s[2]);
    save[0] = i, save[1] = f, save[2] = z, save[3] = o, save[4] = sigmoid(a_f);
  }

  template <class V>
  static RECUR_INLINE void backward(const V* save, const V*, V, const V* before, V* ds, V, V* dgx,
                                    V*, V*) {
    const V one = V{} + 1;
    const V i = save[0], f = save[1], z = save[2], o = save[3];
    const V c = f * before[1] + i * z, n = f * before[2] + i, h = c / n;
    const V d_h = ds[0] * o, d_c = ds[1] + d_h / n, d_n = ds[2] - d_h * h / n;
    const V d_i = (d_c * z + d_n) * i, d_f = (d_c * before[1] + d_n * before[2]) * f;
    // Of i and f the one that m follows is 1, whatever it is made of.
    const auto by_input = (i == one) & ((f != one) | (before[2] == V{}));
    const V d_kept = by_input ? d_f : ds[3] - d_i;
    dgx[0] = by_input ? ds[3] - d_f : d_i;
    dgx[1] = d_kept * (one - save[4]);
    dgx[2] = d_c * i * (one - z * z);
    dgx[3] = ds[0] * h * o * (one - o);
    ds[0] = V{};
    ds[1] = d_c * f;
    ds[2] = d_n * f;
    ds[3] = before[2] == V{} ? V{} : d_kept;
    dgx[1] = before[2] == V{} ? V{} : dgx[1];
  }
};

}  // namespace recur
