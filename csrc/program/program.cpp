#include "program/program.h"

#include <algorithm>
#include <limits>
#include <stdexcept>
#include <string>

namespace fastnn {
namespace {

constexpr std::int64_t kEnd = std::numeric_limits<std::int64_t>::max();

std::string space_text(std::int64_t space) { return "space " + std::to_string(space); }

// [begin, end) of an operand within its space, whose size may not be known yet.
Extent place(const Site& site, const OperandSpec& spec, int operand, std::int64_t bytes,
             const std::vector<Space>& spaces) {
  const Ref& ref = site.instr.operands[operand];
  const std::int64_t count = static_cast<std::int64_t>(spaces.size());
  if (ref.space < -1 || ref.space >= count) {
    refuse(site, operand,
           "its space is " + std::to_string(ref.space) + ", expected one below " +
               std::to_string(count) + ", or -1 for absent");
  }
  if (ref.space == -1) return {};
  const Space& space = spaces[ref.space];
  const std::int64_t size = element_size(spec.type);
  if (ref.offset < 0 || ref.offset % size != 0) {
    refuse(site, operand,
           "its offset is " + std::to_string(ref.offset) + ", expected a multiple of " +
               std::to_string(size) + " bytes");
  }
  if (spec.written() && !space.writable) {
    refuse(site, operand, "it is written, but " + space_text(ref.space) + " is read-only");
  }
  const std::int64_t limit = space.bytes == kAnySize ? kEnd : space.bytes;
  const std::int64_t needed = spec.any_rows() ? 0 : bytes;
  if (ref.offset > limit - needed) {
    refuse(site, operand,
           "it takes " + std::to_string(needed) + " bytes from byte " + std::to_string(ref.offset) +
               " on, but " + space_text(ref.space) + " has " + std::to_string(limit) + " bytes");
  }
  return {ref.space, ref.offset, spec.any_rows() ? limit : ref.offset + bytes};
}

}  // namespace

Program::Program(std::vector<Instr> instrs, std::vector<Space> spaces, const KernelTable& table)
    : instrs_(std::move(instrs)),
      spaces_(std::move(spaces)),
      demands_(spaces_.size()),
      table_(table) {
  Extent both[2][kMaxOperands];  // of the instruction and of the one before it, in turns
  const std::int64_t count = static_cast<std::int64_t>(instrs_.size());
  for (std::int64_t i = 0; i < count; ++i) {
    validate(i, both[i % 2]);
    const Site before{instrs_[i > 0 ? i - 1 : 0], i - 1};
    if (i > 0 && before.instr.flags & kChained) {
      check_chain(before, both[(i - 1) % 2], {instrs_[i], i}, both[i % 2]);
    }
  }
  if (count > 0 && instrs_.back().flags & kChained) {
    refuse({instrs_.back(), count - 1}, "it is chained, but no instruction follows");
  }
}

void Program::validate(std::int64_t index, Extent* extents) {
  const Instr& instr = instrs_[index];
  const Site site{instr, index};
  const Signature& signature = signature_of(site);
  if (table_.kernels[instr.opcode] == nullptr) {
    refuse(site, "no kernel for it in the instruction set " + std::string(table_.isa));
  }
  const Footprint footprint = check_shapes(site, signature);
  for (int i = 0; i < kMaxOperands; ++i) extents[i] = {};
  for (int i = 0; i < static_cast<int>(signature.operands.size()); ++i) {
    const OperandSpec& spec = signature.operands[i];
    extents[i] = place(site, spec, i, footprint.bytes[i], spaces_);
    if (extents[i].space < 0) continue;
    Demand& demand = demands_[extents[i].space];
    const std::int64_t end = spec.any_rows() ? extents[i].begin : extents[i].end;
    if (demand.user < 0 || end > demand.bytes) {
      demand.user = index;
      demand.bytes = end;
    }
    demand.alignment = std::max(demand.alignment, element_size(spec.type));
    if (spec.written() && demand.writer < 0) demand.writer = index;
  }
  check_aliasing(site, signature, extents);
  scalar_columns_ = std::max(scalar_columns_, fastnn::scalar_columns(instr));
}

void Program::check(const std::vector<Memory>& memory) const {
  if (memory.size() != demands_.size()) {
    throw std::invalid_argument("the program has " + std::to_string(demands_.size()) +
                                " spaces, but memory was given for " +
                                std::to_string(memory.size()));
  }
  for (std::size_t i = 0; i < memory.size(); ++i) {
    const Demand& demand = demands_[i];
    if (demand.user < 0) continue;
    const Site user{instrs_[demand.user], demand.user};
    if (memory[i].data == nullptr && !memory[i].moves) {
      refuse(user, "nothing is bound to " + space_text(i) + ", which it uses");
    }
    if (memory[i].bytes < demand.bytes) {
      refuse(user, "it needs " + std::to_string(demand.bytes) + " bytes of " + space_text(i) +
                       ", but " + std::to_string(memory[i].bytes) + " are bound");
    }
    if (reinterpret_cast<std::uintptr_t>(memory[i].data) % demand.alignment != 0) {
      refuse(user, "the memory bound to " + space_text(i) + " is not aligned to " +
                       std::to_string(demand.alignment) + " bytes");
    }
    if (demand.writer < 0) continue;
    const Site writer{instrs_[demand.writer], demand.writer};
    if (memory[i].read_only) {
      refuse(writer, "it writes to " + space_text(i) + ", but the memory bound to it is read-only");
    }
    if (memory[i].data == nullptr) continue;
    for (std::size_t j = 0; j < memory.size(); ++j) {
      if (j == i || demands_[j].user < 0) continue;
      const char* begin = static_cast<const char*>(memory[i].data);
      const char* other = static_cast<const char*>(memory[j].data);
      if (begin < other + memory[j].bytes && other < begin + memory[i].bytes) {
        refuse(writer, "it writes to " + space_text(i) + ", and the memory bound to it overlaps " +
                           space_text(j) + "'s");
      }
    }
  }
}

void Program::recall(Experience& experience) const {
  if (taken_.exchange(true, std::memory_order_acquire)) return;
  experience = experience_;
  taken_.store(false, std::memory_order_release);
}

void Program::remember(const Experience& experience) const {
  if (taken_.exchange(true, std::memory_order_acquire)) return;
  experience_ = experience;
  taken_.store(false, std::memory_order_release);
}

}  // namespace fastnn
