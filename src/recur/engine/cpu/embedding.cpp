// The entries for embeddings. Arrays are dense: a table (rows, columns) of float or double, as
// `dtype` says (scan.h), and `count` tokens. Calls from several threads at once are independent.

#include "embedding.h"

#include "scan.h"

namespace {

enum { TOKEN_OUT_OF_RANGE = 3 };

}  // namespace

extern "C" {

// Writes out (count, columns): the row of each token. TOKEN_OUT_OF_RANGE if there is no such row.
RECUR_PUBLIC int recur_embedding_forward(int32_t dtype, const void* table, const int64_t* tokens,
                                         int64_t count, int64_t rows, int64_t columns,
                                         int64_t threads, void* out) {
  const auto gather = [&](auto number) {
    using T = decltype(number);
    const bool right = recur::gather_rows(static_cast<const T*>(table), tokens, count, rows,
                                          columns, threads, static_cast<T*>(out));
    return right ? int{RECUR_OK} : int{TOKEN_OUT_OF_RANGE};
  };
  if (dtype == RECUR_FLOAT32) return gather(float{});
  if (dtype == RECUR_FLOAT64) return gather(double{});
  return RECUR_UNKNOWN;
}

// Writes all of the table's gradient from that of the rows, (count, columns).
RECUR_PUBLIC int recur_embedding_backward(int32_t dtype, const void* gradient,
                                          const int64_t* tokens, int64_t count, int64_t rows,
                                          int64_t columns, int64_t padding, int64_t threads,
                                          void* table) {
  const auto sum = [&](auto number) {
    using T = decltype(number);
    recur::sum_rows(static_cast<const T*>(gradient), tokens, count, rows, columns, padding, threads,
                    static_cast<T*>(table));
    return int{RECUR_OK};
  };
  if (dtype == RECUR_FLOAT32) return sum(float{});
  if (dtype == RECUR_FLOAT64) return sum(double{});
  return RECUR_UNKNOWN;
}

}  // extern "C"
