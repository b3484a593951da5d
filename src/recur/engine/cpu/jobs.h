// Walks as work for threads. A job is one direction: `pack` its weights in pieces, `walk` on threads
// (told whether all of them run at once, so that they may wait for one another), `put_together` the
// results in pieces. And what both kinds of walks need to choose their types.
#pragma once

#include <algorithm>
#include <new>

#include "scan.h"
#include "storage.h"
#include "threads.h"

namespace recur {

// Jobs side by side, each on threads of its own.
template <class Job>
void work(Job* const* jobs, int count) {
  int threads = 0;
  int64_t pieces = 0, results = 0, numbers = 0;
  for (int i = 0; i < count; ++i) {
    threads += jobs[i]->threads();
    numbers += jobs[i]->numbers();
    pieces += jobs[i]->pieces();
    results += jobs[i]->results();
  }
  // Small weights are packed sooner than a team is gathered.
  const int packers = numbers < kWorthATeam ? 1 : threads;
  share(packers, pieces, [&](int64_t piece) {
    Job* const* job = jobs;
    for (; piece >= (*job)->pieces(); ++job) piece -= (*job)->pieces();
    (*job)->pack(piece);
  });
  on_threads_together(threads, [&](int t, bool together) {
    Job* const* job = jobs;
    for (; t >= (*job)->threads(); ++job) t -= (*job)->threads();
    (*job)->walk(t, together);
  });
  share(packers, results, [&](int64_t result) {
    Job* const* job = jobs;
    for (; result >= (*job)->results(); ++job) result -= (*job)->results();
    (*job)->put_together(result);
  });
}

// How many of these threads get rows of their own.
inline int with_rows(const recur_scan& p, int threads) {
  return static_cast<int>(std::clamp<int64_t>(p.batch, 1, threads));
}

// One direction, or two: side by side where the threads divide evenly among them or the rows are
// too few for all threads, and one does not want all threads; else one after the other. A job is made of walks[i], its other part
// extras[i] where there is one, and the number of threads that it may take.
template <class Job, class... Extras>
void walk_all(const recur_scan* walks, int64_t count, const Extras*... extras) {
  const int threads = std::max<int>(1, walks->threads);
  if (count == 2 && threads > 1 && (threads % 2 == 0 || walks->batch < threads) &&
      !Job::wants_all(*walks, threads)) {
    Job first(walks[0], extras[0]..., threads - threads / 2);
    Job second(walks[1], extras[1]..., threads / 2);
    Job* const jobs[] = {&first, &second};
    return work(jobs, 2);
  }
  for (int64_t i = 0; i < count; ++i) {
    Job job(walks[i], extras[i]..., threads);
    Job* const jobs[] = {&job};
    work(jobs, 1);
  }
}

// Calls walk_back(walks, count) so that the directions may write their dx side by side; leaves the
// sum in the first one's.
template <class T, class F>
void with_dx_apart(const recur_scan* walks, int64_t count, F&& walk_back) {
  if (count == 1 || !walks[0].dx) return walk_back(walks, count);
  const recur_scan& p = walks[0];
  recur_scan two[] = {walks[0], walks[1]};
  const Array<T> dx(p.dx, p.dtype);
  Buffer<T> other((p.time * p.batch * p.inputs + 1) / (dx.direct() ? 1 : 2));
  const Array<T> more(other.get(), p.dtype);
  two[1].dx = other.get();
  two[1].dx_time = p.batch * p.inputs;
  two[1].dx_batch = p.inputs;
  walk_back(two, int64_t{2});
  const int threads = std::max<int>(1, p.threads);
  on_threads(threads, [&](int thread) {
    Buffer<T> a(p.inputs), b(p.inputs);
    for (int64_t row = thread; row < p.time * p.batch; row += threads) {
      const int64_t at = row / p.batch * p.dx_time + row % p.batch * p.dx_batch;
      dx.read(at, p.inputs, a.get());
      more.read(row * p.inputs, p.inputs, b.get());
      for (int64_t i = 0; i < p.inputs; ++i) a.get()[i] += b.get()[i];
      dx.write(at, p.inputs, a.get());
    }
  });
}

// Calls f with a number of the type that is computed with; false if there is no such type.
template <class F>
bool with_number(int32_t dtype, F&& f) {
  switch (dtype) {
    case RECUR_FLOAT64: f(double{}); return true;
    case RECUR_FLOAT32:
    case RECUR_BFLOAT16:
    case RECUR_FLOAT16: f(float{}); return true;
    default: return false;
  }
}

// The status of f, which says whether it knew what it was asked for.
template <class F>
int guarded(F&& f) {
  try {
    return f() ? RECUR_OK : RECUR_UNKNOWN;
  } catch (const std::bad_alloc&) {
    return RECUR_NO_MEMORY;
  }
}

}  // namespace recur
