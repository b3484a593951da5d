// One vector of numbers, as wide as the instruction set this file is compiled for
// (RECUR_VECTOR_BYTES), and the functions that cells are made of.
//
// Written with the vector extensions of GCC and Clang, so that one source serves every instruction
// set, float and double.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <utility>

#if defined(__AVX512F__)
#include <immintrin.h>
#endif

#ifndef RECUR_VECTOR_BYTES
#error "compile with -DRECUR_VECTOR_BYTES=16, 32 or 64"
#endif

#define RECUR_INLINE inline __attribute__((always_inline))
#define RECUR_OUT_OF_LINE __attribute__((noinline))

namespace recur {

template <class T>
struct Vector {
  typedef T type __attribute__((vector_size(RECUR_VECTOR_BYTES)));
  static constexpr int lanes = RECUR_VECTOR_BYTES / sizeof(T);
};

template <class T>
using Vec = typename Vector<T>::type;

template <class T>
constexpr int64_t kLanes = Vector<T>::lanes;

template <class T>
RECUR_INLINE Vec<T> load(const T* from) {
  Vec<T> v;
  std::memcpy(&v, from, sizeof v);
  return v;
}

template <class T>
RECUR_INLINE void store(T* to, Vec<T> v) {
  std::memcpy(to, &v, sizeof v);
}

// The first `count` lanes; the others are zero, and no memory beyond is touched.
template <class T>
RECUR_INLINE Vec<T> load_some(const T* from, int64_t count) {
  if (count >= kLanes<T>) return load(from);
  Vec<T> v{};
  std::memcpy(&v, from, sizeof(T) * static_cast<size_t>(count));
  return v;
}

template <class T>
RECUR_INLINE void store_some(T* to, Vec<T> v, int64_t count) {
  if (count >= kLanes<T>) return store(to, v);
  std::memcpy(to, &v, sizeof(T) * static_cast<size_t>(count));
}

// Asks for numbers that will be read soon, or written; kNear 3: to the core's first cache, 2: to its
// second.
template <bool kToWrite = false, int kNear = 3, class T>
RECUR_INLINE void fetch_ahead(const T* row, int64_t count) {
  constexpr int64_t kLine = 64 / sizeof(T);
  for (int64_t k = 0; k < count; k += kLine) __builtin_prefetch(row + k, kToWrite, kNear);
}

template <class T>
RECUR_INLINE Vec<T> broadcast(T value) {
  // Less zero is no operation; plus zero is one, since it makes 0 of -0, and takes the units that
  // products need.
  return value - Vec<T>{};
}

template <class V>
RECUR_INLINE V relu(V x) {
  return x < V{} ? V{} : x;  // NaN stays NaN, as in PyTorch
}

// Lane by lane a[0] b[0] a[1] b[1] ..., the first half of it or the second.
template <class T, int kHalf, int... I>
RECUR_INLINE Vec<T> interleaved(Vec<T> a, Vec<T> b, std::integer_sequence<int, I...>) {
  constexpr int L = kLanes<T>;
  return __builtin_shufflevector(a, b, (I / 2 + kHalf * L / 2 + I % 2 * L)...);
}

// Rows become columns. Each round pairs row i with row i + L/2, as one shuffles cards.
template <class T>
RECUR_INLINE void transpose(Vec<T> (&rows)[kLanes<T>]) {
  constexpr int L = kLanes<T>;
  constexpr auto lanes = std::make_integer_sequence<int, L>{};
  for (int done = 1; done < L; done *= 2) {
    Vec<T> next[L];
#pragma GCC unroll 16
    for (int i = 0; i < L / 2; ++i) {
      next[2 * i] = interleaved<T, 0>(rows[i], rows[i + L / 2], lanes);
      next[2 * i + 1] = interleaved<T, 1>(rows[i], rows[i + L / 2], lanes);
    }
#pragma GCC unroll 16
    for (int i = 0; i < L; ++i) rows[i] = next[i];
  }
}

// Comparisons are written so that NaN goes through unchanged.
template <class T>
RECUR_INLINE Vec<T> clamp(Vec<T> x, T low, T high) {
  x = x < broadcast<T>(low) ? broadcast<T>(low) : x;
  return x > broadcast<T>(high) ? broadcast<T>(high) : x;
}

#if RECUR_VECTOR_BYTES == 64
// Where comparing and choosing are two operations, and one that does both gives its second operand
// for NaN. (Masked by nothing: GCC warns of the plain ones.)
RECUR_INLINE Vec<float> clamp(Vec<float> x, float low, float high) {
  constexpr __mmask16 all = 0xffff;
  return _mm512_maskz_min_ps(all, broadcast(high), _mm512_maskz_max_ps(all, broadcast(low), x));
}
#endif

// e^(kTimes x) by kTimes x = n ln 2 + kTimes r, |kTimes r| <= ln 2 / 2, as scale + scale * p * r, where
// scale = 2^n and p is a polynomial for (e^(kTimes r) - 1) / r: the Chebyshev fit of degree 5 on that
// interval (mpmath.chebyfit), greatest error 1.2e-8. The caller keeps |kTimes x| below 87.
template <int kTimes>
RECUR_INLINE void split_exp(Vec<float> x, Vec<float>& scale, Vec<float>& p, Vec<float>& r) {
  typedef int32_t Int __attribute__((vector_size(RECUR_VECTOR_BYTES)));
  constexpr float k = kTimes;                // a power of two, so that nothing below is rounded
  constexpr float shifter = 12582912.0f;  // 1.5 * 2^23: adding it rounds to an integer in the low bits
  const Vec<float> shifted = x * (1.44269504088896341f * k) + shifter;
  const Vec<float> n = shifted - shifter;
  // ln 2 in two parts, the first with trailing zeros so that its product with n is exact.
  r = (x - n * (0.693145751953125f / k)) - n * (1.428606765330187e-06f / k);
  p = r * (1.3934541928e-3f * k * k * k * k * k * k) + 8.3698697542e-3f * k * k * k * k * k;
  p = p * r + 4.1666456810e-2f * k * k * k * k;
  p = p * r + 1.6666498699e-1f * k * k * k;
  p = p * r + 5.0000000143e-1f * k * k;
  p = p * r + k;
  Int bits;
  std::memcpy(&bits, &shifted, sizeof bits);
  bits = (bits << 23) + (127 << 23);
  std::memcpy(&scale, &bits, sizeof scale);
}

// Greatest error over all floats whose result is above 2^-124: sigmoid 2.3 units in the last place,
// tanh 3.2 (tests/engine/test_curves.py). Tried without gain: estimating 1 / b and one step of Newton's in
// place of the division.
RECUR_INLINE Vec<float> sigmoid(Vec<float> x) {
  Vec<float> scale, p, r;
  split_exp<1>(-clamp(x, -86.0f, 86.0f), scale, p, r);
  return 1.0f / (scale * (p * r + 1.0f) + 1.0f);
}

// tanh x = (e^2x - 1) / (e^2x + 1); e^2x - 1 is summed without cancellation near 0.
RECUR_INLINE Vec<float> tanh(Vec<float> x) {
  Vec<float> scale, p, r;
  split_exp<2>(clamp(x, -10.0f, 10.0f), scale, p, r);
  const Vec<float> minus_one = scale * (p * r) + (scale - 1.0f);
  return minus_one / (minus_one + 2.0f);
}

// e^x for x <= 0; below -86 what it is there.
RECUR_INLINE Vec<float> exp_below(Vec<float> x) {
  Vec<float> scale, p, r;
  split_exp<1>(clamp(x, -86.0f, 0.0f), scale, p, r);
  return scale * (p * r + 1.0f);
}

// log(1 + e) for 0 <= e <= 1 by the series of 2 artanh(e / (2 + e)); what is left out is below
// 2e-9 of it.
RECUR_INLINE Vec<float> log1p_unit(Vec<float> e) {
  const Vec<float> t = e / (e + 2.0f), s = t * t;
  Vec<float> sum = s * (1.0f / 15) + 1.0f / 13;
  sum = sum * s + 1.0f / 11;
  sum = sum * s + 1.0f / 9;
  sum = sum * s + 1.0f / 7;
  sum = sum * s + 1.0f / 5;
  sum = sum * s + 1.0f / 3;
  sum = sum * s + 1.0f;
  return t * sum * 2.0f;
}

// In double the library's functions serve: this type is for checking, not for speed.
RECUR_INLINE Vec<double> sigmoid(Vec<double> x) {
  for (int lane = 0; lane < kLanes<double>; ++lane) x[lane] = 1.0 / (1.0 + std::exp(-x[lane]));
  return x;
}

RECUR_INLINE Vec<double> tanh(Vec<double> x) {
  for (int lane = 0; lane < kLanes<double>; ++lane) x[lane] = std::tanh(x[lane]);
  return x;
}

RECUR_INLINE Vec<double> exp_below(Vec<double> x) {
  for (int lane = 0; lane < kLanes<double>; ++lane) x[lane] = std::exp(x[lane]);
  return x;
}

RECUR_INLINE Vec<double> log1p_unit(Vec<double> e) {
  for (int lane = 0; lane < kLanes<double>; ++lane) e[lane] = std::log1p(e[lane]);
  return e;
}

}  // namespace recur
