// Whether other programs want the processors, and what then changes.
//
// OpenMP's threads spin while they wait, for some 20 ms. On a quiet machine that is what makes small
// pieces of work worth sharing. Beside other programs it is ruinous: the spinning thread's turn is what
// the one that it waits for lacks (measured on two cores beside two busy loops: a training step of 4.5
// ms took 95). So what a team costs beyond its work is watched; where it is out of proportion, work goes
// to threads that sleep while they wait (pool.h), and OpenMP's are made to sleep too, torch's with them,
// until the caller is no longer interrupted.
#pragma once

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <ctime>
#include <exception>
#include <mutex>
#include <thread>

#if defined(__linux__)
#include <sched.h>
#endif
#if defined(__unix__) || defined(__APPLE__)
#include <unistd.h>
#endif
#if defined(_OPENMP)
#include <omp.h>
#endif

#include "pool.h"

namespace recur {

inline double seconds(clockid_t clock) {
  timespec now;
  clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

// The processors that the calling thread may run on.
inline int processors() {
#if defined(__linux__)
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) return std::max(1, CPU_COUNT(&set));
#endif
  return static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
}

// Makes the threads of GNU's OpenMP sleep soon where they wait, those of all its users in the process.
// That runtime itself stops spinning while it manages more threads than there are processors (do_spin
// in its wait.h), so a thread of ours keeps a team that does nothing. Another runtime is not harmed.
class Asleep {
 public:
  static Asleep& one() {
    static Asleep* const asleep = new Asleep;  // its thread may outlive what is static
    return *asleep;
  }
  // `threads`: of a team of the caller's, which the runtime counts already.
  void begin(int threads) {
#if defined(_OPENMP)
    const std::lock_guard<std::mutex> lock(mutex_);
    if (wanted_ || keeping_) return;
    const int more = std::max(1, online() - threads + 1);
    try {
      const Unsignalled unsignalled;
      wanted_ = keeping_ = true;
      std::thread([this, more] { keep(more); }).detach();
    } catch (const std::exception&) {
      wanted_ = keeping_ = false;
    }
#else
    static_cast<void>(threads);
#endif
  }
  void end() {
    const std::lock_guard<std::mutex> lock(mutex_);
    wanted_ = false;
    over_.notify_one();
  }

 private:
#if defined(_OPENMP)
  static int online() {
#if defined(_SC_NPROCESSORS_ONLN)
    return static_cast<int>(std::max(1L, sysconf(_SC_NPROCESSORS_ONLN)));
#else
    return omp_get_num_procs();
#endif
  }
  void keep(int more) {
#pragma omp parallel num_threads(more + 1)
    {
      asm volatile("");  // else the compiler leaves it all out
    }
    std::unique_lock<std::mutex> lock(mutex_);
    over_.wait(lock, [&] { return !wanted_; });
    keeping_ = false;  // with this thread its team ends
  }
#endif
  std::mutex mutex_;
  std::condition_variable over_;
  bool wanted_ = false, keeping_ = false;
};

class Crowding {
 public:
  static Crowding& one() {
    static Crowding crowding;
    return crowding;
  }
  bool there() const { return there_.load(std::memory_order_relaxed); }
  // What `spun` and `slept` are told decides, unless it is set (tests do).
  void set(bool there) {
    const std::lock_guard<std::mutex> lock(mutex_);
    set_ = true;
    if (there != there_) change(there, 1);
  }
  void decide() {
    set(false);
    const std::lock_guard<std::mutex> lock(mutex_);
    set_ = false;
  }

  // More threads were asked for than there are processors: some of a team could only wait.
  void scarce(int threads) {
    if (there()) return;
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!set_ && !there()) change(true, threads);
  }

  // A spinning team has worked: the caller's own part took `work` seconds of its processor, and `idle`
  // seconds went by in which it waited, for a processor or for the others.
  void spun(double work, double idle, int threads) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (set_ || there()) return;
    work_ = kFade * work_ + work;
    lost_ = kFade * lost_ + idle;
    if (lost_ > kNoticed + 2 * work_) change(true, threads);
  }

  // The caller's own pieces took `work` seconds of its processor and `wall` seconds in all.
  void slept(double work, double wall) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (set_) return;
    work_ += work;
    lost_ += wall - work;
    if (work_ < kWindow) return;
    const bool quiet = lost_ < kInterrupted * work_;
    work_ = lost_ = 0;
    if (quiet && seconds(CLOCK_MONOTONIC) >= until_) change(false, 0);
  }

 private:
  void change(bool there, int threads) {
    const double now = seconds(CLOCK_MONOTONIC);
    if (there) {
      // Soon again: it was no good to spin, so for longer this time.
      stay_ = now - left_ < kSoon ? std::min(2 * stay_, kLongest) : kShortest;
      until_ = now + stay_;
      Asleep::one().begin(threads);
    } else {
      left_ = now;
      Asleep::one().end();
    }
    work_ = lost_ = 0;
    there_.store(there, std::memory_order_relaxed);
  }

  static constexpr double kFade = 0.7;       // a team's weight after the next one
  static constexpr double kNoticed = 5e-3;   // seconds lost that may be chance
  static constexpr double kWindow = 20e-3;   // seconds of work that say whether it is over
  static constexpr double kInterrupted = 0.05;
  static constexpr double kSoon = 1, kShortest = 0.5, kLongest = 16;
  std::atomic<bool> there_{false};
  std::mutex mutex_;
  bool set_ = false;
  double work_ = 0, lost_ = 0;
  double stay_ = kShortest, until_ = 0, left_ = -kSoon;
};

}  // namespace recur
