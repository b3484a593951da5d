// The walk back: a chunk of steps at a time, step by step the cell's derivative and the product that
// carries it to the step before, then for the whole chunk the gradients of the input and the
// weights, while the gates' gradients are in the cache.
#pragma once

#include "forward.h"

namespace recur {

template <class Cell, class T>
struct BackwardWeights {
  static constexpr int64_t kWidth = kBackVectors * kLanes<T>;

  BackwardWeights(const recur_scan& p, const Widths<Cell, T>& w)
      : w_ih(p.dx ? round_up(p.inputs, kWidth) * w.x : 0), w_hh(round_up(p.hidden, kWidth) * w.h) {}

  void pack_ih(const recur_scan& p, const Widths<Cell, T>& w, int64_t piece) {
    pack_back<Cell, T>(static_cast<const T*>(p.w_ih), w, p.inputs, Cell::input_gates,
                       piece * kWidth, w_ih.get() + piece * w.x * kWidth);
  }
  void pack_hh(const recur_scan& p, const Widths<Cell, T>& w, int64_t piece) {
    pack_back<Cell, T>(static_cast<const T*>(p.w_hh), w, p.hidden, Cell::state_gates,
                       piece * kWidth, w_hh.get() + piece * w.h * kWidth);
  }
  Buffer<T> w_ih, w_hh;
};

// What a thread sums up; the threads' parts are added in their order at the end.
template <class Cell, class T>
struct Sums {
  Sums(const recur_scan& p, const Widths<Cell, T>& w)
      : w_ih(w.x * p.inputs), w_hh(w.h * p.hidden), b_ih(w.x), b_hh(w.h) {}
  Buffer<T> w_ih, w_hh, b_ih, b_hh;
};

template <class Cell, class T>
class BackwardWalk {
  using W = Widths<Cell, T>;
  static constexpr int64_t L = kLanes<T>;
  static constexpr int NB = kBackVectors;

 public:
  BackwardWalk(const recur_scan& p, const Plan& plan, const W& widths,
               const BackwardWeights<Cell, T>& weights, std::vector<Row> rows, Sums<Cell, T>& sums)
      : p_(p),
        plan_(plan),
        w_(widths),
        weights_(weights),
        rows_(std::move(rows)),
        sums_(sums),
        room_(rows_in_chunk(
            (p.inputs + w_.units + w_.x + w_.h) * static_cast<int64_t>(sizeof(T)),
            std::max<int64_t>(count(), 128))),
        x_(room_ * p.inputs),
        h_before_(room_ * w_.units),
        dgx_(room_ * w_.x),
        dgh_(W::same_gates ? 0 : room_ * w_.h),
        dh_(count() * w_.units),
        dc_(Cell::has_c ? count() * w_.units : 0),
        none_(w_.units) {}

  void run() {
    clear_missing(p_, plan_, rows_, static_cast<T*>(p_.dx), p_.dx_time, p_.dx_batch, p_.inputs);
    begin();
    // The chunks are those of the walk forward; they are made in that order and taken in reverse.
    std::vector<Chunk> chunks;
    for (int64_t j = 0, longest = rows_.empty() ? 0 : rows_[0].steps; j < longest;
         j = chunks.back().to)
      chunks.push_back(chunk_from(rows_, j, room_));
    for (auto chunk = chunks.rbegin(); chunk != chunks.rend(); ++chunk) {
      gather(*chunk);
      for (int64_t j = chunk->to; j-- > chunk->from;) step(j, chunk->first[j - chunk->from]);
      if (p_.dx) input_gradient(*chunk);
      weight_gradients(chunk->first.back());
    }
    end();
  }

 private:
  int64_t count() const { return static_cast<int64_t>(rows_.size()); }
  T* dgh() const { return W::same_gates ? dgx_.get() : dgh_.get(); }

  const T* y_at(const Row& row, int64_t j) const {
    return static_cast<const T*>(p_.y) + plan_.time_of(row, j) * p_.y_time +
           row.batch * p_.y_batch;
  }

  void begin() {
    for (int64_t r = 0; r < count(); ++r) {
      const int64_t at = rows_[r].batch * p_.hidden;
      if (p_.dhn)
        std::copy_n(static_cast<const T*>(p_.dhn) + at, p_.hidden, dh_.get() + r * w_.units);
      if (Cell::has_c && p_.dcn)
        std::copy_n(static_cast<const T*>(p_.dcn) + at, p_.hidden, dc_.get() + r * w_.units);
    }
  }

