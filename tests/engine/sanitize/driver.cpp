// Walks random problems through the engine's C interface and compares every number with the naive
// walk beside this file. Built under the compiler's sanitizers by `make sanitize`: they watch the
// engine's memory, arithmetic and threads, this program watches its results.
//
//   driver [problems of each cell and type]

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <memory>
#include <new>
#include <random>
#include <string>
#include <thread>

#include "engine/cpu/crowding.h"
#include "naive.h"

extern "C" {
int recur_embedding_forward(int32_t dtype, const void* table, const int64_t* tokens, int64_t count,
                            int64_t rows, int64_t columns, int64_t threads, void* out);
int recur_embedding_backward(int32_t dtype, const void* gradient, const int64_t* tokens,
                             int64_t count, int64_t rows, int64_t columns, int64_t padding,
                             int64_t threads, void* table);
}

namespace {

const double kNan = std::numeric_limits<double>::quiet_NaN();
const char* const kCells[] = {"rnn_tanh", "rnn_relu", "lstm", "gru"};
const double kCanary = 12345.5;  // what lies between the rows of a strided array must stay

// Memory requests until one fails; below 0: none does. One thread counts at a time.
std::atomic<long> requests_left{-1};
std::atomic<long> failed_requests{0};

bool refused() {
  if (requests_left.load() < 0) return false;
  if (requests_left.fetch_sub(1) > 0) return false;
  requests_left = -1;
  ++failed_requests;
  return true;
}

class Draw {
 public:
  explicit Draw(uint64_t seed) : random_(seed) {}
  int64_t below(int64_t count) {
    return static_cast<int64_t>(random_() % static_cast<uint64_t>(count));
  }
  bool chance(double part) { return static_cast<double>(below(1000)) < 1000 * part; }
  int64_t of(std::initializer_list<int64_t> values) {
    return values.begin()[below(static_cast<int64_t>(values.size()))];
  }
  double number() { return (static_cast<double>(below(2049)) - 1024) / 1024; }  // exact in float
  Numbers numbers(int64_t count, double scale) {
    Numbers all(static_cast<size_t>(count));
    for (double& each : all) each = static_cast<float>(number() * scale);
    return all;
  }

 private:
  std::mt19937_64 random_;
};

std::vector<uint8_t> flags(Draw& draw, int64_t count, int64_t percent) {
  std::vector<uint8_t> all(static_cast<size_t>(count));
  for (uint8_t& each : all) each = draw.below(100) < percent;
  return all;
}

// What a caller's arrays hold: float, double, or 16 bits of one of two kinds.
template <int kType>
struct Half {
  static constexpr int dtype = kType;
  uint16_t bits;
  bool operator==(Half other) const { return bits == other.bits; }
};
using BFloat16 = Half<RECUR_BFLOAT16>;
using Float16 = Half<RECUR_FLOAT16>;

template <class S>
constexpr int kDtype = S::dtype;
template <>
constexpr int kDtype<float> = RECUR_FLOAT32;
template <>
constexpr int kDtype<double> = RECUR_FLOAT64;

// The greatest error against the naive walk, as a part of the greatest value; by dtype.
constexpr double kAllowed[] = {3e-5, 1e-11, 3e-2, 5e-3};

// A half has a sign, an exponent with this bias, and a fraction of this many bits.
template <int kType>
constexpr int kFraction = kType == RECUR_FLOAT16 ? 10 : 7;
template <int kType>
constexpr int kBias = kType == RECUR_FLOAT16 ? 15 : 127;

double read(float v) { return v; }
double read(double v) { return v; }
template <int kType>
double read(Half<kType> v) {
  constexpr int bits = kFraction<kType>, bias = kBias<kType>, top = (1 << (15 - bits)) - 1;
  const int exponent = (v.bits & 0x7fff) >> bits, fraction = v.bits & ((1 << bits) - 1);
  double value = exponent ? std::ldexp((1 << bits) + fraction, exponent - bias - bits)
                          : std::ldexp(fraction, 1 - bias - bits);
  if (exponent == top) value = fraction ? kNan : std::numeric_limits<double>::infinity();
  return v.bits & 0x8000 ? -value : value;
}

template <class S>
S written(double v) {
  if constexpr (kDtype<S> == RECUR_FLOAT32 || kDtype<S> == RECUR_FLOAT64) {
    return static_cast<S>(v);
  } else {
    constexpr int bits = kFraction<kDtype<S>>, bias = kBias<kDtype<S>>;
    const int sign = std::signbit(v) ? 0x8000 : 0;
    if (std::isnan(v)) return {static_cast<uint16_t>(0x7fff)};
    if (v == 0) return {static_cast<uint16_t>(sign)};
    int exponent;
    std::frexp(v, &exponent);  // |v| is in [2^(exponent - 1), 2^exponent)
    exponent = std::max(exponent - 1, 1 - bias);
    // nearbyint rounds ties to even; a carry goes on into the exponent, as it must.
    const double fraction = std::nearbyint(std::ldexp(std::abs(v), bits - exponent));
    const int from = std::max(exponent + bias - 1, 0) << bits;
    return {static_cast<uint16_t>(sign | (from + static_cast<int>(fraction)))};
  }
}

template <class S>
std::vector<S> as(const Numbers& from) {
  std::vector<S> to;
  for (const double each : from) to.push_back(written<S>(each));
  return to;
}

template <class S>
Numbers widened(const std::vector<S>& all) {
  Numbers to;
  for (const S each : all) to.push_back(read(each));
  return to;
}

template <class T>
const T* or_null(const std::vector<T>& all) {
  return all.empty() ? nullptr : all.data();
}

template <class T>
T* or_null(std::vector<T>& all) {
  return all.empty() ? nullptr : all.data();
}

}  // namespace

