// Scratch memory, aligned to a cache line, with room for one vector beyond its end; and how the large
// arrays that come and go with every call come by their pages. Each that the system has to give anew
// costs a microsecond: 900 in a step of the reference job's SimpleRNN, 88,000 in one of an LSTM over
// 128 rows of 784 steps with 128 units.
#pragma once

#if defined(__linux__)
#include <sys/mman.h>
#endif

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

// Asks the system for large pages, 512 times fewer of them, for an array that malloc does not keep.
inline void ask_for_large_pages(void* array, size_t bytes) {
#if defined(__linux__)
  constexpr uintptr_t kPage = uintptr_t{2} << 20;
  const uintptr_t begin = reinterpret_cast<uintptr_t>(array);
  const uintptr_t from = (begin + kPage - 1) / kPage * kPage, to = (begin + bytes) / kPage * kPage;
  // A wish: it may be refused.
  if (from < to) madvise(reinterpret_cast<void*>(from), to - from, MADV_HUGEPAGE);
#else
  (void)array, (void)bytes;
#endif
}

}  // namespace recur
