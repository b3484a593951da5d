// Scratch memory, aligned to a cache line, with room for one vector beyond its end.
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

}  // namespace recur
