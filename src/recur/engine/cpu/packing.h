// Weights as the loops read them, and the way back for their gradients.
//
// Units are taken in blocks of Cell::block vectors. Within a block the gates of the same units lie
// beside one another, so that a cell finds all it needs in registers after the product:
//
//   forward   [block][k][unit vector][gate][lane]          k: a feature of the input or the state
//   backward  [2 vectors of features][kk][2][lane]         kk: runs over [block][vector][gate][lane]
//
// The projection is a plain matrix: [2 vectors of outputs][k][2][lane], and the same for its way
// back.
#pragma once

#include <algorithm>

#include "memory.h"
#include "scan.h"
#include "storage.h"

namespace recur {

constexpr int kBackVectors = 2;

inline int64_t round_up(int64_t count, int64_t unit) { return (count + unit - 1) / unit * unit; }

// The widths of everything for a cell and a hidden size.
template <class Cell, class T>
struct Widths {
  static constexpr int NU = Cell::block;
  static constexpr int NX = NU * Cell::input_gates;
  static constexpr int NH = NU * Cell::state_gates;
  static constexpr int64_t L = kLanes<T>;
  static constexpr bool same_gates =
      Cell::shared_gates == Cell::input_gates && Cell::shared_gates == Cell::state_gates;

  Widths(int64_t hidden, int64_t projection)
      : hidden(hidden),
        outputs(projection ? projection : hidden),
        blocks(round_up(hidden, NU * L) / (NU * L)),
        units(round_up(hidden, kBackVectors * L)),
        state(round_up(outputs, kBackVectors * L)),
        x(blocks * NX * L),
        h(blocks * NH * L),
        saved(blocks * NU * Cell::saved * L),
        mark(state + (Cell::has_c ? units : 0)) {}

