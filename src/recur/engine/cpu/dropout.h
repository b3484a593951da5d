// Dropout of what W_hh reads, the same at every step: of h once for all gates, or for each gate by a
// mask of its own. (Y. Gal, Z. Ghahramani, arXiv:1512.05287: tied and untied weights.)
#pragma once

#include <algorithm>

#include "scan.h"
#include "cells/vector.h"

namespace recur {

template <class T>
class Dropout {
  static constexpr int64_t L = kLanes<T>;

 public:
  // width: of a state, padded.
  Dropout(const recur_scan& p, const recur_extras& e, int64_t width)
      : keep_(static_cast<const T*>(e.keep)),
        hidden_(p.hidden),
        width_(width),
        masks_(e.keep ? e.keep_gates : 0) {}
  static bool by_gate(const recur_extras& e) { return e.keep && e.keep_gates > 1; }

  bool any() const { return masks_ > 0; }
  bool by_gate() const { return masks_ > 1; }
  // What W_hh reads of a row of the batch, [mask][unit]: its numbers, and where those of gate g begin.
  int64_t row() const { return std::max<int64_t>(masks_, 1) * width_; }
  int64_t first(int64_t g) const { return by_gate() ? g * width_ : 0; }
  RECUR_INLINE void read(int64_t batch, const T* h, T* to) const {
    for (int64_t g = 0; g < masks_; ++g, to += width_)
      for (int64_t unit = 0; unit < hidden_; unit += L)
        store(to + unit, load(h + unit) * mask(batch, g, unit));
  }

  // A vector of gate g's mask; zeros beyond the units.
  RECUR_INLINE Vec<T> mask(int64_t batch, int64_t g, int64_t unit) const {
    const int64_t which = batch * masks_ + (by_gate() ? g : 0);
    return load_some(keep_ + which * hidden_ + unit, std::max<int64_t>(hidden_ - unit, 0));
  }

 private:
  const T* keep_;
  int64_t hidden_, width_, masks_;
};

}  // namespace recur
