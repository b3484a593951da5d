// Walks random problems through the engine's C interface and compares every number with the naive
// walk beside this file. Built under the compiler's sanitizers by `make sanitize`: they watch the
// engine's memory, arithmetic and threads, this program watches its results.
//
//   driver [problems of each cell and type]

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <new>
#include <random>
#include <string>
#include <thread>

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
  int64_t below(int64_t count) { return static_cast<int64_t>(random_() % static_cast<uint64_t>(count)); }
  bool chance(double part) { return static_cast<double>(below(1000)) < 1000 * part; }
  int64_t of(std::initializer_list<int64_t> values) { return values.begin()[below(static_cast<int64_t>(values.size()))]; }
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

Problem drawn(Draw& draw, int cell) {
  Problem p{};
  p.cell = cell;
  p.reverse = draw.chance(0.5);
  // Around the widths of vectors, tiles and blocks; now and then enough steps for several chunks.
  const bool large = draw.chance(0.05);
  p.time = large ? 90 : draw.of({0, 1, 2, 3, 5, 9});
  p.batch = large ? 21 : draw.of({0, 1, 2, 3, 4, 5, 7, 13, 26});
  p.inputs = large ? 70 : draw.of({1, 2, 3, 5, 8, 16, 17, 33, 64});
  p.hidden = large ? 40 : draw.of({1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 31, 32, 33, 49, 64});
  if (draw.chance(0.5))
    for (int64_t b = 0; b < p.batch; ++b) p.lengths.push_back(draw.below(p.time + 1));
  if (draw.chance(0.3)) p.mask = flags(draw, p.time * p.batch, draw.of({0, 50, 95, 100}));
  if (draw.chance(0.3)) p.starts = flags(draw, p.time * p.batch, draw.of({0, 20, 100}));

  const int64_t rows = p.gates() * p.hidden, states = p.batch * p.hidden;
  const double scale = 1 / std::sqrt(static_cast<double>(p.hidden));
  p.x = draw.numbers(p.time * p.batch * p.inputs, 1);
  p.h0 = draw.numbers(states, 1);
  if (p.has_c()) p.c0 = draw.numbers(states, 1);
  p.w_ih = draw.numbers(rows * p.inputs, 1 / std::sqrt(static_cast<double>(p.inputs)));
  p.w_hh = draw.numbers(rows * p.hidden, scale);
  if (draw.chance(0.7)) p.b_ih = draw.numbers(rows, 1);
  if (draw.chance(0.7)) p.b_hh = draw.numbers(rows, 1);
  if (draw.chance(0.8)) p.dy = draw.numbers(p.time * p.batch * p.hidden, 1);
  if (draw.chance(0.8)) p.dhn = draw.numbers(states, 1);
  if (p.has_c() && draw.chance(0.8)) p.dcn = draw.numbers(states, 1);
  if (cell == RECUR_RNN_RELU) {
    // Sums that are exact in float: no rounding moves a unit over the bend.
    for (Numbers* all : {&p.x, &p.h0, &p.w_ih, &p.b_ih, &p.b_hh})
      for (double& each : *all) each = std::round(4 * each) / 4;
    std::fill(p.w_hh.begin(), p.w_hh.end(), 0);
    for (int64_t u = 0; u < p.hidden; ++u) p.w_hh[u * p.hidden + (u * 3 + 1) % p.hidden] = 1;
  }
  return p;
}

// A (T, B, size) array as the engine is handed it, its strides among those that callers have.
template <class T>
struct Strided {
  Strided(Draw& draw, const Problem& p, int64_t size) : time(p.time), batch(p.batch), size(size) {
    const int64_t gap = draw.of({0, 0, 1, 5});
    const bool by_row = draw.chance(0.5);
    by_batch = by_row ? time * (size + gap) : size + gap;
    by_time = by_row ? size + gap : batch * (size + gap);
    // Not a number beyond the last.
    const bool any = time > 0 && batch > 0;
    all.assign(any ? (time - 1) * by_time + (batch - 1) * by_batch + size : 0, T(kCanary));
  }
  T* at(int64_t t, int64_t b) { return all.data() + t * by_time + b * by_batch; }

