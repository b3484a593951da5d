// Layer normalisation of a product y = W x over all units of all its gates, and its derivative.
//
// The columns of W are centred: W' is W less the mean of each. So the mean of y = W' x is zero,
// x^ = f y with f = 1 / sqrt(|y|^2 / N + 1e-5), and the gates are s * x^ + b. Back, with d the
// gradient of the gates, N their number, D that of the features x, and x' = f x:
//
//   q = (s W')^T d     n = x' . q / N     gradient of x: f (q - n W'^T W' x')
//   M = sum of d x'^T  C = sum of n x' x'^T, over all rows and steps
//   gradient of s: W' . M, gate by gate; of W: s * M - W' C, centred
//
// so that of a step only its f is kept, and W'^T W', D x D, is all that the walk back multiplies with
// besides. Where D is large, or no smaller than N, keeping x^ takes less time:
//
//   n = (s * d) . x^ / N    gradient of y: f (s * d - n x^)
//
// and the rest is as without normalisation, but for W's gradient being centred.
#pragma once

#include "matrix.h"
#include "normal.h"

namespace recur {

// Up to so many features W'^T W' and C take less time than writing and reading x^.
constexpr int64_t kMostFeatures = 64;

template <class T>
bool keeps_normal(const GateRow<T>& row, int64_t depth) {
  return depth > kMostFeatures || depth >= row.gates * row.hidden;
}

// f of each of n rows of gates.
template <class T>
RECUR_OUT_OF_LINE void norm_factors(int64_t n, const T* y, const GateRow<T>& row, T* factors) {
  constexpr int64_t L = kLanes<T>;
  const T count = static_cast<T>(row.gates * row.hidden);
  for (int64_t top = 0; top < n; top += L) {
    const int64_t some = std::min(L, n - top);
    Vec<T> squares[L]{};
    for_tiles<4>(some, [&](auto size, int64_t first) {
      constexpr int MR = decltype(size)::value;
      const T* rows = y + (top + first) * row.width;
      Vec<T> sum[MR]{};
      for (int64_t at = 0; at < row.width; at += L) {
#pragma GCC unroll 4
        for (int m = 0; m < MR; ++m) {
          const Vec<T> x = load(rows + m * row.width + at);
          sum[m] += x * x;
        }
      }
#pragma GCC unroll 4
      for (int m = 0; m < MR; ++m) squares[first + m] = sum[m];
    });
    const Vec<T> variance = lane_sums<T>(squares) / count;
    store_some(factors + top, T(1) / square_root<T>(variance + static_cast<T>(kNormEpsilon)), some);
  }
}

// The weights of one product, and what takes their place where it is normalised: where there is a scale.
template <class T>
class ProductNorm {
 public:
  ProductNorm(const T* w, const T* scale, const GateRow<T>& row, int64_t depth, bool back)
      : row_(row),
        one_(depth, 1),
        w_(w),
        scale_(scale),
        keeps_(scale && keeps_normal(row, depth)),
        centred_(scale ? count() * depth : 0),
        scaled_(back && through_features() ? count() * depth : 0),
        gram_(back && through_features() ? depth * depth : 0),
        square_(gram_.get(), one_, depth, gram_.get() != nullptr, false,
                Padding::kZero) {
    if (!scale) return;
    std::copy_n(w, count() * depth, centred_.get());
    centre(centred_.get());
    if (!scaled_.get()) return;
    for (int64_t i = 0; i < count(); ++i)
      for (int64_t k = 0; k < depth; ++k)
        scaled_.get()[i * depth + k] = scale[i] * centred_.get()[i * depth + k];
    Buffer<T> rows(count() * one_.width, Fill::kZero);
    for (int64_t i = 0; i < count(); ++i)
      std::copy_n(centred_.get() + i * depth, depth, rows.get() + i * one_.width);
    MatrixSum<T> sum(one_, depth);
    sum.add(count(), centred_.get(), depth, rows.get());
    MatrixSum<T>::write_all({&sum}, gram_.get());
  }

  bool there() const { return scale_ != nullptr; }
  // Of the two ways back.
  bool keeps() const { return keeps_; }
  bool through_features() const { return there() && !keeps_; }
  int64_t count() const { return row_.gates * row_.hidden; }
  int64_t depth() const { return one_.hidden; }
  const GateRow<T>& row() const { return row_; }
  const GateRow<T>& features_row() const { return one_; }
  const T* scale() const { return scale_; }
  // (gates * hidden, depth): what the walk multiplies with.
  const T* weights() const {
    return !there() ? w_ : scaled_.get() ? scaled_.get() : centred_.get();
  }

