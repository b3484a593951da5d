// One walk that several threads take together: each computes a part of the units of all rows, and
// they meet once a step.
//
// Threads otherwise have rows of their own, and need not meet. But each of them then reads all
// recurrent weights at every step, which costs more than the products where rows are few and the
// weights do not fit a core's own cache; and with fewer rows than threads some have nothing to do. With
// a part of the units a thread reads a part of the weights. What a unit is computed from, and in which
// order, does not depend on the parts: the results are the same bits for any number of them.
#pragma once

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <new>

#include "packing.h"

namespace recur {

// Where the members of a team wait for one another.
class Meeting {
 public:
  // Returns when all have come; throws if one has given up.
  void wait(int members) {
    const int turn = turn_.load(std::memory_order_relaxed);
    if (come_.fetch_add(1, std::memory_order_acq_rel) + 1 == members) {
      come_.store(0, std::memory_order_relaxed);
      turn_.store(turn + 1, std::memory_order_release);
    } else {
      for (int spins = 0; turn_.load(std::memory_order_acquire) == turn && !failed_; ++spins)
        rest(spins);
    }
    if (failed_) throw std::bad_alloc();
  }
  void give_up() { failed_ = true; }

 private:
  // A step is soon done, unless another program has the processor that a member needs.
  static void rest(int spins) {
    if (spins > 4096) {
      sched_yield();
      return;
    }
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
  }

  alignas(64) std::atomic<int> come_{0};
  alignas(64) std::atomic<int> turn_{0};
  std::atomic<bool> failed_{false};
};

// Which units of its rows a walk computes: all of them, or one member's part.
struct Part {
  int member = 0, members = 1;
  Meeting* meeting = nullptr;

  // The member's share of `count` numbers, cut between multiples of `unit`; beyond the last one's end
  // there are none.
  int64_t from(int64_t count, int64_t unit) const { return cut(member, count, unit); }
  int64_t to(int64_t count, int64_t unit) const { return cut(member + 1, count, unit); }
  bool first() const { return member == 0; }
  bool last() const { return member + 1 == members; }
  void meet() const {
    if (members > 1) meeting->wait(members);
  }

 private:
  int64_t cut(int64_t before, int64_t count, int64_t unit) const {
    return (count + unit - 1) / unit * before / members * unit;
  }
};

// The units of that part, and the blocks of units that they are.
template <class Cell, class T>
struct Units {
  Units(const Part& part, const Widths<Cell, T>& w)
      : from(part.from(w.state, kUnit)),
        to(part.last() ? w.outputs : part.to(w.state, kUnit)),
        block_from(from / kBlock),
        block_to(part.last() ? w.blocks : to / kBlock),
        c_from(from),
        c_to(w.outputs == w.hidden ? to : w.hidden) {}

  static constexpr int64_t kUnit = kBackVectors * kLanes<T>, kBlock = Cell::block * kLanes<T>;
  static_assert(kUnit % kBlock == 0, "a part is whole blocks");
  int64_t from, to;              // of h
  int64_t block_from, block_to;  // of the weights
  int64_t c_from, c_to;          // of c: all where a projection gives h units of its own
  int64_t count() const { return to - from; }
  int64_t c_count() const { return c_to - c_from; }
};

}  // namespace recur
