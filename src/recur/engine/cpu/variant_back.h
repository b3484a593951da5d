// The general walk back: as backward.h for the plain one, over the rows of gates of variant.h.
#pragma once

#include "variant.h"

namespace recur {

// What a thread sums up; the threads' parts are added in their order at the end.
template <class Cell, class T>
struct VariantSums {
  VariantSums(const VariantWeights<Cell, T>& weights, const VariantLayout<Cell, T>& at)
      : x(at.x, weights.of_x.depth()),
        h(at.h, weights.of_h.depth()),
        fed(at.fed, weights.of_h.depth()),
        features_x(weights.of_x.features_row(), features(weights.of_x)),
        features_h(weights.of_h.features_row(), features(weights.of_h)),
        b_x(at.x.width, Fill::kZero),
        b_h(at.h.width, Fill::kZero),
        b_fed(at.fed.width, Fill::kZero),
        units(Cell::units * at.state, Fill::kZero),
        norm_x(at.normed ? at.x.width : 0, Fill::kZero),
        norm_h(at.normed ? at.h.width : 0, Fill::kZero),
        norm_c(at.normed ? at.one.width : 0, Fill::kZero),
        norm_c_bias(at.normed ? at.one.width : 0, Fill::kZero) {}
  MatrixSum<T> x, h, fed, features_x, features_h;
  Buffer<T> b_x, b_h, b_fed, units, norm_x, norm_h, norm_c, norm_c_bias;

 private:
  static int64_t features(const ProductNorm<T>& norm) {
    return norm.through_features() ? norm.depth() : 0;
  }
};

template <class Cell, class T>
class VariantBackward {
  using At = VariantLayout<Cell, T>;
  static constexpr int64_t L = kLanes<T>;
  static constexpr int GX = Cell::input_gates, GH = Cell::state_gates, S = Cell::states;
  static constexpr int K = Cell::saved, P = Cell::units, OWN = GH - At::FED;

 public:
  VariantBackward(const recur_scan& p, const recur_extras& e, const Plan& plan, const At& at,
                  const VariantWeights<Cell, T>& weights, const std::vector<Row>& rows,
                  VariantSums<Cell, T>& sums)
      : p_(p),
        e_(e),
        plan_(plan),
        at_(at),
        weights_(weights),
        rows_(rows),
        sums_(sums),
        zone_(p, e, at.state),
        dropout_(p, e, at.state),
        norm_c_(at.one),
        limit_(broadcast<T>(limit_of<T>(e.clip_state))),
        most_(broadcast<T>(limit_of<T>(e.clip_gradient))),
        room_(rows_in_chunk(
            (p.inputs + at.state + at.x.width + at.h.width +
             (dropout_.by_gate() ? dropout_.row() : 0)) * static_cast<int64_t>(sizeof(T)),
            std::max<int64_t>(count(), 128), rows)),
        x_(room_ * p.inputs),
        h_before_(room_ * at.state, Fill::kZero),
        masked_(dropout_.any() ? room_ * dropout_.row() : 0, Fill::kZero),
        fed_(Cell::fed ? room_ * at.state : 0, Fill::kZero),
        dgx_(room_ * at.x.width, Fill::kZero),
        dgh_(shared() ? 0 : room_ * at.h.width, Fill::kZero),
        dg_fed_(room_ * at.fed.width, Fill::kZero),
        ds_(S * count() * at.state, Fill::kZero),
        dc_(Cell::has_output && at.normed ? count() * at.one.width : 0, Fill::kZero),
        d_o_(Cell::has_output && at.normed ? count() * at.one.width : 0),
        dfed_(Cell::fed ? count() * at.state : 0),
        dx_(p.dx ? room_ * dx_width() : 0),
        back_x_(weights.of_x, room_, sums.features_x, sums.norm_x.get(), sums.b_x.get()),
        back_h_(weights.of_h, room_, sums.features_h, sums.norm_h.get(), sums.b_h.get()),
        saved_(at.normed ? static_cast<size_t>(room_) : 0) {}