#include "variants.h"

namespace {

// Sizes and flags, and which of the arrays there are: those hold one number until `numbered`.
Problem shaped(Draw& draw, int cell) {
  Problem p{};
  p.cell = cell;
  p.reverse = draw.chance(0.5);
  // Around the widths of vectors, tiles and blocks; now and then enough steps for several chunks,
  // or so few that the weights are taken as they lie.
  const bool large = draw.chance(0.05), few = draw.chance(0.2), wide = draw.chance(0.05);
  p.time = large ? 90 : few ? draw.of({1, 1, 2}) : draw.of({0, 1, 2, 3, 5, 9});
  p.batch = large ? 21 : few ? draw.of({1, 2}) : draw.of({0, 1, 2, 3, 4, 5, 7, 13, 26});
  p.inputs = large ? 70 : draw.of({1, 2, 3, 5, 8, 16, 17, 33, 64});
  p.hidden = large ? 40 : draw.of({1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 31, 32, 33, 49, 64});
  if (wide) {  // so that threads share the rows, and have units of their own
    p.time = draw.of({0, 1, 2, 5}), p.batch = draw.of({0, 1, 3, 5});
    p.hidden = draw.of({450, 450, 480}) / (p.cell == RECUR_LSTM ? 2 : 1);
  }
  if (p.has_c() && draw.chance(0.3)) p.projection = 1 + draw.below(p.hidden);
  if (draw.chance(0.5))
    for (int64_t b = 0; b < p.batch; ++b) p.lengths.push_back(draw.below(p.time + 1));
  if (draw.chance(0.3)) p.mask = flags(draw, p.time * p.batch, draw.of({0, 50, 95, 100}));
  p.starts.assign(draw.chance(0.3), 0);
  for (Numbers* all : {&p.h0, &p.b_ih, &p.b_hh, &p.dy, &p.dhn}) all->assign(draw.chance(0.7), 0);
  for (Numbers* all : {&p.c0, &p.dcn}) all->assign(p.has_c() && draw.chance(0.7), 0);
  p.x = draw.numbers(p.time * p.batch * p.inputs, 1);
  return p;
}

// The same with numbers, as S holds them.
template <class S>
Problem numbered(Draw& draw, Problem p) {
  const int64_t rows = p.gates() * p.hidden, outputs = p.outputs();
  const auto root = [](int64_t size) { return 1 / std::sqrt(static_cast<double>(size)); };
  const auto fill = [&](Numbers& all, int64_t count) {
    if (!all.empty()) all = draw.numbers(count, 1);
  };
  if (!p.starts.empty()) p.starts = flags(draw, p.time * p.batch, draw.of({0, 20, 100}));
  p.w_ih = draw.numbers(rows * p.inputs, root(p.inputs));
  p.w_hh = draw.numbers(rows * outputs, root(outputs));
  if (p.projection) p.w_hr = draw.numbers(outputs * p.hidden, root(p.hidden));
  fill(p.b_ih, rows), fill(p.b_hh, rows);
  fill(p.h0, p.batch * outputs), fill(p.c0, p.batch * p.hidden);
  fill(p.dy, p.time * p.batch * outputs);
  fill(p.dhn, p.batch * outputs), fill(p.dcn, p.batch * p.hidden);
  if (p.cell == RECUR_RNN_RELU) {
    // Sums that are exact in float: no rounding moves a unit over the bend.
    for (Numbers* all : {&p.x, &p.h0, &p.w_ih, &p.b_ih, &p.b_hh})
      for (double& each : *all) each = std::round(4 * each) / 4;
    std::fill(p.w_hh.begin(), p.w_hh.end(), 0);
    for (int64_t u = 0; u < p.hidden; ++u) p.w_hh[u * p.hidden + (u * 3 + 1) % p.hidden] = 1;
  }
  for (Numbers* all : {&p.x, &p.h0, &p.c0, &p.w_ih, &p.w_hh, &p.b_ih, &p.b_hh, &p.w_hr, &p.dy,
                       &p.dhn, &p.dcn})
    *all = widened(as<S>(*all));
  return p;
}

// A (T, B, size) array as the engine is handed it, its strides among those that callers have.
template <class S>
struct Strided {
  Strided(Draw& draw, const Problem& p, int64_t size) : time(p.time), batch(p.batch), size(size) {
    const int64_t gap = draw.of({0, 0, 1, 5});
    const bool by_row = draw.chance(0.5);
    by_batch = by_row ? time * (size + gap) : size + gap;
    by_time = by_row ? size + gap : batch * (size + gap);
    // Not a number beyond the last.
    const bool any = time > 0 && batch > 0;
    const int64_t count = any ? (time - 1) * by_time + (batch - 1) * by_batch + size : 0;
    all.assign(static_cast<size_t>(count), written<S>(kCanary));
  }
  S* at(int64_t t, int64_t b) { return all.data() + t * by_time + b * by_batch; }

