// A few steps of a few rows, with the weights as they lie: laying them out for the tiles of the other
// walks would cost more than it saves. Nothing is allocated but on a thread's first call, and when a
// layer is larger than those before it.
#pragma once

#include <vector>

#include "packing.h"
#include "plan.h"
#include "threads.h"

namespace recur {

// Laying out weights costs about as much as three products with them.
constexpr int64_t kDirectSteps = 4;

inline bool is_direct(const recur_scan& p) {
  return p.time * p.batch <= kDirectSteps && !p.every &&
         (p.dtype == RECUR_FLOAT32 || p.dtype == RECUR_FLOAT64);
}

// to[row] = bias[row] + sum_k w[row][k] * x[k]
template <class T>
RECUR_OUT_OF_LINE void times_vector(const T* w, const T* bias, int64_t rows, int64_t depth,
                                    const T* x, T* to) {
  constexpr int64_t L = kLanes<T>;
  for (int64_t row = 0; row < rows; row += L) {
    const int64_t count = std::min(L, rows - row);
    Vec<T> sums[L]{};
    if (count == L) {
      int64_t k = 0;
      for (; k + L <= depth; k += L) {
        const Vec<T> xk = load(x + k);
#pragma GCC unroll 16
        for (int i = 0; i < L; ++i) sums[i] += load(w + (row + i) * depth + k) * xk;
      }
      if (k < depth) {
        const Vec<T> xk = load_some(x + k, depth - k);
        for (int i = 0; i < L; ++i) sums[i] += load_some(w + (row + i) * depth + k, depth - k) * xk;
      }
    } else {
      for (int64_t k = 0; k < depth; k += L) {
        const Vec<T> xk = load_some(x + k, depth - k);
        for (int64_t i = 0; i < count; ++i)
          sums[i] += load_some(w + (row + i) * depth + k, depth - k) * xk;
      }
    }
    transpose<T>(sums);
    Vec<T> all = bias ? load_some(bias + row, count) : Vec<T>{};
#pragma GCC unroll 16
    for (int i = 0; i < L; ++i) all += sums[i];
    store_some(to + row, all, count);
  }
}

// to[k] += sum_row w[row][k] * x[row]
template <class T>
RECUR_OUT_OF_LINE void add_transposed(const T* w, int64_t rows, int64_t depth, const T* x, T* to) {
  constexpr int64_t L = kLanes<T>;
  constexpr int N = 4;  // vectors of features at a time
  for (int64_t k = 0; k < depth; k += N * L) {
    Vec<T> sums[N];
    for (int v = 0; v < N; ++v) {
      const int64_t at = std::min(k + v * L, depth);
      sums[v] = load_some(to + at, depth - at);
    }
    if (k + N * L <= depth) {
      for (int64_t row = 0; row < rows; ++row) {
        const Vec<T> xr = broadcast(x[row]);
#pragma GCC unroll 4
        for (int v = 0; v < N; ++v) sums[v] += load(w + row * depth + k + v * L) * xr;
      }
    } else {
      for (int64_t row = 0; row < rows; ++row)
        for (int v = 0; v < N && k + v * L < depth; ++v)
          sums[v] += load_some(w + row * depth + k + v * L, depth - k - v * L) * x[row];
    }
    for (int v = 0; v < N && k + v * L < depth; ++v)
      store_some(to + k + v * L, sums[v], depth - k - v * L);
  }
}

// to[row][k] = x[row] * y[k], or added to what is there.
template <class T>
RECUR_OUT_OF_LINE void outer(const T* x, int64_t rows, const T* y, int64_t depth, bool add, T* to) {
  constexpr int64_t L = kLanes<T>;
  for (int64_t row = 0; row < rows; ++row, to += depth)
    for (int64_t k = 0; k < depth; k += L) {
      Vec<T> v = load_some(y + k, depth - k) * x[row];
      if (add) v += load_some(to + k, depth - k);
      store_some(to + k, v, depth - k);
    }
}

// Numbers that a thread keeps from call to call.
template <class T>
class Scratch {
 public:
  explicit Scratch(int64_t count) {
    static thread_local std::vector<T> kept;
    // Room to begin each part at a cache line.
    if (static_cast<int64_t>(kept.size()) < count + kParts * kLine)
      kept.resize(static_cast<size_t>(count + kParts * kLine));
    next_ = kept.data();
    const size_t over = reinterpret_cast<uintptr_t>(next_) % 64;
    if (over) next_ += (64 - over) / sizeof(T);
  }
  T* take(int64_t count) {
    T* part = next_;
    next_ += round_up(count, kLine);
    return part;
  }

