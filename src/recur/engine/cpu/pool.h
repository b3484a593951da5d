// Threads of our own that never make the caller wait for a processor.
//
// Whoever comes first takes the next piece of work, the calling thread among them: a helper that has
// no processor, since other programs have it, takes nothing and is not waited for. Who waits sleeps in
// the kernel. On a quiet machine OpenMP's threads, which spin, are at hand sooner (threads.h).
#pragma once

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <new>
#include <thread>
#include <type_traits>

#if defined(__unix__) || defined(__APPLE__)
#include <pthread.h>
#include <signal.h>
#endif

namespace recur {

// While it is there, threads that are started get no signals: those are for the program's own.
class Unsignalled {
 public:
#if defined(__unix__) || defined(__APPLE__)
  Unsignalled() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~Unsignalled() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_;
#else
  Unsignalled() {}
#endif

 public:
  Unsignalled(const Unsignalled&) = delete;
  Unsignalled& operator=(const Unsignalled&) = delete;
};

class Pool {
 public:
  // Never taken down: at the end of a program its threads may be asleep in it.
  static Pool& one() {
    static Pool* const pool = new Pool;
    return *pool;
  }

  // Runs body(0), ..., body(count - 1) on this thread and on at most `helpers` others. An exception in
  // one of them is passed on after all have ended.
  template <class F>
  void run(int count, int helpers, F&& body) {
    std::unique_lock<std::mutex> lock(mutex_);
    if (body_) {  // another caller has it
      lock.unlock();
      for (int i = 0; i < count; ++i) body(i);
      return;
    }
    call_ = [](void* what, int i) { (*static_cast<std::remove_reference_t<F>*>(what))(i); };
    body_ = &body;
    next_ = running_ = 0;
    count_ = count;
    failed_ = false;
    start(std::min(helpers, count - 1));
    if (helpers > 0) wake_.notify_all();
    while (next_ < count_) take(lock);
    done_.wait(lock, [&] { return running_ == 0; });
    body_ = nullptr;
    if (failed_) throw std::bad_alloc();
  }

 private:
  // Does the next piece. The lock is held before and after, not meanwhile.
  void take(std::unique_lock<std::mutex>& lock) {
    const int i = next_++;
    ++running_;
    lock.unlock();
    bool failed = false;
    try {
      call_(body_, i);
    } catch (...) {
      failed = true;
    }
    lock.lock();
    failed_ |= failed;
    --running_;
  }

  void help() {
    std::unique_lock<std::mutex> lock(mutex_);
    while (true) {
      wake_.wait(lock, [&] { return next_ < count_; });
      take(lock);
      if (running_ == 0 && next_ == count_) done_.notify_one();
    }
  }

  void start(int helpers) {
    try {
      const Unsignalled unsignalled;
      for (; helpers_ < helpers; ++helpers_) std::thread([this] { help(); }).detach();
    } catch (const std::exception&) {
      // Those that are there have to do.
    }
  }

  std::mutex mutex_;
  std::condition_variable wake_, done_;
  void (*call_)(void*, int) = nullptr;
  void* body_ = nullptr;  // null: nobody's
  int next_ = 0, count_ = 0, running_ = 0, helpers_ = 0;
  bool failed_ = false;
};

}  // namespace recur
