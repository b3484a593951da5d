// Scratch memory, aligned to a cache line, with room for one vector beyond its end; and how the arrays
// that come and go with every call come by their pages. Each that the system has to give anew costs a
// microsecond, and a step of the reference job's SimpleRNN took 900 of them.
//
// Tried and left out: asking for large pages (madvise) where an array is larger than what malloc keeps.
// A walk that ran alone gained 8 to 17%, but beside other work training took up to 1.8 times as long, in
// a virtual machine that hands free large pages back to its host.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

namespace recur {

enum class Fill { kNone, kZero };

template <class T>
class Buffer {
 public:
  explicit Buffer(int64_t count, Fill fill = Fill::kNone) {
    if (count == 0) return;
    const size_t bytes = (static_cast<size_t>(count) * sizeof(T) + 127) / 64 * 64;
    data_ = static_cast<T*>(std::aligned_alloc(64, bytes));
    if (!data_) throw std::bad_alloc();
    if (fill == Fill::kZero) std::memset(static_cast<void*>(data_), 0, bytes);
  }
  ~Buffer() { std::free(data_); }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  void swap(Buffer& other) noexcept { std::swap(data_, other.data_); }

  T* get() const { return data_; }

 private:
  T* data_ = nullptr;
};

// The largest block that malloc (glibc's) may come to keep; it maps and unmaps larger ones each time.
constexpr size_t kMostKept = size_t{32} << 20;

// Malloc gives memory back to the system as it is freed, until the program has once freed a large
// block: from then on blocks up to that size are kept for the next call, and up to twice as much is
// kept in all. So one is freed here, unused. Settings of the user's (MALLOC_..._) stay in force.
inline void keep_freed_memory() {
  void* volatile block = std::malloc(kMostKept - (size_t{64} << 10));
  std::free(block);
}

}  // namespace recur
