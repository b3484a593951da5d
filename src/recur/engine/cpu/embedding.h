// Rows of a table by number, and the way back: the gradient of each row summed over its tokens.
//
// Back, a thread owns a range of columns and walks all tokens in order. So no two threads write one
// number, the sums do not depend on how many threads there are, and a token that is hit thousands of
// times (padding) loads no thread more than another.
//
// Tried without gain: keeping the row in registers while the token repeats, prefetching the row of
// the eighth token ahead (each 5 to 30% slower than this loop; the table is in the second cache).
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

#include "threads.h"

namespace recur {

constexpr int64_t kCacheLine = 64;
// Fewer numbers than this for a thread, and waking it costs more than it saves.
constexpr int64_t kWorthAThread = 16384;

inline bool within(int64_t token, int64_t rows) {
  return static_cast<uint64_t>(token) < static_cast<uint64_t>(rows);
}

// How many threads share `numbers`, in at most `parts` parts.
inline int threads_worth(int64_t threads, int64_t numbers, int64_t parts) {
  return static_cast<int>(
      std::max<int64_t>(1, std::min({threads, parts, numbers / kWorthAThread})));
}

// Copies the row of each token. False if a token is not below `rows`; nothing outside is read.
template <class T>
bool gather_rows(const T* table, const int64_t* tokens, int64_t count, int64_t rows,
                 int64_t columns, int64_t asked, T* out) {
  const int threads = threads_worth(asked, count * columns, count);
  std::atomic<bool> wrong{false};
  on_threads(threads, [&](int t) {
    const int64_t end = count * (t + 1) / threads;
    for (int64_t i = count * t / threads; i < end; ++i) {
      if (within(tokens[i], rows)) {
        const T* __restrict from = table + tokens[i] * columns;
        T* __restrict to = out + i * columns;
        for (int64_t j = 0; j < columns; ++j) to[j] = from[j];
      } else {
        wrong = true;
      }
    }
  });
  return !wrong;
}

// `table` becomes zero but where `tokens` point: there it is the sum of their rows of `gradient`, in
// the order of the tokens. The token `padding` adds nothing (-1: there is none).
template <class T>
void sum_rows(const T* gradient, const int64_t* tokens, int64_t count, int64_t rows,
              int64_t columns, int64_t padding, int64_t asked, T* table) {
  // Parts are whole cache lines, so that threads do not fight over one.
  constexpr int64_t line = kCacheLine / static_cast<int64_t>(sizeof(T));
  const int64_t lines = (columns + line - 1) / line;
  const int threads = threads_worth(asked, (count + rows) * columns, lines);
  on_threads(threads, [&](int part) {
    const int64_t from = lines * part / threads * line;
    const int64_t to = std::min(columns, lines * (part + 1) / threads * line);
    if (threads == 1) {
      std::fill_n(table, rows * columns, T(0));
    } else {
      for (int64_t row = 0; row < rows; ++row)
        std::fill(table + row * columns + from, table + row * columns + to, T(0));
    }
    for (int64_t i = 0; i < count; ++i) {
      if (tokens[i] == padding || !within(tokens[i], rows)) continue;
      T* __restrict sum = table + tokens[i] * columns;
      const T* __restrict add = gradient + i * columns;
      for (int64_t j = from; j < to; ++j) sum[j] += add[j];
    }
  });
}

}  // namespace recur
