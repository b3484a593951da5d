// The walk forward: a chunk of steps at a time, first the input's product for all of it, then step
// by step the state's product and the cell.
#pragma once

#include "packing.h"
#include "plan.h"
#include "product.h"

namespace recur {

template <class Cell, class T>
struct ForwardWeights {
  ForwardWeights(const recur_scan& p, const Widths<Cell, T>& w)
      : w_ih(w.x * p.inputs), w_hh(w.h * p.hidden), b_x(w.x), b_h(w.h) {
    pack_biases<Cell, T>(static_cast<const T*>(p.b_ih), static_cast<const T*>(p.b_hh), w, b_x.get(),
                         b_h.get());
  }
  void pack(const recur_scan& p, int64_t block) {
    pack_block<Cell, T>(static_cast<const T*>(p.w_ih), p.hidden, p.inputs, Cell::input_gates, block,
                        w_ih.get());
    pack_block<Cell, T>(static_cast<const T*>(p.w_hh), p.hidden, p.hidden, Cell::state_gates, block,
                        w_hh.get());
  }
  Buffer<T> w_ih, w_hh, b_x, b_h;
};

// Rows that a chunk should hold: its data stays in the second-level cache, but the tiles of the
// weight gradients want some depth even where a row is wide.
inline int64_t rows_in_chunk(int64_t bytes_a_row, int64_t least) {
  constexpr int64_t kCache = 256 * 1024;
  return std::max<int64_t>(least, kCache / std::max<int64_t>(1, bytes_a_row));
}

template <class Cell, class T>
class ForwardWalk {
  using W = Widths<Cell, T>;
  static constexpr int64_t L = kLanes<T>;

 public:
  ForwardWalk(const recur_scan& p, const Plan& plan, const W& widths,
              const ForwardWeights<Cell, T>& weights, std::vector<Row> rows)
      : p_(p),
        plan_(plan),
        w_(widths),
        weights_(weights),
        rows_(std::move(rows)),
        room_(rows_in_chunk((p.inputs + w_.x) * static_cast<int64_t>(sizeof(T)),
                            std::max<int64_t>(count(), 16))),
        x_(room_ * p.inputs),
        gx_(room_ * w_.x),
        h_(count() * w_.units),
        h_next_(count() * w_.units),
        c_(Cell::has_c ? count() * w_.units : 0),
        y_row_(rows_.size()),
        saved_row_(rows_.size()) {}

  void run() {
    clear_missing(p_, plan_, rows_, static_cast<T*>(p_.y), p_.y_time, p_.y_batch, p_.hidden);
    begin();
    const int64_t longest = rows_.empty() ? 0 : rows_[0].steps;
    for (int64_t j = 0; j < longest;) {
      const Chunk chunk = chunk_from(rows_, j, room_);
      input_product(chunk);
      for (; j < chunk.to; ++j) step(j, gx_.get() + chunk.first[j - chunk.from] * w_.x);
    }
  }

 private:
  int64_t count() const { return static_cast<int64_t>(rows_.size()); }

  void begin() {
    for (int64_t r = 0; r < count(); ++r) {
      const Row& row = rows_[r];
      std::copy_n(static_cast<const T*>(p_.h0) + row.batch * p_.hidden, p_.hidden,
                  h_.get() + r * w_.units);
      if (Cell::has_c)
        std::copy_n(static_cast<const T*>(p_.c0) + row.batch * p_.hidden, p_.hidden,
                    c_.get() + r * w_.units);
      if (!row.steps) finish(r, h_.get());
    }
  }

  void finish(int64_t r, const T* h) {
    const int64_t at = rows_[r].batch * p_.hidden;
    std::copy_n(h + r * w_.units, p_.hidden, static_cast<T*>(p_.hn) + at);
    if (Cell::has_c)
      std::copy_n(c_.get() + r * w_.units, p_.hidden, static_cast<T*>(p_.cn) + at);
  }

  void input_product(const Chunk& chunk) {
    T* x = x_.get();
    for (int64_t j = chunk.from; j < chunk.to; ++j)
      for (int64_t r = 0, n = active(rows_, j); r < n; ++r, x += p_.inputs)
        std::copy_n(static_cast<const T*>(p_.x) + plan_.time_of(rows_[r], j) * p_.x_time +
                        rows_[r].batch * p_.x_batch,
                    p_.inputs, x);
    for (int64_t block = 0; block < w_.blocks; ++block) {
      const T* weights = weights_.w_ih.get() + block * p_.inputs * W::NX * L;
      const T* bias = weights_.b_x.get() + block * W::NX * L;
      for_tiles<kTileRows<W::NX>>(chunk.first.back(), [&](auto size, int64_t first) {
        constexpr int MR = decltype(size)::value;
        Vec<T> acc[MR][W::NX];
#pragma GCC unroll 32
        for (int m = 0; m < MR; ++m)
#pragma GCC unroll 8
          for (int v = 0; v < W::NX; ++v) acc[m][v] = load(bias + v * L);
        rows_product<T, MR, W::NX>(acc, x_.get() + first * p_.inputs, p_.inputs, weights,
                                   W::NX * L, p_.inputs);
        T* to = gx_.get() + first * w_.x + block * W::NX * L;
#pragma GCC unroll 32
        for (int m = 0; m < MR; ++m)
#pragma GCC unroll 8
          for (int v = 0; v < W::NX; ++v) store(to + m * w_.x + v * L, acc[m][v]);
      });
    }
  }

