// Random problems for the general walk (recur_variant_*): in double each gradient is compared with
// the difference quotient of the loss along a random direction of all that the walk is given; in
// float memory and threads are what is watched. Results come up as NaN, so what is not written shows.
#pragma once

#include <functional>

#include "naive.h"

namespace {

template <class S>
struct Variant {
  using All = std::vector<S>;

  Variant(Draw& draw, int cell) : draw(draw), cell(cell) {
    static const int inputs_of[] = {1, 1, 4, 3, 3, 3, 1, 1, 2, 3, 4};
    static const int states_of[] = {1, 1, 2, 1, 2, 1, 1, 1, 1, 1, 4};
    static const int units_of[] = {0, 0, 3, 0, 2, 0, 1, 1, 0, 0, 0};
    const bool alone = cell >= RECUR_INDRNN_TANH && cell <= RECUR_MINLSTM;
    const bool own = cell == RECUR_INDRNN_TANH || cell == RECUR_INDRNN_RELU;
    gates = inputs_of[cell], back = alone ? 0 : gates, states = states_of[cell];
    T = draw.of({0, 1, 2, 3, 7}), B = draw.of({0, 1, 2, 3, 5, 17});
    I = draw.of({1, 2, 8, 17, 33}), H = draw.of({2, 3, 4, 8, 9, 16, 17, 33, 66});
    const double root = 1 / std::sqrt(static_cast<double>(H));
    x = all(T * B * I, 1);
    for (int s = 0; s < states; ++s) s0[s] = all(B * H, 1);
    for (S& each : s0[2]) each = each * each + S(0.5);  // a sum of exponentials
    w_ih = all(gates * H * I, 0.5), w_hh = all(back * H * H, root);
    b_ih = all(draw.chance(0.7) ? gates * H : 0, 1), b_hh = all(b_ih.empty() ? 0 : back * H, 1);
    if (own || draw.chance(0.5)) units = all(units_of[cell] * H, 1);
    if (back && cell != RECUR_GRU_BEFORE && draw.chance(0.4)) {
      norm_x = all(gates * H, 1), norm_h = all(back * H, 1);
      if (cell == RECUR_LSTM || cell == RECUR_LSTM_COUPLED)
        norm_c = all(H, 1), norm_c_bias = all(H, 1);
    }
    // Of all gates, or of each; the layer's normalisation is of all.
    if (back && draw.chance(0.6)) keep_gates = norm_x.empty() && draw.chance(0.6) ? back : 1;
    keep = all(B * keep_gates * H, 1);
    dy = all(T * B * H, 1);
    for (int s = 0; s < states; ++s) dsn[s] = all(B * H, 1);
    if (draw.chance(0.4))
      for (int64_t b = 0; b < B; ++b) lengths.push_back(draw.below(T + 1));
    if (draw.chance(0.3)) mask = flags(draw, T * B, 70);
    if (draw.chance(0.3)) starts = flags(draw, T * B, 20);
    reverse = draw.chance(0.5), threads = static_cast<int32_t>(draw.of({1, 2, 3}));
    seed = draw.below(1000);
    drawn = draw.chance(0.5), zoned = draw.chance(0.4), records = draw.chance(0.3);
    clip_state = draw.chance(0.3) ? 0.7 : 0;
  }

  All all(int64_t count, double scale) {
    All made(static_cast<size_t>(count));
    for (S& each : made) each = static_cast<S>(draw.number() * scale);
    return made;
  }

  // Everything that a loss can depend on.
  std::vector<All*> given() {
    std::vector<All*> found{&x,     &w_ih,   &w_hh,   &b_ih,   &b_hh,
                            &units, &norm_x, &norm_h, &norm_c, &norm_c_bias};
    for (int s = 0; s < states; ++s) found.push_back(&s0[s]);
    return found;
  }

  void lay_out(bool learning) {
    scan = {}, extras = {};
    scan.cell = cell, scan.dtype = kDtype<S>, scan.reverse = reverse, scan.threads = threads;
    scan.time = T, scan.batch = B, scan.inputs = I, scan.hidden = H;
    scan.lengths = or_null(lengths), scan.mask = or_null(mask), scan.starts = or_null(starts);
    scan.x = x.data(), scan.x_time = B * I, scan.x_batch = I;
    scan.w_ih = w_ih.data(), scan.w_hh = w_hh.data();
    scan.b_ih = or_null(b_ih), scan.b_hh = or_null(b_hh);
    const auto fresh = [](int64_t n) { return All(static_cast<size_t>(n), static_cast<S>(kNan)); };
    y = fresh(T * B * H);
    scan.y = y.data(), scan.y_time = B * H, scan.y_batch = H;
    for (int s = 0; s < states; ++s) {
      sn[s] = fresh(B * H), ds0[s] = fresh(B * H);
      extras.s0[s] = s0[s].data(), extras.sn[s] = sn[s].data();
      extras.zoneout[s] = zoned ? 0.2 + 0.1 * s : 0;
    }
    extras.units = or_null(units);
    extras.keep = or_null(keep), extras.keep_gates = keep_gates;
    extras.norm_x = or_null(norm_x), extras.norm_h = or_null(norm_h);
    extras.norm_c = or_null(norm_c), extras.norm_c_bias = or_null(norm_c_bias);
    extras.seed = drawn ? &seed : nullptr;
    extras.clip_state = clip_state;
    if (records) {
      record = fresh(recur_variant_inside(cell) * T * B * H);
      extras.record = record.data(), extras.record_row = H, extras.record_number = T * B * H;
    }
    if (!learning) return;
    saved = fresh(recur_variant_saved(cell, kDtype<S>, I, H, !norm_x.empty()) * T * B);
    scan.saved = saved.data();
    for (All* each : given()) gradients.push_back(fresh(static_cast<int64_t>(each->size())));
    scan.dy = dy.data(), scan.dy_time = B * H, scan.dy_batch = H;
    scan.dx = gradients[0].data(), scan.dx_time = B * I, scan.dx_batch = I;
    scan.dw_ih = gradients[1].data(), scan.dw_hh = gradients[2].data();
    scan.db_ih = or_null(gradients[3]), scan.db_hh = or_null(gradients[4]);
    extras.dunits = or_null(gradients[5]), extras.dnorm_x = or_null(gradients[6]);
    extras.dnorm_h = or_null(gradients[7]), extras.dnorm_c = or_null(gradients[8]);
    extras.dnorm_c_bias = or_null(gradients[9]);
    for (int s = 0; s < states; ++s)
      extras.dsn[s] = dsn[s].data(), extras.ds0[s] = gradients[10 + s].data();
  }

