// The general walk forward: what the plain one (forward.h) has no room for in its tiles. The products
// of a step go through memory as rows of gates; then the cell takes each row by itself, with whatever
// is asked for around it: dropout of what W_hh reads, layer normalisation, zoneout, clipping.
//
// A cell here is a struct with
//   input_gates, state_gates, states (h first), units (numbers that each unit has of its own), saved,
//   same_gates: both products meet at once in every gate, so that dgh is dgx and is not written
//   forward(gx, gh, u, limit, s, save)   s: the states before in, after out; limit: of the LSTM's c
//   backward(save, u, limit, before, ds, d_o, dgx, dgh, du)   ds: of the states after in, before out,
//                                        without what comes through the product
// and with has_output, where h is made of state 1 in a step of its own: output, fresh and
// output_backward; with `fed`, where the product of the last gate reads something else than h: feed,
// fed_again and feed_backward.
#pragma once

#include <limits>

#include "chance.h"
#include "dropout.h"
#include "forward.h"
#include "matrix.h"
#include "product_norm.h"

namespace recur {

// A cell of the plain walk as one of the general walk.
template <class Plain>
struct Adapted {
  static constexpr int input_gates = Plain::input_gates, state_gates = Plain::state_gates;
  static constexpr int states = 1, units = 0;
  static constexpr int saved = Plain::saved ? Plain::saved : 1;  // h, where h is all it needs
  static constexpr bool has_output = false, fed = false;
  static constexpr int GX = input_gates, GH = state_gates, GS = Plain::shared_gates;
  static constexpr bool same_gates = GX == GS && GH == GS;
  static_assert(!Plain::has_c, "for cells of one state");

  template <class V>
  static RECUR_INLINE void forward(const V* gx, const V* gh, const V*, V, V* s, V* save) {
    V a[GH], x_only[GX - GS + 1], none;
    for (int g = 0; g < GH; ++g) a[g] = g < GS ? gx[g] + gh[g] : gh[g];
    for (int g = GS; g < GX; ++g) x_only[g - GS] = gx[g];
    Plain::begin(a, x_only, none, save);
    Plain::end(save, s[0]);
    if (!Plain::saved) save[0] = s[0];
  }

  template <class V>
  static RECUR_INLINE void backward(const V* save, const V*, V, const V* before, V* ds, V, V* dgx,
                                    V* dgh, V*) {
    V none{}, through;
    Plain::backward(save, save[0], before[0], none, ds[0], none, dgx, dgh, through);
    ds[0] = through;
  }
};

// Where everything of a step stands, and how much room it takes.
template <class Cell, class T>
struct VariantLayout {
  static constexpr int64_t L = kLanes<T>;
  static constexpr int K = Cell::saved, S = Cell::states, P = Cell::units;
  static constexpr int FED = Cell::fed ? 1 : 0;
  // Of each unit, what a record holds: what the cell saved, and the states but h.
  static constexpr int inside = K + S - 1;
  // Whether both products have the same gradient at every gate.
  static constexpr bool same_gates = Cell::same_gates && !Cell::fed;

  // apart: the state's gates each have a product of their own.
  VariantLayout(int64_t inputs, int64_t hidden, bool normed, bool apart = false)
      : hidden(hidden),
        normed(normed),
        x(hidden, Cell::input_gates),
        h(hidden, Cell::state_gates - FED, apart),
        fed(hidden, FED),
        one(hidden, 1),
        state(round_up(hidden, kBackVectors * L)),
        vectors(round_up(hidden, L) / L),
        at_states(vectors * K * L),
        at_x(at_states + (S - 1) * vectors * L),
        at_h(at_x + (normed && keeps_normal(x, inputs) ? x.width : 0)),
        at_c(at_h + (normed && keeps_normal(h, hidden) ? h.width : 0)),
        at_moments(at_c + (normed && Cell::has_output ? one.width : 0)),
        saved(at_moments + (normed ? round_up(4, L) : 0)) {}

  // Where means are taken over a row, padding must not count.
  Padding padding() const { return normed ? Padding::kZero : Padding::kLast; }

  // Of a step's moments: the factors of both products, and those of c.
  T* factors(T* saved) const { return saved + at_moments; }
  const T* factors(const T* saved) const { return saved + at_moments; }
  typename Norm<T>::Moments* moments(T* saved) const {
    return reinterpret_cast<typename Norm<T>::Moments*>(saved + at_moments + 2);
  }
  const typename Norm<T>::Moments* moments(const T* saved) const {
    return moments(const_cast<T*>(saved));
  }

