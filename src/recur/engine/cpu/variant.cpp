// The entries of scan.h for the general walk: which cell and type a problem asks for.

#include <memory>

#include "cells/gru/before.h"
#include "cells/gru/pointwise.h"
#include "cells/indrnn/pointwise.h"
#include "cells/lstm/variant.h"
#include "cells/mingru/pointwise.h"
#include "cells/minlstm/pointwise.h"
#include "cells/rnn/pointwise.h"
#include "cells/slstm/pointwise.h"
#include "jobs.h"
#include "scan.h"
#include "variant_back.h"

namespace recur {
namespace {

template <class Cell, class T>
class VariantJob {
 public:
  VariantJob(const recur_scan& p, const recur_extras& e, int threads, bool forward)
      : p_(p),
        e_(e),
        at_(p.inputs, p.hidden, e.norm_x != nullptr, Dropout<T>::by_gate(e)),
        plan_(p_),
        weights_(p_, e_, at_, forward, !forward),
        rows_(plan_.dealt(with_rows(p, threads))) {}
  static bool wants_all(const recur_scan&, int) { return false; }
  int threads() const { return static_cast<int>(rows_.size()); }
  int64_t pieces() const { return weights_.pieces(); }
  int64_t numbers() const { return p_.hidden * (p_.inputs + p_.hidden); }
  void pack(int64_t piece) { weights_.pack(piece); }

 protected:
  const recur_scan p_;
  const recur_extras e_;
  const VariantLayout<Cell, T> at_;
  const Plan plan_;
  VariantWeights<Cell, T> weights_;
  std::vector<std::vector<Row>> rows_;
};

template <class Cell, class T>
class ForwardVariant : public VariantJob<Cell, T> {
 public:
  ForwardVariant(const recur_scan& p, const recur_extras& e, int threads)
      : VariantJob<Cell, T>(p, e, threads, true) {}
  void walk(int t, bool) {
    VariantForward<Cell, T>(this->p_, this->e_, this->plan_, this->at_, this->weights_,
                            this->rows_[t])
        .run();
  }
  int64_t results() const { return 0; }
  void put_together(int64_t) {}
};

template <class Cell, class T>
class BackwardVariant : public VariantJob<Cell, T> {
  using Sums = VariantSums<Cell, T>;

 public:
  BackwardVariant(const recur_scan& p, const recur_extras& e, int threads)
      : VariantJob<Cell, T>(p, e, threads, false), sums_(this->rows_.size()) {}
  void walk(int t, bool) {
    sums_[t] = std::make_unique<Sums>(this->weights_, this->at_);
    VariantBackward<Cell, T>(this->p_, this->e_, this->plan_, this->at_, this->weights_,
                             this->rows_[t], *sums_[t])
        .run();
  }

  // The gradients of the weights, a vector of gates at a time, or of a normalised product all at once;
  // then everything that has one number a unit.
  int64_t results() const { return vectors(&Sums::x) + vectors(&Sums::h) + vectors(&Sums::fed) + 1; }
  void put_together(int64_t piece) {
    const int64_t before = this->at_.h.gates * this->p_.hidden;
    T* dw_hh = static_cast<T*>(this->p_.dw_hh);
    if (put(&Sums::x, this->p_.dw_ih, piece) || put(&Sums::h, dw_hh, piece) ||
        put(&Sums::fed, dw_hh + before * this->p_.hidden, piece))
      return;
    row(this->at_.x, &Sums::b_x, this->p_.db_ih);
    row(this->at_.h, this->weights_.shared() ? &Sums::b_x : &Sums::b_h, this->p_.db_hh);
    if (Cell::fed && this->p_.db_hh)
      row(this->at_.fed, &Sums::b_fed, static_cast<T*>(this->p_.db_hh) + before);
    if (this->e_.dunits) put_units();
    row(this->at_.one, &Sums::norm_c, this->e_.dnorm_c);
    row(this->at_.one, &Sums::norm_c_bias, this->e_.dnorm_c_bias);
  }

 private:
  int64_t vectors(MatrixSum<T> Sums::* which) const {
    const VariantLayout<Cell, T>& at = this->at_;
    if (at.normed) return which == &Sums::fed ? 0 : 1;
    return which == &Sums::x ? at.x.vectors() : which == &Sums::h ? at.h.vectors() : at.fed.vectors();
  }

  bool put(MatrixSum<T> Sums::* which, void* dw, int64_t& piece) const {
    if (piece >= vectors(which)) {
      piece -= vectors(which);
      return false;
    }
    if (this->at_.normed)
      finish(which == &Sums::x, static_cast<T*>(dw));
    else
      MatrixSum<T>::write(parts(which), piece, Array<T>(dw, this->p_.dtype));
    return true;
  }

