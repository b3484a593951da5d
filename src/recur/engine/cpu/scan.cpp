// The entries of scan.h: threads, and which cell and type a problem asks for.

#include "scan.h"

#include <memory>

#include "backward.h"
#include "cells/gru/pointwise.h"
#include "cells/lstm/pointwise.h"
#include "cells/rnn/pointwise.h"
#include "direct.h"
#include "forward.h"
#include "jobs.h"

namespace recur {
namespace {

// A walk of one direction as work for threads: pack the weights, walk, put results together.
template <class Cell, class T>
class ForwardJob {
 public:
  ForwardJob(const recur_scan& p, int threads)
      : p_(p), widths_(p.hidden, p.projection), plan_(p), weights_(p_, widths_) {
    for (int t = 0; t < threads; ++t) rows_.push_back(plan_.rows_of(t, threads));
  }
  int threads() const { return static_cast<int>(rows_.size()); }
  int64_t pieces() const { return weights_.pieces(); }
  int64_t numbers() const { return p_.hidden * (p_.inputs + widths_.outputs); }
  void pack(int64_t piece) { weights_.pack(piece); }
  void walk(int t) { ForwardWalk<Cell, T>(p_, plan_, widths_, weights_, rows_[t]).run(); }
  int64_t results() const { return 0; }
  void put_together(int64_t) {}

 private:
  const recur_scan p_;
  const Widths<Cell, T> widths_;
  const Plan plan_;
  ForwardWeights<Cell, T> weights_;
  std::vector<std::vector<Row>> rows_;
};

template <class Cell, class T>
class BackwardJob {

 public:
  BackwardJob(const recur_scan& p, int threads)
      : p_(p), widths_(p.hidden, p.projection), plan_(p), weights_(p_, widths_) {
    if (p_.every) again_ = std::make_unique<ForwardWeights<Cell, T>>(p_, widths_);
    for (int t = 0; t < threads; ++t) rows_.push_back(plan_.rows_of(t, threads));
    sums_.resize(rows_.size());
  }
  int threads() const { return static_cast<int>(rows_.size()); }
  int64_t pieces() const { return weights_.pieces() + (again_ ? again_->pieces() : 0); }
  int64_t numbers() const { return p_.hidden * (p_.inputs + widths_.outputs); }
  void pack(int64_t piece) {
    if (piece < weights_.pieces())
      weights_.pack(piece);
    else
      again_->pack(piece - weights_.pieces());
  }
  void walk(int t) {
    sums_[t] = std::make_unique<Sums<Cell, T>>(p_, widths_);
    std::unique_ptr<ForwardWalk<Cell, T>> again;
    if (again_)
      again = std::make_unique<ForwardWalk<Cell, T>>(p_, plan_, widths_, *again_, rows_[t]);
    BackwardWalk<Cell, T>(p_, plan_, widths_, weights_, rows_[t], *sums_[t], again.get()).run();
  }

  // The gradients of the weights: a block of units, or a vector of the projection's outputs.
  int64_t results() const { return widths_.blocks + (p_.projection ? widths_.state / L : 0); }
  void put_together(int64_t block) {
    constexpr int GX = Cell::input_gates, GH = Cell::state_gates;
    if (block >= widths_.blocks) return put_projection(block - widths_.blocks);
    unpack_block<Cell>(parts(&Sums<Cell, T>::w_ih).data(), threads(), p_.hidden, p_.inputs, GX,
                       block, array(p_.dw_ih));
    unpack_block<Cell>(parts(&Sums<Cell, T>::w_hh).data(), threads(), p_.hidden, widths_.outputs,
                       GH, block, array(p_.dw_hh));
    if (p_.db_ih)
      unpack_bias<Cell>(parts(&Sums<Cell, T>::b_ih).data(), threads(), p_.hidden, GX, block,
                        array(p_.db_ih));
    if (p_.db_hh)
      unpack_bias<Cell>(parts(&Sums<Cell, T>::b_hh).data(), threads(), p_.hidden, GH, block,
                        array(p_.db_hh));
  }

 private:
  static constexpr int64_t L = kLanes<T>;

  Array<T> array(void* data) const { return {data, p_.dtype}; }