  int64_t hidden;
  int64_t outputs;  // size of the state that is put out: hidden, or the projection's
  int64_t blocks;
  int64_t units, state;  // hidden and outputs, padded
  int64_t x, h;          // gates fed by the input and by the state, padded
  int64_t saved;         // numbers kept for backward in each step
  int64_t mark;          // numbers of a checkpoint: the states before a step
};

template <class Cell, class T>
int64_t recurrent_bytes(const Widths<Cell, T>& w) {
  return w.h * w.outputs * static_cast<int64_t>(sizeof(T));
}

// So many bytes of weights leave no room for anything else in a core's own cache (1 MiB on the
// machines measured).
constexpr int64_t kOwnCache = 768 * 1024;

// The unit that vector u of a block begins with, and how many of its lanes are units at all.
template <class Cell, class T>
int64_t first_unit(int64_t block, int u) {
  return (block * Cell::block + u) * kLanes<T>;
}

inline int64_t within(int64_t count, int64_t first, int64_t lanes) {
  return std::clamp<int64_t>(count - first, 0, lanes);
}

// What lanes of padding are given: zeros, or the last row once more. An infinite feature times zero is
// NaN, and that would reach all units on the way back; as the last unit they are as finite as it is.
enum class Padding { kZero, kLast };

// Rows first .. first + rows - 1 of w (., depth) as a column of vectors, `stride` numbers apart.
template <class T>
RECUR_OUT_OF_LINE void pack_column(const T* w, int64_t depth, int64_t first, int64_t rows, int64_t stride,
                                   Padding padding, T* to) {
  constexpr int64_t L = kLanes<T>;
  const int64_t last = padding == Padding::kLast ? rows - 1 : -1;
  for (int64_t k = 0; k < depth; k += L) {
    Vec<T> v[L];
    for (int64_t lane = 0; lane < L; ++lane) {
      const int64_t row = lane < rows ? lane : last;
      v[lane] = row < 0 ? Vec<T>{} : load_some(w + (first + row) * depth + k, depth - k);
    }
    transpose<T>(v);
    for (int64_t i = 0, n = within(depth, k, L); i < n; ++i) store(to + (k + i) * stride, v[i]);
  }
}

// The inverse, for the sum of the threads' parts.
template <class T>
RECUR_OUT_OF_LINE void unpack_column(const T* const* parts, int threads, int64_t at, int64_t stride,
                   int64_t depth, int64_t first, int64_t rows, const Array<T>& w) {
  constexpr int64_t L = kLanes<T>;
  for (int64_t k = 0; k < depth; k += L) {
    Vec<T> v[L]{};
    for (int64_t i = 0, n = within(depth, k, L); i < n; ++i) {
      v[i] = load(parts[0] + at + (k + i) * stride);
      for (int p = 1; p < threads; ++p) v[i] += load(parts[p] + at + (k + i) * stride);
    }
    transpose<T>(v);
    for (int64_t lane = 0; lane < rows; ++lane)
      w.put((first + lane) * depth + k, v[lane], depth - k);
  }
}

// Packs one block of w (gates * hidden, depth) for the forward product.
template <class Cell, class T>
void pack_block(const T* w, int64_t hidden, int64_t depth, int gates, int64_t block,
                T* to) {
  constexpr int64_t L = kLanes<T>;
  const int64_t width = Cell::block * gates * L;
  to += block * depth * width;
  for (int u = 0; u < Cell::block; ++u) {
    const int64_t unit = first_unit<Cell, T>(block, u), rows = within(hidden, unit, L);
    for (int g = 0; g < gates; ++g)
      pack_column(w, depth, g * hidden + unit, rows, width, Padding::kLast,
                  to + (u * gates + g) * L);
  }
}

// The inverse for a gradient: dw (gates * hidden, depth) from the sum of the threads' blocks.
template <class Cell, class T>
void unpack_block(const T* const* parts, int threads, int64_t hidden, int64_t depth,
                  int gates, int64_t block, const Array<T>& dw) {
  constexpr int64_t L = kLanes<T>;
  const int64_t width = Cell::block * gates * L;
  for (int u = 0; u < Cell::block; ++u) {
    const int64_t unit = first_unit<Cell, T>(block, u), rows = within(hidden, unit, L);
    for (int g = 0; g < gates; ++g)
      unpack_column(parts, threads, block * depth * width + (u * gates + g) * L, width, depth,
                    g * hidden + unit, rows, dw);
  }
}

// The biases' gradient (gates * hidden) from the sum of the threads' parts.
template <class Cell, class T>
void unpack_bias(const T* const* parts, int threads, int64_t hidden, int gates,
                 int64_t block, const Array<T>& db) {
  constexpr int64_t L = kLanes<T>;
  for (int u = 0; u < Cell::block; ++u) {
    const int64_t unit = first_unit<Cell, T>(block, u);
    for (int g = 0; g < gates; ++g) {
      const int64_t at = ((block * Cell::block + u) * gates + g) * L;
      Vec<T> sum = load(parts[0] + at);
      for (int p = 1; p < threads; ++p) sum += load(parts[p] + at);
      if (const int64_t rows = within(hidden, unit, L)) db.put(g * hidden + unit, sum, rows);
    }
  }
}

// Features first .. of the rows of w (., depth), `count` rows from `row`, as kBackVectors vectors.
template <class T>
void pack_rows(const T* w, int64_t depth, int64_t row, int64_t count, int64_t first,
               T* to) {
  constexpr int64_t L = kLanes<T>;
  for (int64_t i = 0; i < count; ++i, to += kBackVectors * L)
    for (int v = 0; v < kBackVectors; ++v)
      store(to + v * L, load_some(w + (row + i) * depth + first + v * L,
                             within(depth, first + v * L, L)));
}

// Packs kBackVectors vectors of features, from `first` on, for the backward product.
template <class Cell, class T>
void pack_back(const T* w, int64_t hidden, int64_t blocks, int64_t depth, int gates, int64_t first,
               T* to) {
  constexpr int64_t L = kLanes<T>, width = kBackVectors * L;
  for (int64_t block = 0; block < blocks; ++block)
    for (int u = 0; u < Cell::block; ++u) {
      const int64_t unit = first_unit<Cell, T>(block, u), rows = within(hidden, unit, L);
      for (int g = 0; g < gates; ++g, to += L * width) {
        pack_rows(w, depth, g * hidden + unit, rows, first, to);
        std::fill_n(to + rows * width, (L - rows) * width, T(0));
      }
    }
}

// Biases as the forward product starts from them. Where the two halves of a gate meet, both biases
// go with the input's.
template <class Cell, class T>
void pack_biases(const T* b_ih, const T* b_hh, int64_t hidden, int64_t blocks, T* to_x,
                 T* to_h) {
  constexpr int64_t L = kLanes<T>;
  for (int64_t block = 0; block < blocks; ++block)
    for (int u = 0; u < Cell::block; ++u) {
      const int64_t unit = first_unit<Cell, T>(block, u), rows = within(hidden, unit, L);
      auto part = [&](const T* bias, int g) {
        return bias ? load_some(bias + g * hidden + unit, rows) : Vec<T>{};
      };
      for (int g = 0; g < Cell::input_gates; ++g, to_x += L)
        store(to_x, g < Cell::shared_gates ? part(b_ih, g) + part(b_hh, g) : part(b_ih, g));
      for (int g = 0; g < Cell::state_gates; ++g, to_h += L)
        store(to_h, g < Cell::shared_gates ? Vec<T>{} : part(b_hh, g));
    }
}

}  // namespace recur