  void fill(const Problem& p, const Numbers& from, bool poison) {
    for (int64_t t = 0; t < time; ++t)
      for (int64_t b = 0; b < batch; ++b)
        for (int64_t i = 0; i < size; ++i)
          at(t, b)[i] = static_cast<T>(
              poison && !p.exists(t, b) ? kNan : from.empty() ? kNan : from[(t * batch + b) * size + i]);
  }
  Numbers dense() {
    Numbers to;
    std::vector<T> rest = all;
    for (int64_t t = 0; t < time; ++t)
      for (int64_t b = 0; b < batch; ++b)
        for (int64_t i = 0; i < size; ++i) {
          to.push_back(at(t, b)[i]);
          rest[t * by_time + b * by_batch + i] = T(kCanary);
        }
    untouched = std::all_of(rest.begin(), rest.end(), [](T v) { return v == T(kCanary); });
    return to;
  }

  int64_t time, batch, size, by_time, by_batch;
  std::vector<T> all;
  bool untouched = true;
};

template <class T>
std::vector<T> as(const Numbers& from) {
  return std::vector<T>(from.begin(), from.end());
}

template <class T>
const T* or_null(const std::vector<T>& all) {
  return all.empty() ? nullptr : all.data();
}

class Failure {
 public:
  void say(const std::string& what) {
    if (text.empty()) text = what;
  }
  std::string text;
};

template <class T>
void compare(const char* name, const Numbers& got, const Numbers& want, Failure& failure) {
  if (got.size() != want.size()) return failure.say(std::string(name) + " has another size");
  double scale = 1, worst = 0;
  for (const double each : want) scale = std::max(scale, std::abs(each));
  for (size_t i = 0; i < got.size(); ++i) {
    const double error = std::abs(got[i] - want[i]);
    if (!(error <= worst)) worst = error;  // NaN is the worst of all
  }
  const double allowed = (sizeof(T) == 4 ? 3e-5 : 1e-11) * scale;
  if (!(worst <= allowed))
    failure.say(std::string(name) + " is off by " + std::to_string(worst) + ", with values up to " +
                std::to_string(scale));
}

// All arrays of one problem in type T, and the engine's view of them.
template <class T>
struct Arrays {
  Arrays(Draw& draw, const Problem& p)
      : x(draw, p, p.inputs), y(draw, p, p.hidden), dy(draw, p, p.hidden), dx(draw, p, p.inputs) {
    x.fill(p, p.x, true);
    y.fill(p, {}, false);
    dx.fill(p, {}, false);
    if (!p.dy.empty()) dy.fill(p, p.dy, true);
    const auto fresh = [](size_t count) { return std::vector<T>(count, T(kNan)); };
    h0 = as<T>(p.h0), c0 = as<T>(p.c0), w_ih = as<T>(p.w_ih), w_hh = as<T>(p.w_hh);
    b_ih = as<T>(p.b_ih), b_hh = as<T>(p.b_hh), dhn = as<T>(p.dhn), dcn = as<T>(p.dcn);
    hn = dh0 = fresh(p.h0.size());
    cn = dc0 = fresh(p.c0.size());
    dw_ih = fresh(p.w_ih.size()), dw_hh = fresh(p.w_hh.size());
    db_ih = fresh(p.b_ih.size()), db_hh = fresh(p.b_hh.size());
    int64_t steps = 0;
    for (int64_t t = 0; t < p.time; ++t)
      for (int64_t b = 0; b < p.batch; ++b) steps += p.exists(t, b);
    const int dtype = sizeof(T) == 4 ? RECUR_FLOAT32 : RECUR_FLOAT64;
    const int64_t every = draw.of({0, 0, 1, 2, 3, 20});
    const int64_t kept = every ? p.batch * ((p.time + every - 1) / every) : steps;
    saved = fresh(static_cast<size_t>(recur_scan_saved(p.cell, dtype, p.hidden, 0, every) * kept));

    scan = {};
    scan.cell = p.cell, scan.dtype = dtype, scan.reverse = p.reverse;
    scan.threads = static_cast<int32_t>(draw.of({1, 2, 2, 3, 5, 40}));
    scan.every = every;
    scan.time = p.time, scan.batch = p.batch, scan.inputs = p.inputs, scan.hidden = p.hidden;
    scan.lengths = or_null(p.lengths), scan.mask = or_null(p.mask), scan.starts = or_null(p.starts);
    scan.x = x.all.data(), scan.x_time = x.by_time, scan.x_batch = x.by_batch;
    scan.h0 = h0.data(), scan.c0 = or_null(c0), scan.w_ih = w_ih.data(), scan.w_hh = w_hh.data();
    scan.b_ih = or_null(b_ih), scan.b_hh = or_null(b_hh);
    scan.y = y.all.data(), scan.y_time = y.by_time, scan.y_batch = y.by_batch;
    scan.hn = hn.data(), scan.cn = c0.empty() ? nullptr : cn.data(), scan.saved = saved.data();
  }