  void put_projection(int64_t vector) {
    const int64_t width = kBackVectors * L, first = vector * L;
    unpack_column(parts(&Sums<Cell, T>::w_hr).data(), threads(),
                  first / width * width * p_.hidden + first % width, width, p_.hidden, first,
                  within(widths_.outputs, first, L), array(p_.dw_hr));
  }

  std::vector<const T*> parts(Buffer<T> Sums<Cell, T>::* which) const {
    std::vector<const T*> found;
    for (const auto& sums : sums_) found.push_back(((*sums).*which).get());
    return found;
  }

  const recur_scan p_;
  const Widths<Cell, T> widths_;
  const Plan plan_;
  BackwardWeights<Cell, T> weights_;
  std::unique_ptr<ForwardWeights<Cell, T>> again_;
  std::vector<std::vector<Row>> rows_;
  std::vector<std::unique_ptr<Sums<Cell, T>>> sums_;
};

template <class Cell, class T>
void forward(const recur_scan* walks, int64_t count) {
  if (!is_direct(*walks)) return walk_all<ForwardJob<Cell, T>>(walks, count);
  for (int64_t i = 0; i < count; ++i) Direct<Cell, T>(walks[i]).forward();
}

template <class Cell, class T>
void backward(const recur_scan* walks, int64_t count) {
  with_dx_apart<T>(walks, count, [](const recur_scan* all, int64_t many) {
    if (!is_direct(*all)) return walk_all<BackwardJob<Cell, T>>(all, many);
    for (int64_t i = 0; i < many; ++i) Direct<Cell, T>(all[i]).backward();
  });
}

// Calls f with a cell and a number of the asked type; false if there is none.
template <class F>
bool with_cell(int32_t cell, int32_t dtype, F&& f) {
  auto typed = [&](auto which) {
    if (dtype == RECUR_FLOAT32) return f(which, float{}), true;
    if (dtype == RECUR_FLOAT64) return f(which, double{}), true;
    if (dtype == RECUR_BFLOAT16 || dtype == RECUR_FLOAT16) return f(which, float{}), true;
    return false;
  };
  switch (cell) {
    case RECUR_RNN_TANH: return typed(Rnn<false>{});
    case RECUR_RNN_RELU: return typed(Rnn<true>{});
    case RECUR_LSTM: return typed(Lstm{});
    case RECUR_GRU: return typed(Gru{});
    default: return false;
  }
}

template <class F>
int guarded(int32_t cell, int32_t dtype, F&& f) {
  try {
    return with_cell(cell, dtype, f) ? RECUR_OK : RECUR_UNKNOWN;
  } catch (const std::bad_alloc&) {
    return RECUR_NO_MEMORY;
  }
}

template <class T>
void activate(int32_t which, const T* from, T* to, int64_t count) {
  for (int64_t i = 0; i < count; i += kLanes<T>) {
    const Vec<T> x = load_some(from + i, count - i);
    store_some(to + i, which ? tanh(x) : sigmoid(x), count - i);
  }
}

}  // namespace
}  // namespace recur

extern "C" {

int64_t recur_scan_saved(int32_t cell, int32_t dtype, int64_t hidden, int64_t projection,
                         int64_t every) {
  int64_t count = -1;
  recur::with_cell(cell, dtype, [&](auto which, auto number) {
    const recur::Widths<decltype(which), decltype(number)> widths(hidden, projection);
    count = every ? widths.mark : widths.saved;
  });
  return count;
}

int recur_scan_forward(const recur_scan* walks, int64_t count) {
  return recur::guarded(walks->cell, walks->dtype, [&](auto which, auto number) {
    recur::forward<decltype(which), decltype(number)>(walks, count);
  });
}

int recur_scan_backward(const recur_scan* walks, int64_t count) {
  return recur::guarded(walks->cell, walks->dtype, [&](auto which, auto number) {
    recur::backward<decltype(which), decltype(number)>(walks, count);
  });
}

int recur_activation(int32_t which, int32_t dtype, const void* from, void* to, int64_t count) {
  if (dtype == RECUR_FLOAT32)
    recur::activate(which, static_cast<const float*>(from), static_cast<float*>(to), count);
  else if (dtype == RECUR_FLOAT64)
    recur::activate(which, static_cast<const double*>(from), static_cast<double*>(to), count);
  else
    return RECUR_UNKNOWN;
  return RECUR_OK;
}

}  // extern "C"
