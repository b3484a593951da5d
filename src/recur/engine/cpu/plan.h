// Which steps exist, and who walks them.
//
// A row of the batch is taken as the sequence of its existing steps, in the order of the walk. So
// lengths, masks of any shape and the direction are settled here, once: the loops only see rows of
// different length, sorted so that the rows still walking are always the first ones.
#pragma once

#include <algorithm>
#include <numeric>
#include <vector>

#include "scan.h"
#include "storage.h"

namespace recur {

struct Row {
  int64_t batch;   // its index in the batch
  int64_t steps;   // existing steps
  int64_t offset;  // of its first step in `saved`, counted in steps
  int64_t marks;   // of its first checkpoint in `saved`, counted in checkpoints
};

class Plan {
 public:
  explicit Plan(const recur_scan& p) : p_(p), rows_(static_cast<size_t>(p.batch)) {
    int64_t offset = 0, marks = 0;
    for (int64_t b = 0; b < p.batch; ++b) {
      // Whoever calls has checked the lengths, or not: no memory beyond is touched.
      const int64_t within = p.lengths ? std::clamp<int64_t>(p.lengths[b], 0, p.time) : p.time;
      int64_t steps = within;
      if (p.mask) {
        steps = 0;
        for (int64_t t = 0; t < within; ++t) {
          if (!p.mask[t * p.batch + b]) continue;
          times_.push_back(t);
          ++steps;
        }
      }
      rows_[static_cast<size_t>(b)] = {b, steps, offset, marks};
      offset += steps;
      if (p.every) marks += (steps + p.every - 1) / p.every;
    }
    std::stable_sort(rows_.begin(), rows_.end(),
                     [](const Row& a, const Row& b) { return a.steps > b.steps; });
  }

  // Longest first, dealt in turn: every group gets its share of long and short rows, always the same
  // ones for the same number of groups.
  std::vector<std::vector<Row>> dealt(int groups) const {
    std::vector<std::vector<Row>> all(static_cast<size_t>(groups));
    for (size_t r = 0; r < rows_.size(); ++r) all[r % all.size()].push_back(rows_[r]);
    return all;
  }

  // The time of the j-th step of the walk over a row.
  int64_t time_of(const Row& row, int64_t j) const {
    const int64_t forward = p_.reverse ? row.steps - 1 - j : j;
    return p_.mask ? times_[static_cast<size_t>(row.offset + forward)] : forward;
  }

  bool starts(const Row& row, int64_t j) const {
    return p_.starts && p_.starts[time_of(row, j) * p_.batch + row.batch];
  }

  bool exists(int64_t t, int64_t b) const {
    return (!p_.lengths || t < p_.lengths[b]) && (!p_.mask || p_.mask[t * p_.batch + b]);
  }

 private:
  const recur_scan& p_;
  std::vector<Row> rows_;
  std::vector<int64_t> times_;  // with a mask: the existing steps, row after row
};

// Zeros in a (T, B, size) array where no step exists, for the rows of one thread.
template <class T>
void clear_missing(const recur_scan& p, const Plan& plan, const std::vector<Row>& rows,
                   const Array<T>& array, int64_t by_time, int64_t by_batch, int64_t size) {
  if (!array || (!p.lengths && !p.mask)) return;
  for (const Row& row : rows)
    for (int64_t t = 0; t < p.time; ++t)
      if (!plan.exists(t, row.batch)) array.clear(t * by_time + row.batch * by_batch, size);
}

// The steps of all these rows.
inline int64_t steps_of(const std::vector<Row>& rows) {
  return std::accumulate(rows.begin(), rows.end(), int64_t{0},
                         [](int64_t sum, const Row& row) { return sum + row.steps; });
}

// Rows that walk step j: a prefix, since they are sorted.
inline int64_t active(const std::vector<Row>& rows, int64_t j) {
  return std::partition_point(rows.begin(), rows.end(),
                              [j](const Row& row) { return row.steps > j; }) -
         rows.begin();
}

// A run of steps [from, to) taken together, so that the products which need no order in time work
// on many rows at once while their data is in the cache.
struct Chunk {
  int64_t from, to;
  std::vector<int64_t> first;  // of each step, its first row; one more for the end
};

// The chunk that begins at `from`, ends at `to` at the latest and holds about `room` rows, at least
// one step.
inline Chunk chunk_from(const std::vector<Row>& rows, int64_t from, int64_t to, int64_t room) {
  Chunk chunk{from, from, {0}};
  while (chunk.to < to) {
    const int64_t next = chunk.first.back() + active(rows, chunk.to);
    if (chunk.to > from && next > room) break;
    chunk.first.push_back(next);
    ++chunk.to;
  }
  return chunk;
}

// Calls f(j, r, index) for every step and row of a chunk, `index` counting the chunk's rows in the
// order of their steps; in the order in which an array with these strides lies in memory.
template <class F>
RECUR_INLINE void for_chunk(const Chunk& chunk, const std::vector<Row>& rows, int64_t by_time,
                            int64_t by_batch, F&& f) {
  if (by_time < by_batch) {
    for (int64_t r = 0, n = active(rows, chunk.from); r < n; ++r)
      for (int64_t j = chunk.from, to = std::min(chunk.to, rows[r].steps); j < to; ++j)
        f(j, r, chunk.first[j - chunk.from] + r);
  } else {
    for (int64_t j = chunk.from; j < chunk.to; ++j)
      for (int64_t first = chunk.first[j - chunk.from], r = 0,
                   n = chunk.first[j - chunk.from + 1] - first;
           r < n; ++r)
        f(j, r, first + r);
  }
}

}  // namespace recur