  void run() {
    const Array<T> dx(p_.dx, p_.dtype);
    clear_missing(p_, plan_, rows_, dx, p_.dx_time, p_.dx_batch, p_.inputs);
    for (int64_t r = 0; r < count(); ++r)
      for (int s = 0; s < S; ++s)
        if (e_.dsn[s])
          std::copy_n(static_cast<const T*>(e_.dsn[s]) + rows_[r].batch * p_.hidden, p_.hidden,
                      ds(s, r));
    const int64_t longest = rows_.empty() ? 0 : rows_[0].steps;
    std::vector<Chunk> chunks;
    for (int64_t j = 0; j < longest; j = chunks.back().to)
      chunks.push_back(chunk_from(rows_, j, longest, room_));
    for (auto chunk = chunks.rbegin(); chunk != chunks.rend(); ++chunk) {
      gather(*chunk);
      if (at_.normed) gather_factors(*chunk);
      const int64_t n = chunk->first.back();
      back_x_.begin(n, x_.get(), p_.inputs, p_.dx != nullptr);
      back_h_.begin(n, read(), dropout_.row(), true);
      for (int64_t j = chunk->to; j-- > chunk->from;) step(j, chunk->first[j - chunk->from]);
      gradients(*chunk);
    }
    for (int64_t r = 0; r < count(); ++r)
      for (int s = 0; s < S; ++s)
        if (e_.ds0[s])
          std::copy_n(ds(s, r), p_.hidden,
                      static_cast<T*>(e_.ds0[s]) + rows_[r].batch * p_.hidden);
  }

 private:
  int64_t count() const { return static_cast<int64_t>(rows_.size()); }
  T* ds(int s, int64_t r) const { return ds_.get() + (s * count() + r) * at_.state; }
  bool shared() const { return weights_.shared(); }
  T* dgh_of_chunk() const { return shared() ? dgx_.get() : dgh_.get(); }
  const T* saved_at(int64_t r, int64_t j) const {
    return static_cast<const T*>(p_.saved) + (rows_[r].offset + j) * at_.saved;
  }

  // The features of the weight gradients: x_t, and h_{t-1} as W_hh read it.
  void gather(const Chunk& chunk) {
    const Array<T> x(p_.x, p_.dtype);
    for_chunk(chunk, rows_, p_.x_time, p_.x_batch, [&](int64_t j, int64_t r, int64_t index) {
      x.read(plan_.time_of(rows_[r], j) * p_.x_time + rows_[r].batch * p_.x_batch, p_.inputs,
             x_.get() + index * p_.inputs);
    });
    for_chunk(chunk, rows_, p_.y_time, p_.y_batch, [&](int64_t j, int64_t r, int64_t index) {
      T* h = h_before_.get() + index * at_.state;
      state_before(r, j, h);
      if (dropout_.any())
        dropout_.read(rows_[r].batch, h, masked_.get() + index * dropout_.row());
    });
  }

  // Of the chunk, h as W_hh read it.
  const T* read() const { return dropout_.any() ? masked_.get() : h_before_.get(); }

  void state_before(int64_t r, int64_t j, T* h) const {
    const Row& row = rows_[r];
    const T* from = nullptr;
    if (plan_.starts(row, j)) {
    } else if (j) {
      from = static_cast<const T*>(p_.y) + plan_.time_of(row, j - 1) * p_.y_time +
             row.batch * p_.y_batch;
    } else if (e_.s0[0]) {
      from = static_cast<const T*>(e_.s0[0]) + row.batch * p_.hidden;
    }
    // By vectors: calling memmove for a short row would cost more than the copy.
    for (int64_t unit = 0; unit < p_.hidden; unit += L)
      store(h + unit, from ? load_some(from + unit, p_.hidden - unit) : Vec<T>{});
  }

  RECUR_OUT_OF_LINE void step(int64_t j, int64_t first) {
    const int64_t n = active(rows_, j);
    T* dgx = dgx_.get() + first * at_.x.width;
    T* dgh = dgh_of_chunk() + first * at_.h.width;
    T* dg_fed = dg_fed_.get() + first * at_.fed.width;
    if (Cell::has_output && at_.normed) outputs_back(n, j);
    for (int64_t r = 0; r < n; ++r)
      cells(r, j, first + r, dgx + r * at_.x.width, dgh + r * at_.h.width,
            dg_fed + r * at_.fed.width);
    if constexpr (Cell::fed) feed_back(n, j, first, dgx, dgh, dg_fed);
    if constexpr (GH > 0) by_state_back(n, first, dgh);
    for (int64_t r = 0; p_.starts && r < n; ++r)
      for (int s = 0; plan_.starts(rows_[r], j) && s < S; ++s) std::fill_n(ds(s, r), at_.state, T(0));
  }