  // W'^T W', for the way back through the features.
  Matrix<T>& square() { return square_; }
  const Matrix<T>& square() const { return square_; }

  // From the threads' sums the gradients of W, and of the scale where that is not summed itself.
  void finish(const std::vector<const MatrixSum<T>*>& m, const std::vector<const MatrixSum<T>*>& c,
              T* dw, T* dscale) const {
    MatrixSum<T>::write_all(m, dw);
    if (through_features()) {
      Buffer<T> sum(depth() * depth()), back(count() * one_.width), none(one_.width, Fill::kZero);
      MatrixSum<T>::write_all(c, sum.get());
      Matrix<T> by(sum.get(), one_, depth(), true, false, Padding::kZero);
      for (int64_t piece = 0; piece < by.pieces(); ++piece) by.pack(piece);
      by.product(count(), centred_.get(), depth(), none.get(), back.get());
      for (int64_t i = 0; i < count(); ++i) {
        T* row = dw + i * depth();
        T along = 0;
        for (int64_t k = 0; k < depth(); ++k) {
          along += row[k] * centred_.get()[i * depth() + k];
          row[k] = scale_[i] * row[k] - back.get()[i * one_.width + k];
        }
        if (dscale) dscale[i] = along;
      }
    }
    centre(dw);
  }

 private:
  // Takes the mean of each column from w (gates * hidden, depth).
  void centre(T* w) const {
    Buffer<T> mean(depth(), Fill::kZero);
    for (int64_t i = 0; i < count(); ++i)
      for (int64_t k = 0; k < depth(); ++k) mean.get()[k] += w[i * depth() + k];
    for (int64_t k = 0; k < depth(); ++k) mean.get()[k] /= static_cast<T>(count());
    for (int64_t i = 0; i < count(); ++i)
      for (int64_t k = 0; k < depth(); ++k) w[i * depth() + k] -= mean.get()[k];
  }

  const GateRow<T> row_, one_;
  const T *w_, *scale_;
  const bool keeps_;
  Buffer<T> centred_, scaled_, gram_;
  Matrix<T> square_;
};

// The way back through a normalised product, of the rows of a chunk.
template <class T>
class ProductNormBack {
  static constexpr int64_t L = kLanes<T>;

 public:
  // `c` takes C; where x^ is kept, `dscale` and `dbias` (rows of gates) take their gradients.
  ProductNormBack(const ProductNorm<T>& norm, int64_t room, MatrixSum<T>& c, T* dscale, T* dbias)
      : norm_(norm),
        row_(norm.row()),
        one_(norm.features_row()),
        c_(c),
        dscale_(dscale),
        dbias_(dbias),
        factors_(norm.there() ? room : 0),
        scaled_(norm.through_features() ? room * one_.width : 0, Fill::kZero),
        weighted_(norm.through_features() ? room * one_.width : 0, Fill::kZero),
        again_(norm.through_features() ? room * one_.width : 0),
        q_(norm.through_features() ? room * one_.width : 0),
        none_(one_.width, Fill::kZero),
        scale_(norm.keeps() ? row_.width : 0) {
    if (norm.keeps()) row_.read(norm.scale(), scale_.get());
  }

  T* factors() const { return factors_.get(); }

  // Before the walk through a chunk: its features, and whether their gradient is asked for.
  void begin(int64_t rows, const T* features, int64_t stride, bool wanted) {
    features_ = features, stride_ = stride;
    if (!norm_.through_features()) return;
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t k = 0; k < norm_.depth(); k += L)
        store(scaled_.get() + r * one_.width + k,
              load_some(features + r * stride + k, norm_.depth() - k) * factors_.get()[r]);
    if (wanted)
      norm_.square().product(rows, scaled_.get(), one_.width, none_.get(), again_.get());
  }

