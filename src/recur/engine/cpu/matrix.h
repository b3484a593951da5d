// A weight matrix whose products go through memory: rows of gates, a panel of two vectors at a time.
//
// Gates lie one after the other, each padded to whole vectors, the row to whole panels:
//
//   a row     [gate][unit vector][lane]
//   forward   [panel][k][2][lane]                  k: a feature
//   backward  [2 vectors of features][kk][2][lane]  kk: a number of the row
#pragma once

#include <limits>
#include <vector>

#include "packing.h"
#include "product.h"

namespace recur {

// Some of the numbers of a row of gates: whole panels. By default all.
struct Span {
  int64_t from = 0, to = std::numeric_limits<int64_t>::max();
};

// Where the numbers of `gates` gates of `hidden` units stand in a row; `apart`: each gate begins with
// a panel, so that it can be taken by itself.
template <class T>
struct GateRow {
  static constexpr int64_t L = kLanes<T>, kPanel = kBackVectors * L;

  GateRow(int64_t hidden, int64_t gates, bool apart = false)
      : hidden(hidden),
        gates(gates),
        units(round_up(hidden, apart ? kPanel : L)),
        width(round_up(gates * units, kPanel)),
        lanes_(static_cast<size_t>(width / L)) {
    for (int64_t v = 0; v * L < gates * units; ++v)
      lanes_[static_cast<size_t>(v)] = static_cast<int8_t>(within(hidden, v * L % units, L));
  }

  int64_t hidden, gates, units, width;

  int64_t vectors() const { return width / L; }
  // Of gates that lie apart, one.
  Span gate(int64_t g) const { return {g * units, (g + 1) * units}; }
  // Of the v-th vector: the row of the weights it begins with, and how many of its lanes are units.
  int64_t first(int64_t v) const { return v * L / units * hidden + v * L % units; }
  RECUR_INLINE int64_t lanes(int64_t v) const { return lanes_[static_cast<size_t>(v)]; }

  // From an array without padding, or zeros from null.
  void read(const T* from, T* to) const {
    for (int64_t v = 0; v < vectors(); ++v)
      store(to + v * L, from ? load_some(from + first(v), lanes(v)) : Vec<T>{});
  }
  // To an array without padding, the sum of the parts.
  void write_sum(const std::vector<const T*>& parts, T* to) const {
    for (int64_t v = 0; v < vectors(); ++v) {
      Vec<T> sum{};
      for (const T* part : parts) sum += load(part + v * L);
      if (lanes(v)) store_some(to + first(v), sum, lanes(v));
    }
  }

 private:
  std::vector<int8_t> lanes_;
};

template <class T>
class Matrix {
  static constexpr int64_t L = kLanes<T>, kPanel = kBackVectors * L;
  static constexpr int NB = kBackVectors;

 public:
  // w (gates * hidden, depth). Packed for the product forward, or back.
  Matrix(const T* w, const GateRow<T>& row, int64_t depth, bool forward, bool back, Padding padding)
      : w_(w),
        row_(row),
        depth_(depth),
        padding_(padding),
        panels_(forward ? row.width / kPanel : 0),
        features_(back ? round_up(depth, kPanel) / kPanel : 0),
        forward_(panels_ * kPanel * depth),
        back_(features_ * kPanel * row.width) {}

  int64_t pieces() const { return panels_ + features_; }
  void pack(int64_t piece) {
    if (piece < panels_) {
      for (int64_t v = piece * NB; v < (piece + 1) * NB; ++v)
        pack_column(w_ + (row_.lanes(v) ? row_.first(v) * depth_ : 0), depth_, 0, row_.lanes(v),
                    kPanel, padding_, forward_.get() + piece * kPanel * depth_ + v % NB * L);
      return;
    }
    piece -= panels_;
    T* to = back_.get() + piece * kPanel * row_.width;
    for (int64_t v = 0; v < row_.vectors(); ++v, to += L * kPanel) {
      if (row_.lanes(v)) pack_rows(w_, depth_, row_.first(v), row_.lanes(v), piece * kPanel, to);
      std::fill_n(to + row_.lanes(v) * kPanel, (L - row_.lanes(v)) * kPanel, T(0));
    }
  }