  // Through the products of what was read of h.
  void by_state_back(int64_t n, int64_t first, T* dgh) {
    if (!dropout_.by_gate())
      return back_h_.back(weights_.h, first, n, dgh, hats(first, at_.at_h), true,
                          [this](int64_t r, int64_t unit, Vec<T> d) { add_to_h(r, 0, unit, d); });
    for (int g = 0; g < OWN; ++g)
      weights_.h.product_back(
          n, dgh, [this, g](int64_t r, int64_t unit, Vec<T> d) { add_to_h(r, g, unit, d); },
          at_.h.gate(g));
  }

  // The gradient of h as the rows of gate g in W_hh read it.
  RECUR_INLINE void add_to_h(int64_t r, int g, int64_t unit, Vec<T> d) const {
    if (dropout_.any()) d *= dropout_.mask(rows_[r].batch, g, unit);
    store(ds(0, r) + unit, load(ds(0, r) + unit) + d);
  }

  // Of row r's output at step j, or null.
  const T* dy_at(int64_t r, int64_t j) const {
    return !p_.dy ? nullptr : static_cast<const T*>(p_.dy) + plan_.time_of(rows_[r], j) * p_.dy_time +
           rows_[r].batch * p_.dy_batch;
  }

  // The gradient of h, from the steps after and of the output, dy.
  RECUR_INLINE Vec<T> dh_at(int64_t r, const T* dy, int64_t unit) const {
    const Vec<T> later = load(ds(0, r) + unit);
    return dy ? later + load_some(dy + unit, p_.hidden - unit) : later;
  }

  // Of each row of a chunk: where its step is saved, and the factors there.
  void gather_factors(const Chunk& chunk) {
    for_chunk(chunk, rows_, p_.x_time, p_.x_batch, [&](int64_t j, int64_t r, int64_t index) {
      saved_[static_cast<size_t>(index)] = saved_at(r, j);
      const T* factors = at_.factors(saved_at(r, j));
      back_x_.factors()[index] = factors[0];
      if (GH) back_h_.factors()[index] = factors[1];
    });
  }

  // x^ of the rows of a chunk from `first` on, at `kept` of what is saved.
  auto hats(int64_t first, int64_t kept) const {
    return [this, first, kept](int64_t r) { return saved_[static_cast<size_t>(first + r)] + kept; };
  }

  // From the gradient of h that of c before it was normalised, and of the output gate.
  void outputs_back(int64_t n, int64_t j) {
    if constexpr (Cell::has_output) {
      for (int64_t r = 0; r < n; ++r) {
        const T *saved = saved_at(r, j), *dy = dy_at(r, j);
        if (zone_.any()) zone_.draw(plan_.time_of(rows_[r], j), rows_[r].batch);
        for (int64_t i = 0, unit = 0; i < at_.vectors; ++i, unit += L) {
          Vec<T> save[K], dh = dh_at(r, dy, unit), dc, d_o;
          for (int k = 0; k < K; ++k) save[k] = load(saved + (i * K + k) * L);
          if (zone_.any()) dh *= T(1) - zone_.share(0, unit);
          const Vec<T> c = load(saved + at_.at_c + unit) * load(weights_.norm_c.get() + unit) +
                           load(weights_.norm_c_bias.get() + unit);
          Cell::output_backward(save, c, dh, dc, d_o);
          store(dc_.get() + r * at_.one.width + unit, dc);
          store(d_o_.get() + r * at_.one.width + unit, d_o);
        }
      }
      norm_c_.rows_back(
          n, dc_.get(), [&](int64_t r) { return at_.moments(saved_at(r, j)); },
          [&](int64_t r) { return saved_at(r, j) + at_.at_c; }, weights_.norm_c.get(),
          sums_.norm_c.get(), sums_.norm_c_bias.get());
    }
  }