  int backward(const Problem& p, bool needs_dx) {
    if (!p.dy.empty()) scan.dy = dy.all.data(), scan.dy_time = dy.by_time, scan.dy_batch = dy.by_batch;
    scan.dhn = or_null(dhn), scan.dcn = or_null(dcn);
    if (needs_dx) scan.dx = dx.all.data(), scan.dx_time = dx.by_time, scan.dx_batch = dx.by_batch;
    scan.dh0 = dh0.data(), scan.dc0 = c0.empty() ? nullptr : dc0.data();
    scan.dw_ih = dw_ih.data(), scan.dw_hh = dw_hh.data();
    scan.db_ih = db_ih.empty() ? nullptr : db_ih.data();
    scan.db_hh = db_hh.empty() ? nullptr : db_hh.data();
    return recur_scan_backward(&scan, 1);
  }

  Strided<T> x, y, dy, dx;
  std::vector<T> h0, c0, w_ih, w_hh, b_ih, b_hh, dhn, dcn, hn, cn, saved;
  std::vector<T> dh0, dc0, dw_ih, dw_hh, db_ih, db_hh;
  recur_scan scan;
};

template <class T>
Numbers widened(const std::vector<T>& all) {
  return Numbers(all.begin(), all.end());
}

// One random problem, to inference and to training; empty, or what was wrong.
template <class T>
std::string one(int cell, uint64_t seed) {
  Draw draw(seed);
  const Problem p = drawn(draw, cell);
  Failure failure;
  const Naive naive(p);
  const Results& want = naive.results();

  Arrays<T> inference(draw, p);
  inference.scan.saved = nullptr;
  const bool outputs = draw.chance(0.5);
  if (!outputs) inference.scan.y = nullptr;
  if (recur_scan_forward(&inference.scan, 1) != RECUR_OK) failure.say("inference failed");
  compare<T>("hn of inference", widened(inference.hn), want.hn, failure);
  if (outputs) compare<T>("y of inference", inference.y.dense(), want.y, failure);

  Arrays<T> a(draw, p);
  const bool needs_dx = draw.chance(0.8);
  if (recur_scan_forward(&a.scan, 1) != RECUR_OK) failure.say("forward failed");
  if (a.backward(p, needs_dx) != RECUR_OK) failure.say("backward failed");
  compare<T>("y", a.y.dense(), want.y, failure);
  compare<T>("hn", widened(a.hn), want.hn, failure);
  compare<T>("cn", widened(a.cn), want.cn, failure);
  if (needs_dx) compare<T>("dx", a.dx.dense(), want.dx, failure);
  compare<T>("dh0", widened(a.dh0), want.dh0, failure);
  compare<T>("dc0", widened(a.dc0), want.dc0, failure);
  compare<T>("dw_ih", widened(a.dw_ih), want.dw_ih, failure);
  compare<T>("dw_hh", widened(a.dw_hh), want.dw_hh, failure);
  if (!a.db_ih.empty()) compare<T>("db_ih", widened(a.db_ih), want.db_ih, failure);
  if (!a.db_hh.empty()) compare<T>("db_hh", widened(a.db_hh), want.db_hh, failure);
  if (!a.y.untouched || !a.dx.untouched || !inference.y.untouched)
    failure.say("something was written between the rows of y or dx");
  if (failure.text.empty()) return {};
  return std::string(kCells[cell]) + (sizeof(T) == 4 ? " float" : " double") + ", seed " +
         std::to_string(seed) + ": " + failure.text;
}