  void end() {
    for (int64_t r = 0; r < count(); ++r) {
      const int64_t at = rows_[r].batch * p_.hidden;
      std::copy_n(dh_.get() + r * w_.units, p_.hidden, static_cast<T*>(p_.dh0) + at);
      if (Cell::has_c)
        std::copy_n(dc_.get() + r * w_.units, p_.hidden, static_cast<T*>(p_.dc0) + at);
    }
  }

  // The features of the weight gradients: x_t and h_{t-1} of every row of the chunk.
  void gather(const Chunk& chunk) {
    T* x = x_.get();
    T* h = h_before_.get();
    for (int64_t j = chunk.from; j < chunk.to; ++j)
      for (int64_t r = 0, n = active(rows_, j); r < n; ++r, x += p_.inputs, h += w_.units) {
        const Row& row = rows_[r];
        std::copy_n(static_cast<const T*>(p_.x) + plan_.time_of(row, j) * p_.x_time +
                        row.batch * p_.x_batch,
                    p_.inputs, x);
        if (plan_.starts(row, j))
          std::fill_n(h, p_.hidden, T(0));
        else
          std::copy_n(j ? y_at(row, j - 1) : static_cast<const T*>(p_.h0) + row.batch * p_.hidden,
                      p_.hidden, h);
      }
  }

  void step(int64_t j, int64_t first) {
    const int64_t n = active(rows_, j);
    for (int64_t r = 0; r < n; ++r) cells(j, r, first + r);
    for (int64_t piece = 0; piece * NB * L < p_.hidden; ++piece)
      for_tiles<kTileRows<NB>>(n, [&](auto size, int64_t top) {
        constexpr int MR = decltype(size)::value;
        T* dh = dh_.get() + top * w_.units + piece * NB * L;
        Vec<T> acc[MR][NB];
#pragma GCC unroll 32
        for (int m = 0; m < MR; ++m)
#pragma GCC unroll 4
          for (int v = 0; v < NB; ++v) acc[m][v] = load(dh + m * w_.units + v * L);
        rows_product<T, MR, NB>(acc, dgh() + (first + top) * w_.h, w_.h,
                                weights_.w_hh.get() + piece * w_.h * NB * L, NB * L, w_.h);
#pragma GCC unroll 32
        for (int m = 0; m < MR; ++m)
#pragma GCC unroll 4
          for (int v = 0; v < NB; ++v) store(dh + m * w_.units + v * L, acc[m][v]);
      });
    for (int64_t r = 0; p_.starts && r < n; ++r)
      if (plan_.starts(rows_[r], j)) {
        std::fill_n(dh_.get() + r * w_.units, w_.units, T(0));
        if (Cell::has_c) std::fill_n(dc_.get() + r * w_.units, w_.units, T(0));
      }
  }

  // All units of row r, whose gates are row `at` of the chunk.
  RECUR_INLINE void cells(int64_t j, int64_t r, int64_t at) {
    constexpr int GX = Cell::input_gates, GH = Cell::state_gates, S = Cell::saved;
    const Row& row = rows_[r];
    const T* saved = static_cast<const T*>(p_.saved) + (row.offset + j) * w_.saved;
    const T* h_now = S ? nullptr : y_at(row, j);
    const T* c_before = nullptr;  // slot of the first vector, then every S vectors
    int64_t c_stride = L, c_limit = p_.hidden;
    if constexpr (Cell::has_c) {
      if (plan_.starts(row, j)) {
        c_before = none_.get();
      } else if (j == 0) {
        c_before = static_cast<const T*>(p_.c0) + row.batch * p_.hidden;
      } else {
        c_before = saved - w_.saved + Cell::saved_c * L;
        c_stride = S * L;
        c_limit = w_.units;
      }
    }
    const T* dy = p_.dy ? static_cast<const T*>(p_.dy) + plan_.time_of(row, j) * p_.dy_time +
                              row.batch * p_.dy_batch
                        : nullptr;
    T* dh = dh_.get() + r * w_.units;
    for (int64_t i = 0, unit = 0; unit < p_.hidden; ++i, unit += L) {
      const int64_t left = p_.hidden - unit;
      Vec<T> save[S + 1], dgx[GX], dgh_only[GH], h{}, c{}, dc{}, through;
#pragma GCC unroll 8
      for (int s = 0; s < S; ++s) save[s] = load(saved + (i * S + s) * L);
      if constexpr (!S) h = load_some(h_now + unit, left);
      if constexpr (Cell::has_c) {
        c = load_some(c_before + i * c_stride, c_limit - unit);
        dc = load(dc_.get() + r * w_.units + unit);
      }
      Vec<T> dh_t = load(dh + unit);
      if (dy) dh_t += load_some(dy + unit, left);
      Cell::backward(save, h, load(h_before_.get() + at * w_.units + unit), c, dh_t, dc, dgx,
                     dgh_only, through);
      store(dh + unit, through);
      if constexpr (Cell::has_c) store(dc_.get() + r * w_.units + unit, dc);
#pragma GCC unroll 4
      for (int g = 0; g < GX; ++g) store(dgx_.get() + at * w_.x + (i * GX + g) * L, dgx[g]);
      if constexpr (!W::same_gates) {
#pragma GCC unroll 4
        for (int g = 0; g < GH; ++g)
          store(dgh_.get() + at * w_.h + (i * GH + g) * L, dgh_only[g]);
      }
    }
  }