  // NaN where no step exists; everywhere if there are no numbers.
  void fill(const Problem& p, const Numbers& from) {
    for (int64_t t = 0; t < time; ++t)
      for (int64_t b = 0; b < batch; ++b)
        for (int64_t i = 0; i < size; ++i) {
          const bool there = !from.empty() && p.exists(t, b);
          at(t, b)[i] = written<S>(there ? from[(t * batch + b) * size + i] : kNan);
        }
  }
  Numbers dense() {
    Numbers to;
    std::vector<S> rest = all;
    for (int64_t t = 0; t < time; ++t)
      for (int64_t b = 0; b < batch; ++b)
        for (int64_t i = 0; i < size; ++i) {
          to.push_back(read(at(t, b)[i]));
          rest[t * by_time + b * by_batch + i] = written<S>(kCanary);
        }
    const auto same = [](S v) { return v == written<S>(kCanary); };
    untouched = std::all_of(rest.begin(), rest.end(), same);
    return to;
  }

  int64_t time, batch, size, by_time, by_batch;
  std::vector<S> all;
  bool untouched = true;
};

class Failure {
 public:
  void say(const std::string& what) {
    if (text.empty()) text = what;
  }
  std::string text;
};

template <class S>
void compare(const char* name, const Numbers& got, const Numbers& want, Failure& failure) {
  if (got.size() != want.size()) return failure.say(std::string(name) + " has another size");
  double scale = 1, worst = 0;
  for (const double each : want) scale = std::max(scale, std::abs(each));
  for (size_t i = 0; i < got.size(); ++i) {
    const double error = std::abs(got[i] - want[i]);
    if (!(error <= worst)) worst = error;  // NaN is the worst of all
  }
  if (!(worst <= kAllowed[kDtype<S>] * scale))
    failure.say(std::string(name) + " is off by " + std::to_string(worst) + ", with values up to " +
                std::to_string(scale));
}

// What a call is asked, beyond its problem.
struct Asked {
  explicit Asked(Draw& draw)
      : threads(static_cast<int32_t>(draw.of({1, 2, 2, 3, 5, 40}))),
        every(draw.of({0, 0, 0, 1, 2, 3, 100})),
        outputs(draw.chance(0.5)),
        needs_dx(draw.chance(0.8)),
        needs_states(draw.chance(0.7)),
        in_place(draw.chance(0.3)) {}
  int32_t threads;
  int64_t every;  // steps between checkpoints; 0 for none
  bool outputs, needs_dx, needs_states, in_place;
};

// All arrays of one walk, and the engine's view of them. Learning: with what backward needs.
template <class S>
struct Arrays {
  Arrays(Draw& draw, const Problem& p, const Asked& asked, bool learning, Strided<S>& x)
      : y(draw, p, p.outputs()), dy(draw, p, p.outputs()), dx(draw, p, p.inputs) {
    y.fill(p, {});
    dx.fill(p, {});
    if (!p.dy.empty()) dy.fill(p, p.dy);
    h0 = as<S>(p.h0), c0 = as<S>(p.c0), w_ih = as<S>(p.w_ih), w_hh = as<S>(p.w_hh);
    b_ih = as<S>(p.b_ih), b_hh = as<S>(p.b_hh), w_hr = as<S>(p.w_hr);
    dhn = as<S>(p.dhn), dcn = as<S>(p.dcn);
    const auto fresh = [](size_t count) { return std::vector<S>(count, written<S>(kNan)); };
    hn = dh0 = fresh(static_cast<size_t>(p.batch * p.outputs()));
    if (p.has_c()) cn = dc0 = fresh(static_cast<size_t>(p.batch * p.hidden));
    dw_ih = fresh(w_ih.size()), dw_hh = fresh(w_hh.size()), dw_hr = fresh(w_hr.size());
    db_ih = fresh(b_ih.size()), db_hh = fresh(b_hh.size());

    scan = {};
    scan.cell = p.cell, scan.dtype = kDtype<S>, scan.reverse = p.reverse;
    scan.threads = asked.threads;
    scan.time = p.time, scan.batch = p.batch, scan.inputs = p.inputs, scan.hidden = p.hidden;
    scan.projection = p.projection;
    scan.lengths = or_null(p.lengths), scan.mask = or_null(p.mask);
    scan.starts = or_null(p.starts);
    scan.x = x.all.data(), scan.x_time = x.by_time, scan.x_batch = x.by_batch;
    scan.h0 = or_null(h0), scan.c0 = or_null(c0);
    scan.w_ih = w_ih.data(), scan.w_hh = w_hh.data(), scan.w_hr = or_null(w_hr);
    scan.b_ih = or_null(b_ih), scan.b_hh = or_null(b_hh);
    scan.hn = hn.data(), scan.cn = or_null(cn);
    if (learning) {
      scan.every = asked.every;
      const int64_t each =
          recur_scan_saved(p.cell, kDtype<S>, p.hidden, p.projection, asked.every);
      const int64_t steps = asked.every ? (p.time + asked.every - 1) / asked.every : p.time;
      const int64_t size = kDtype<S> == RECUR_FLOAT64 ? 8 : 4;
      saved.assign(static_cast<size_t>(each * steps * p.batch * size), 0xff);  // NaN
      scan.saved = saved.data();
    }
    // As a stream does: the states are updated where they lie.
    if (asked.in_place && !learning && !h0.empty()) hn = h0, scan.h0 = hn.data();
    if (asked.in_place && !learning && !c0.empty()) cn = c0, scan.c0 = cn.data();
    if (asked.outputs || (learning && !asked.every))
      scan.y = y.all.data(), scan.y_time = y.by_time, scan.y_batch = y.by_batch;
  }

