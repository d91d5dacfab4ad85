#include <stdexcept>
#include <string>

#include "program/program.h"

namespace fastnn {
namespace {

[[noreturn]] void refuse_argument(const std::string& message) {
  throw std::invalid_argument("run: " + message);
}

Call resolve(const Instr& instr, const std::vector<Memory>& memory, const RunState* state) {
  const Signature& signature = signatures()[instr.opcode];
  const Footprint footprint = check_shapes({instr, 0}, signature);
  Call call{};
  for (int i = 0; i < kMaxDims; ++i) call.dim[i] = instr.dims[i];
  for (int i = 0; i < kMaxAttrs; ++i) call.attr[i] = instr.attrs[i];
  for (int i = 0; i < static_cast<int>(signature.operands.size()); ++i) {
    const Ref& ref = instr.operands[i];
    if (ref.space < 0) continue;
    const bool any_rows = signature.operands[i].any_rows();
    call.operand[i] = static_cast<char*>(memory[ref.space].data) + ref.offset;
    call.bytes[i] = any_rows ? memory[ref.space].bytes - ref.offset : footprint.bytes[i];
  }
  call.run = state;
  call.node = instr.node;
  call.opcode = instr.opcode;
  call.flags = instr.flags;
  return call;
}

}  // namespace

Runner::Runner(std::shared_ptr<const Program> program, const std::vector<Memory>& memory)
    : program_(std::move(program)), memory_(memory) {
  program_->check(memory);
  const KernelTable& table = program_->table();
  state_.status = &status_;
  for (const Instr& instr : program_->instrs()) {
    calls_.push_back(resolve(instr, memory, &state_));
    scratch_bytes_ = std::max(scratch_bytes_, table.scratch_bytes(calls_.back()));
    if (!(instr.flags & kSerial)) parallel_ = true;
  }
  for (std::size_t i = 0; i < calls_.size(); ++i) {
    if (i > 0 && calls_[i - 1].flags & kChained) {
      calls_[i - 1].next = &calls_[i];
    } else {
      steps_.push_back({table.kernels[calls_[i].opcode], &calls_[i]});
    }
  }
  for (std::size_t space = 0; space < memory_.size(); ++space) {
    if (memory_[space].moves) find_moving(space);
  }
}

void Runner::find_moving(std::size_t space) {
  for (std::size_t call = 0; call < calls_.size(); ++call) {
    for (int i = 0; i < kMaxOperands; ++i) {
      const Ref& ref = program_->instrs()[call].operands[i];
      if (ref.space != static_cast<std::int64_t>(space)) continue;
      moving_operands_.push_back({call, i, moving_.size(), ref.offset});
    }
  }
  moving_.push_back({space, memory_[space].bytes, 0});
}

void Runner::check(const RunArguments& arguments) const {
  const struct {
    const char* name;
    std::int64_t value;
  } counts[] = {{"steps", arguments.steps},
                {"row", arguments.row},
                {"batch", arguments.batch},
                {"step", arguments.step}};
  for (const auto& count : counts) {
    if (count.value < 0) {
      refuse_argument(std::string(count.name) + " is " + std::to_string(count.value) +
                      ", expected at least 0");
    }
  }
  std::int64_t rows, last;
  if (__builtin_mul_overflow(arguments.steps, arguments.batch, &rows) ||
      __builtin_add_overflow(arguments.row, rows, &last) ||
      __builtin_add_overflow(arguments.step, arguments.steps, &last)) {
    refuse_argument("steps, batch, row and step are too large together");
  }
  const std::int64_t columns = program_->scalar_columns();
  if (arguments.scalars_width < columns) {
    refuse_argument("this program reads " + std::to_string(columns) +
                    " scalars a step, but the table of scalars has " +
                    std::to_string(arguments.scalars_width) + " columns");
  }
  if (!moving_.empty() && arguments.moved == nullptr) {
    refuse_argument("this program moves, but nobody says where to");
  }
}

Report Runner::run(const RunArguments& arguments) {
  check(arguments);
  acquire(true);
  return run_and_release(arguments);
}

bool Runner::try_run(const RunArguments& arguments, Report& report) {
  check(arguments);
  if (!acquire(false)) return false;
  report = run_and_release(arguments);
  return true;
}

// After a fork in the middle of another thread's run, the flag still stands, from a generation
// that is over: nobody will clear it, and we may take it.
bool Runner::acquire(bool patient) {
  const std::uint32_t generation = fork_generation();
  std::uint32_t seen = 0;
  while (!running_.compare_exchange_weak(seen, generation)) {
    if (seen != generation) continue;
    if (!patient) return false;
    running_.wait(generation);
    seen = 0;
  }
  return true;
}

Report Runner::run_and_release(const RunArguments& arguments) {
  struct Release {
    std::atomic<std::uint32_t>& running;
    ~Release() {
      running.store(0);
      running.notify_one();
    }
  } release{running_};
  if (arguments.steps == 0) return {};
  state_.step = arguments.step;
  state_.row = arguments.row;
  state_.seed = arguments.seed;
  state_.scalars = arguments.scalars;
  step_count_ = arguments.steps;
  batch_ = arguments.batch;
  scalars_width_ = arguments.scalars_width;
  stopped_ = false;
  status_.reported.store(false, std::memory_order_relaxed);
  status_.first = {};
  if (!moving_.empty()) move(arguments);
  run_on_team(parallel_ ? arguments.threads : 1, scratch_bytes_,
              [this](Member& member) { walk(member); });
  return status_.first;
}

// To the places of the first step. What all steps will see is checked.
void Runner::move(const RunArguments& arguments) {
  const Moved* to = arguments.moved;
  for (MovingSpace& moving : moving_) {
    Memory& memory = memory_[moving.space];
    memory.data = to->data;
    memory.bytes = moving.bytes + (arguments.steps - 1) * to->stride;
    moving.stride = to->stride;
    ++to;
  }
  program_->check(memory_);
  for (const MovingOperand& m : moving_operands_) {
    char* begin = static_cast<char*>(memory_[moving_[m.moving].space].data);
    calls_[m.call].operand[m.operand] = begin + m.offset;
  }
}

// Every thread walks the whole list.
void Runner::walk(Member& member) {
  const Share share{member.part, member.parts, member.scratch, member.scratch_bytes};
  const Share alone{0, 1, member.scratch, member.scratch_bytes};
  for (std::int64_t left = step_count_;;) {
    for (const Step& step : steps_) {
      const Call& call = *step.call;
      if (call.flags & kBarrier) member.meet();
      if (!(call.flags & kSerial)) {
        step.kernel(call, share);
      } else if (member.part == 0) {
        step.kernel(call, alone);
      }
    }
    if (--left == 0) return;
    member.meet([this] { next_step(); });
    if (stopped_) return;
  }
}

// By one thread, while the others wait.
void Runner::next_step() {
  stopped_ = status_.reported.load(std::memory_order_relaxed);
  ++state_.step;
  state_.row += batch_;
  if (state_.scalars != nullptr) state_.scalars += scalars_width_;
  for (const MovingOperand& m : moving_operands_) {
    void*& operand = calls_[m.call].operand[m.operand];
    operand = static_cast<char*>(operand) + moving_[m.moving].stride;
  }
}

}  // namespace fastnn