  void input_gradient(const Chunk& chunk) {
    std::vector<T*> to;
    for (int64_t j = chunk.from; j < chunk.to; ++j)
      for (int64_t r = 0, n = active(rows_, j); r < n; ++r)
        to.push_back(static_cast<T*>(p_.dx) + plan_.time_of(rows_[r], j) * p_.dx_time +
                     rows_[r].batch * p_.dx_batch);
    for (int64_t piece = 0; piece * NB * L < p_.inputs; ++piece)
      for_tiles<kTileRows<NB>>(chunk.first.back(), [&](auto size, int64_t top) {
        constexpr int MR = decltype(size)::value;
        Vec<T> acc[MR][NB] = {};
        rows_product<T, MR, NB>(acc, dgx_.get() + top * w_.x, w_.x,
                                weights_.w_ih.get() + piece * w_.x * NB * L, NB * L, w_.x);
        for (int m = 0; m < MR; ++m)
          for (int v = 0; v < NB; ++v) {
            const int64_t feature = (piece * NB + v) * L;
            if (feature < p_.inputs)
              store_some(to[top + m] + feature, acc[m][v], p_.inputs - feature);
          }
      });
  }

  void weight_gradients(int64_t rows) {
    gradient<W::NX>(x_.get(), p_.inputs, p_.inputs, dgx_.get(), w_.x, rows, sums_.w_ih.get(),
                    sums_.b_ih.get());
    gradient<W::NH>(h_before_.get(), w_.units, p_.hidden, dgh(), w_.h, rows, sums_.w_hh.get(),
                    sums_.b_hh.get());
  }

  // dw[block][feature][v] += sum over rows of features[row][feature] * gates[row][block][v]
  template <int NV>
  void gradient(const T* features, int64_t stride, int64_t depth, const T* gates, int64_t width,
                int64_t rows, T* dw, T* db) {
    // The chunk's own sum first: in one long sum of thousands of terms float32 loses digits.
    for (int64_t v = 0; v < width; v += L) {
      Vec<T> sum{};
      for (int64_t row = 0; row < rows; ++row) sum += load(gates + row * width + v);
      store(db + v, load(db + v) + sum);
    }
    for (int64_t block = 0; block < w_.blocks; ++block)
      for_tiles<kTileRows<NV>>(depth, [&](auto size, int64_t first) {
        constexpr int MR = decltype(size)::value;
        T* to = dw + (block * depth + first) * NV * L;
        Vec<T> acc[MR][NV] = {};
        outer_product<T, MR, NV>(acc, features + first, stride, gates + block * NV * L, width,
                                 rows);
#pragma GCC unroll 32
        for (int m = 0; m < MR; ++m)
#pragma GCC unroll 8
          for (int v = 0; v < NV; ++v) {
            T* sum = to + (m * NV + v) * L;
            store(sum, load(sum) + acc[m][v]);
          }
      });
  }

  const recur_scan& p_;
  const Plan& plan_;
  const W& w_;
  const BackwardWeights<Cell, T>& weights_;
  std::vector<Row> rows_;
  Sums<Cell, T>& sums_;
  int64_t room_;
  Buffer<T> x_, h_before_, dgx_, dgh_, dh_, dc_, none_;
};

}  // namespace recur