  int64_t hidden;
  bool normed;
  const GateRow<T> x, h, fed, one;  // rows of gates
  int64_t state, vectors;           // a state padded; vectors of units
  // Of a step in `saved`: the cell's numbers come first, [vector][number][lane]; then the states but
  // h; normalised: x^ of the products that keep it, of c, and the moments.
  int64_t at_states, at_x, at_h, at_c, at_moments, saved;
};

template <class Cell, class T>
class VariantWeights {
 public:
  VariantWeights(const recur_scan& p, const recur_extras& e, const VariantLayout<Cell, T>& at,
                 bool forward, bool back)
      : of_x(static_cast<const T*>(p.w_ih), static_cast<const T*>(e.norm_x), at.x, p.inputs, back),
        of_h(static_cast<const T*>(p.w_hh), static_cast<const T*>(e.norm_h), at.h, p.hidden, back),
        x(of_x.weights(), at.x, p.inputs, forward, back && (p.dx || of_x.through_features()),
          at.padding()),
        h(of_h.weights(), at.h, p.hidden, forward, back, at.padding()),
        fed(static_cast<const T*>(p.w_hh) + at.h.gates * p.hidden * p.hidden, at.fed, p.hidden,
            forward, back, at.padding()),
        b_x(at.x.width),
        b_h(at.h.width),
        b_fed(at.fed.width),
        units(Cell::units * at.state, Fill::kZero),
        norm_x(at.normed ? at.x.width : 0),
        norm_h(at.normed ? at.h.width : 0),
        norm_c(at.normed ? at.one.width : 0),
        norm_c_bias(at.normed ? at.one.width : 0),
        none(std::max(at.x.width, at.state), Fill::kZero),
        shared_(VariantLayout<Cell, T>::same_gates && !of_h.keeps() && at.x.units == at.h.units) {
    at.x.read(static_cast<const T*>(p.b_ih), b_x.get());
    const T* b_hh = static_cast<const T*>(p.b_hh);
    at.h.read(b_hh, b_h.get());
    at.fed.read(b_hh ? b_hh + at.h.gates * p.hidden : nullptr, b_fed.get());
    for (int i = 0; i < Cell::units && e.units; ++i)
      std::copy_n(static_cast<const T*>(e.units) + i * p.hidden, p.hidden,
                  units.get() + i * at.state);
    if (!at.normed) return;
    at.x.read(static_cast<const T*>(e.norm_x), norm_x.get());
    at.h.read(static_cast<const T*>(e.norm_h), norm_h.get());
    at.one.read(static_cast<const T*>(e.norm_c), norm_c.get());
    at.one.read(static_cast<const T*>(e.norm_c_bias), norm_c_bias.get());
  }

  // Whether both products have one gradient, in one place. Keeping x^ the state's takes its place with
  // another.
  bool shared() const { return shared_; }

  int64_t pieces() const {
    return x.pieces() + h.pieces() + fed.pieces() + of_x.square().pieces() + of_h.square().pieces();
  }
  void pack(int64_t piece) {
    for (Matrix<T>* matrix : {&x, &h, &fed, &of_x.square(), &of_h.square()}) {
      if (piece < matrix->pieces()) return matrix->pack(piece);
      piece -= matrix->pieces();
    }
  }

  ProductNorm<T> of_x, of_h;
  Matrix<T> x, h, fed;
  Buffer<T> b_x, b_h, b_fed, units, norm_x, norm_h, norm_c, norm_c_bias, none;

 private:
  bool shared_;
};

// Zoneout of the states of one row: 0 to take the new one, 1 to keep the old, between for both.
template <class Cell, class T>
class Zone {
 public:
  Zone(const recur_scan& p, const recur_extras& e, int64_t width)
      : p_(p), e_(e), width_(width), share_(Cell::states * width, Fill::kZero) {
    for (int s = 0; s < Cell::states; ++s) {
      any_ = any_ || e.zoneout[s] > 0;
      if (!e.seed)
        std::fill_n(share_.get() + s * width, p.hidden, static_cast<T>(e.zoneout[s]));
    }
  }
  bool any() const { return any_; }
  void draw(int64_t t, int64_t batch) const {
    for (int s = 0; e_.seed && s < Cell::states; ++s)
      if (e_.zoneout[s] > 0)
        kept_units(*e_.seed, (t * p_.batch + batch) * RECUR_STATES + s, e_.zoneout[s], p_.hidden,
                   share_.get() + s * width_);
  }
  RECUR_INLINE Vec<T> share(int s, int64_t unit) const { return load(share_.get() + s * width_ + unit); }

