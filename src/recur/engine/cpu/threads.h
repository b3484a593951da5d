// Work on several threads: OpenMP's, which are torch's too where both use one runtime, or beside other
// programs threads of our own (crowding.h).
//
// What is done by which number is fixed, who does it is not: so the results are the same bits however
// many threads there are to do it, and whichever.
#pragma once

#include <algorithm>
#include <cstdint>
#include <new>
#include <thread>

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

#include "crowding.h"

namespace recur {

// Numbers to move for which gathering a team is worth it.
constexpr int64_t kWorthATeam = 64 * 1024;

// Subnormal numbers (in float below 1.2e-38) count as zero while there is one of these, in its thread
// and in threads that it starts: so none may be there where a team is gathered.
// A gradient that vanishes ends in them, and Intel's processors take some 150 cycles for each operation
// on one: an LSTM's walk over padding took ten times as long. XLA and TensorFlow do the same.
class Unslowed {
 public:
#if defined(__x86_64__)
  Unslowed() : before_(_mm_getcsr()) {
    constexpr unsigned kFlushResults = 0x8000, kTakeAsZero = 0x0040;
    _mm_setcsr(before_ | kFlushResults | kTakeAsZero);
  }
  ~Unslowed() { _mm_setcsr(before_); }

 private:
  unsigned before_;
#else
  Unslowed() {}  // elsewhere they cost nothing, or little
#endif

 public:
  Unslowed(const Unslowed&) = delete;
  Unslowed& operator=(const Unslowed&) = delete;
};

// Calls body(number, together) for the numbers below `threads`, side by side where there are processors
// for it. `together`: all run at once, so that they may wait for one another; else each has to go
// without. An exception in one of them is passed on after all have ended.
template <class F>
void on_threads_together(int threads, F&& body) {
  const auto one = [&](int t, bool together) {
    const Unslowed unslowed;
    body(t, together);
  };
  if (threads == 1) return one(0, true);
  const int here = processors();
  const bool scarce = here < threads;
  if (scarce) Crowding::one().scarce(threads);
  const double busy = seconds(CLOCK_THREAD_CPUTIME_ID);
#if defined(_OPENMP)
  if (!Crowding::one().there()) {
    const double begun = seconds(CLOCK_MONOTONIC);
    double work = 0;
    bool failed = false;
#pragma omp parallel num_threads(threads) reduction(|| : failed)
    {
      const int members = omp_get_num_threads(), member = omp_get_thread_num();
      try {
        for (int t = member; t < threads; t += members) one(t, members == threads);
      } catch (...) {
        failed = true;
      }
      if (member == 0) work = seconds(CLOCK_THREAD_CPUTIME_ID) - busy;
    }
    Crowding::one().spun(work, seconds(CLOCK_MONOTONIC) - begun - work, threads);
    if (failed) throw std::bad_alloc();
    return;
  }
#endif
  const std::thread::id caller = std::this_thread::get_id();
  double wall = 0;
  Pool::one().run(threads, here - 1, [&](int t) {
    const bool own = std::this_thread::get_id() == caller;
    const double before = own ? seconds(CLOCK_MONOTONIC) : 0;
    one(t, false);
    if (own) wall += seconds(CLOCK_MONOTONIC) - before;
  });
  if (!scarce) Crowding::one().slept(seconds(CLOCK_THREAD_CPUTIME_ID) - busy, wall);
}

// Runs body(0), ..., body(threads - 1), side by side where there are processors for it.
template <class F>
void on_threads(int threads, F&& body) {
  on_threads_together(threads, [&](int t, bool) { body(t); });
}

// Items 0 .. count - 1 over the threads.
template <class F>
void share(int threads, int64_t count, F&& item) {
  on_threads(threads, [&](int t) {
    for (int64_t i = t; i < count; i += threads) item(i);
  });
}

}  // namespace recur
