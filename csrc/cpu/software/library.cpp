// The bf16 products of this folder, to be called by a test (tests/kernels/software.py).
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "cpu/kernel_table.h"

namespace fastnn {

namespace generic {
void add_halves(const Call&, const Share&);
}
namespace software_dot {
extern const Bf16Kernels kernels;
}
namespace software_tiles {
extern const Bf16Kernels kernels;
}
const char* tile_fault();

namespace {

constexpr std::size_t kGuard = 64;
constexpr unsigned char kGuardByte = 0xa5;

const Bf16Kernels& unit_named(char letter) {
  return letter == 'd' ? software_dot::kernels : software_tiles::kernels;
}

Call call_of(const Instr& instr, void* const* operands, const RunState& state) {
  Call call{};
  for (int i = 0; i < kMaxDims; ++i) call.dim[i] = instr.dims[i];
  for (int i = 0; i < kMaxAttrs; ++i) call.attr[i] = instr.attrs[i];
  for (int i = 0; i < kMaxOperands; ++i) call.operand[i] = operands[i];
  call.run = &state;
  call.opcode = instr.opcode;
  call.flags = instr.flags;
  return call;
}

Kernel kernel_of(const Bf16Kernels& kernels, std::uint16_t opcode) {
  switch (static_cast<Opcode>(opcode)) {
    case Opcode::matmul_nn:
      return kernels.matmul_nn;
    case Opcode::matmul_nt:
      return kernels.matmul_nt;
    default:
      return kernels.matmul_tn;
  }
}

}  // namespace
}  // namespace fastnn

using namespace fastnn;

#define FASTNN_EXPORT [[gnu::visibility("default")]]

// Does a matmul in `parts` parts, one after the other, and hands its tiles to the optimizer's step
// `next` if there is one, which reads `scalars`. `unit` is 'd' (dots) or 't' (tiles). Returns what
// was wrong, or nullptr: an instruction for tiles that a CPU would refuse, too little scratch.
extern "C" FASTNN_EXPORT const char* run_matmul(char unit, const Instr* instr,
                                                void* const* operands, const Instr* next,
                                                void* const* next_operands, const float* scalars,
                                                int parts) {
  const Bf16Kernels& kernels = unit_named(unit);
  RunState state;
  state.scalars = scalars;
  Call call = call_of(*instr, operands, state), next_call{};
  if (next != nullptr) {
    next_call = call_of(*next, next_operands, state);
    call.next = &next_call;
  }
  const std::size_t bytes = kernels.scratch_bytes(call);
  std::vector<std::max_align_t> memory((bytes + kGuard + 64) / sizeof(std::max_align_t) + 1);
  auto* scratch = reinterpret_cast<unsigned char*>(memory.data());
  scratch += -reinterpret_cast<std::uintptr_t>(scratch) % 64;
  std::memset(scratch + bytes, kGuardByte, kGuard);
  std::vector<float> workspace(kernels.workspace_bytes(call) / sizeof(float));
  if (!workspace.empty()) call.workspace = workspace.data();
  const auto run = [&](Kernel kernel) {
    for (int part = 0; part < parts; ++part) kernel(call, Share{part, parts, scratch, bytes});
  };
  run(kernel_of(kernels, instr->opcode));
  if (call.workspace) run(&generic::add_halves);
  for (std::size_t i = 0; i < kGuard; ++i) {
    if (scratch[bytes + i] != kGuardByte) return "it wrote beyond its scratch";
  }
  return tile_fault();
}

extern "C" FASTNN_EXPORT const char* matmul_reason(char unit, std::int64_t m, std::int64_t n,
                                                   std::int64_t k, char form, int precision) {
  return unit_named(unit).matmul_reason(m, n, k, form, precision);
}
