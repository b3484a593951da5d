// The walk forward: a chunk of steps at a time, first the input's product for all of it, then step
// by step the state's product and the cell.
#pragma once

#include "packing.h"
#include "part.h"
#include "plan.h"
#include "product.h"

namespace recur {

template <class Cell, class T>
class ForwardWeights {
  using W = Widths<Cell, T>;
  static constexpr int64_t L = kLanes<T>, kWidth = kBackVectors * L;

 public:
  ForwardWeights(const recur_scan& p, const W& w)
      : w_ih(w.x * p.inputs),
        w_hh(w.h * w.outputs),
        w_hr(p.projection ? w.state * p.hidden : 0),
        b_x(w.x),
        b_h(w.h),
        p_(p),
        w_(w),
        given_ih_(p.w_ih, p.dtype, Cell::input_gates * p.hidden * p.inputs),
        given_hh_(p.w_hh, p.dtype, Cell::state_gates * p.hidden * w.outputs),
        given_hr_(p.w_hr, p.dtype, w.outputs * p.hidden) {
    const Whole<T> b_ih(p.b_ih, p.dtype, Cell::input_gates * p.hidden);
    const Whole<T> b_hh(p.b_hh, p.dtype, Cell::state_gates * p.hidden);
    pack_biases<Cell>(b_ih.get(), b_hh.get(), p.hidden, w.blocks, b_x.get(), b_h.get());
  }

  // The work of packing in pieces, for threads to share.
  int64_t pieces() const { return w_.blocks + (p_.projection ? w_.state / kWidth : 0); }
  void pack(int64_t piece) {
    if (piece < w_.blocks) {
      pack_block<Cell>(given_ih_.get(), p_.hidden, p_.inputs, Cell::input_gates, piece, w_ih.get());
      pack_block<Cell>(given_hh_.get(), p_.hidden, w_.outputs, Cell::state_gates, piece,
                       w_hh.get());
      return;
    }
    const int64_t first = (piece - w_.blocks) * kWidth;
    for (int v = 0; v < kBackVectors; ++v)
      pack_column(given_hr_.get(), p_.hidden, first + v * L,
                  within(w_.outputs, first + v * L, L), kWidth, Padding::kZero,
                  w_hr.get() + first * p_.hidden + v * L);
  }

  Buffer<T> w_ih, w_hh, w_hr, b_x, b_h;

 private:
  const recur_scan& p_;
  const W& w_;
  Whole<T> given_ih_, given_hh_, given_hr_;
};

// Rows that a chunk should hold: its data stays in the second-level cache, but the tiles of the
// weight gradients want some depth even where a row is wide.
inline int64_t rows_in_chunk(int64_t bytes_a_row, int64_t least, const std::vector<Row>& rows) {
  constexpr int64_t kCache = 256 * 1024;
  const int64_t room = std::max<int64_t>(least, kCache / std::max<int64_t>(1, bytes_a_row));
  const int64_t count = static_cast<int64_t>(rows.size());
  return std::max(count, std::min(room, steps_of(rows)));
}

// Where a walk keeps what backward needs of steps from .. from + span - 1: row after row, step after
// step.
template <class T>
struct Kept {
  T* saved = nullptr;  // the cell's numbers
  T* h = nullptr;      // the state put out
  int64_t from = 0, span = 0;

  int64_t at(int64_t r, int64_t j) const { return r * span + j - from; }
};

template <class Cell, class T>
class ForwardWalk {
  using W = Widths<Cell, T>;
  static constexpr int64_t L = kLanes<T>;
  // So many rows are streams that the processor foresees, and it does better alone (by 4 to 10%).
  static constexpr int64_t kForeseen = 16;
  static constexpr int NB = kBackVectors, kSaved = std::max(1, Cell::saved);