  double loss() {
    lay_out(false);
    if (recur_variant_forward(&scan, &extras, 1) != RECUR_OK) return kNan;
    double sum = 0;
    for (size_t i = 0; i < y.size(); ++i) sum += static_cast<double>(y[i]) * dy[i];
    for (int s = 0; s < states; ++s)
      for (size_t i = 0; i < sn[s].size(); ++i) sum += static_cast<double>(sn[s][i]) * dsn[s][i];
    return sum;
  }

  std::string check() {
    lay_out(true);
    if (recur_variant_forward(&scan, &extras, 1) != RECUR_OK) return "forward failed";
    if (recur_variant_backward(&scan, &extras, 1) != RECUR_OK) return "backward failed";
    double slope = 0;
    std::vector<All> along;
    const std::vector<All*> places = given();
    for (size_t k = 0; k < places.size(); ++k) {
      along.push_back(all(static_cast<int64_t>(places[k]->size()), 1));
      for (size_t i = 0; i < along[k].size(); ++i)
        slope += static_cast<double>(gradients[k][i]) * along[k][i];
    }
    const double step = kDtype<S> == RECUR_FLOAT64 ? 1e-6 : 1e-3;
    const std::vector<All> saved_gradients = gradients;
    double losses[2];
    for (int side = 0; side < 2; ++side) {
      for (size_t k = 0; k < places.size(); ++k)
        for (size_t i = 0; i < along[k].size(); ++i)
          (*places[k])[i] += static_cast<S>((side ? -2 : 1) * step * along[k][i]);
      losses[side] = loss();
    }
    if (!std::isfinite(slope) || !std::isfinite(losses[0]) || !std::isfinite(losses[1]))
      return "a result or a gradient is not finite";
    const double quotient = (losses[0] - losses[1]) / (2 * step);
    // Where a limit or a bend lies on the way the quotient means nothing: in double that is rare.
    if (kDtype<S> == RECUR_FLOAT64 &&
        std::abs(quotient - slope) > 1e-4 * std::max(1.0, std::abs(slope)))
      return "the gradient is " + std::to_string(slope) + ", the quotient " +
             std::to_string(quotient);
    return {};
  }

  Draw& draw;
  int cell, states;
  int64_t gates, back, T, B, I, H, seed, keep_gates = 0;
  bool reverse, drawn, zoned, records;
  int32_t threads;
  double clip_state;
  std::vector<int64_t> lengths;
  std::vector<uint8_t> mask, starts;
  All x, s0[4], w_ih, w_hh, b_ih, b_hh, units, norm_x, norm_h, norm_c, norm_c_bias, keep;
  All dy, dsn[4], y, sn[4], ds0[4], saved, record;
  std::vector<All> gradients;
  recur_scan scan;
  recur_extras extras;
};

// Every cell; the first sentence that says what was wrong.
std::string variants(uint64_t first, long count) {
  for (int cell = RECUR_RNN_TANH; cell <= RECUR_SLSTM; ++cell)
    for (long i = 0; i < count; ++i) {
      const uint64_t seed = first + static_cast<uint64_t>(i);
      const auto said = [&](const std::string& wrong) {
        return "variant of cell " + std::to_string(cell) + ", seed " + std::to_string(seed) + ": " +
               wrong;
      };
      Draw draw(seed), again(seed);
      const std::string wrong = Variant<double>(draw, cell).check();
      if (!wrong.empty()) return said(wrong);
      const std::string other = Variant<float>(again, cell).check();
      if (!other.empty()) return said("in float: " + other);
    }
  return {};
}

std::string unknown_variants() {
  recur_scan scan{};
  recur_extras extras{};
  scan.cell = 99;
  if (recur_variant_forward(&scan, &extras, 1) != RECUR_UNKNOWN ||
      recur_variant_backward(&scan, &extras, 1) != RECUR_UNKNOWN ||
      recur_variant_saved(99, RECUR_FLOAT32, 4, 4, 0) >= 0 || recur_variant_inside(99) >= 0)
    return "an unknown cell was not refused by the general walk";
  scan.cell = RECUR_LSTM, scan.dtype = RECUR_FLOAT16;
  if (recur_variant_forward(&scan, &extras, 1) != RECUR_UNKNOWN)
    return "half precision was not refused by the general walk";
  return {};
}

}  // namespace