 private:
  static constexpr int64_t kLine = 64 / sizeof(T), kParts = 16;
  T* next_;
};

// The steps of one problem, row after row.
template <class Cell, class T>
class Direct {
  static constexpr int GX = Cell::input_gates, GH = Cell::state_gates, GS = Cell::shared_gates;
  static constexpr int K = Cell::saved;
  static constexpr int64_t L = kLanes<T>;

 public:
  explicit Direct(const recur_scan& p)
      : p_(p),
        w_(p.hidden, p.projection),
        scratch_(2 * w_.state + 4 * w_.units + 2 * (GX + GH) * p.hidden),
        h_(scratch_.take(w_.state)),
        dh_(scratch_.take(w_.state)),
        c_(scratch_.take(w_.units)),
        dc_(scratch_.take(w_.units)),
        raw_(scratch_.take(w_.units)),
        draw_(scratch_.take(w_.units)),
        gx_(scratch_.take(GX * p.hidden)),
        gh_(scratch_.take(GH * p.hidden)),
        dgx_(scratch_.take(GX * p.hidden)),
        dgh_(Widths<Cell, T>::same_gates ? dgx_ : scratch_.take(GH * p.hidden)) {}

  void forward() const {
    const Unslowed unslowed;  // no team does this
    int64_t saved = 0;
    for (int64_t b = 0; b < p_.batch; ++b) {
      first_states(b);
      for (int64_t i = 0; i < p_.time; ++i) {
        const int64_t t = time_of(i);
        T* y = at<T>(p_.y) ? at<T>(p_.y) + t * p_.y_time + b * p_.y_batch : nullptr;
        if (!exists(t, b)) {
          if (y) std::fill_n(y, w_.outputs, T(0));
          continue;
        }
        if (starts(t, b)) clear_states();
        step(at<const T>(p_.x) + t * p_.x_time + b * p_.x_batch,
             p_.saved ? at<T>(p_.saved) + saved++ * w_.saved : nullptr);
        if (y) std::copy_n(h_, w_.outputs, y);
      }
      std::copy_n(h_, w_.outputs, at<T>(p_.hn) + b * w_.outputs);
      if (Cell::has_c) std::copy_n(c_, p_.hidden, at<T>(p_.cn) + b * p_.hidden);
    }
  }

  void backward() const {
    const Unslowed unslowed;
    bool any = false;
    int64_t saved = 0;
    for (int64_t b = 0; b < p_.batch; ++b) {
      int64_t times[kDirectSteps], count = 0;
      for (int64_t i = 0; i < p_.time; ++i) {
        const int64_t t = time_of(i);
        if (exists(t, b))
          times[count++] = t;
        else if (p_.dx)
          std::fill_n(dx_at(t, b), p_.inputs, T(0));
      }
      std::fill_n(dh_, w_.state, T(0));
      if (Cell::has_c) std::fill_n(dc_, w_.units, T(0));
      if (p_.dhn) std::copy_n(at<const T>(p_.dhn) + b * w_.outputs, w_.outputs, dh_);
      if (Cell::has_c && p_.dcn) std::copy_n(at<const T>(p_.dcn) + b * p_.hidden, p_.hidden, dc_);
      for (int64_t j = count; j-- > 0; any = true) {
        states_before(b, j ? times[j - 1] : -1, saved + j, starts(times[j], b));
        step_back(times[j], b, at<const T>(p_.saved) + (saved + j) * w_.saved, any);
      }
      saved += count;
      if (p_.dh0) std::copy_n(dh_, w_.outputs, at<T>(p_.dh0) + b * w_.outputs);
      if (Cell::has_c && p_.dc0) std::copy_n(dc_, p_.hidden, at<T>(p_.dc0) + b * p_.hidden);
    }
    if (!any) add_weights(nullptr, false);
  }

