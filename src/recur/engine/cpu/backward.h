// The walk back: a chunk of steps at a time, step by step the cell's derivative and the product that
// carries it to the step before, then for the whole chunk the gradients of the input and the
// weights, while the gates' gradients are in the cache.
//
// With checkpoints a span of steps at a time: it is first walked forward again.
#pragma once

#include <memory>

#include "forward.h"

namespace recur {

template <class Cell, class T>
class BackwardWeights {
  using W = Widths<Cell, T>;
  static constexpr int64_t kWidth = kBackVectors * kLanes<T>;

 public:
  BackwardWeights(const recur_scan& p, const W& w)
      : ih_(p.dx ? round_up(p.inputs, kWidth) / kWidth : 0),
        hh_(w.state / kWidth),
        hr_(p.projection ? w.units / kWidth : 0),
        w_ih(ih_ * w.x * kWidth),
        w_hh(hh_ * w.h * kWidth),
        w_hr(hr_ * w.outputs * kWidth),
        p_(p),
        w_(w),
        given_ih_(p.dx ? p.w_ih : nullptr, p.dtype, Cell::input_gates * p.hidden * p.inputs),
        given_hh_(p.w_hh, p.dtype, Cell::state_gates * p.hidden * w.outputs),
        given_hr_(p.w_hr, p.dtype, w.outputs * p.hidden) {}

 private:
  int64_t ih_, hh_, hr_;  // pieces, each kBackVectors vectors of features

 public:
  int64_t pieces() const { return ih_ + hh_ + hr_; }
  void pack(int64_t piece) {
    if (piece < hh_)
      return pack_back<Cell>(given_hh_.get(), p_.hidden, w_.blocks, w_.outputs,
                             Cell::state_gates, piece * kWidth, w_hh.get() + piece * w_.h * kWidth);
    piece -= hh_;
    if (piece < ih_)
      return pack_back<Cell>(given_ih_.get(), p_.hidden, w_.blocks, p_.inputs,
                             Cell::input_gates, piece * kWidth, w_ih.get() + piece * w_.x * kWidth);
    piece -= ih_;
    pack_rows(given_hr_.get(), p_.hidden, 0, w_.outputs, piece * kWidth,
              w_hr.get() + piece * w_.outputs * kWidth);
  }

  Buffer<T> w_ih, w_hh, w_hr;

 private:
  const recur_scan& p_;
  const W& w_;
  Whole<T> given_ih_, given_hh_, given_hr_;
};

// What a walk sums up; those of threads with rows of their own are added in their order at the end.
// Each walk begins with zeros in the part that it computes.
template <class Cell, class T>
struct Sums {
  Sums(const recur_scan& p, const Widths<Cell, T>& w)
      : w_ih(w.x * p.inputs),
        w_hh(w.h * w.outputs),
        w_hr(p.projection ? w.state * p.hidden : 0),
        b_ih(w.x),
        b_hh(w.h) {}
  Buffer<T> w_ih, w_hh, w_hr, b_ih, b_hh;
};

template <class Cell, class T>
class BackwardWalk {
  using W = Widths<Cell, T>;
  static constexpr int64_t L = kLanes<T>;
  static constexpr int NB = kBackVectors;