  // Rows first .. first + n - 1: from d, the gradients of their gates, those of the features, if
  // wanted to put(r, feature, v). hat(r): x^ of row r, where it is kept; then the gradients of y are
  // left in d.
  template <class H, class P>
  void back(const Matrix<T>& weights, int64_t first, int64_t n, T* d, H&& hat, bool wanted, P&& put) {
    if (norm_.through_features()) {
      weights.product_back(n, d, [&](int64_t r, int64_t k, Vec<T> q) {
        store(q_.get() + r * one_.width + k, q);
      });
      return features_back(first, n, wanted, put);
    }
    if (norm_.keeps()) normal_back(first, n, d, hat);
    if (wanted) weights.product_back(n, d, put);
  }

  // Then adds to the sum of d x^T.
  void add(int64_t rows, const T* d, MatrixSum<T>& m) const {
    if (!norm_.through_features()) return m.add(rows, features_, stride_, d);
    m.add(rows, scaled_.get(), one_.width, d);
    c_.add(rows, scaled_.get(), one_.width, weighted_.get());
  }

 private:
  // x^ is kept: the gradients of y in the place of d.
  template <class H>
  RECUR_OUT_OF_LINE void normal_back(int64_t first, int64_t n, T* d, H&& hat) {
    const int64_t width = row_.gates * row_.units;
    const T count = static_cast<T>(norm_.count());
    for (int64_t top = 0; top < n; top += L) {
      const int64_t some = std::min(L, n - top);
      Vec<T> products[L]{};
      for_tiles<4>(some, [&](auto size, int64_t row) {
        constexpr int MR = decltype(size)::value;
        const T* hats[MR];
        for (int m = 0; m < MR; ++m) hats[m] = hat(top + row + m);
        Vec<T> sum[MR]{};
        for (int64_t at = 0; at < width; at += L) {
          const Vec<T> by = load(scale_.get() + at);
          Vec<T> of_scale = load(dscale_ + at), of_bias = load(dbias_ + at);
#pragma GCC unroll 4
          for (int m = 0; m < MR; ++m) {
            const Vec<T> of_gate = load(d + (top + row + m) * row_.width + at);
            const Vec<T> along = of_gate * load(hats[m] + at);
            of_bias += of_gate;
            of_scale += along;
            sum[m] += along * by;
          }
          store(dscale_ + at, of_scale);
          store(dbias_ + at, of_bias);
        }
#pragma GCC unroll 4
        for (int m = 0; m < MR; ++m) products[row + m] = sum[m];
      });
      T along[L];
      store(along, lane_sums<T>(products) / count);
      for (int64_t r = 0; r < some; ++r) {
        const T* normal = hat(top + r);
        T* row = d + (top + r) * row_.width;
        const T factor = factors_.get()[first + top + r];
        for (int64_t at = 0; at < width; at += L)
          store(row + at, factor * (load(row + at) * load(scale_.get() + at) -
                                    load(normal + at) * along[r]));
      }
    }
  }

  // x^ is not kept: from q the gradients of the features.
  template <class P>
  RECUR_OUT_OF_LINE void features_back(int64_t first, int64_t n, bool wanted, P&& put) {
    const T count = static_cast<T>(norm_.count());
    for (int64_t top = 0; top < n; top += L) {
      const int64_t some = std::min(L, n - top), at = (first + top) * one_.width;
      Vec<T> products[L]{};
      for (int64_t r = 0; r < some; ++r) {
        const T *x = scaled_.get() + at + r * one_.width, *q = q_.get() + (top + r) * one_.width;
        for (int64_t k = 0; k < norm_.depth(); k += L) products[r] += load(x + k) * load(q + k);
      }
      T along[L];
      store(along, lane_sums<T>(products) / count);
      for (int64_t r = 0; r < some; ++r) {
        const T factor = factors_.get()[first + top + r];
        for (int64_t k = 0; k < norm_.depth(); k += L) {
          const int64_t here = at + r * one_.width + k;
          store(weighted_.get() + here, load(scaled_.get() + here) * along[r]);
          if (!wanted) continue;
          const Vec<T> q = load(q_.get() + (top + r) * one_.width + k);
          put(top + r, k, (q - load(again_.get() + here) * along[r]) * factor);
        }
      }
    }
  }

  const ProductNorm<T>& norm_;
  const GateRow<T>& row_;
  const GateRow<T>& one_;
  MatrixSum<T>& c_;
  T *dscale_, *dbias_;
  const T* features_ = nullptr;
  int64_t stride_ = 0;
  Buffer<T> factors_, scaled_, weighted_, again_, q_, none_, scale_;
};

}  // namespace recur
