// What a kernel sees: an instruction whose operands have become pointers, and its share of the
// work. Kernels are compiled once per ISA: what is inline here is always inlined, so that no copy
// made for one ISA can serve another.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "cpu/inline.h"
#include "program/instr.h"

namespace fastnn {

// The first thing that went wrong in a run; kernels report and carry on within bounds.
enum class Fault : std::int32_t { none, index_out_of_range, label_out_of_range, not_finite };

struct Report {
  Fault fault = Fault::none;
  std::uint32_t node = 0;  // Instr::node of the reporter (or the producer, for check_finite)
  std::int64_t step = 0;   // RunState::step when it happened
  std::int64_t row = 0;    // row (or element) within the operand
  std::int64_t value = 0;  // the offending index or label
  std::int64_t limit = 0;  // it should have been in [0, limit)
};

struct Status {
  std::atomic<bool> reported{false};
  Report first;
};

// What changes from step to step.
struct RunState {
  std::int64_t step = 0;           // optimizer steps done before this one; also the Philox counter
  std::int64_t row = 0;            // first row of this minibatch, in the order or in the data
  std::uint64_t seed = 0;          // Philox key
  const float* scalars = nullptr;  // this step's row of the table of per-step scalars
  Status* status = nullptr;
};

struct Call {
  std::int64_t dim[kMaxDims];  // in the order in which opcodes.def names them
  double attr[kMaxAttrs];
  void* operand[kMaxOperands];       // nullptr: absent
  std::int64_t bytes[kMaxOperands];  // bytes bound from the pointer on (for `*` dims)
  const RunState* run;
  const Call* next;  // kChained: the instruction to be done on every piece of the result
  void* workspace;   // shared by all threads (KernelTable::workspace_bytes); nullptr: none
  std::uint32_t node;
  std::uint16_t opcode;
  std::uint16_t flags;

  FASTNN_INLINE float scalar(int i) const { return static_cast<float>(attr[i]); }
  template <typename T>
  FASTNN_INLINE const T* in(int i) const {
    return static_cast<const T*>(operand[i]);
  }
  template <typename T>
  FASTNN_INLINE T* out(int i) const {
    return static_cast<T*>(operand[i]);
  }
  // Keeps the first fault of a run.
  void fail(Fault fault, std::int64_t row, std::int64_t value, std::int64_t limit) const;
};

struct Range {
  std::int64_t begin, end;
};

// One thread's share: part `part` of `parts`, and scratch memory of its own (64-byte aligned).
struct Share {
  int part;
  int parts;
  void* scratch;
  std::size_t scratch_bytes;

  // A contiguous piece of [0, n), cut at multiples of `grain`.
  FASTNN_INLINE Range split(std::int64_t n, std::int64_t grain = 1) const {
    const std::int64_t blocks = (n + grain - 1) / grain;
    const std::int64_t begin = blocks * part / parts * grain;
    const std::int64_t end = blocks * (part + 1) / parts * grain;
    return {begin < n ? begin : n, end < n ? end : n};
  }

  // Long rows (kLongRow) are cut in two halves, and a thread has to do with the same one in every
  // instruction: what it gathers it multiplies, with weights that it updates. Calls work(half, its
  // share of that). Of an odd number of threads each takes two of the pieces of both halves.
  template <class Work>
  FASTNN_INLINE void in_halves(Work work) const {
    if (parts % 2 == 0) return work(part % 2, Share{part / 2, parts / 2, scratch, scratch_bytes});
    for (int piece = 2 * part; piece < 2 * part + 2; ++piece) {
      work(piece / parts, Share{piece % parts, parts, scratch, scratch_bytes});
    }
  }
};

inline constexpr std::int64_t kLongRow = 512;            // elements
inline constexpr std::int64_t kLeastHalvedColumns = 64;  // of a product made in halves

using Kernel = void (*)(const Call&, const Share&);

}  // namespace fastnn
