// Numbers as they lie in the caller's arrays, and as they are computed with.
//
// float and double are stored as they are. bfloat16 and float16 are stored in 16 bits and computed
// in float; rounding is to the nearest, ties to even (IEEE 754), NaN stays NaN.
#pragma once

#include <algorithm>

#include "memory.h"
#include "scan.h"
#include "cells/vector.h"

namespace recur {

struct BFloat16 {};
struct Float16 {};

typedef uint32_t Bits __attribute__((vector_size(RECUR_VECTOR_BYTES)));
typedef uint16_t HalfBits __attribute__((vector_size(RECUR_VECTOR_BYTES / 2)));

template <class To, class From>
RECUR_INLINE To same_bits(From from) {
  static_assert(sizeof(To) == sizeof(From), "as many bits");
  To to;
  std::memcpy(&to, &from, sizeof to);
  return to;
}

RECUR_INLINE Vec<float> widened(Bits half, BFloat16) { return same_bits<Vec<float>>(half << 16); }

RECUR_INLINE Bits narrowed(Vec<float> x, BFloat16) {
  const Bits bits = same_bits<Bits>(x);
  const Bits rounded = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
  return (bits & 0x7fffffff) > 0x7f800000 ? bits >> 16 | 0x40 : rounded;
}

RECUR_INLINE Vec<float> widened(Bits half, Float16) {
  const Bits magnitude = half & 0x7fff;
  // Read as a float the exponent is 112 too small. What is subnormal as a half would be so as a float,
  // and count as zero (threads.h); it is its fraction in units of 2^-24.
  const Bits normal = (magnitude << 13) + (112 << 23);
  typedef int32_t Int __attribute__((vector_size(RECUR_VECTOR_BYTES)));
  const Bits small =
      same_bits<Bits>(__builtin_convertvector(same_bits<Int>(magnitude), Vec<float>) * 0x1p-24f);
  Bits bits = magnitude < 0x400 ? small : normal;
  bits = magnitude >= 0x7c00 ? bits | 0x7f800000 : bits;
  return same_bits<Vec<float>>(bits | (half & 0x8000) << 16);
}

RECUR_INLINE Bits narrowed(Vec<float> x, Float16) {
  const Bits bits = same_bits<Bits>(x), magnitude = bits & 0x7fffffff;
  Bits normal = (magnitude + 0xfff + (magnitude >> 13 & 1) - (112u << 23)) >> 13;
  normal = normal > 0x7c00 ? Bits{} + 0x7c00 : normal;  // too large: infinite
  // Below 2^-14: adding 0.5 moves the last bit of a subnormal to the last bit of the sum.
  const Bits small =
      same_bits<Bits>(same_bits<Vec<float>>(magnitude) + 0.5f) - same_bits<Bits>(Vec<float>{} + 0.5f);
  Bits half = magnitude < 0x38800000 ? small : normal;
  half = magnitude > 0x7f800000 ? Bits{} + 0x7e00 : half;
  return half | (bits >> 16 & 0x8000);
}

// One of the caller's arrays, dense in its last axis, of numbers that are computed with as T.
// The loops use the memory itself where it holds T, and rows converted to T where it does not.
template <class T>
class Array {
 public:
  Array(const void* data, int32_t dtype)
      : data_(static_cast<char*>(const_cast<void*>(data))), dtype_(dtype) {}

  explicit operator bool() const { return data_ != nullptr; }
  bool direct() const { return dtype_ == RECUR_FLOAT32 || dtype_ == RECUR_FLOAT64; }
  T* at(int64_t offset) const { return reinterpret_cast<T*>(data_) + offset; }

  // `count` numbers from `offset` on. Rows are short: calling memmove for each would cost more than
  // the copy.
  RECUR_INLINE void read(int64_t offset, int64_t count, T* to) const {
    if (!direct()) return convert(offset, count, to);
    copy(at(offset), count, to);
  }
  RECUR_INLINE void write(int64_t offset, int64_t count, const T* from) const {
    if (!direct()) return convert_back(from, count, offset);
    copy(from, count, at(offset));
  }
  RECUR_INLINE void put(int64_t offset, Vec<T> v, int64_t count) const {
    if (direct()) return store_some(at(offset), v, count);
    T row[kLanes<T>];
    store(row, v);
    convert_back(row, std::min(count, kLanes<T>), offset);
  }
  void clear(int64_t offset, int64_t count) const {
    const size_t size = direct() ? sizeof(T) : 2;
    std::memset(data_ + static_cast<size_t>(offset) * size, 0, static_cast<size_t>(count) * size);
  }

 private:
  static RECUR_INLINE void copy(const T* from, int64_t count, T* to) {
    int64_t i = 0;
    for (; i + kLanes<T> <= count; i += kLanes<T>) store(to + i, load(from + i));
    for (; i < count; ++i) to[i] = from[i];
  }

  uint16_t* half(int64_t offset) const { return reinterpret_cast<uint16_t*>(data_) + offset; }

  RECUR_OUT_OF_LINE void convert(int64_t offset, int64_t count, T* to) const {
    if constexpr (sizeof(T) == sizeof(float)) {
      for (int64_t i = 0; i < count; i += kLanes<T>) {
        const int64_t lanes = std::min(count - i, kLanes<T>);
        HalfBits bits{};
        std::memcpy(&bits, half(offset + i), 2 * static_cast<size_t>(lanes));
        const Bits wide = __builtin_convertvector(bits, Bits);
        store_some(to + i,
                   dtype_ == RECUR_BFLOAT16 ? widened(wide, BFloat16{}) : widened(wide, Float16{}),
                   lanes);
      }
    }
  }
  RECUR_OUT_OF_LINE void convert_back(const T* from, int64_t count, int64_t offset) const {
    if constexpr (sizeof(T) == sizeof(float)) {
      for (int64_t i = 0; i < count; i += kLanes<T>) {
        const int64_t lanes = std::min(count - i, kLanes<T>);
        const Vec<T> x = load_some(from + i, lanes);
        const HalfBits bits = __builtin_convertvector(
            dtype_ == RECUR_BFLOAT16 ? narrowed(x, BFloat16{}) : narrowed(x, Float16{}), HalfBits);
        std::memcpy(half(offset + i), &bits, 2 * static_cast<size_t>(lanes));
      }
    }
  }

  char* data_;
  int32_t dtype_;
};

// A dense array to read as T: the memory itself, or a converted copy. Null stays null.
template <class T>
class Whole {
 public:
  Whole(const void* data, int32_t dtype, int64_t count)
      : copy_(data && !Array<T>(data, dtype).direct() ? count : 0), data_(copy_.get()) {
    const Array<T> array(data, dtype);
    if (!data || array.direct())
      data_ = array.at(0);
    else
      array.read(0, count, copy_.get());
  }
  const T* get() const { return data_; }

 private:
  Buffer<T> copy_;
  const T* data_;
};

}  // namespace recur