 private:
  template <class N, class V>
  static N* at(V* pointer) {
    return static_cast<N*>(pointer);
  }
  int64_t time_of(int64_t i) const { return p_.reverse ? p_.time - 1 - i : i; }
  bool exists(int64_t t, int64_t b) const {
    return (!p_.lengths || t < p_.lengths[b]) && (!p_.mask || p_.mask[t * p_.batch + b]);
  }
  bool starts(int64_t t, int64_t b) const { return p_.starts && p_.starts[t * p_.batch + b]; }

  void clear_states() const {
    std::fill_n(h_, w_.state, T(0));
    if (Cell::has_c) std::fill_n(c_, w_.units, T(0));
  }

  void first_states(int64_t b) const {
    clear_states();
    if (p_.h0) std::copy_n(at<const T>(p_.h0) + b * w_.outputs, w_.outputs, h_);
    if (Cell::has_c && p_.c0) std::copy_n(at<const T>(p_.c0) + b * p_.hidden, p_.hidden, c_);
  }

  void step(const T* x, T* saved) const {
    times_vector(at<const T>(p_.w_ih), at<const T>(p_.b_ih), GX * p_.hidden, p_.inputs, x, gx_);
    times_vector(at<const T>(p_.w_hh), at<const T>(p_.b_hh), GH * p_.hidden, w_.outputs, h_, gh_);
    T* put = Cell::has_c && p_.projection ? raw_ : h_;
    for (int64_t i = 0, unit = 0; unit < p_.hidden; ++i, unit += L) {
      const int64_t left = p_.hidden - unit;
      Vec<T> a[GH], x_only[GX - GS + 1], save[K + 1], h = load(h_ + unit), c{};
#pragma GCC unroll 4
      for (int g = 0; g < GH; ++g) {
        a[g] = load_some(gh_ + g * p_.hidden + unit, left);
        if (g < GS) a[g] += load_some(gx_ + g * p_.hidden + unit, left);
      }
#pragma GCC unroll 4
      for (int g = GS; g < GX; ++g) x_only[g - GS] = load_some(gx_ + g * p_.hidden + unit, left);
      if constexpr (Cell::has_c) c = load(c_ + unit);
      Cell::begin(a, x_only, c, save);
      Cell::end(save, h);
      store(put + unit, h);
      if constexpr (Cell::has_c) store(c_ + unit, c);
      for (int s = 0; saved && s < K; ++s) store(saved + (i * K + s) * L, save[s]);
    }
    if constexpr (Cell::has_c)
      if (p_.projection)
        times_vector<T>(at<const T>(p_.w_hr), nullptr, w_.outputs, p_.hidden, raw_, h_);
  }

  T* dx_at(int64_t t, int64_t b) const { return at<T>(p_.dx) + t * p_.dx_time + b * p_.dx_batch; }

  // h and c before a step: zero where it starts anew, else those after the step at time `last` (-1:
  // the initial ones). `index` is the step's place in what was saved.
  void states_before(int64_t b, int64_t last, int64_t index, bool starting) const {
    if (starting || last < 0) {
      starting ? clear_states() : first_states(b);
      return;
    }
    std::copy_n(at<const T>(p_.y) + last * p_.y_time + b * p_.y_batch, w_.outputs, h_);
    if constexpr (Cell::has_c) {
      const T* before = at<const T>(p_.saved) + (index - 1) * w_.saved + Cell::saved_c * L;
      for (int64_t i = 0; i * L < p_.hidden; ++i) store(c_ + i * L, load(before + i * K * L));
    }
  }

