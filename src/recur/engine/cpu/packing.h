// Weights as the loops read them, and the way back for their gradients.
//
// Units are taken in blocks of Cell::block vectors. Within a block the gates of the same units lie
// beside one another, so that a cell finds all it needs in registers after the product:
//
//   forward   [block][k][unit vector][gate][lane]          k: a feature of the input or the state
//   backward  [2 vectors of features][kk][2][lane]         kk: runs over [block][vector][gate][lane]
#pragma once

#include "memory.h"
#include "scan.h"
#include "vector.h"

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

  explicit Widths(int64_t hidden)
      : hidden(hidden),
        blocks(round_up(hidden, NU * L) / (NU * L)),
        units(round_up(hidden, kBackVectors * L)),
        x(blocks * NX * L),
        h(blocks * NH * L),
        saved(blocks * NU * Cell::saved * L) {}

  int64_t hidden;
  int64_t blocks;
  int64_t units;  // hidden, padded
  int64_t x, h;   // gates fed by the input and by the state, padded
  int64_t saved;  // numbers kept for backward in each step
};

// Where gate g of unit (block, vector u, lane) stands in a weight's rows; -1 for padding.
template <class Cell, class T>
int64_t weight_row(int64_t hidden, int64_t block, int u, int g, int64_t lane) {
  const int64_t unit = (block * Cell::block + u) * kLanes<T> + lane;
  return unit < hidden ? g * hidden + unit : -1;
}

// Packs one block of w (gates * hidden, depth) for the forward product.
template <class Cell, class T>
void pack_block(const T* w, int64_t hidden, int64_t depth, int gates, int64_t block, T* to) {
  const int64_t lanes = kLanes<T>, width = Cell::block * gates * lanes;
  to += block * depth * width;
  for (int u = 0; u < Cell::block; ++u)
    for (int g = 0; g < gates; ++g)
      for (int64_t lane = 0; lane < lanes; ++lane) {
        const int64_t row = weight_row<Cell, T>(hidden, block, u, g, lane);
        T* column = to + (u * gates + g) * lanes + lane;
        for (int64_t k = 0; k < depth; ++k) column[k * width] = row < 0 ? T(0) : w[row * depth + k];
      }
}

// The inverse for a gradient: dw (gates * hidden, depth) from the sum of the threads' blocks.
template <class Cell, class T>
void unpack_block(const T* const* parts, int threads, int64_t hidden, int64_t depth, int gates,
                  int64_t block, T* dw) {
  const int64_t lanes = kLanes<T>, width = Cell::block * gates * lanes;
  for (int u = 0; u < Cell::block; ++u)
    for (int g = 0; g < gates; ++g)
      for (int64_t lane = 0; lane < lanes; ++lane) {
        const int64_t row = weight_row<Cell, T>(hidden, block, u, g, lane);
        if (row < 0) continue;
        for (int64_t k = 0; k < depth; ++k) {
          const int64_t at = (block * depth + k) * width + (u * gates + g) * lanes + lane;
          T sum = parts[0][at];
          for (int i = 1; i < threads; ++i) sum += parts[i][at];
          dw[row * depth + k] = sum;
        }
      }
}

// Packs kBackVectors vectors of features, from `first` on, for the backward product.
template <class Cell, class T>
void pack_back(const T* w, const Widths<Cell, T>& widths, int64_t depth, int gates, int64_t first,
               T* to) {
  const int64_t lanes = kLanes<T>, width = kBackVectors * lanes;
  int64_t kk = 0;
  for (int64_t block = 0; block < widths.blocks; ++block)
    for (int u = 0; u < Cell::block; ++u)
      for (int g = 0; g < gates; ++g)
        for (int64_t lane = 0; lane < lanes; ++lane, ++kk) {
          const int64_t row = weight_row<Cell, T>(widths.hidden, block, u, g, lane);
          for (int64_t n = 0; n < width; ++n)
            to[kk * width + n] = row < 0 || first + n >= depth ? T(0) : w[row * depth + first + n];
        }
}

// Biases as the forward product starts from them. Where the two halves of a gate meet, both biases
// go with the input's.
template <class Cell, class T>
void pack_biases(const T* b_ih, const T* b_hh, const Widths<Cell, T>& widths, T* to_x, T* to_h) {
  const int64_t lanes = kLanes<T>;
  for (int64_t block = 0; block < widths.blocks; ++block)
    for (int u = 0; u < Cell::block; ++u)
      for (int64_t lane = 0; lane < lanes; ++lane) {
        for (int g = 0; g < Cell::input_gates; ++g) {
          const int64_t row = weight_row<Cell, T>(widths.hidden, block, u, g, lane);
          T sum = row < 0 || !b_ih ? T(0) : b_ih[row];
          if (g < Cell::shared_gates && row >= 0 && b_hh) sum += b_hh[row];
          to_x[((block * Cell::block + u) * Cell::input_gates + g) * lanes + lane] = sum;
        }
        for (int g = Cell::shared_gates; g < Cell::state_gates; ++g) {
          const int64_t row = weight_row<Cell, T>(widths.hidden, block, u, g, lane);
          to_h[((block * Cell::block + u) * Cell::state_gates + g) * lanes + lane] =
              row < 0 || !b_hh ? T(0) : b_hh[row];
        }
      }
}

}  // namespace recur