 private:
  const recur_scan& p_;
  const recur_extras& e_;
  int64_t width_;
  bool any_ = false;
  Buffer<T> share_;
};

template <class T>
T limit_of(double clip) {
  return clip > 0 ? static_cast<T>(clip) : std::numeric_limits<T>::infinity();
}

template <class Cell, class T>
class VariantForward {
  using At = VariantLayout<Cell, T>;
  static constexpr int64_t L = kLanes<T>;
  static constexpr int GX = Cell::input_gates, GH = Cell::state_gates, S = Cell::states;
  static constexpr int K = Cell::saved, P = Cell::units, OWN = GH - At::FED;

 public:
  VariantForward(const recur_scan& p, const recur_extras& e, const Plan& plan, const At& at,
                 const VariantWeights<Cell, T>& weights, const std::vector<Row>& rows)
      : p_(p),
        e_(e),
        plan_(plan),
        at_(at),
        weights_(weights),
        rows_(rows),
        zone_(p, e, at.state),
        dropout_(p, e, at.state),
        norm_c_(at.one),
        limit_(broadcast<T>(limit_of<T>(e.clip_state))),
        room_(rows_in_chunk((p.inputs + at.x.width) * static_cast<int64_t>(sizeof(T)),
                            std::max<int64_t>(count(), 16), rows)),
        x_(room_ * p.inputs),
        gx_(room_ * at.x.width),
        gh_(count() * at.h.width),
        fed_(Cell::fed ? count() * at.state : 0, Fill::kZero),
        gh_fed_(count() * at.fed.width),
        s_(S * count() * at.state, Fill::kZero),
        masked_(dropout_.any() ? count() * dropout_.row() : 0, Fill::kZero),
        c_(Cell::has_output && at.normed ? count() * at.one.width : 0, Fill::kZero),
        scratch_(p.saved ? 0 : count() * at.saved),
        factors_x_(at.normed ? room_ : 0),
        factors_h_(at.normed ? count() : 0),
        y_row_(rows.size()),
        saved_row_(rows.size()) {}

  void run() {
    clear_missing(p_, plan_, rows_, Array<T>(p_.y, p_.dtype), p_.y_time, p_.y_batch, p_.hidden);
    begin();
    const int64_t longest = rows_.empty() ? 0 : rows_[0].steps;
    for (int64_t j = 0; j < longest;) {
      const Chunk chunk = chunk_from(rows_, j, longest, room_);
      gather_input(chunk);
      weights_.x.product(chunk.first.back(), x_.get(), p_.inputs,
                         at_.normed ? weights_.none.get() : weights_.b_x.get(), gx_.get());
      if (at_.normed) norm_factors(chunk.first.back(), gx_.get(), at_.x, factors_x_.get());
      for (; j < chunk.to; ++j) step(j, chunk.first[j - chunk.from]);
    }
  }

 private:
  int64_t count() const { return static_cast<int64_t>(rows_.size()); }
  T* state(int s, int64_t r) const { return s_.get() + (s * count() + r) * at_.state; }

  void begin() {
    for (int64_t r = 0; r < count(); ++r) {
      for (int s = 0; s < S; ++s)
        if (e_.s0[s])
          std::copy_n(static_cast<const T*>(e_.s0[s]) + rows_[r].batch * p_.hidden, p_.hidden,
                      state(s, r));
      if (!rows_[r].steps) finish(r);
    }
  }

  void finish(int64_t r) const {
    for (int s = 0; s < S; ++s)
      std::copy_n(state(s, r), p_.hidden, static_cast<T*>(e_.sn[s]) + rows_[r].batch * p_.hidden);
  }

  void gather_input(const Chunk& chunk) {
    const Array<T> x(p_.x, p_.dtype);
    for_chunk(chunk, rows_, p_.x_time, p_.x_batch, [&](int64_t j, int64_t r, int64_t index) {
      x.read(plan_.time_of(rows_[r], j) * p_.x_time + rows_[r].batch * p_.x_batch, p_.inputs,
             x_.get() + index * p_.inputs);
    });
  }