  void ask_back(const Problem& p, const Asked& asked) {
    if (!p.dy.empty())
      scan.dy = dy.all.data(), scan.dy_time = dy.by_time, scan.dy_batch = dy.by_batch;
    scan.dhn = or_null(dhn), scan.dcn = or_null(dcn);
    if (asked.needs_dx)
      scan.dx = dx.all.data(), scan.dx_time = dx.by_time, scan.dx_batch = dx.by_batch;
    if (asked.needs_states) scan.dh0 = dh0.data(), scan.dc0 = or_null(dc0);
    scan.dw_ih = dw_ih.data(), scan.dw_hh = dw_hh.data(), scan.dw_hr = or_null(dw_hr);
    scan.db_ih = or_null(db_ih), scan.db_hh = or_null(db_hh);
  }

  void compare_results(const Results& want, Failure& failure) {
    compare<S>("hn", widened(hn), want.hn, failure);
    compare<S>("cn", widened(cn), want.cn, failure);
    if (scan.y) compare<S>("y", y.dense(), want.y, failure);
    if (!y.untouched) failure.say("something was written between the rows of y");
  }

  void compare_gradients(const Results& want, Failure& failure) {
    if (scan.dh0) compare<S>("dh0", widened(dh0), want.dh0, failure);
    if (scan.dc0) compare<S>("dc0", widened(dc0), want.dc0, failure);
    compare<S>("dw_ih", widened(dw_ih), want.dw_ih, failure);
    compare<S>("dw_hh", widened(dw_hh), want.dw_hh, failure);
    if (scan.w_hr) compare<S>("dw_hr", widened(dw_hr), want.dw_hr, failure);
    if (scan.db_ih) compare<S>("db_ih", widened(db_ih), want.db_ih, failure);
    if (scan.db_hh) compare<S>("db_hh", widened(db_hh), want.db_hh, failure);
  }