  // Of the input's product, or the state's.
  void finish(bool x, T* dw) const {
    const ProductNorm<T>& norm = x ? this->weights_.of_x : this->weights_.of_h;
    T* dscale = static_cast<T*>(x ? this->e_.dnorm_x : this->e_.dnorm_h);
    row(norm.row(), x ? &Sums::norm_x : &Sums::norm_h, dscale);
    norm.finish(parts(x ? &Sums::x : &Sums::h),
                parts(x ? &Sums::features_x : &Sums::features_h), dw, dscale);
  }

  std::vector<const MatrixSum<T>*> parts(MatrixSum<T> Sums::* which) const {
    std::vector<const MatrixSum<T>*> found;
    for (const auto& sums : sums_) found.push_back(&((*sums).*which));
    return found;
  }

  std::vector<const T*> parts(Buffer<T> Sums::* which) const {
    std::vector<const T*> found;
    for (const auto& sums : sums_) found.push_back(((*sums).*which).get());
    return found;
  }

  void row(const GateRow<T>& gates, Buffer<T> Sums::* which, void* to) const {
    if (to) gates.write_sum(parts(which), static_cast<T*>(to));
  }

  void put_units() const {
    for (int k = 0; k < Cell::units; ++k) {
      std::vector<const T*> found = parts(&Sums::units);
      for (const T*& part : found) part += k * this->at_.state;
      this->at_.one.write_sum(found, static_cast<T*>(this->e_.dunits) + k * this->p_.hidden);
    }
  }

  std::vector<std::unique_ptr<Sums>> sums_;
};

// Calls f with a cell and a number of the asked type; false if there is none.
template <class F>
bool with_cell(int32_t cell, int32_t dtype, F&& f) {
  auto typed = [&](auto which) {
    return (dtype == RECUR_FLOAT32 || dtype == RECUR_FLOAT64) &&
           with_number(dtype, [&](auto number) { f(which, number); });
  };
  switch (cell) {
    case RECUR_RNN_TANH: return typed(Adapted<Rnn<false>>{});
    case RECUR_RNN_RELU: return typed(Adapted<Rnn<true>>{});
    case RECUR_LSTM: return typed(LstmVariant<false>{});
    case RECUR_GRU: return typed(Adapted<Gru>{});
    case RECUR_LSTM_COUPLED: return typed(LstmVariant<true>{});
    case RECUR_GRU_BEFORE: return typed(GruBefore{});
    case RECUR_INDRNN_TANH: return typed(IndRnn<false>{});
    case RECUR_INDRNN_RELU: return typed(IndRnn<true>{});
    case RECUR_MINGRU: return typed(MinGru{});
    case RECUR_MINLSTM: return typed(MinLstm{});
    case RECUR_SLSTM: return typed(Slstm{});
    default: return false;
  }
}

}  // namespace
}  // namespace recur

extern "C" {

int64_t recur_variant_saved(int32_t cell, int32_t dtype, int64_t inputs, int64_t hidden,
                            int32_t normed) {
  int64_t count = -1;
  recur::with_cell(cell, dtype, [&](auto which, auto number) {
    count = recur::VariantLayout<decltype(which), decltype(number)>(inputs, hidden, normed != 0).saved;
  });
  return count;
}

int64_t recur_variant_inside(int32_t cell) {
  int64_t count = -1;
  recur::with_cell(cell, RECUR_FLOAT32, [&](auto which, auto number) {
    count = recur::VariantLayout<decltype(which), decltype(number)>::inside;
  });
  return count;
}

int recur_variant_forward(const recur_scan* walks, const recur_extras* extras, int64_t count) {
  return recur::guarded([&] {
    return recur::with_cell(walks->cell, walks->dtype, [&](auto which, auto number) {
      using Job = recur::ForwardVariant<decltype(which), decltype(number)>;
      recur::walk_all<Job>(walks, count, extras);
    });
  });
}

int recur_variant_backward(const recur_scan* walks, const recur_extras* extras, int64_t count) {
  return recur::guarded([&] {
    return recur::with_cell(walks->cell, walks->dtype, [&](auto which, auto number) {
      using T = decltype(number);
      using Job = recur::BackwardVariant<decltype(which), T>;
      recur::with_dx_apart<T>(walks, count, [&](const recur_scan* all, int64_t many) {
        recur::walk_all<Job>(all, many, extras);
      });
    });
  });
}

}  // extern "C"