  // All units of row r, which is row `at` of the chunk.
  RECUR_INLINE void cells(int64_t r, int64_t j, int64_t at, T* dgx_row, T* dgh_row, T* dfed_row) {
    const Row& row = rows_[r];
    const T* saved = saved_at(r, j);
    // Of the states but h before the step: the first vector, then one every L numbers.
    const T* others[S];
    int64_t room = at_.vectors * L;  // numbers there
    for (int s = 1; s < S; ++s) {
      others[s] = weights_.none.get();
      if (plan_.starts(row, j)) continue;
      if (j) {
        others[s] = saved_at(r, j - 1) + at_.at_states + (s - 1) * at_.vectors * L;
      } else if (e_.s0[s]) {
        others[s] = static_cast<const T*>(e_.s0[s]) + row.batch * p_.hidden;
        room = p_.hidden;
      }
    }
    // The rows lie apart from one another, too many streams for the processor to foresee. Two steps of
    // all rows are more than the first cache holds.
    if (j > 1) fetch_ahead<false, 2>(saved - 2 * at_.saved, at_.saved);
    const T* dy = dy_at(r, j);
    if (dy && j > 1) fetch_ahead(dy_at(r, j - 2), p_.hidden);
    if (zone_.any()) zone_.draw(plan_.time_of(row, j), row.batch);
    for (int64_t i = 0, unit = 0; i < at_.vectors; ++i, unit += L) {
      Vec<T> save[K], u[P + 1], before[S], d[S], kept[S]{}, dgx[GX], dgh[GH + 1], du[P + 1], d_o{};
#pragma GCC unroll 8
      for (int k = 0; k < K; ++k) save[k] = load(saved + (i * K + k) * L);
#pragma GCC unroll 4
      for (int k = 0; k < P; ++k) u[k] = load(weights_.units.get() + k * at_.state + unit);
      before[0] = load(h_before_.get() + at * at_.state + unit);
#pragma GCC unroll 4
      for (int s = 1; s < S; ++s) before[s] = load_some(others[s] + unit, room - unit);
#pragma GCC unroll 4
      for (int s = 0; s < S; ++s) {
        d[s] = s ? load(ds(s, r) + unit) : dh_at(r, dy, unit);
        if (zone_.any()) {
          const Vec<T> z = zone_.share(s, unit);
          kept[s] = z * d[s];
          d[s] *= T(1) - z;
        }
      }
      if constexpr (Cell::has_output) {
        Vec<T> dc;
        if (at_.normed) {
          dc = load(dc_.get() + r * at_.one.width + unit);
          d_o = load(d_o_.get() + r * at_.one.width + unit);
        } else {
          Cell::output_backward(save, Cell::fresh(save, before, limit_), d[0], dc, d_o);
        }
        d[1] += dc;
      }
      Cell::backward(save, u, limit_, before, d, d_o, dgx, dgh, du);
#pragma GCC unroll 4
      for (int s = 0; s < S; ++s) store(ds(s, r) + unit, zone_.any() ? d[s] + kept[s] : d[s]);
#pragma GCC unroll 4
      for (int g = 0; g < GX; ++g) store(dgx_row + g * at_.x.units + unit, clipped(dgx[g]));
      if (!shared()) {
#pragma GCC unroll 4
        for (int g = 0; g < OWN; ++g)
          store(dgh_row + g * at_.h.units + unit, clipped(At::same_gates ? dgx[g] : dgh[g]));
      }
      if constexpr (Cell::fed) store(dfed_row + unit, clipped(dgh[GH - 1]));
      if (e_.dunits) {
#pragma GCC unroll 4
        for (int k = 0; k < P; ++k) {
          T* sum = sums_.units.get() + k * at_.state + unit;
          store(sum, load(sum) + du[k]);
        }
      }
    }
  }

  RECUR_INLINE Vec<T> clipped(Vec<T> d) const {
    d = d > most_ ? most_ : d;
    return d < -most_ ? -most_ : d;
  }

