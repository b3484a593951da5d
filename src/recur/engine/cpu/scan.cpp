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

// How threads divide a walk: rows of their own, or all rows and units of their own (part.h). Measured
// on two threads: with few rows a wide layer gains up to half its time by units of their own (one row
// of 512 units, 1.9 times as fast); with 16 rows a thread 6 to 15% where the weights are several times a
// core's own cache, while narrower layers lose as much.
template <class Cell, class T>
class Division {
 public:
  Division(const recur_scan& p, const Widths<Cell, T>& w, const Plan& plan, int threads)
      : shares_(shares(p, w, threads)),
        threads_(shares_ ? threads : with_rows(p, threads)),
        rows_(plan.dealt(shares_ ? 1 : threads_)) {}
  bool shares() const { return shares_; }
  // Whether one direction gains so much by all threads that two are better walked one after the other.
  static bool wants_all(const recur_scan& p, int threads) {
    const Widths<Cell, T> w(p.hidden, p.projection);
    return recurrent_bytes(w) >= kFarAway && shares(p, w, threads);
  }
  int threads() const { return threads_; }
  int groups() const { return static_cast<int>(rows_.size()); }
  const std::vector<Row>& rows(int group) const { return rows_[group]; }

  // Calls walk(group, part) for thread t. `together`: all threads run at once, so that they may wait
  // for one another; else the first one takes all units.
  template <class F>
  void run(int t, bool together, F&& walk) {
    if (!shares_) return walk(t, Part{});
    if (!together) return t ? void() : walk(0, Part{});
    try {
      walk(0, Part{t, threads_, &meeting_});
    } catch (...) {
      meeting_.give_up();
      throw;
    }
  }

 private:
  static bool shares(const recur_scan& p, const Widths<Cell, T>& w, int threads) {
    const int64_t bytes = recurrent_bytes(w);
    return threads > 1 && !p.every && !p.projection &&
           p.batch <= (bytes >= kFarAway ? kMoreRows : kFewRows) * threads &&
           bytes >= (p.batch < threads ? kWorthMeeting : kOwnCache);
  }

  static constexpr int64_t kFewRows = 12, kMoreRows = 24;  // a thread
  static constexpr int64_t kFarAway = 4 * kOwnCache;
  // Where there are fewer rows than threads some would have nothing to do.
  static constexpr int64_t kWorthMeeting = 128 * 1024;
  bool shares_;
  int threads_;
  std::vector<std::vector<Row>> rows_;
  Meeting meeting_;
};

// A walk of one direction as work for threads: pack the weights, walk, put results together.
template <class Cell, class T>
class ForwardJob {
  using Walk = ForwardWalk<Cell, T>;

 public:
  ForwardJob(const recur_scan& p, int threads)
      : p_(p),
        widths_(p.hidden, p.projection),
        plan_(p),
        weights_(p_, widths_),
        division_(p_, widths_, plan_, threads),
        shared_(division_.shares() ? Walk::shared_numbers(widths_, division_.rows(0)) : 0,
                Fill::kZero) {}
  static bool wants_all(const recur_scan& p, int threads) {
    return Division<Cell, T>::wants_all(p, threads);
  }
  int threads() const { return division_.threads(); }
  int64_t pieces() const { return weights_.pieces(); }
  int64_t numbers() const { return p_.hidden * (p_.inputs + widths_.outputs); }
  void pack(int64_t piece) { weights_.pack(piece); }
  void walk(int t, bool together) {
    division_.run(t, together, [&](int group, const Part& part) {
      Walk(p_, plan_, widths_, weights_, division_.rows(group), part, shared_.get()).run();
    });
  }
  int64_t results() const { return 0; }
  void put_together(int64_t) {}

 private:
  const recur_scan p_;
  const Widths<Cell, T> widths_;
  const Plan plan_;
  ForwardWeights<Cell, T> weights_;
  Division<Cell, T> division_;
  Buffer<T> shared_;
};

template <class Cell, class T>
class BackwardJob {
  using Walk = BackwardWalk<Cell, T>;

