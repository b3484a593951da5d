// The walk again, naively: double, one row at a time, one number at a time. Nothing here is shared
// with the engine; the equations are those of recur/cells/*/step.py, the derivatives worked by
// hand.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "engine/cpu/scan.h"

using Numbers = std::vector<double>;

// One problem, all arrays dense: x (T, B, I), y and dy (T, B, R), h (B, R), c (B, H), weights as in
// scan.h. All numbers but x, w_ih and w_hh may be left out.
struct Problem {
  int cell;
  bool reverse;
  int64_t time, batch, inputs, hidden, projection;
  std::vector<int64_t> lengths;       // or empty
  std::vector<uint8_t> mask, starts;  // or empty
  Numbers x, h0, c0, w_ih, w_hh, b_ih, b_hh, w_hr, dy, dhn, dcn;

  int64_t gates() const { return cell == RECUR_LSTM ? 4 : cell == RECUR_GRU ? 3 : 1; }
  bool has_c() const { return cell == RECUR_LSTM; }
  int64_t outputs() const { return projection ? projection : hidden; }
  bool exists(int64_t t, int64_t b) const {
    return (lengths.empty() || t < lengths[b]) && (mask.empty() || mask[t * batch + b]);
  }
};

struct Results {
  Numbers y, hn, cn, dx, dh0, dc0, dw_ih, dw_hh, db_ih, db_hh, dw_hr;
};

inline double curve(double a) { return 1 / (1 + std::exp(-a)); }

class Naive {
 public:
  explicit Naive(const Problem& p)
      : p_(p), H_(p.hidden), R_(p.outputs()), I_(p.inputs), G_(p.gates()) {
    const auto zeros = [](int64_t n) { return Numbers(static_cast<size_t>(n)); };
    r_.y = zeros(p.time * p.batch * R_);
    r_.dx = zeros(p.time * p.batch * I_);
    r_.hn = r_.dh0 = zeros(p.batch * R_);
    if (p.has_c()) r_.cn = r_.dc0 = zeros(p.batch * H_);
    r_.dw_ih = zeros(G_ * H_ * I_);
    r_.dw_hh = zeros(G_ * H_ * R_);
    if (p.projection) r_.dw_hr = zeros(R_ * H_);
    r_.db_ih = r_.db_hh = zeros(G_ * H_);
    for (int64_t b = 0; b < p.batch; ++b) row(b);
  }
  const Results& results() const { return r_; }

 private:
  struct Step {
    int64_t t;
    Numbers h_before, c_before, gx, gh, out, h, c;  // out: the cell's, before a projection
  };

  void row(int64_t b) {
    std::vector<int64_t> times;
    for (int64_t i = 0; i < p_.time; ++i) {
      const int64_t t = p_.reverse ? p_.time - 1 - i : i;
      if (p_.exists(t, b)) times.push_back(t);
    }
    Numbers h = state(p_.h0, b, R_), c = state(p_.c0, b, H_);
    std::vector<Step> steps;
    for (const int64_t t : times) {
      if (starts(t, b)) h.assign(R_, 0), c.assign(H_, 0);
      steps.push_back({t, h, c, {}, {}, {}, {}, {}});
      forward(b, steps.back());
      h = steps.back().h, c = steps.back().c;
      std::copy(h.begin(), h.end(), r_.y.begin() + (t * p_.batch + b) * R_);
    }
    std::copy(h.begin(), h.end(), r_.hn.begin() + b * R_);
    if (p_.has_c()) std::copy(c.begin(), c.end(), r_.cn.begin() + b * H_);
    Numbers dh = state(p_.dhn, b, R_), dc = state(p_.dcn, b, H_);
    for (auto step = steps.rbegin(); step != steps.rend(); ++step) backward(b, *step, dh, dc);
    std::copy(dh.begin(), dh.end(), r_.dh0.begin() + b * R_);
    if (p_.has_c()) std::copy(dc.begin(), dc.end(), r_.dc0.begin() + b * H_);
  }

  Numbers state(const Numbers& all, int64_t b, int64_t size) const {
    if (all.empty()) return Numbers(static_cast<size_t>(size));
    return Numbers(all.begin() + b * size, all.begin() + (b + 1) * size);
  }
  bool starts(int64_t t, int64_t b) const {
    return !p_.starts.empty() && p_.starts[t * p_.batch + b];
  }

