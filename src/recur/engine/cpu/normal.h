// Layer normalisation of rows: x^ = (x - mean) / sqrt(variance + 1e-5), over all units of all gates,
// and its derivative. (J. L. Ba, J. R. Kiros, G. E. Hinton, arXiv:1607.06450.)
#pragma once

#include <cmath>

#include "matrix.h"

namespace recur {

// As torch.nn.LayerNorm's.
constexpr double kNormEpsilon = 1e-5;

// Lane r of the result is the sum of v[r].
template <class T>
RECUR_INLINE Vec<T> lane_sums(Vec<T> (&v)[kLanes<T>]) {
  transpose<T>(v);
  Vec<T> sum = v[0];
#pragma GCC unroll 16
  for (int i = 1; i < kLanes<T>; ++i) sum += v[i];
  return sum;
}

template <class T>
RECUR_INLINE Vec<T> square_root(Vec<T> x) {
  for (int lane = 0; lane < kLanes<T>; ++lane) x[lane] = std::sqrt(x[lane]);
  return x;
}

template <class T>
class Norm {
  static constexpr int64_t L = kLanes<T>;

 public:
  explicit Norm(const GateRow<T>& row)
      : row_(row), count_(static_cast<T>(row.gates * row.hidden)) {}

  // What a row's x^ is made of its x by: (x - mean) * factor.
  struct Moments {
    T mean, factor;
  };

  // Row r of n: x at rows + r * stride; in its place comes scale * x^ + bias. Its moments go to
  // moments(r), x^ to hat(r).
  template <class M, class H>
  RECUR_OUT_OF_LINE void rows(int64_t n, T* rows, M&& moments, H&& hat, const T* scale,
                              const T* bias) const {
    const int64_t stride = row_.width;
    for (int64_t top = 0; top < n; top += L) {
      const int64_t some = std::min(L, n - top);
      T mean[L]{}, by[L];
      Vec<T> sums[L]{}, squares[L]{};
      for_tiles<4>(some, [&](auto size, int64_t first) {
        add_units<decltype(size)::value>(rows + (top + first) * stride, mean, sums + first,
                                         [](Vec<T> x) { return x; });
      });
      store(mean, lane_sums<T>(sums) / count_);
      for_tiles<4>(some, [&](auto size, int64_t first) {
        add_units<decltype(size)::value>(rows + (top + first) * stride, mean + first, squares + first,
                                         [](Vec<T> x) { return x * x; });
      });
      const Vec<T> variance = lane_sums<T>(squares) / count_;
      store(by, T(1) / square_root<T>(variance + static_cast<T>(kNormEpsilon)));
      for (int64_t r = 0; r < some; ++r) {
        T* kept = hat(top + r);
        T* x = rows + (top + r) * stride;
        for (int64_t v = 0; v < row_.vectors(); ++v) {
          const Vec<T> normal = units_of(v, (load(x + v * L) - mean[r]) * by[r]);
          store(kept + v * L, normal);
          store(x + v * L, normal * load(scale + v * L) + load(bias + v * L));
        }
        *moments(top + r) = {mean[r], by[r]};
      }
    }
  }

  // In the place of n rows of gradients of scale * x^ + bias those of x; adds to the gradients of the
  // scale and the bias.
  template <class M, class H>
  RECUR_OUT_OF_LINE void rows_back(int64_t n, T* gradients, M&& moments, H&& hat, const T* scale,
                                   T* dscale, T* dbias) const {
    const int64_t stride = row_.width;
    for (int64_t top = 0; top < n; top += L) {
      const int64_t some = std::min(L, n - top);
      Vec<T> sums[L]{}, products[L]{};
      for_tiles<4>(some, [&](auto size, int64_t first) {
        constexpr int MR = decltype(size)::value;
        const T* hats[MR];
        for (int m = 0; m < MR; ++m) hats[m] = hat(top + first + m);
        sum_back<MR>(gradients + (top + first) * stride, hats, scale, dscale, dbias, sums + first,
                     products + first);
      });
      T sum[L], product[L];
      store(sum, lane_sums<T>(sums) / count_);
      store(product, lane_sums<T>(products) / count_);
      for (int64_t r = 0; r < some; ++r) {
        const T* normal = hat(top + r);
        const T by = moments(top + r)->factor;
        T* row = gradients + (top + r) * stride;
        for (int64_t v = 0; v < row_.vectors(); ++v) {
          const Vec<T> dx = load(row + v * L) - sum[r] - load(normal + v * L) * product[r];
          store(row + v * L, units_of(v, dx * by));
        }
      }
    }
  }

 private:
  // Of a few rows together: the sums over their units of f(x - from).
  template <int MR, class F>
  RECUR_INLINE void add_units(const T* rows, const T* from, Vec<T>* sums, F&& f) const {
    Vec<T> sum[MR]{};
    for (int64_t v = 0; v < row_.vectors(); ++v) {
#pragma GCC unroll 4
      for (int m = 0; m < MR; ++m)
        sum[m] += f(units_of(v, load(rows + m * row_.width + v * L) - broadcast(from[m])));
    }
#pragma GCC unroll 4
    for (int m = 0; m < MR; ++m) sums[m] = sum[m];
  }

  // Of a few rows together, since their sums stay in registers: the gradients of x^, in place; their
  // sums, and those of their products with x^.
  template <int MR>
  RECUR_INLINE void sum_back(T* rows, const T* const* hats, const T* scale, T* dscale, T* dbias,
                             Vec<T>* sums, Vec<T>* products) const {
    Vec<T> sum[MR]{}, product[MR]{};
    for (int64_t v = 0; v < row_.vectors(); ++v) {
      const Vec<T> by = load(scale + v * L);
      Vec<T> of_scale = load(dscale + v * L), of_bias = load(dbias + v * L);
#pragma GCC unroll 4
      for (int m = 0; m < MR; ++m) {
        T* row = rows + m * row_.width + v * L;
        const Vec<T> dy = load(row), x = load(hats[m] + v * L), dx = dy * by;
        of_scale += dy * x;
        of_bias += dy;
        store(row, dx);
        sum[m] += dx;
        product[m] += dx * x;
      }
      store(dscale + v * L, of_scale);
      store(dbias + v * L, of_bias);
    }
#pragma GCC unroll 4
    for (int m = 0; m < MR; ++m) sums[m] = sum[m], products[m] = product[m];
  }

  // Zero where the v-th vector of a row has padding.
  RECUR_INLINE Vec<T> units_of(int64_t v, Vec<T> x) const {
    const int64_t lanes = row_.lanes(v);
    if (lanes == L) return x;
    T kept[L];
    store(kept, x);
    return load_some(kept, lanes);
  }

  const GateRow<T> row_;
  T count_;
};

}  // namespace recur