 public:
  BackwardJob(const recur_scan& p, int threads)
      : p_(p),
        widths_(p.hidden, p.projection),
        plan_(p),
        weights_(p_, widths_),
        division_(p_, widths_, plan_, threads),
        shared_(division_.shares() ? Walk::shared_numbers(p_, widths_, division_.rows(0)) : 0) {
    if (p_.every) again_ = std::make_unique<ForwardWeights<Cell, T>>(p_, widths_);
    for (int g = 0; g < division_.groups(); ++g)
      sums_.push_back(std::make_unique<Sums<Cell, T>>(p_, widths_));
  }
  static bool wants_all(const recur_scan& p, int threads) {
    return Division<Cell, T>::wants_all(p, threads);
  }
  int threads() const { return division_.threads(); }
  int64_t pieces() const { return weights_.pieces() + (again_ ? again_->pieces() : 0); }
  int64_t numbers() const { return p_.hidden * (p_.inputs + widths_.outputs); }
  void pack(int64_t piece) {
    if (piece < weights_.pieces())
      weights_.pack(piece);
    else
      again_->pack(piece - weights_.pieces());
  }
  void walk(int t, bool together) {
    division_.run(t, together, [&](int group, const Part& part) {
      const std::vector<Row>& rows = division_.rows(group);
      std::unique_ptr<ForwardWalk<Cell, T>> again;
      if (again_) again = std::make_unique<ForwardWalk<Cell, T>>(p_, plan_, widths_, *again_, rows);
      Walk(p_, plan_, widths_, weights_, rows, *sums_[group], again.get(), part, shared_.get())
          .run();
    });
  }

  // The gradients of the weights: a block of units, or a vector of the projection's outputs.
  int64_t results() const { return widths_.blocks + (p_.projection ? widths_.state / L : 0); }
  void put_together(int64_t block) {
    constexpr int GX = Cell::input_gates, GH = Cell::state_gates;
    if (block >= widths_.blocks) return put_projection(block - widths_.blocks);
    unpack_block<Cell>(parts(&Sums<Cell, T>::w_ih).data(), groups(), p_.hidden, p_.inputs, GX,
                       block, array(p_.dw_ih));
    unpack_block<Cell>(parts(&Sums<Cell, T>::w_hh).data(), groups(), p_.hidden, widths_.outputs,
                       GH, block, array(p_.dw_hh));
    if (p_.db_ih)
      unpack_bias<Cell>(parts(&Sums<Cell, T>::b_ih).data(), groups(), p_.hidden, GX, block,
                        array(p_.db_ih));
    if (p_.db_hh)
      unpack_bias<Cell>(parts(&Sums<Cell, T>::b_hh).data(), groups(), p_.hidden, GH, block,
                        array(p_.db_hh));
  }

 private:
  static constexpr int64_t L = kLanes<T>;

  Array<T> array(void* data) const { return {data, p_.dtype}; }
  int groups() const { return division_.groups(); }

  void put_projection(int64_t vector) {
    const int64_t width = kBackVectors * L, first = vector * L;
    unpack_column(parts(&Sums<Cell, T>::w_hr).data(), groups(),
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
  Division<Cell, T> division_;
  Buffer<T> shared_;
  std::unique_ptr<ForwardWeights<Cell, T>> again_;
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
    return with_number(dtype, [&](auto number) { f(which, number); });
  };
  switch (cell) {
    case RECUR_RNN_TANH: return typed(Rnn<false>{});
    case RECUR_RNN_RELU: return typed(Rnn<true>{});
    case RECUR_LSTM: return typed(Lstm{});
    case RECUR_GRU: return typed(Gru{});
    default: return false;
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
  return recur::guarded([&] {
    return recur::with_cell(walks->cell, walks->dtype, [&](auto which, auto number) {
      recur::forward<decltype(which), decltype(number)>(walks, count);
    });
  });
}

int recur_scan_backward(const recur_scan* walks, int64_t count) {
  return recur::guarded([&] {
    return recur::with_cell(walks->cell, walks->dtype, [&](auto which, auto number) {
      recur::backward<decltype(which), decltype(number)>(walks, count);
    });
  });
}

int32_t recur_crowded() { return recur::Crowding::one().there(); }

void recur_set_crowded(int32_t crowded) {
  if (crowded < 0)
    recur::Crowding::one().decide();
  else
    recur::Crowding::one().set(crowded != 0);
}

void recur_keep_freed_memory() { recur::keep_freed_memory(); }

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