 public:
  // `again`: how to walk forward once more; used with checkpoints only. `shared`: room for
  // shared_numbers(...), where the walk computes a part of the units only.
  BackwardWalk(const recur_scan& p, const Plan& plan, const W& widths,
               const BackwardWeights<Cell, T>& weights, const std::vector<Row>& rows,
               Sums<Cell, T>& sums, ForwardWalk<Cell, T>* again, const Part& part = {},
               T* shared = nullptr)
      : p_(p),
        plan_(plan),
        w_(widths),
        weights_(weights),
        rows_(rows),
        sums_(sums),
        again_(again),
        part_(part),
        units_(part, w_),
        input_from_(part.from(p.inputs, NB * L)),
        input_to_(part.last() ? p.inputs : part.to(p.inputs, NB * L)),
        given_x_(p.x, p.dtype),
        y_(p.y, p.dtype),
        dy_(p.dy, p.dtype),
        given_dx_(p.dx, p.dtype),
        room_(room(p, w_, rows)),
        x_(room_ * p.inputs),
        h_before_(room_ * w_.state, Fill::kZero),  // a cell may read the padding
        own_(shared ? 0 : shared_numbers(p, w_, rows)),
        dgx_(shared ? shared : own_.get()),
        dgh_(W::same_gates ? dgx_ : dgx_ + room_ * w_.x),
        dout_(p.projection ? room_ * w_.state : 0),
        raw_(p.projection ? room_ * w_.units : 0),
        draw_(p.projection ? count() * w_.units : 0),
        dx_(given_dx_ && !given_dx_.direct() ? room_ * p.inputs : 0),
        row_y_(w_.state),
        row_dy_(w_.state),
        row_c_(w_.units),
        dh_(count() * w_.state, Fill::kZero),
        dc_(Cell::has_c ? count() * w_.units : 0, Fill::kZero),
        none_(w_.units, Fill::kZero),
        kept_saved_(p.every ? count() * span() * w_.saved : 0),
        kept_h_(p.every ? count() * span() * w_.state : 0) {
    kept_.saved = kept_saved_.get();
    kept_.h = kept_h_.get();
    kept_.span = span();
  }

  // The gates' gradients of a chunk: fed by the input, and by the state where these are others.
  static int64_t shared_numbers(const recur_scan& p, const W& w, const std::vector<Row>& rows) {
    return room(p, w, rows) * (w.x + (W::same_gates ? 0 : w.h));
  }

  void run() {
    if (part_.first())
      clear_missing(p_, plan_, rows_, given_dx_, p_.dx_time, p_.dx_batch, p_.inputs);
    begin();
    const int64_t longest = rows_.empty() ? 0 : rows_[0].steps;
    if (!p_.every) {
      walk(0, longest);
    } else {
      for (int64_t from = (longest - 1) / p_.every * p_.every; from >= 0; from -= p_.every) {
        kept_.from = from;
        if (longest) again_->again(kept_);
        walk(from, std::min(longest, from + p_.every));
      }
    }
    end();
  }

 private:
  // Rows of a chunk: at least so many that it pays to read and write the sums of the weights'
  // gradients once a chunk, and these are further away where the layer is wide.
  static int64_t room(const recur_scan& p, const W& w, const std::vector<Row>& rows) {
    const int64_t least = recurrent_bytes(w) >= kOwnCache ? 256 : 128;
    return rows_in_chunk((p.inputs + w.state + w.x + w.h) * static_cast<int64_t>(sizeof(T)),
                         std::max(static_cast<int64_t>(rows.size()), least), rows);
  }

  int64_t count() const { return static_cast<int64_t>(rows_.size()); }
  int64_t span() const { return std::min(p_.every, rows_.empty() ? 0 : rows_[0].steps); }

  // The chunks of a walk forward are made in that order and taken in reverse.
  RECUR_OUT_OF_LINE void walk(int64_t from, int64_t to) {
    std::vector<Chunk> chunks;
    for (int64_t j = from; j < to; j = chunks.back().to)
      chunks.push_back(chunk_from(rows_, j, to, room_));
    for (auto chunk = chunks.rbegin(); chunk != chunks.rend(); ++chunk) {
      gather(*chunk);
      for (int64_t j = chunk->to; j-- > chunk->from;) step(j, chunk->first[j - chunk->from]);
      if (p_.dx) input_gradient(*chunk);
      weight_gradients(chunk->first.back());
      part_.meet();  // all have read the gates of this chunk
    }
  }

  int64_t y_at(const Row& row, int64_t j) const {
    return plan_.time_of(row, j) * p_.y_time + row.batch * p_.y_batch;
  }

