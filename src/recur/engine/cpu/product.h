// The two products that everything here is made of, on a tile that stays in registers.
//
//   rows_product:   acc[m][v] += sum_k a[m][k] * b[k][v]   rows of numbers times packed weights
//   outer_product:  acc[m][v] += sum_k a[k][m] * b[k][v]   features times gate gradients: dW
//
// m counts the tile's rows (at most kTileRows), v its vectors.
#pragma once

#include <algorithm>
#include <utility>

#include "cells/vector.h"

namespace recur {

// Registers: 32 with 64-byte vectors, 16 otherwise; a few are left for b and the broadcast of a.
constexpr int kAccumulators = RECUR_VECTOR_BYTES == 64 ? 24 : 12;

template <int NV>
constexpr int kTileRows = kAccumulators / NV;

// kFetch: the vectors from `next` on are fetched to the second-level cache meanwhile, one for each k.
template <class T, int MR, int NV, bool kFetch = false>
RECUR_INLINE void rows_product(Vec<T> (&acc)[MR][NV], const T* a, int64_t a_row, const T* b,
                               int64_t b_row, int64_t depth, const T* next = nullptr) {
  for (int64_t k = 0; k < depth; ++k, b += b_row) {
    if constexpr (kFetch) __builtin_prefetch(next + k * kLanes<T>, 0, 2);
    Vec<T> bv[NV];
#pragma GCC unroll 8
    for (int v = 0; v < NV; ++v) bv[v] = load(b + v * kLanes<T>);
#pragma GCC unroll 32
    for (int m = 0; m < MR; ++m) {
      const Vec<T> av = broadcast(a[m * a_row + k]);
#pragma GCC unroll 8
      for (int v = 0; v < NV; ++v) acc[m][v] += av * bv[v];
    }
  }
}

template <class T, int MR, int NV>
RECUR_INLINE void outer_product(Vec<T> (&acc)[MR][NV], const T* a, int64_t a_row, const T* b,
                                int64_t b_row, int64_t depth) {
  for (int64_t k = 0; k < depth; ++k, a += a_row, b += b_row) {
    Vec<T> bv[NV];
#pragma GCC unroll 8
    for (int v = 0; v < NV; ++v) bv[v] = load(b + v * kLanes<T>);
#pragma GCC unroll 32
    for (int m = 0; m < MR; ++m) {
      const Vec<T> av = broadcast(a[m]);
#pragma GCC unroll 8
      for (int v = 0; v < NV; ++v) acc[m][v] += av * bv[v];
    }
  }
}

// The weights of a panel after this one, for the tiles of this one to fetch: each a `part` of them, as
// many as there are parts.
template <class T>
class NextPanel {
 public:
  NextPanel(const T* panel, int64_t part, int parts) : at_(panel), part_(part), left_(parts) {}
  const T* take() {
    const T* here = at_;
    if (--left_ > 0) at_ += part_;
    return here;
  }

 private:
  const T* at_;
  int64_t part_;
  int left_;
};

// Calls f(std::integral_constant<int, M>, first) for tiles that cover 0 .. count - 1. The tiles are
// as even as they can be: 16 rows at most 6 high are 6 + 5 + 5, not 6 + 6 + 4.
template <int MR, class F, int... I>
RECUR_INLINE void call_with_size(int size, F&& f, std::integer_sequence<int, I...>) {
  (void)((size == I + 1 ? (f(std::integral_constant<int, I + 1>{}), true) : false) || ...);
}

template <int MR, class F>
RECUR_INLINE void for_tiles(int64_t count, F&& f) {
  int64_t tiles = (count + MR - 1) / MR;
  for (int64_t first = 0; tiles > 0; --tiles) {
    const int size = static_cast<int>((count - first + tiles - 1) / tiles);
    call_with_size<MR>(size, [&](auto rows) { f(rows, first); },
                       std::make_integer_sequence<int, MR>{});
    first += size;
  }
}

}  // namespace recur
