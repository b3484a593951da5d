// The entries of scan.h: threads, and which cell and type a problem asks for.

#include "scan.h"

#include <memory>

#if defined(RECUR_STD_THREADS)
#include <thread>
#elif defined(_OPENMP)
#include <omp.h>
#endif

#include "backward.h"
#include "cells/gru/pointwise.h"
#include "cells/lstm/pointwise.h"
#include "cells/rnn/pointwise.h"
#include "forward.h"

namespace recur {
namespace {

int threads_for(const recur_scan& p) {
  return static_cast<int>(std::max<int64_t>(1, std::min<int64_t>(p.threads, p.batch)));
}

// Runs body(thread) on every thread. An exception in one of them is passed on after all have ended.
template <class F>
void on_threads(int threads, F&& body) {
#if defined(RECUR_STD_THREADS)
  // For the thread sanitizer alone (make sanitize), which cannot see into the OpenMP runtime.
  std::vector<std::thread> team;
  for (int t = 1; t < threads; ++t) team.emplace_back([&body, t] { body(t); });
  body(0);
  for (std::thread& member : team) member.join();
#elif defined(_OPENMP)
  if (threads == 1) return body(0);
  bool failed = false;
#pragma omp parallel num_threads(threads) reduction(|| : failed)
  {
    // A smaller team than asked for still does all the work.
    for (int t = omp_get_thread_num(); t < threads; t += omp_get_num_threads()) {
      try {
        body(t);
      } catch (...) {
        failed = true;
      }
    }
  }
  if (failed) throw std::bad_alloc();
#else
  for (int t = 0; t < threads; ++t) body(t);
#endif
}

// Items 0 .. count - 1 over the threads.
template <class F>
void share(int threads, int64_t count, F&& item) {
  on_threads(threads, [&](int t) {
    for (int64_t i = t; i < count; i += threads) item(i);
  });
}

template <class Cell, class T>
void forward(const recur_scan& p) {
  const int threads = threads_for(p);
  const Widths<Cell, T> widths(p.hidden);
  const Plan plan(p);
  ForwardWeights<Cell, T> weights(p, widths);
  share(threads, widths.blocks, [&](int64_t block) { weights.pack(p, block); });
  on_threads(threads, [&](int t) {
    ForwardWalk<Cell, T>(p, plan, widths, weights, plan.rows_of(t, threads)).run();
  });
}

template <class Cell, class T>
void backward(const recur_scan& p) {
  const int threads = threads_for(p);
  const Widths<Cell, T> widths(p.hidden);
  const Plan plan(p);
  BackwardWeights<Cell, T> weights(p, widths);
  constexpr int64_t width = BackwardWeights<Cell, T>::kWidth;
  const int64_t pieces_hh = round_up(p.hidden, width) / width;
  const int64_t pieces_ih = p.dx ? round_up(p.inputs, width) / width : 0;
  share(threads, pieces_hh + pieces_ih, [&](int64_t piece) {
    if (piece < pieces_hh)
      weights.pack_hh(p, widths, piece);
    else
      weights.pack_ih(p, widths, piece - pieces_hh);
  });

  std::vector<std::unique_ptr<Sums<Cell, T>>> sums(static_cast<size_t>(threads));
  on_threads(threads, [&](int t) {
    sums[t] = std::make_unique<Sums<Cell, T>>(p, widths);
    BackwardWalk<Cell, T>(p, plan, widths, weights, plan.rows_of(t, threads), *sums[t]).run();
  });

  std::vector<const T*> w_ih, w_hh, b_ih, b_hh;
  for (const auto& part : sums) {
    w_ih.push_back(part->w_ih.get());
    w_hh.push_back(part->w_hh.get());
    b_ih.push_back(part->b_ih.get());
    b_hh.push_back(part->b_hh.get());
  }
  share(threads, widths.blocks, [&](int64_t block) {
    constexpr int GX = Cell::input_gates, GH = Cell::state_gates;
    unpack_block<Cell, T>(w_ih.data(), threads, p.hidden, p.inputs, GX, block,
                          static_cast<T*>(p.dw_ih));
    unpack_block<Cell, T>(w_hh.data(), threads, p.hidden, p.hidden, GH, block,
                          static_cast<T*>(p.dw_hh));
    if (p.db_ih)
      unpack_block<Cell, T>(b_ih.data(), threads, p.hidden, 1, GX, block,
                            static_cast<T*>(p.db_ih));
    if (p.db_hh)
      unpack_block<Cell, T>(b_hh.data(), threads, p.hidden, 1, GH, block,
                            static_cast<T*>(p.db_hh));
  });
}

// Calls f with a cell and a number of the asked type; false if there is none.
template <class F>
bool with_cell(int32_t cell, int32_t dtype, F&& f) {
  auto typed = [&](auto which) {
    if (dtype == RECUR_FLOAT32) return f(which, float{}), true;
    if (dtype == RECUR_FLOAT64) return f(which, double{}), true;
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

int64_t recur_scan_saved(int32_t cell, int32_t dtype, int64_t hidden, int64_t steps) {
  int64_t count = -1;
  recur::with_cell(cell, dtype, [&](auto which, auto number) {
    count = recur::Widths<decltype(which), decltype(number)>(hidden).saved * steps;
  });
  return count;
}

int recur_scan_forward(const recur_scan* problem) {
  return recur::guarded(problem->cell, problem->dtype, [&](auto which, auto number) {
    recur::forward<decltype(which), decltype(number)>(*problem);
  });
}

int recur_scan_backward(const recur_scan* problem) {
  return recur::guarded(problem->cell, problem->dtype, [&](auto which, auto number) {
    recur::backward<decltype(which), decltype(number)>(*problem);
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