  const T* saved_at(int64_t r, int64_t j) const {
    if (p_.every) return kept_.saved + kept_.at(r, j) * w_.saved;
    return static_cast<const T*>(p_.saved) + (rows_[r].offset + j) * w_.saved;
  }

  void begin() {
    clear_sums();
    for (int64_t r = 0; r < count(); ++r) {
      const int64_t row = rows_[r].batch;
      if (const Array<T> dhn{p_.dhn, p_.dtype})
        dhn.read(row * w_.outputs, w_.outputs, dh_.get() + r * w_.state);
      if (const Array<T> dcn{p_.dcn, p_.dtype}; Cell::has_c && dcn)
        dcn.read(row * p_.hidden, p_.hidden, dc_.get() + r * w_.units);
    }
  }

  void end() {
    for (int64_t r = 0; r < count(); ++r) {
      const int64_t row = rows_[r].batch;
      if (const Array<T> dh0{p_.dh0, p_.dtype})
        dh0.write(row * w_.outputs + units_.from, units_.count(),
                  dh_.get() + r * w_.state + units_.from);
      if (const Array<T> dc0{p_.dc0, p_.dtype}; Cell::has_c && dc0)
        dc0.write(row * p_.hidden + units_.c_from, units_.c_count(),
                  dc_.get() + r * w_.units + units_.c_from);
    }
  }

  void clear_sums() {
    auto clear = [&](const Buffer<T>& sums, int64_t each) {
      std::fill_n(sums.get() + units_.block_from * each, (units_.block_to - units_.block_from) * each, T(0));
    };
    clear(sums_.w_ih, W::NX * L * p_.inputs);
    clear(sums_.w_hh, W::NH * L * w_.outputs);
    clear(sums_.b_ih, W::NX * L);
    clear(sums_.b_hh, W::NH * L);
    if (p_.projection) std::fill_n(sums_.w_hr.get(), w_.state * p_.hidden, T(0));
  }

  // The features of the weight gradients: x_t and h_{t-1} of every row of the chunk.
  void gather(const Chunk& chunk) {
    for_chunk(chunk, rows_, p_.x_time, p_.x_batch, [&](int64_t j, int64_t r, int64_t index) {
      given_x_.read(plan_.time_of(rows_[r], j) * p_.x_time + rows_[r].batch * p_.x_batch,
                    p_.inputs, x_.get() + index * p_.inputs);
    });
    for_chunk(chunk, rows_, p_.y_time, p_.y_batch, [&](int64_t j, int64_t r, int64_t index) {
      state_before(r, j, h_before_.get() + index * w_.state);
    });
  }

  void state_before(int64_t r, int64_t j, T* h) const {
    const Row& row = rows_[r];
    if (plan_.starts(row, j))
      std::fill_n(h, w_.state, T(0));
    else if (p_.every)
      std::copy_n(j == kept_.from ? again_->mark_of(row, j) : kept_.h + kept_.at(r, j - 1) * w_.state,
                  w_.state, h);
    else if (j)
      y_.read(y_at(row, j - 1), w_.outputs, h);
    else if (const Array<T> h0{p_.h0, p_.dtype})
      h0.read(row.batch * w_.outputs, w_.outputs, h);
    else
      std::fill_n(h, w_.state, T(0));
  }

