// Which units zoneout keeps: a hash of the seed, the step, the row, the state and the unit, so that a
// walk back finds the same ones and nothing is stored. The same in recur/engine/chance.py.
#pragma once

#include <algorithm>
#include <cstdint>

#include "storage.h"

namespace recur {

// The finalizer of splitmix64 (G. L. Steele Jr., D. Lea, C. H. Flood, OOPSLA 2014).
inline uint64_t mixed(uint64_t x) {
  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
  x = (x ^ x >> 27) * 0x94d049bb133111ebu;
  return x ^ x >> 31;
}

// 1 where a unit stays as it was, else 0: each with probability `share`. `place`: of the step, the
// row and the state among all. `to` has room for whole vectors.
template <class T>
void kept_units(int64_t seed, int64_t place, double share, int64_t units, T* to) {
  const uint64_t key = mixed(static_cast<uint64_t>(seed) +
                             (static_cast<uint64_t>(place) + 1) * 0x9e3779b97f4a7c15u);
  const uint32_t low = static_cast<uint32_t>(key), high = static_cast<uint32_t>(key >> 32);
  const uint32_t below = static_cast<uint32_t>(share * 4294967296.0);
  constexpr int64_t kCount = RECUR_VECTOR_BYTES / 4;
  Bits unit;
  for (int i = 0; i < kCount; ++i) unit[i] = static_cast<uint32_t>(i);
  for (int64_t first = 0; first < units; first += kCount, unit += kCount) {
    // The finalizer of MurmurHash3 (A. Appleby), with half of the key before and half within.
    Bits x = unit * 0x9e3779b1u + low;
    x = (x ^ x >> 16) * 0x85ebca6bu;
    x = ((x ^ x >> 13) + high) * 0xc2b2ae35u;
    x ^= x >> 16;
    if constexpr (sizeof(T) == 4) {
      store(to + first, x < below ? Vec<T>{} + 1 : Vec<T>{});
    } else {
      for (int64_t i = 0; i < std::min(kCount, units - first); ++i) to[first + i] = x[i] < below;
    }
  }
}

}  // namespace recur