 public:
  // `shared`: shared_numbers(...) zeros, where the walk computes a part of the units only.
  ForwardWalk(const recur_scan& p, const Plan& plan, const W& widths,
              const ForwardWeights<Cell, T>& weights, const std::vector<Row>& rows,
              const Part& part = {}, T* shared = nullptr)
      : p_(p),
        plan_(plan),
        w_(widths),
        weights_(weights),
        rows_(rows),
        part_(part),
        units_(part, w_),
        room_(room(p, w_, rows)),
        x_(room_ * p.inputs),
        gx_(room_ * w_.x),
        own_(shared ? 0 : shared_numbers(w_, rows), Fill::kZero),
        h_(shared ? shared : own_.get()),
        h_next_(h_ + count() * w_.state),
        c_(Cell::has_c ? count() * w_.units : 0, Fill::kZero),
        raw_(p.projection ? count() * w_.units : 0),
        given_x_(p.x, p.dtype),
        y_(p.y, p.dtype),
        y_row_(rows_.size()),
        saved_row_(rows_.size()) {}

  // The states before a step and after it.
  static int64_t shared_numbers(const W& w, const std::vector<Row>& rows) {
    return 2 * static_cast<int64_t>(rows.size()) * w.state;
  }

  // The whole walk, to the outputs, the final states, and what is kept for backward.
  void run() {
    if (part_.first()) clear_missing(p_, plan_, rows_, y_, p_.y_time, p_.y_batch, w_.outputs);
    begin();
    part_.meet();
    walk(0, rows_.empty() ? 0 : rows_[0].steps, nullptr);
  }

  // Steps from .. from + span - 1 once more, from the checkpoint before them.
  void again(const Kept<T>& kept) {
    const int64_t to = std::min(kept.from + kept.span, rows_.empty() ? 0 : rows_[0].steps);
    for (int64_t r = 0, n = active(rows_, kept.from); r < n; ++r) {
      const T* mark = mark_of(rows_[r], kept.from);
      std::copy_n(mark, w_.state, h_ + r * w_.state);
      if (Cell::has_c) std::copy_n(mark + w_.state, w_.units, c_.get() + r * w_.units);
    }
    walk(kept.from, to, &kept);
  }

  // The states before step j, a multiple of p.every: h, then c.
  T* mark_of(const Row& row, int64_t j) const {
    return static_cast<T*>(p_.saved) + (row.marks + j / p_.every) * w_.mark;
  }

 private:
  // Rows of a chunk: so many that the weights, where they are far away, are fetched for more than a
  // step or two (16 rows of 512 units: 1.2 times as fast as with a step at a time).
  static int64_t room(const recur_scan& p, const W& w, const std::vector<Row>& rows) {
    const int64_t least = recurrent_bytes(w) >= kOwnCache ? 256 : 16;
    return rows_in_chunk((p.inputs + w.x) * static_cast<int64_t>(sizeof(T)),
                         std::max(static_cast<int64_t>(rows.size()), least), rows);
  }

  int64_t count() const { return static_cast<int64_t>(rows_.size()); }

  void begin() {
    for (int64_t r = 0; r < count(); ++r) {
      const Row& row = rows_[r];
      if (const Array<T> h0{p_.h0, p_.dtype})
        h0.read(row.batch * w_.outputs + units_.from, units_.count(), h_ + r * w_.state + units_.from);
      if (const Array<T> c0{p_.c0, p_.dtype}; Cell::has_c && c0)
        c0.read(row.batch * p_.hidden + units_.c_from, units_.c_count(), c_.get() + r * w_.units + units_.c_from);
      if (!row.steps) finish(r);
    }
  }

  void finish(int64_t r) {
    const int64_t row = rows_[r].batch;
    Array<T>(p_.hn, p_.dtype)
        .write(row * w_.outputs + units_.from, units_.count(), h_ + r * w_.state + units_.from);
    if (Cell::has_c)
      Array<T>(p_.cn, p_.dtype)
          .write(row * p_.hidden + units_.c_from, units_.c_count(), c_.get() + r * w_.units + units_.c_from);
  }