  Strided<S> y, dy, dx;
  std::vector<S> h0, c0, w_ih, w_hh, b_ih, b_hh, w_hr, dhn, dcn, hn, cn;
  std::vector<S> dh0, dc0, dw_ih, dw_hh, db_ih, db_hh, dw_hr;
  std::vector<unsigned char> saved;
  recur_scan scan;
};

// One random problem, walked in one direction or in two at once.
template <class S>
struct Task {
  using Entry = int (*)(const recur_scan*, int64_t);

  Task(Draw& draw, int cell) : asked(draw) {
    Problem shape = shaped(draw, cell);
    problems.push_back(numbered<S>(draw, shape));
    if (draw.chance(0.4)) {
      shape.reverse = !shape.reverse;
      problems.push_back(numbered<S>(draw, shape));
    }
    x = std::make_unique<Strided<S>>(draw, shape, shape.inputs);
    x->fill(shape, problems[0].x);
  }
  std::vector<Arrays<S>> arrays(Draw& draw, bool learning) {
    std::vector<Arrays<S>> made;
    for (const Problem& p : problems) made.emplace_back(draw, p, asked, learning, *x);
    for (size_t d = 0; learning && d < made.size(); ++d) made[d].ask_back(problems[d], asked);
    return made;
  }
  static int call(const std::vector<Arrays<S>>& all, Entry entry) {
    recur_scan walks[2];
    for (size_t d = 0; d < all.size(); ++d) walks[d] = all[d].scan;
    return entry(walks, static_cast<int64_t>(all.size()));
  }