  // `first` is where the step's rows begin in the chunk.
  RECUR_OUT_OF_LINE void step(int64_t j, int64_t first) {
    const int64_t n = active(rows_, j);
    const T* gx = gx_.get() + first * at_.x.width;
    for (int64_t r = 0; r < n; ++r) prepare(r, j);
    if constexpr (GH > 0) {
      const T* h = masked(n);
      by_state(n, h);
      if (at_.normed) norm_factors(n, gh_.get(), at_.h, factors_h_.get());
      if constexpr (Cell::fed) feed(n, gx, h + dropout_.first(GH - 1));
    }
    if (Cell::has_output && at_.normed) {
      for (int64_t r = 0; r < n; ++r) cells<true>(r, j, first + r);
      norm_c_.rows(
          n, c_.get(), [&](int64_t r) { return at_.moments(saved_row_[r]); },
          [&](int64_t r) { return saved_row_[r] + at_.at_c; }, weights_.norm_c.get(),
          weights_.norm_c_bias.get());
      for (int64_t r = 0; r < n; ++r) outputs(r, j);
    } else {
      for (int64_t r = 0; r < n; ++r) cells<false>(r, j, first + r);
    }
    for (int64_t r = n; r-- > 0 && rows_[r].steps == j + 1;) finish(r);
  }

  // Where row r puts the results of step j; zero states where it starts anew.
  void prepare(int64_t r, int64_t j) {
    const Row& row = rows_[r];
    const int64_t t = plan_.time_of(row, j);
    y_row_[r] = p_.y ? static_cast<T*>(p_.y) + t * p_.y_time + row.batch * p_.y_batch : nullptr;
    saved_row_[r] = p_.saved ? static_cast<T*>(p_.saved) + (row.offset + j) * at_.saved
                             : scratch_.get() + r * at_.saved;
    for (int s = 0; plan_.starts(row, j) && s < S; ++s) std::fill_n(state(s, r), at_.state, T(0));
  }

  // The states as W_hh reads them.
  const T* masked(int64_t n) const {
    if (!dropout_.any()) return state(0, 0);
    for (int64_t r = 0; r < n; ++r)
      dropout_.read(rows_[r].batch, state(0, r), masked_.get() + r * dropout_.row());
    return masked_.get();
  }

  // The products of what is read of h.
  void by_state(int64_t n, const T* h) const {
    const T* start = at_.normed ? weights_.none.get() : weights_.b_h.get();
    if (!dropout_.by_gate()) return weights_.h.product(n, h, at_.state, start, gh_.get());
    for (int g = 0; g < OWN; ++g)
      weights_.h.product(n, h + dropout_.first(g), dropout_.row(), start, gh_.get(), at_.h.gate(g));
  }

  void feed(int64_t n, const T* gx, const T* h) const {
    for (int64_t r = 0; r < n; ++r)
      for (int64_t unit = 0; unit < p_.hidden; unit += L) {
        Vec<T> x[GX], g[GH];
        gates_of(gx + r * at_.x.width, gh_.get() + r * at_.h.width, nullptr, unit, x, g);
        store(fed_.get() + r * at_.state + unit,
              Cell::feed(x, g, load(h + r * dropout_.row() + unit)));
      }
    weights_.fed.product(n, fed_.get(), at_.state, weights_.b_fed.get(), gh_fed_.get());
  }

  RECUR_INLINE void gates_of(const T* gx, const T* gh, const T* fed, int64_t unit, Vec<T>* x,
                             Vec<T>* g) const {
#pragma GCC unroll 4
    for (int i = 0; i < GX; ++i) x[i] = load(gx + i * at_.x.units + unit);
#pragma GCC unroll 4
    for (int i = 0; i < OWN; ++i) g[i] = load(gh + i * at_.h.units + unit);
    if constexpr (Cell::fed) g[GH - 1] = fed ? load(fed + unit) : Vec<T>{};
  }

  // From y of both products the gates; x^ of those that keep it.
  RECUR_INLINE void normalise(T* saved, T factor_x, T factor_h, int64_t unit, Vec<T>* x,
                              Vec<T>* g) const {
#pragma GCC unroll 4
    for (int i = 0; i < GX; ++i) {
      const int64_t at = i * at_.x.units + unit;
      x[i] *= factor_x;
      if (weights_.of_x.keeps()) store(saved + at_.at_x + at, x[i]);
      x[i] = x[i] * load(weights_.norm_x.get() + at) + load(weights_.b_x.get() + at);
    }
#pragma GCC unroll 4
    for (int i = 0; i < OWN; ++i) {
      const int64_t at = i * at_.h.units + unit;
      g[i] *= factor_h;
      if (weights_.of_h.keeps()) store(saved + at_.at_h + at, g[i]);
      g[i] = g[i] * load(weights_.norm_h.get() + at) + load(weights_.b_h.get() + at);
    }
  }