  void step(int64_t j, int64_t first) {
    const int64_t n = active(rows_, j);
    if constexpr (Cell::has_c)
      if (p_.projection) unproject(j, first, n);
    for (int64_t r = 0; r < n; ++r) cells(j, r, first + r);
    part_.meet();
    for (int64_t feature = units_.from; feature < units_.to; feature += NB * L) {
      const int64_t after = feature + NB * L < units_.to ? feature + NB * L : units_.from;
      NextPanel<T> next(weights_.w_hh.get() + after * w_.h, w_.h * L, NB);
      for_tiles<kTileRows<NB>>(n, [&](auto size, int64_t top) {
        constexpr int MR = decltype(size)::value;
        T* dh = dh_.get() + top * w_.state + feature;
        Vec<T> acc[MR][NB];
#pragma GCC unroll 32
        for (int m = 0; m < MR; ++m)
#pragma GCC unroll 4
          for (int v = 0; v < NB; ++v) acc[m][v] = load(dh + m * w_.state + v * L);
        rows_product<T, MR, NB, true>(acc, dgh_ + (first + top) * w_.h, w_.h,
                                      weights_.w_hh.get() + feature * w_.h, NB * L, w_.h,
                                      next.take());
#pragma GCC unroll 32
        for (int m = 0; m < MR; ++m)
#pragma GCC unroll 4
          for (int v = 0; v < NB; ++v) store(dh + m * w_.state + v * L, acc[m][v]);
      });
    }
    for (int64_t r = 0; p_.starts && r < n; ++r)
      if (plan_.starts(rows_[r], j)) {
        std::fill_n(dh_.get() + r * w_.state, w_.state, T(0));
        if (Cell::has_c) std::fill_n(dc_.get() + r * w_.units, w_.units, T(0));
      }
  }

  // A row of an array: the memory itself, or a copy that the next call overwrites.
  static const T* row_of(const Array<T>& array, int64_t offset, int64_t count,
                         const Buffer<T>& copy) {
    if (array.direct()) return array.at(offset);
    array.read(offset, count, copy.get());
    return copy.get();
  }

  int64_t dy_at(const Row& row, int64_t j) const {
    return plan_.time_of(row, j) * p_.dy_time + row.batch * p_.dy_batch;
  }

  const T* dy_row(const Row& row, int64_t j) const {
    return dy_ ? row_of(dy_, dy_at(row, j), w_.outputs, row_dy_) : nullptr;
  }

  // The gradient of the projection's result, and from it that of the cell's output.
  void unproject(int64_t j, int64_t first, int64_t n) {
    T* dout = dout_.get() + first * w_.state;
    for (int64_t r = 0; r < n; ++r) {
      T* dh = dh_.get() + r * w_.state;
      const T* dy = dy_row(rows_[r], j);
      for (int64_t at = 0; at < w_.outputs; at += L) {
        Vec<T> sum = load(dh + at);
        if (dy) sum += load_some(dy + at, w_.outputs - at);
        store(dout + r * w_.state + at, sum);
      }
      std::fill_n(dh, w_.state, T(0));
    }
    for (int64_t unit = 0; unit < p_.hidden; unit += NB * L)
      for_tiles<kTileRows<NB>>(n, [&](auto size, int64_t top) {
        constexpr int MR = decltype(size)::value;
        Vec<T> acc[MR][NB] = {};
        rows_product<T, MR, NB>(acc, dout + top * w_.state, w_.state,
                                weights_.w_hr.get() + unit * w_.outputs, NB * L, w_.outputs);
        for (int m = 0; m < MR; ++m)
          for (int v = 0; v < NB; ++v)
            store(draw_.get() + (top + m) * w_.units + unit + v * L, acc[m][v]);
      });
  }