  Asked asked;
  std::vector<Problem> problems;
  std::unique_ptr<Strided<S>> x;
};

// To inference and to training; empty, or what was wrong.
template <class S>
std::string one(int cell, uint64_t seed) {
  Draw draw(seed);
  Task<S> task(draw, cell);
  Failure failure;
  std::vector<Results> wanted;
  for (const Problem& p : task.problems) wanted.push_back(Naive(p).results());

  std::vector<Arrays<S>> inference = task.arrays(draw, false), training = task.arrays(draw, true);
  if (Task<S>::call(inference, recur_scan_forward) != RECUR_OK) failure.say("inference failed");
  if (Task<S>::call(training, recur_scan_forward) != RECUR_OK) failure.say("forward failed");
  for (size_t d = 0; d < wanted.size(); ++d) {
    inference[d].compare_results(wanted[d], failure);
    training[d].compare_results(wanted[d], failure);
  }
  if (Task<S>::call(training, recur_scan_backward) != RECUR_OK) failure.say("backward failed");
  for (size_t d = 0; d < wanted.size(); ++d) training[d].compare_gradients(wanted[d], failure);
  if (task.asked.needs_dx) {
    Numbers dx = wanted[0].dx;
    for (size_t i = 0; wanted.size() > 1 && i < dx.size(); ++i) dx[i] += wanted[1].dx[i];
    compare<S>("dx", training[0].dx.dense(), dx, failure);
    if (!training[0].dx.untouched) failure.say("something was written between the rows of dx");
  }
  if (failure.text.empty()) return {};
  return std::string(kCells[cell]) + ", type " + std::to_string(kDtype<S>) + ", seed " +
         std::to_string(seed) + ": " + failure.text;
}

// Every cell and type; the first sentence that says what was wrong.
std::string many(uint64_t first, long count) {
  for (long i = 0; i < count; ++i)
    for (int cell = 0; cell < 4; ++cell) {
      const uint64_t seed = first + static_cast<uint64_t>(i);
      std::string wrong = one<float>(cell, seed);
      if (wrong.empty()) wrong = one<double>(cell, seed);
      if (wrong.empty()) wrong = one<BFloat16>(cell, seed);
      // (The sums of the relu would be beyond its range.)
      if (wrong.empty() && cell != RECUR_RNN_RELU) wrong = one<Float16>(cell, seed);
      if (!wrong.empty()) return wrong;
    }
  return {};
}

std::string several_callers_at_once(long count) {
  std::string wrong[3];
  std::vector<std::thread> callers;
  for (unsigned i = 0; i < 3; ++i)
    callers.emplace_back([&, i] { wrong[i] = many(1000000 * (i + 1), count); });
  for (std::thread& each : callers) each.join();
  for (const std::string& each : wrong)
    if (!each.empty()) return "among several callers: " + each;
  return {};
}

// Each request for memory refused in turn is a status, wherever it happens; and nothing leaks.
std::string without_memory() {
  const auto fits = [](const Problem& p) {
    return p.time > 2 && p.time < 10 && p.batch > 4 && !p.lengths.empty() && !p.mask.empty();
  };
  for (int cell = 0; cell < 4; ++cell)
    for (const int64_t every : {0, 2}) {
      Draw draw(5);
      Task<BFloat16> task(draw, cell);
      while (task.problems.size() < 2 || !fits(task.problems[0])) task = {draw, cell};
      task.asked.threads = 3, task.asked.every = every, task.asked.needs_dx = true;
      const std::vector<Arrays<BFloat16>> all = task.arrays(draw, true);
      for (const auto entry : {recur_scan_forward, recur_scan_backward}) {
        long refusals = 0;
        for (bool more = true; more;) {
          failed_requests = 0;
          requests_left = refusals++;
          const int status = Task<BFloat16>::call(all, entry);
          requests_left = -1;
          more = failed_requests > 0;
          if (status != (more ? RECUR_NO_MEMORY : RECUR_OK))
            return "refused memory gave the status " + std::to_string(status);
        }
        if (refusals < 5) return "the engine asked for no memory that could be refused";
      }
    }
  return {};
}

// What a team costs beside other work is noticed, chance and uneven parts are not; and its end is too.
std::string crowding_is_noticed() {
  recur::Crowding crowding;
  for (int i = 0; i < 100; ++i) crowding.spun(1e-3, 1e-3, 2);
  crowding.spun(1e-3, 4e-3, 2);
  if (crowding.there()) return "crowding was seen where there is none";
  for (int i = 0; i < 3; ++i) crowding.spun(1e-3, 20e-3, 2);
  if (!crowding.there()) return "crowding was not seen";
  crowding.slept(1, 1);
  if (!crowding.there()) return "crowding was over too soon";
  std::this_thread::sleep_for(std::chrono::milliseconds(600));
  crowding.slept(1, 1.5);
  if (!crowding.there()) return "crowding was over while the caller was interrupted";
  crowding.slept(1, 1);
  if (crowding.there()) return "crowding was never over";
  crowding.scarce(2);
  return crowding.there() ? "" : "too few processors were not seen";
}

std::string what_is_not_known() {
  recur_scan scan{};
  const auto refused = [&] {
    return recur_scan_forward(&scan, 1) == RECUR_UNKNOWN &&
           recur_scan_backward(&scan, 1) == RECUR_UNKNOWN &&
           recur_scan_saved(scan.cell, scan.dtype, 4, 0, 0) < 0;
  };
  scan.cell = 99;
  if (!refused()) return "an unknown cell was not refused";
  scan.cell = RECUR_LSTM, scan.dtype = 99;
  if (!refused()) return "an unknown type was not refused";
  return {};
}

// The rows of a table by token and back; tokens that are in no row are a status, not a read.
template <class T>
std::string embedding(int dtype) {
  Draw draw(11);
  for (int i = 0; i < 60; ++i) {
    const int64_t rows = draw.of({1, 3, 200}), columns = draw.of({1, 3, 16, 33, 65});
    const int64_t count = draw.of({0, 1, 7, 900}), padding = draw.of({-1, 0});
    const int64_t threads = draw.of({1, 2, 3});
    const auto table = as<T>(draw.numbers(rows * columns, 1));
    const auto gradient = as<T>(draw.numbers(count * columns, 1));
    std::vector<int64_t> tokens(static_cast<size_t>(count));
    for (int64_t& token : tokens) token = draw.below(rows);
    std::vector<T> out(gradient.size(), T(kNan)), summed(table.size(), T(kNan));
    if (recur_embedding_forward(dtype, table.data(), tokens.data(), count, rows, columns, threads,
                                out.data()) != RECUR_OK ||
        recur_embedding_backward(dtype, gradient.data(), tokens.data(), count, rows, columns,
                                 padding, threads, summed.data()) != RECUR_OK)
      return "the embedding failed";
    Numbers want(table.size()), rows_of(gradient.size());
    for (int64_t k = 0; k < count; ++k)
      for (int64_t j = 0; j < columns; ++j) {
        rows_of[k * columns + j] = table[tokens[k] * columns + j];
        if (tokens[k] != padding) want[tokens[k] * columns + j] += gradient[k * columns + j];
      }
    Failure failure;
    compare<T>("the embedding", widened(out), rows_of, failure);
    compare<T>("the embedding's gradient", widened(summed), want, failure);
    if (!failure.text.empty()) return failure.text;
    for (const int64_t wrong : {rows, int64_t{-1}, std::numeric_limits<int64_t>::max()}) {
      if (!count) continue;
      tokens.back() = wrong;
      if (recur_embedding_forward(dtype, table.data(), tokens.data(), count, rows, columns, threads,
                                  out.data()) == RECUR_OK)
        return "a token without a row was not refused";
    }
  }
  return {};
}

template <class T>
std::string activations(int dtype) {
  for (int64_t count = 0; count < 40; ++count)
    for (int which = 0; which < 2; ++which) {
      std::vector<T> from(static_cast<size_t>(count)), to(from.size(), T(kNan));
      for (int64_t i = 0; i < count; ++i)
        from[i] = static_cast<T>(0.37 * static_cast<double>(i - 20));
      if (recur_activation(which, dtype, from.data(), to.data(), count) != RECUR_OK)
        return "no activation";
      for (int64_t i = 0; i < count; ++i) {
        const double x = from[i], want = which ? std::tanh(x) : curve(x);
        if (!(std::abs(to[i] - want) < 1e-6)) return "an activation is off";
      }
    }
  return {};
}

}  // namespace