  // All units of row r, which is row `at` of the chunk. kApart: the output comes later, after all of c
  // is known.
  template <bool kApart>
  RECUR_INLINE void cells(int64_t r, int64_t j, int64_t at) {
    const T* gx = gx_.get() + at * at_.x.width;
    const T* gh = gh_.get() + r * at_.h.width;
    const T* fed = Cell::fed ? gh_fed_.get() + r * at_.fed.width : nullptr;
    T* saved = saved_row_[r];
    if (zone_.any()) zone_.draw(plan_.time_of(rows_[r], j), rows_[r].batch);
    T factor_x = 0, factor_h = 0;
    if (at_.normed) {
      factor_x = at_.factors(saved)[0] = factors_x_.get()[at];
      factor_h = at_.factors(saved)[1] = factors_h_.get()[r];
    }
    for (int64_t i = 0, unit = 0; i < at_.vectors; ++i, unit += L) {
      Vec<T> x[GX], g[GH + 1], u[P + 1], s[S], before[S], save[K];
      gates_of(gx, gh, fed, unit, x, g);
      if (at_.normed) normalise(saved, factor_x, factor_h, unit, x, g);
#pragma GCC unroll 4
      for (int k = 0; k < P; ++k) u[k] = load(weights_.units.get() + k * at_.state + unit);
#pragma GCC unroll 4
      for (int k = 0; k < S; ++k) s[k] = before[k] = load(state(k, r) + unit);
      Cell::forward(x, g, u, limit_, s, save);
#pragma GCC unroll 8
      for (int k = 0; k < K; ++k) store(saved + (i * K + k) * L, save[k]);
      if constexpr (Cell::has_output) {
        if (kApart) {
          store(c_.get() + r * at_.one.width + unit, s[1]);
        } else {
          s[0] = Cell::output(save, s[1]);
        }
      }
      put<kApart ? 1 : 0>(r, i, before, s);
      if (!kApart && y_row_[r]) store_some(y_row_[r] + unit, s[0], p_.hidden - unit);
    }
    if (!kApart && e_.record) record(r, j);
  }

  // The states of one vector of units from kFirst on, after zoneout, to where they belong.
  template <int kFirst>
  RECUR_INLINE void put(int64_t r, int64_t i, const Vec<T>* before, Vec<T>* s) const {
    const int64_t unit = i * L;
#pragma GCC unroll 4
    for (int k = kFirst; k < S; ++k) {
      if (zone_.any()) {
        const Vec<T> z = zone_.share(k, unit);
        s[k] = z * before[k] + (T(1) - z) * s[k];
      }
      store(state(k, r) + unit, s[k]);
      if (k) store(saved_row_[r] + at_.at_states + ((k - 1) * at_.vectors + i) * L, s[k]);
    }
  }

  // h from the normalised c.
  void outputs(int64_t r, int64_t j) {
    if constexpr (Cell::has_output) {
      if (zone_.any()) zone_.draw(plan_.time_of(rows_[r], j), rows_[r].batch);
      for (int64_t i = 0, unit = 0; i < at_.vectors; ++i, unit += L) {
        Vec<T> save[K];
        for (int k = 0; k < K; ++k) save[k] = load(saved_row_[r] + (i * K + k) * L);
        Vec<T> h = Cell::output(save, load(c_.get() + r * at_.one.width + unit));
        if (zone_.any()) {
          const Vec<T> z = zone_.share(0, unit);
          h = z * load(state(0, r) + unit) + (T(1) - z) * h;
        }
        store(state(0, r) + unit, h);
        if (y_row_[r]) store_some(y_row_[r] + unit, h, p_.hidden - unit);
      }
      if (e_.record) record(r, j);
    }
  }

  void record(int64_t r, int64_t j) const {
    T* to = static_cast<T*>(e_.record) +
            (plan_.time_of(rows_[r], j) * p_.batch + rows_[r].batch) * e_.record_row;
    for (int64_t i = 0, unit = 0; i < at_.vectors; ++i, unit += L) {
      for (int k = 0; k < At::inside; ++k) {
        const T* from = k < K ? saved_row_[r] + (i * K + k) * L : state(k - K + 1, r) + unit;
        store_some(to + k * e_.record_number + unit, load(from), p_.hidden - unit);
      }
    }
  }

  const recur_scan& p_;
  const recur_extras& e_;
  const Plan& plan_;
  const At& at_;
  const VariantWeights<Cell, T>& weights_;
  const std::vector<Row>& rows_;
  const Zone<Cell, T> zone_;
  const Dropout<T> dropout_;
  const Norm<T> norm_c_;
  const Vec<T> limit_;
  int64_t room_;
  Buffer<T> x_, gx_, gh_, fed_, gh_fed_, s_, masked_, c_, scratch_, factors_x_, factors_h_;
  std::vector<T*> y_row_, saved_row_;
};

}  // namespace recur
