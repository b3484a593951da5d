// Work on several threads: OpenMP's, which are torch's too where both use one runtime.
//
// What is done by which number is fixed, who does it is not: so the results are the same bits whether
// or not there is a team.
//
// On a machine that is busy with other programs a team can cost a hundred times its work: the
// runtime's threads spin while they wait, in turns of the scheduler's that the calling thread then
// lacks (measured: 58 ms for a walk of 1.2 ms on one thread, two cores, load 6). So what a team costs
// beyond the work is watched, and where it is out of proportion twice running, the calling
// thread works alone for some time; then a team is tried again.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <ctime>
#include <new>
#include <vector>

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

#if defined(RECUR_STD_THREADS)
#include <thread>
#elif defined(_OPENMP)
#include <omp.h>
#endif

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

inline double seconds(clockid_t clock) {
  timespec now;
  clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

class Crowding {
 public:
  // Whether to gather a team now.
  bool allows() const {
    const double until = until_.load(std::memory_order_relaxed);
    return until == 0 || seconds(CLOCK_MONOTONIC) >= until;
  }
  // A team has worked: the caller's own part took `work` seconds of its processor, and `idle` seconds
  // went by in which it waited, for a processor or for the others.
  void learn(double work, double idle) {
    const bool lost = idle > 5e-3 + 10 * work;
    // Once may be chance, as where a team is gathered after a pause.
    if (lost && was_lost_.exchange(true, std::memory_order_relaxed)) {
      until_.store(seconds(CLOCK_MONOTONIC) + times_ * kRest, std::memory_order_relaxed);
      times_ = std::min<int>(2 * times_, kMostTimes);
    } else if (!lost) {
      was_lost_.store(false, std::memory_order_relaxed);
      until_.store(0, std::memory_order_relaxed);
      times_ = std::max<int>(times_ / 2, 1);
    }
  }

 private:
  // Longer than the runtime's threads spin after their work (some 20 ms).
  static constexpr double kRest = 0.1;
  static constexpr int kMostTimes = 16;
  std::atomic<double> until_{0};  // the end of working alone, by the monotonic clock
  std::atomic<int> times_{1};
  std::atomic<bool> was_lost_{false};
};

inline Crowding& crowding() {
  static Crowding one;
  return one;
}

// Runs body(member, members) for each member of a team, side by side: of as many as asked for, or of
// fewer. An exception in one of them is passed on after all have ended.
template <class F>
void in_team(int threads, F&& task) {
  const auto body = [&](int member, int members) {
    const Unslowed unslowed;
    task(member, members);
  };
#if defined(RECUR_STD_THREADS)
  // For the thread sanitizer alone (make sanitize), which cannot see into the OpenMP runtime.
  std::vector<std::thread> team;
  for (int t = 1; t < threads; ++t) team.emplace_back([&body, t, threads] { body(t, threads); });
  body(0, threads);
  for (std::thread& member : team) member.join();
#elif defined(_OPENMP)
  if (threads == 1 || !crowding().allows()) return body(0, 1);
  const double begun = seconds(CLOCK_MONOTONIC), busy = seconds(CLOCK_THREAD_CPUTIME_ID);
  double work = 0;
  bool failed = false;
#pragma omp parallel num_threads(threads) reduction(|| : failed)
  {
    try {
      body(omp_get_thread_num(), omp_get_num_threads());
    } catch (...) {
      failed = true;
    }
    if (omp_get_thread_num() == 0) work = seconds(CLOCK_THREAD_CPUTIME_ID) - busy;
  }
  crowding().learn(work, seconds(CLOCK_MONOTONIC) - begun - work);
  if (failed) throw std::bad_alloc();
#else
  body(0, 1);
#endif
}

// Runs body(0), ..., body(threads - 1), side by side where there is a team.
template <class F>
void on_threads(int threads, F&& body) {
  in_team(threads, [&](int member, int members) {
    for (int t = member; t < threads; t += members) body(t);
  });
}

// Items 0 .. count - 1 over the threads.
template <class F>
void share(int threads, int64_t count, F&& item) {
  on_threads(threads, [&](int t) {
    for (int64_t i = t; i < count; i += threads) item(i);
  });
}

}  // namespace recur