  RECUR_OUT_OF_LINE void walk(int64_t from, int64_t to, const Kept<T>* again) {
    for (int64_t j = from; j < to;) {
      const Chunk chunk = chunk_from(rows_, j, to, room_);
      input_product(chunk);
      for (; j < chunk.to; ++j) step(j, gx_.get() + chunk.first[j - chunk.from] * w_.x, again);
    }
  }

  void input_product(const Chunk& chunk) {
    for_chunk(chunk, rows_, p_.x_time, p_.x_batch, [&](int64_t j, int64_t r, int64_t index) {
      given_x_.read(plan_.time_of(rows_[r], j) * p_.x_time + rows_[r].batch * p_.x_batch,
                    p_.inputs, x_.get() + index * p_.inputs);
    });
    for (int64_t block = units_.block_from; block < units_.block_to; ++block) {
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

  void step(int64_t j, const T* gx, const Kept<T>* again) {
    const int64_t n = active(rows_, j);
    bool any = false;
    for (int64_t r = 0; r < n; ++r) {
      const Row& row = rows_[r];
      if (plan_.starts(row, j)) {
        any = true;
        std::fill_n(h_ + r * w_.state + units_.from, units_.count(), T(0));
        if (Cell::has_c) std::fill_n(c_.get() + r * w_.units, w_.units, T(0));
      }
      prepare(r, j, again);
    }
    if (any) part_.meet();
    for (int64_t block = units_.block_from; block < units_.block_to; ++block) {
      const int64_t after = block + 1 < units_.block_to ? block + 1 : units_.block_from;
      NextPanel<T> next(weights_.w_hh.get() + after * w_.outputs * W::NH * L, w_.outputs * L, W::NH);
      for_tiles<kTileRows<W::NH>>(n, [&](auto size, int64_t first) {
        tile<decltype(size)::value>(block, first, gx, next.take());
      });
    }
    if constexpr (Cell::has_c)
      if (p_.projection) project(n);
    part_.meet();
    std::swap(h_, h_next_);
    if (again) {
      for (int64_t r = 0; r < n; ++r)
        std::copy_n(h_ + r * w_.state, w_.state, again->h + again->at(r, j) * w_.state);
      return;
    }
    for (int64_t r = 0; y_ && !y_.direct() && r < n; ++r)
      y_.write(y_at(rows_[r], j) + units_.from, units_.count(), h_ + r * w_.state + units_.from);
    for (int64_t r = n; r-- > 0 && rows_[r].steps == j + 1;) finish(r);
  }

  int64_t y_at(const Row& row, int64_t j) const {
    return plan_.time_of(row, j) * p_.y_time + row.batch * p_.y_batch;
  }

  // Where row r puts the results of step j; the checkpoint before it, where one is due.
  void prepare(int64_t r, int64_t j, const Kept<T>* again) {
    const Row& row = rows_[r];
    y_row_[r] = saved_row_[r] = nullptr;
    if (again) {
      saved_row_[r] = again->saved + again->at(r, j) * w_.saved;
      return;
    }
    const bool fetch = count() > kForeseen && j + 2 < row.steps;  // two steps ahead
    if (y_ && y_.direct()) {
      y_row_[r] = y_.at(y_at(row, j));
      if (fetch) fetch_ahead<true>(y_.at(y_at(row, j + 2)) + units_.from, units_.count());
    }
    if (!p_.saved) return;
    if (!p_.every) {
      saved_row_[r] = static_cast<T*>(p_.saved) + (row.offset + j) * w_.saved;
      if (fetch)
        fetch_ahead<true>(saved_row_[r] + 2 * w_.saved + units_.c_from * Cell::saved,
                          (units_.c_to - units_.c_from) * Cell::saved);
    } else if (j % p_.every == 0) {
      T* mark = mark_of(row, j);
      std::copy_n(h_ + r * w_.state, w_.state, mark);
      if (Cell::has_c) std::copy_n(c_.get() + r * w_.units, w_.units, mark + w_.state);
    }
  }

  template <int MR>
  RECUR_INLINE void tile(int64_t block, int64_t first, const T* gx, const T* next) {
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
    rows_product<T, MR, W::NH, true>(acc, h_ + first * w_.state, w_.state,
                                     weights_.w_hh.get() + block * w_.outputs * W::NH * L, W::NH * L,
                                     w_.outputs, next);
    // In two rounds: while one row waits for its own results, the others go on.
    Vec<T> save[MR][W::NU][kSaved];
#pragma GCC unroll 32
    for (int m = 0; m < MR; ++m)
#pragma GCC unroll 4
      for (int u = 0; u < W::NU; ++u)
        begin_cell(block, u, first + m, acc[m] + u * GH, gx + m * w_.x, save[m][u]);
#pragma GCC unroll 32
    for (int m = 0; m < MR; ++m)
#pragma GCC unroll 4
      for (int u = 0; u < W::NU; ++u) end_cell(block, u, first + m, save[m][u]);
  }

  RECUR_INLINE void begin_cell(int64_t block, int u, int64_t r, const Vec<T>* a, const T* gx,
                               Vec<T>* save) {
    constexpr int GX = Cell::input_gates, GS = Cell::shared_gates;
    const int64_t unit = (block * W::NU + u) * L;
    Vec<T> x_only[GX - GS + 1], c{};
#pragma GCC unroll 4
    for (int g = GS; g < GX; ++g) x_only[g - GS] = load(gx + (u * GX + g) * L);
    if constexpr (Cell::has_c) c = load(c_.get() + r * w_.units + unit);
    Cell::begin(a, x_only, c, save);
    if constexpr (Cell::has_c) store(c_.get() + r * w_.units + unit, c);
  }

  RECUR_INLINE void end_cell(int64_t block, int u, int64_t r, Vec<T>* save) {
    constexpr int K = Cell::saved;
    const int64_t unit = (block * W::NU + u) * L;
    Vec<T> h{};
    if constexpr (!Cell::has_c) h = load(h_ + r * w_.state + unit);
    Cell::end(save, h);
    if (K && saved_row_[r]) {
      T* to = saved_row_[r] + (block * W::NU + u) * K * L;
#pragma GCC unroll 8
      for (int s = 0; s < K; ++s) store(to + s * L, save[s]);
    }
    if (Cell::has_c && p_.projection) return store(raw_.get() + r * w_.units + unit, h);
    store(h_next_ + r * w_.state + unit, h);
    if (y_row_[r] && unit < p_.hidden) store_some(y_row_[r] + unit, h, p_.hidden - unit);
  }

  // h_t from the cell's output.
  void project(int64_t n) {
    for (int64_t first = 0; first < w_.outputs; first += NB * L)
      for_tiles<kTileRows<NB>>(n, [&](auto size, int64_t top) {
        constexpr int MR = decltype(size)::value;
        Vec<T> acc[MR][NB] = {};
        rows_product<T, MR, NB>(acc, raw_.get() + top * w_.units, w_.units,
                                weights_.w_hr.get() + first * p_.hidden, NB * L, p_.hidden);
        for (int m = 0; m < MR; ++m)
          for (int v = 0; v < NB; ++v) {
            const int64_t r = top + m, at = first + v * L;
            store(h_next_ + r * w_.state + at, acc[m][v]);
            if (y_row_[r] && at < w_.outputs) store_some(y_row_[r] + at, acc[m][v], w_.outputs - at);
          }
      });
  }

  const recur_scan& p_;
  const Plan& plan_;
  const W& w_;
  const ForwardWeights<Cell, T>& weights_;
  const std::vector<Row>& rows_;
  const Part part_;
  const Units<Cell, T> units_;
  int64_t room_;
  Buffer<T> x_, gx_, own_;
  T *h_, *h_next_;
  Buffer<T> c_, raw_;
  const Array<T> given_x_, y_;
  std::vector<T*> y_row_, saved_row_;
};

}  // namespace recur