// In place of the library's (the linker's --wrap): a request can be refused, and the engine's
// scratch memory comes up as NaN.
extern "C" void* __real_aligned_alloc(size_t alignment, size_t bytes);
extern "C" void* __wrap_aligned_alloc(size_t alignment, size_t bytes) {
  if (refused()) return nullptr;
  void* memory = __real_aligned_alloc(alignment, bytes);
  if (memory) std::memset(memory, 0xff, bytes);
  return memory;
}

extern "C" void* __real__Znwm(size_t bytes);  // operator new
extern "C" void* __wrap__Znwm(size_t bytes) {
  if (refused()) throw std::bad_alloc();
  return __real__Znwm(bytes);
}

int main(int argc, char** argv) {
  const long count = argc > 1 ? std::atol(argv[1]) : 100;
  std::string wrong = what_is_not_known();
  if (wrong.empty()) wrong = crowding_is_noticed();
  if (wrong.empty()) wrong = activations<float>(RECUR_FLOAT32);
  if (wrong.empty()) wrong = activations<double>(RECUR_FLOAT64);
  for (const int crowded : {0, 1}) {  // OpenMP's threads, and our own
    recur_set_crowded(crowded);
    if (wrong.empty()) wrong = embedding<float>(RECUR_FLOAT32);
    if (wrong.empty()) wrong = embedding<double>(RECUR_FLOAT64);
    if (wrong.empty()) wrong = many(0, count);  // first, so that the threads are there
    if (wrong.empty()) wrong = without_memory();
    if (wrong.empty()) wrong = variants(0, count);
    if (wrong.empty()) wrong = several_callers_at_once((count + 7) / 8);
  }
  if (wrong.empty()) wrong = unknown_variants();
  if (wrong.empty())
    std::printf("%s: %ld random problems of each cell and type, all right\n", argv[0], count);
  else
    std::printf("%s: %s\n", argv[0], wrong.c_str());
  return wrong.empty() ? 0 : 1;
}