  // to[r] = start + features[r] W^T, start and to rows of gates.
  RECUR_OUT_OF_LINE void product(int64_t rows, const T* features, int64_t stride, const T* start,
                                 T* to, Span span = {}) const {
    for (int64_t at = span.from; at < std::min(span.to, row_.width); at += kPanel)
      for_tiles<kTileRows<NB>>(rows, [&](auto size, int64_t top) {
        constexpr int MR = decltype(size)::value;
        Vec<T> acc[MR][NB];
#pragma GCC unroll 32
        for (int m = 0; m < MR; ++m)
#pragma GCC unroll 4
          for (int v = 0; v < NB; ++v) acc[m][v] = load(start + at + v * L);
        rows_product<T, MR, NB>(acc, features + top * stride, stride, forward_.get() + at * depth_,
                                kPanel, depth_);
        T* row = to + top * row_.width + at;
#pragma GCC unroll 32
        for (int m = 0; m < MR; ++m)
#pragma GCC unroll 4
          for (int v = 0; v < NB; ++v) store(row + m * row_.width + v * L, acc[m][v]);
      });
  }

  // Calls put(r, feature, v) with every vector of gates[r] W, up to whole panels of features.
  template <class P>
  RECUR_OUT_OF_LINE void product_back(int64_t rows, const T* gates, P&& put, Span span = {}) const {
    const int64_t depth = std::min(span.to, row_.width) - span.from;
    for (int64_t feature = 0; feature < features_ * kPanel; feature += kPanel)
      for_tiles<kTileRows<NB>>(rows, [&](auto size, int64_t top) {
        constexpr int MR = decltype(size)::value;
        Vec<T> acc[MR][NB] = {};
        rows_product<T, MR, NB>(acc, gates + top * row_.width + span.from, row_.width,
                                back_.get() + feature * row_.width + span.from * kPanel, kPanel,
                                depth);
#pragma GCC unroll 32
        for (int m = 0; m < MR; ++m)
#pragma GCC unroll 4
          for (int v = 0; v < NB; ++v) put(top + m, feature + v * L, acc[m][v]);
      });
  }

 private:
  const T* w_;
  const GateRow<T> row_;
  int64_t depth_;
  Padding padding_;
  int64_t panels_, features_;
  Buffer<T> forward_, back_;
};

// A thread's sum of the gradients of a matrix: [panel][feature][2][lane].
template <class T>
class MatrixSum {
  static constexpr int64_t L = kLanes<T>, kPanel = kBackVectors * L;
  static constexpr int NB = kBackVectors;

 public:
  MatrixSum(const GateRow<T>& row, int64_t depth)
      : row_(row), depth_(depth), sum_(row_.width * depth_, Fill::kZero) {}

  // Adds features[r]^T gates[r] for all rows.
  RECUR_OUT_OF_LINE void add(int64_t rows, const T* features, int64_t stride, const T* gates,
                             Span span = {}) {
    for (int64_t at = span.from; at < std::min(span.to, row_.width); at += kPanel)
      for_tiles<kTileRows<NB>>(depth_, [&](auto size, int64_t first) {
        constexpr int MR = decltype(size)::value;
        Vec<T> acc[MR][NB] = {};
        outer_product<T, MR, NB>(acc, features + first, stride, gates + at, row_.width, rows);
        T* to = sum_.get() + at * depth_ + first * kPanel;
#pragma GCC unroll 32
        for (int m = 0; m < MR; ++m)
#pragma GCC unroll 4
          for (int v = 0; v < NB; ++v) {
            T* sum = to + m * kPanel + v * L;
            store(sum, load(sum) + acc[m][v]);
          }
      });
  }

  // The v-th vector of rows of dw (gates * hidden, depth), from the threads' sums.
  static void write(const std::vector<const MatrixSum*>& parts, int64_t v, const Array<T>& dw) {
    const MatrixSum& any = *parts[0];
    if (!any.row_.lanes(v)) return;
    std::vector<const T*> sums;
    for (const MatrixSum* part : parts) sums.push_back(part->sum_.get());
    unpack_column(sums.data(), static_cast<int>(sums.size()),
                  v / NB * kPanel * any.depth_ + v % NB * L, kPanel, any.depth_, any.row_.first(v),
                  any.row_.lanes(v), dw);
  }
  // All of dw.
  static void write_all(const std::vector<const MatrixSum*>& parts, T* dw) {
    const Array<T> to(dw, sizeof(T) == sizeof(float) ? RECUR_FLOAT32 : RECUR_FLOAT64);
    for (int64_t v = 0; v < parts[0]->row_.vectors(); ++v) write(parts, v, to);
  }

 private:
  const GateRow<T> row_;
  int64_t depth_;
  Buffer<T> sum_;
};

}  // namespace recur
