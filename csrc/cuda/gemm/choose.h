// Which kernels make a product.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "cuda/device.h"

namespace fastnn::cuda {

enum class Form : int { nn, nt, tn };

enum class Method : int { simt, tf32, tf32x3, bf16, bf16x3 };
inline constexpr const char* kMethodNames[] = {"simt", "tf32", "3xtf32", "bf16", "bf16x3"};

struct Choice {
  Method method;
  int tile;    // rows and columns of a block's part of C: 128, 64 or (simt) 32
  int splits;  // parts of k, summed by a second kernel
  std::string reason;
};

// By the sizes, whether all rows start at multiples of 16 bytes, and, where tensor cores come into
// question, the kind of card. Never by how many multiprocessors it has.
Choice choose(Form form, std::int64_t m, std::int64_t n, std::int64_t k, int precision,
              bool aligned_rows, const DeviceInfo& device);

// Are all rows of a product's operands whole packs of 16 bytes?
inline bool rows_are_packs(Form form, std::int64_t m, std::int64_t n, std::int64_t k) {
  return (form == Form::tn ? m : k) % 4 == 0 && (form == Form::nt ? k : n) % 4 == 0;
}

// For tests.
Method method_named(const std::string& name);
void force_choice(std::optional<Choice> choice);

}  // namespace fastnn::cuda