  // One step of row b, after the states before it. `add`: the weights' gradients have been begun.
  void step_back(int64_t t, int64_t b, const T* saved, bool add) const {
    const T* y = at<const T>(p_.y) + t * p_.y_time + b * p_.y_batch;
    if (p_.dy) {
      const T* dy = at<const T>(p_.dy) + t * p_.dy_time + b * p_.dy_batch;
      for (int64_t i = 0; i < w_.outputs; ++i) dh_[i] += dy[i];
    }
    T* dh = dh_;
    if constexpr (Cell::has_c)
      if (p_.projection) {
        for (int64_t i = 0; i * L < p_.hidden; ++i) {
          Vec<T> save[K + 1];
          for (int s = 0; s < K; ++s) save[s] = load(saved + (i * K + s) * L);
          store(raw_ + i * L, Cell::output(save));
        }
        outer(dh_, w_.outputs, raw_, p_.hidden, add, at<T>(p_.dw_hr));
        std::fill_n(draw_, w_.units, T(0));
        add_transposed(at<const T>(p_.w_hr), w_.outputs, p_.hidden, dh_, draw_);
        std::fill_n(dh_, w_.state, T(0));
        dh = draw_;
      }
    for (int64_t i = 0, unit = 0; unit < p_.hidden; ++i, unit += L) {
      const int64_t left = p_.hidden - unit;
      Vec<T> save[K + 1], dgx[GX], dgh[GH], h{}, c{}, dc{}, through;
      for (int s = 0; s < K; ++s) save[s] = load(saved + (i * K + s) * L);
      if constexpr (!K) h = load_some(y + unit, left);
      if constexpr (Cell::has_c) c = load(c_ + unit), dc = load(dc_ + unit);
      Cell::backward(save, h, load(h_ + unit), c, load(dh + unit), dc, dgx, dgh, through);
      if (dh == dh_) store(dh_ + unit, through);
      if constexpr (Cell::has_c) store(dc_ + unit, dc);
      for (int g = 0; g < GX; ++g) store_some(dgx_ + g * p_.hidden + unit, dgx[g], left);
      if constexpr (!Widths<Cell, T>::same_gates)
        for (int g = 0; g < GH; ++g) store_some(dgh_ + g * p_.hidden + unit, dgh[g], left);
    }
    add_transposed(at<const T>(p_.w_hh), GH * p_.hidden, w_.outputs, dgh_, dh_);
    if (p_.dx) {
      std::fill_n(dx_at(t, b), p_.inputs, T(0));
      add_transposed(at<const T>(p_.w_ih), GX * p_.hidden, p_.inputs, dgx_, dx_at(t, b));
    }
    add_weights(at<const T>(p_.x) + t * p_.x_time + b * p_.x_batch, add);
    if (starts(t, b)) {
      std::fill_n(dh_, w_.state, T(0));
      if (Cell::has_c) std::fill_n(dc_, w_.units, T(0));
    }
  }

  // The gates' gradients times what they were fed; without `x` zeros: there was no step.
  void add_weights(const T* x, bool add) const {
    if (!x) {
      std::fill_n(dgx_, GX * p_.hidden, T(0));
      std::fill_n(dgh_, GH * p_.hidden, T(0));
      std::fill_n(at<T>(p_.dw_ih), GX * p_.hidden * p_.inputs, T(0));
      std::fill_n(at<T>(p_.dw_hh), GH * p_.hidden * w_.outputs, T(0));
      if (p_.dw_hr) std::fill_n(at<T>(p_.dw_hr), w_.outputs * p_.hidden, T(0));
    } else {
      outer(dgx_, GX * p_.hidden, x, p_.inputs, add, at<T>(p_.dw_ih));
      outer(dgh_, GH * p_.hidden, h_, w_.outputs, add, at<T>(p_.dw_hh));
    }
    add_bias(dgx_, GX * p_.hidden, add, at<T>(p_.db_ih));
    add_bias(dgh_, GH * p_.hidden, add, at<T>(p_.db_hh));
  }
  static void add_bias(const T* gates, int64_t count, bool add, T* to) {
    for (int64_t i = 0; to && i < count; ++i) to[i] = add ? to[i] + gates[i] : gates[i];
  }

  const recur_scan& p_;
  const Widths<Cell, T> w_;
  Scratch<T> scratch_;
  T *h_, *dh_, *c_, *dc_, *raw_, *draw_, *gx_, *gh_, *dgx_, *dgh_;
};

}  // namespace recur