  // Through the product of the last gate to what it was fed, and so to the gates before it and to h.
  void feed_back(int64_t n, int64_t j, int64_t first, T* dgx, T* dgh, const T* dg_fed) {
    if constexpr (Cell::fed) {
      weights_.fed.product_back(n, dg_fed, [this](int64_t r, int64_t unit, Vec<T> d) {
        store(dfed_.get() + r * at_.state + unit, d);
      });
      for (int64_t r = 0; r < n; ++r) {
        const T* saved = saved_at(r, j);
        for (int64_t i = 0, unit = 0; i < at_.vectors; ++i, unit += L) {
          Vec<T> save[K], dr;
          for (int k = 0; k < K; ++k) save[k] = load(saved + (i * K + k) * L);
          const Vec<T> h = load(read() + (first + r) * dropout_.row() + dropout_.first(GH - 1) + unit);
          store(fed_.get() + (first + r) * at_.state + unit, Cell::fed_again(save, h));
          add_to_h(r, GH - 1, unit,
                   Cell::feed_backward(save, h, load(dfed_.get() + r * at_.state + unit), dr));
          store(dgx + r * at_.x.width + unit, clipped(dr));
          store(dgh + r * at_.h.width + unit, clipped(dr));
        }
      }
    }
  }

  int64_t dx_width() const { return round_up(p_.inputs, kBackVectors * L); }

  // Of the weights and the input, from those of the gates.
  void gradients(const Chunk& chunk) {
    const int64_t rows = chunk.first.back();
    if (!weights_.of_x.keeps()) add_rows(rows, dgx_.get(), at_.x.width, sums_.b_x.get());
    if (!shared() && !weights_.of_h.keeps()) add_rows(rows, dgh_.get(), at_.h.width, sums_.b_h.get());
    add_rows(rows, dg_fed_.get(), at_.fed.width, sums_.b_fed.get());
    by_state_gradient(rows);
    sums_.fed.add(rows, fed_.get(), at_.state, dg_fed_.get());
    if (p_.dx || at_.normed) {
      back_x_.back(weights_.x, 0, rows, dgx_.get(), hats(0, at_.at_x), p_.dx != nullptr,
                   [this](int64_t r, int64_t feature, Vec<T> d) {
                     store(dx_.get() + r * dx_width() + feature, d);
                   });
      if (p_.dx) put_input_gradient(chunk);
    }
    back_x_.add(rows, dgx_.get(), sums_.x);
  }

  void by_state_gradient(int64_t rows) {
    if (!dropout_.by_gate()) return back_h_.add(rows, dgh_of_chunk(), sums_.h);
    for (int g = 0; g < OWN; ++g)
      sums_.h.add(rows, read() + dropout_.first(g), dropout_.row(), dgh_of_chunk(), at_.h.gate(g));
  }

  void put_input_gradient(const Chunk& chunk) const {
    const Array<T> dx(p_.dx, p_.dtype);
    for_chunk(chunk, rows_, p_.dx_time, p_.dx_batch, [&](int64_t j, int64_t r, int64_t index) {
      dx.write(plan_.time_of(rows_[r], j) * p_.dx_time + rows_[r].batch * p_.dx_batch, p_.inputs,
               dx_.get() + index * dx_width());
    });
  }

  static void add_rows(int64_t rows, const T* from, int64_t width, T* to) {
    for (int64_t v = 0; v < width; v += L) {
      // The chunk's own sum first: in one long sum of thousands of terms float32 loses digits.
      Vec<T> sum{};
      for (int64_t row = 0; row < rows; ++row) sum += load(from + row * width + v);
      store(to + v, load(to + v) + sum);
    }
  }

  const recur_scan& p_;
  const recur_extras& e_;
  const Plan& plan_;
  const At& at_;
  const VariantWeights<Cell, T>& weights_;
  const std::vector<Row>& rows_;
  VariantSums<Cell, T>& sums_;
  const Zone<Cell, T> zone_;
  const Dropout<T> dropout_;
  const Norm<T> norm_c_;
  const Vec<T> limit_, most_;
  int64_t room_;
  Buffer<T> x_, h_before_, masked_, fed_, dgx_, dgh_, dg_fed_, ds_, dc_, d_o_, dfed_, dx_;
  ProductNormBack<T> back_x_, back_h_;
  std::vector<const T*> saved_;  // of each row of a chunk
};

}  // namespace recur