  void step(int64_t j, const T* gx) {
    const int64_t n = active(rows_, j);
    for (int64_t r = 0; r < n; ++r) {
      const Row& row = rows_[r];
      const int64_t t = plan_.time_of(row, j);
      y_row_[r] = p_.y ? static_cast<T*>(p_.y) + t * p_.y_time + row.batch * p_.y_batch : nullptr;
      saved_row_[r] =
          p_.saved ? static_cast<T*>(p_.saved) + (row.offset + j) * w_.saved : nullptr;
      if (plan_.starts(row, j)) {
        std::fill_n(h_.get() + r * w_.units, w_.units, T(0));
        if (Cell::has_c) std::fill_n(c_.get() + r * w_.units, w_.units, T(0));
      }
    }
    for (int64_t block = 0; block < w_.blocks; ++block)
      for_tiles<kTileRows<W::NH>>(n, [&](auto size, int64_t first) {
        tile<decltype(size)::value>(block, first, gx);
      });
    h_.swap(h_next_);
    for (int64_t r = n; r-- > 0 && rows_[r].steps == j + 1;) finish(r, h_.get());
  }

  template <int MR>
  RECUR_INLINE void tile(int64_t block, int64_t first, const T* gx) {
    constexpr int GX = Cell::input_gates, GH = Cell::state_gates, GS = Cell::shared_gates;
    gx += first * w_.x + block * W::NX * L;
    const T* bias = weights_.b_h.get() + block * W::NH * L;
    Vec<T> acc[MR][W::NH];
#pragma GCC unroll 32
    for (int m = 0; m < MR; ++m)
#pragma GCC unroll 4
      for (int u = 0; u < W::NU; ++u)
#pragma GCC unroll 4
        for (int g = 0; g < GH; ++g)
          acc[m][u * GH + g] =
              g < GS ? load(gx + m * w_.x + (u * GX + g) * L) : load(bias + (u * GH + g) * L);
    rows_product<T, MR, W::NH>(acc, h_.get() + first * w_.units, w_.units,
                               weights_.w_hh.get() + block * p_.hidden * W::NH * L, W::NH * L,
                               p_.hidden);
#pragma GCC unroll 32
    for (int m = 0; m < MR; ++m)
#pragma GCC unroll 4
      for (int u = 0; u < W::NU; ++u) cell(block, u, first + m, acc[m] + u * GH, gx + m * w_.x);
  }

  RECUR_INLINE void cell(int64_t block, int u, int64_t r, const Vec<T>* a, const T* gx) {
    constexpr int GX = Cell::input_gates, GS = Cell::shared_gates, S = Cell::saved;
    const int64_t unit = (block * W::NU + u) * L;
    Vec<T> x_only[GX - GS + 1], save[S + 1], c{};
#pragma GCC unroll 4
    for (int g = GS; g < GX; ++g) x_only[g - GS] = load(gx + (u * GX + g) * L);
    Vec<T> h = load(h_.get() + r * w_.units + unit);
    if constexpr (Cell::has_c) c = load(c_.get() + r * w_.units + unit);
    Cell::forward(a, x_only, h, c, save);
    store(h_next_.get() + r * w_.units + unit, h);
    if constexpr (Cell::has_c) store(c_.get() + r * w_.units + unit, c);
    if (y_row_[r] && unit < p_.hidden) store_some(y_row_[r] + unit, h, p_.hidden - unit);
    if (S && saved_row_[r]) {
      T* to = saved_row_[r] + (block * W::NU + u) * S * L;
#pragma GCC unroll 8
      for (int s = 0; s < S; ++s) store(to + s * L, save[s]);
    }
  }

  const recur_scan& p_;
  const Plan& plan_;
  const W& w_;
  const ForwardWeights<Cell, T>& weights_;
  std::vector<Row> rows_;
  int64_t room_;
  Buffer<T> x_, gx_, h_, h_next_, c_;
  std::vector<T*> y_row_, saved_row_;
};

}  // namespace recur
