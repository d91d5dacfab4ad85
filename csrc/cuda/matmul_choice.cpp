// Which kernels make a product, and why.
//
//   "highest"  simt: float32, one chain of fused multiply-adds an element (gemm/tf32.h says why
//              3xtf32 is not used for it)
//   "high"     where tensor cores multiply bf16 three times as fast as the others float32:
//              bf16x3 for large products, 3xtf32 for the others
//   "medium"   bf16 for large products, tf32 for the others
//
// bf16 begins with a pass that converts the factors: what it saves, half of tf32's time, repays
// that only where each converted element is used some hundred times. tf32 takes rows of 16 bytes.
// In float32 an element's bits depend on k alone; with tensor cores they may depend on all sizes.
#include <stdexcept>

#include "cuda/gemm/choose.h"

namespace fastnn::cuda {
namespace {

std::optional<Choice> forced;

// Blocks that keep a card busy: about the multiprocessors of an A100. The same for all cards, so
// that sums are cut alike everywhere.
constexpr double kBusy = 108;

// Sums longer than this may be split where C alone makes too few blocks; into parts of at least
// kLeastPart. Shorter ones stay single chains, whose bits do not depend on the number of rows.
constexpr std::int64_t kLeastSplitK = 2048, kLeastPart = 512, kMostSplits = 32;

constexpr std::int64_t kLeastForTensor = 32;  // of n and k: fragments are 16 and 8 wide
constexpr std::int64_t kLarge = 512;          // of m, n and k: from here on converting is repaid
constexpr std::int64_t kLargeRows = 128;      // the same of n and k, where the alternative is simt

struct Tile {
  int size;
  double rate;  // of its inner loop, relative to the largest: the smaller, the more it loads
};
constexpr Tile kSimtTiles[] = {{128, 1.0}, {64, 0.8}, {32, 0.45}};
constexpr Tile kTensorTiles[] = {{128, 1.0}, {64, 0.6}};

double blocks_of(std::int64_t m, std::int64_t n, int tile) {
  return static_cast<double>((m + tile - 1) / tile) * static_cast<double>((n + tile - 1) / tile);
}

// In arbitrary units: rounds of blocks, each as long as a tile takes.
double time_of(const Tile& t, std::int64_t m, std::int64_t n) {
  const double blocks = blocks_of(m, n, t.size);
  return (blocks < kBusy ? 1 : blocks / kBusy) * t.size * t.size / t.rate;
}

int splits_for(std::int64_t m, std::int64_t n, std::int64_t k, int tile) {
  const auto blocks = static_cast<std::int64_t>(blocks_of(m, n, tile));
  if (k < kLeastSplitK || blocks == 0 || 2 * blocks > kBusy) return 1;
  std::int64_t splits = static_cast<std::int64_t>(kBusy) / blocks;
  if (splits > k / kLeastPart) splits = k / kLeastPart;
  return static_cast<int>(splits < kMostSplits ? splits : kMostSplits);
}

// Cards of the data centre (8.0, 9.0, 10.0, 10.3) multiply bf16 at 16 times the rate of float32,
// the others (8.6, 8.9, 12.0) at twice that rate, when sums are float32.
bool has_fast_tensor_cores(const DeviceInfo& device) {
  if (device.major == 10) return true;
  return device.minor == 0 && (device.major == 8 || device.major == 9);
}

struct Way {
  Method method;
  std::string why;
};

Way way_of(std::int64_t m, std::int64_t n, std::int64_t k, int precision, bool aligned_rows,
           const DeviceInfo& device) {
  if (precision == 0) return {Method::simt, "\"highest\" is float32"};
  if (n < kLeastForTensor || k < kLeastForTensor) {
    return {Method::simt, "n or k is below 32: too little for tensor cores"};
  }
  if (precision == 1 && !has_fast_tensor_cores(device)) {
    return {Method::simt, "on compute capability " + std::to_string(device.major) + "." +
                              std::to_string(device.minor) +
                              " three products on tensor cores are no faster than float32"};
  }
  const Method converted = precision == 1 ? Method::bf16x3 : Method::bf16;
  if (m >= kLarge && n >= kLarge && k >= kLarge) return {converted, "large enough to convert"};
  if (aligned_rows) {
    return {precision == 1 ? Method::tf32x3 : Method::tf32, "too small for converting to bf16"};
  }
  if (n >= kLargeRows && k >= kLargeRows) return {converted, "rows are not aligned for tf32"};
  return {Method::simt, "rows are not aligned for tf32, and it is small"};
}

}  // namespace

Choice choose(Form, std::int64_t m, std::int64_t n, std::int64_t k, int precision,
              bool aligned_rows, const DeviceInfo& device) {
  if (forced) {
    Choice choice = *forced;
    const bool tf32 = choice.method == Method::tf32 || choice.method == Method::tf32x3;
    if (tf32 && !aligned_rows) throw std::invalid_argument("tf32 needs aligned rows");
    return choice;
  }
  const Way way = way_of(m, n, k, precision, aligned_rows, device);
  Choice choice{way.method, 0, 1, {}};
  const Tile* best = nullptr;
  const auto consider = [&](const Tile& t) {
    if (best == nullptr || time_of(t, m, n) < time_of(*best, m, n)) best = &t;
  };
  if (way.method == Method::simt) {
    for (const Tile& t : kSimtTiles) consider(t);
  } else {
    for (const Tile& t : kTensorTiles) consider(t);
  }
  choice.tile = best->size;
  choice.splits = splits_for(m, n, k, choice.tile);
  const std::string edge = std::to_string(choice.tile);
  choice.reason = kMethodNames[static_cast<int>(way.method)];
  choice.reason += " " + edge + "x" + edge;
  if (choice.splits > 1) choice.reason += ", k in " + std::to_string(choice.splits) + " parts";
  choice.reason += ": " + way.why;
  return choice;
}

Method method_named(const std::string& name) {
  for (int i = 0; i < 5; ++i) {
    if (name == kMethodNames[i]) return static_cast<Method>(i);
  }
  throw std::invalid_argument("no way to make a product is named '" + name + "'");
}

void force_choice(std::optional<Choice> choice) { forced = std::move(choice); }

}  // namespace fastnn::cuda