// Every cell and type; the first sentence that says what was wrong.
std::string many(uint64_t first, long count) {
  for (long i = 0; i < count; ++i)
    for (int cell = 0; cell < 4; ++cell) {
      const uint64_t seed = first + static_cast<uint64_t>(i);
      std::string wrong = one<float>(cell, seed);
      if (wrong.empty()) wrong = one<double>(cell, seed);
      if (!wrong.empty()) return wrong;
    }
  return {};
}

std::string several_callers_at_once(long count) {
  std::string wrong[3];
  std::vector<std::thread> callers;
  for (int i = 0; i < 3; ++i)
    callers.emplace_back([&, i] { wrong[i] = many(1000000u * static_cast<unsigned>(i + 1), count); });
  for (std::thread& each : callers) each.join();
  for (const std::string& each : wrong)
    if (!each.empty()) return "among several callers: " + each;
  return {};
}

// Each request for memory refused in turn is a status, wherever it happens; and nothing leaks.
std::string without_memory() {
#ifdef RECUR_STD_THREADS
  return {};  // these threads pass no exception on
#else
  for (int cell = 0; cell < 4; ++cell)
    for (const int threads : {1, 3}) {
      Draw draw(5);
      Problem p = drawn(draw, cell);
      while (p.time < 3 || p.batch < 5 || p.lengths.empty() || p.mask.empty()) p = drawn(draw, cell);
      Arrays<float> a(draw, p);
      a.scan.threads = threads;
      for (const bool back : {false, true}) {
        long refusals = 0;
        for (bool more = true; more;) {
          failed_requests = 0;
          requests_left = refusals++;
          const int status = back ? a.backward(p, true) : recur_scan_forward(&a.scan, 1);
          requests_left = -1;
          more = failed_requests > 0;
          if (status != (more ? RECUR_NO_MEMORY : RECUR_OK))
            return "refused memory gave the status " + std::to_string(status);
        }
        if (refusals < 5) return "the engine asked for no memory that could be refused";
      }
    }
  return {};
#endif
}

std::string what_is_not_known() {
  recur_scan scan{};
  scan.cell = 99;
  if (recur_scan_forward(&scan, 1) != RECUR_UNKNOWN || recur_scan_backward(&scan, 1) != RECUR_UNKNOWN)
    return "an unknown cell was not refused";
  scan.cell = RECUR_LSTM, scan.dtype = 99;
  if (recur_scan_forward(&scan, 1) != RECUR_UNKNOWN || recur_scan_saved(RECUR_LSTM, 99, 4, 0, 0) >= 0)
    return "an unknown type was not refused";
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
        recur_embedding_backward(dtype, gradient.data(), tokens.data(), count, rows, columns, padding,
                                 threads, summed.data()) != RECUR_OK)
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
      for (int64_t i = 0; i < count; ++i) from[i] = static_cast<T>(0.37 * static_cast<double>(i - 20));
      if (recur_activation(which, dtype, from.data(), to.data(), count) != RECUR_OK) return "no activation";
      for (int64_t i = 0; i < count; ++i) {
        const double x = from[i], want = which ? std::tanh(x) : curve(x);
        if (!(std::abs(to[i] - want) < 1e-6)) return "an activation is off";
      }
    }
  return {};
}

}  // namespace

// In place of the library's (the linker's --wrap): a request can be refused, and the engine's scratch
// memory comes up as NaN.
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
  if (wrong.empty()) wrong = activations<float>(RECUR_FLOAT32);
  if (wrong.empty()) wrong = activations<double>(RECUR_FLOAT64);
  if (wrong.empty()) wrong = embedding<float>(RECUR_FLOAT32);
  if (wrong.empty()) wrong = embedding<double>(RECUR_FLOAT64);
  if (wrong.empty()) wrong = without_memory();
  if (wrong.empty()) wrong = many(0, count);
  if (wrong.empty()) wrong = several_callers_at_once((count + 7) / 8);
  if (wrong.empty())
    std::printf("%s: %ld random problems of each cell and type, all right\n", argv[0], count);
  else
    std::printf("%s: %s\n", argv[0], wrong.c_str());
  return wrong.empty() ? 0 : 1;
}