  // All units of row r, whose gates are row `at` of the chunk.
  RECUR_INLINE void cells(int64_t j, int64_t r, int64_t at) {
    constexpr int GX = Cell::input_gates, GH = Cell::state_gates, K = Cell::saved;
    const Row& row = rows_[r];
    const T* saved = saved_at(r, j);
    const T* h_now = nullptr;
    if (!K)
      h_now = p_.every ? kept_.h + kept_.at(r, j) * w_.state
                       : row_of(y_, y_at(row, j), w_.outputs, row_y_);
    const T* c_before = none_.get();  // its first vector, then one every c_stride numbers
    int64_t c_stride = L, c_count = w_.units;
    if constexpr (Cell::has_c) {
      if (!plan_.starts(row, j)) {
        if (p_.every && j == kept_.from) {
          c_before = again_->mark_of(row, j) + w_.state;
        } else if (j) {
          c_before = saved_at(r, j - 1) + Cell::saved_c * L;
          c_stride = K * L;
        } else if (p_.c0) {
          c_before =
              row_of(Array<T>(p_.c0, p_.dtype), row.batch * p_.hidden, p_.hidden, row_c_);
          c_count = p_.hidden;
        }
      }
    }
    const bool projected = Cell::has_c && p_.projection;
    const int64_t from = units_.c_from, to = units_.c_to;  // as c, before a projection
    const T* dy = projected ? nullptr : dy_row(row, j);
    // The rows lie apart from one another, too many streams for the processor to foresee.
    if (j > 1) {
      fetch_ahead(saved - 2 * w_.saved + from * K, (to - from) * K);
      if (dy && dy_.direct())
        fetch_ahead(dy_.at(dy_at(row, j - 2)) + from, std::min(to, p_.hidden) - from);
    }
    T* dh = projected ? draw_.get() + r * w_.units : dh_.get() + r * w_.state;
    for (int64_t i = from / L, unit = from; unit < to; ++i, unit += L) {
      const int64_t left = p_.hidden - unit;
      Vec<T> save[K + 1], dgx[GX], dgh_only[GH], h{}, h_before{}, c{}, dc{}, through;
#pragma GCC unroll 8
      for (int s = 0; s < K; ++s) save[s] = load(saved + (i * K + s) * L);
      if constexpr (!K) h = load_some(h_now + unit, left);
      if constexpr (Cell::has_c) {
        c = load_some(c_before + i * c_stride, c_count - unit);
        dc = load(dc_.get() + r * w_.units + unit);
        if (projected) store(raw_.get() + at * w_.units + unit, Cell::output(save));
      } else {
        h_before = load(h_before_.get() + at * w_.state + unit);
      }
      Vec<T> dh_t = load(dh + unit);
      if (dy) dh_t += load_some(dy + unit, left);
      Cell::backward(save, h, h_before, c, dh_t, dc, dgx, dgh_only, through);
      if (!projected) store(dh + unit, through);
      if constexpr (Cell::has_c) store(dc_.get() + r * w_.units + unit, dc);
#pragma GCC unroll 4
      for (int g = 0; g < GX; ++g) store(dgx_ + at * w_.x + (i * GX + g) * L, dgx[g]);
      if constexpr (!W::same_gates) {
#pragma GCC unroll 4
        for (int g = 0; g < GH; ++g)
          store(dgh_ + at * w_.h + (i * GH + g) * L, dgh_only[g]);
      }
    }
    // A block may have more vectors than there are units.
    if (!part_.last()) return;
    const int64_t vectors = round_up(p_.hidden, L);
    std::fill_n(dgx_ + at * w_.x + vectors * GX, w_.x - vectors * GX, T(0));
    if constexpr (!W::same_gates)
      std::fill_n(dgh_ + at * w_.h + vectors * GH, w_.h - vectors * GH, T(0));
  }

  void input_gradient(const Chunk& chunk) {
    at_.clear();
    to_.clear();
    for (int64_t j = chunk.from; j < chunk.to; ++j)
      for (int64_t r = 0, n = active(rows_, j); r < n; ++r) {
        at_.push_back(plan_.time_of(rows_[r], j) * p_.dx_time + rows_[r].batch * p_.dx_batch);
        to_.push_back(given_dx_.direct()
                          ? given_dx_.at(at_.back())
                          : dx_.get() + static_cast<int64_t>(to_.size()) * p_.inputs);
      }
    for (int64_t feature = input_from_; feature < input_to_; feature += NB * L)
      for_tiles<kTileRows<NB>>(chunk.first.back(), [&](auto size, int64_t top) {
        constexpr int MR = decltype(size)::value;
        Vec<T> acc[MR][NB] = {};
        rows_product<T, MR, NB>(acc, dgx_ + top * w_.x, w_.x,
                                weights_.w_ih.get() + feature * w_.x, NB * L, w_.x);
        for (int m = 0; m < MR; ++m)
          for (int v = 0; v < NB; ++v) {
            const int64_t at = feature + v * L;
            if (at < p_.inputs) store_some(to_[top + m] + at, acc[m][v], p_.inputs - at);
          }
      });
    for (size_t i = 0; !given_dx_.direct() && i < at_.size(); ++i)
      given_dx_.write(at_[i] + input_from_, input_to_ - input_from_, to_[i] + input_from_);
  }