  void forward(int64_t b, Step& s) const {
    const double* x = p_.x.data() + (s.t * p_.batch + b) * I_;
    s.gx.assign(G_ * H_, 0), s.gh.assign(G_ * H_, 0);
    for (int64_t i = 0; i < G_ * H_; ++i) {
      s.gx[i] = p_.b_ih.empty() ? 0 : p_.b_ih[i];
      s.gh[i] = p_.b_hh.empty() ? 0 : p_.b_hh[i];
      for (int64_t k = 0; k < I_; ++k) s.gx[i] += p_.w_ih[i * I_ + k] * x[k];
      for (int64_t k = 0; k < R_; ++k) s.gh[i] += p_.w_hh[i * R_ + k] * s.h_before[k];
    }
    s.out.resize(H_);
    s.c.resize(H_);
    for (int64_t u = 0; u < H_; ++u) {
      const auto a = [&](int64_t g) { return s.gx[g * H_ + u] + s.gh[g * H_ + u]; };
      switch (p_.cell) {
        case RECUR_RNN_TANH: s.out[u] = std::tanh(a(0)); break;
        case RECUR_RNN_RELU: s.out[u] = a(0) > 0 ? a(0) : 0; break;
        case RECUR_LSTM:
          s.c[u] = curve(a(1)) * s.c_before[u] + curve(a(0)) * std::tanh(a(2));
          s.out[u] = curve(a(3)) * std::tanh(s.c[u]);
          break;
        case RECUR_GRU: {
          const double z = curve(a(1));
          const double n = std::tanh(s.gx[2 * H_ + u] + curve(a(0)) * s.gh[2 * H_ + u]);
          s.out[u] = (1 - z) * n + z * s.h_before[u];
        }
      }
    }
    s.h = s.out;
    if (!p_.projection) return;
    s.h.assign(R_, 0);
    for (int64_t r = 0; r < R_; ++r)
      for (int64_t u = 0; u < H_; ++u) s.h[r] += p_.w_hr[r * H_ + u] * s.out[u];
  }

  // dh, dc: gradients of this step's states in, of the step's before out.
  void backward(int64_t b, const Step& s, Numbers& dh, Numbers& dc) {
    const int64_t at = s.t * p_.batch + b;
    Numbers dgx(G_ * H_), dgh(G_ * H_), through(R_), dout = dh;
    for (int64_t r = 0; r < R_ && !p_.dy.empty(); ++r) dout[r] += p_.dy[at * R_ + r];
    if (p_.projection) dout = unproject(s, dout);
    for (int64_t u = 0; u < H_; ++u) {
      const double d = dout[u];
      const auto a = [&](int64_t g) { return s.gx[g * H_ + u] + s.gh[g * H_ + u]; };
      const auto both = [&](int64_t g, double value) {
        dgx[g * H_ + u] = dgh[g * H_ + u] = value;
      };
      switch (p_.cell) {
        case RECUR_RNN_TANH: both(0, d * (1 - s.out[u] * s.out[u])); break;
        case RECUR_RNN_RELU: both(0, s.out[u] > 0 ? d : 0); break;
        case RECUR_LSTM: {
          const double i = curve(a(0)), f = curve(a(1)), g = std::tanh(a(2)), o = curve(a(3));
          const double tanh_c = std::tanh(s.c[u]);
          const double d_c = dc[u] + d * o * (1 - tanh_c * tanh_c);
          both(0, d_c * g * i * (1 - i));
          both(1, d_c * s.c_before[u] * f * (1 - f));
          both(2, d_c * i * (1 - g * g));
          both(3, d * tanh_c * o * (1 - o));
          dc[u] = d_c * f;
          break;
        }
        case RECUR_GRU: {
          const double r = curve(a(0)), z = curve(a(1)), n_h = s.gh[2 * H_ + u];
          const double n = std::tanh(s.gx[2 * H_ + u] + r * n_h);
          const double d_n = d * (1 - z) * (1 - n * n);
          both(0, d_n * n_h * r * (1 - r));
          both(1, d * (s.h_before[u] - n) * z * (1 - z));
          dgx[2 * H_ + u] = d_n;
          dgh[2 * H_ + u] = d_n * r;
          through[u] = d * z;
        }
      }
    }
    const double* x = p_.x.data() + at * I_;
    dh = through;
    for (int64_t i = 0; i < G_ * H_; ++i) {
      r_.db_ih[i] += dgx[i];
      r_.db_hh[i] += dgh[i];
      for (int64_t k = 0; k < I_; ++k) {
        r_.dw_ih[i * I_ + k] += dgx[i] * x[k];
        r_.dx[at * I_ + k] += dgx[i] * p_.w_ih[i * I_ + k];
      }
      for (int64_t k = 0; k < R_; ++k) {
        r_.dw_hh[i * R_ + k] += dgh[i] * s.h_before[k];
        dh[k] += dgh[i] * p_.w_hh[i * R_ + k];
      }
    }
    if (starts(s.t, b)) dh.assign(R_, 0), dc.assign(H_, 0);
  }

  // The gradient of the cell's output, from that of its projection.
  Numbers unproject(const Step& s, const Numbers& dh) {
    Numbers dout(static_cast<size_t>(H_));
    for (int64_t r = 0; r < R_; ++r)
      for (int64_t u = 0; u < H_; ++u) {
        r_.dw_hr[r * H_ + u] += dh[r] * s.out[u];
        dout[u] += dh[r] * p_.w_hr[r * H_ + u];
      }
    return dout;
  }

  const Problem& p_;
  const int64_t H_, R_, I_, G_;
  Results r_;
};