  void weight_gradients(int64_t rows) {
    gradient<W::NX>(x_.get(), p_.inputs, p_.inputs, dgx_, w_.x, rows, sums_.w_ih.get(),
                    sums_.b_ih.get(), units_.block_from, units_.block_to);
    gradient<W::NH>(h_before_.get(), w_.state, w_.outputs, dgh_, w_.h, rows, sums_.w_hh.get(),
                    sums_.b_hh.get(), units_.block_from, units_.block_to);
    if constexpr (Cell::has_c)
      if (p_.projection)
        gradient<NB>(raw_.get(), w_.units, p_.hidden, dout_.get(), w_.state, rows,
                     sums_.w_hr.get(), nullptr, 0, w_.state / (NB * L));
  }

  // dw[block][feature][v] += sum over rows of features[row][feature] * gates[row][block][v]
  template <int NV>
  void gradient(const T* features, int64_t stride, int64_t depth, const T* gates, int64_t width,
                int64_t rows, T* dw, T* db, int64_t from, int64_t to) {
    // The chunk's own sum first: in one long sum of thousands of terms float32 loses digits.
    for (int64_t v = from * NV * L; db && v < to * NV * L; v += L) {
      Vec<T> sum{};
      for (int64_t row = 0; row < rows; ++row) sum += load(gates + row * width + v);
      store(db + v, load(db + v) + sum);
    }
    for (int64_t block = from; block < to; ++block)
      for_tiles<kTileRows<NV>>(depth, [&](auto size, int64_t first) {
        constexpr int MR = decltype(size)::value;
        T* sums = dw + (block * depth + first) * NV * L;
        // Far away where the layer is wide.
        for (int line = 0; line < MR * NV; ++line) __builtin_prefetch(sums + line * L, 0, 2);
        Vec<T> acc[MR][NV] = {};
        outer_product<T, MR, NV>(acc, features + first, stride, gates + block * NV * L, width,
                                 rows);
#pragma GCC unroll 32
        for (int m = 0; m < MR; ++m)
#pragma GCC unroll 8
          for (int v = 0; v < NV; ++v) {
            T* sum = sums + (m * NV + v) * L;
            store(sum, load(sum) + acc[m][v]);
          }
      });
  }

  const recur_scan& p_;
  const Plan& plan_;
  const W& w_;
  const BackwardWeights<Cell, T>& weights_;
  const std::vector<Row>& rows_;
  Sums<Cell, T>& sums_;
  ForwardWalk<Cell, T>* again_;
  const Part part_;
  const Units<Cell, T> units_;
  const int64_t input_from_, input_to_;
  const Array<T> given_x_, y_, dy_, given_dx_;
  int64_t room_;
  Buffer<T> x_, h_before_, own_;
  T *dgx_, *dgh_;
  Buffer<T> dout_, raw_, draw_, dx_, row_y_, row_dy_, row_c_;
  Buffer<T> dh_, dc_, none_, kept_saved_, kept_h_;
  Kept<T> kept_;
  std::vector<int64_t> at_;  // of each row of the chunk, where its dx stands, and where it is put
  std::vector<T*> to_;
};

}  // namespace recur
