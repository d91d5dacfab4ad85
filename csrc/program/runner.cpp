#include <stdexcept>
#include <string>

#include "program/cost.h"
#include "program/halves.h"
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

double ns_between(Pace::Clock::time_point begin, Pace::Clock::time_point end) {
  return std::chrono::duration<double, std::nano>(end - begin).count();
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
  }
  for (std::size_t i = 0; i < calls_.size(); ++i) {
    if (i > 0 && calls_[i - 1].flags & kChained) {
      calls_[i - 1].next = &calls_[i];
    } else {
      const Call& call = calls_[i];
      steps_.push_back({table.kernels[call.opcode], &call, 0, (call.flags & kBarrier) != 0});
    }
  }
  for (Step& step : steps_) {
    step.ns = fastnn::alone_ns(*step.call, table);
    alone_ns_ += step.ns;
    if (!(step.call->flags & kSerial)) shared_ns_ += step.ns;
  }
  add_second_passes(table);
  settle_halves(calls_);
  for (std::size_t space = 0; space < memory_.size(); ++space) {
    if (memory_[space].moves) find_moving(space);
  }
  program_->recall(experience_);
}

void Runner::add_second_passes(const KernelTable& table) {
  const auto bytes_of = [&](const Step& step) {
    return (table.workspace_bytes(*step.call) + kAlignment - 1) / kAlignment * kAlignment;
  };
  std::size_t bytes = 0;
  for (const Step& step : steps_) bytes += bytes_of(step);
  workspace_.reserve(bytes);
  char* workspace = static_cast<char*>(workspace_.data());
  std::vector<Step> steps;
  for (const Step& step : steps_) {
    steps.push_back(step);
    if (bytes_of(step) == 0) continue;
    Call& call = calls_[step.call - calls_.data()];
    call.workspace = workspace;
    workspace += bytes_of(step);
    steps.push_back({table.second_pass, &call, step.ns, true});
  }
  steps_ = std::move(steps);
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

int Runner::team_size(int threads) const { return parts_for(shared_ns_, kThreadNs, threads); }

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

void Runner::release() {
  running_.store(0);
  running_.notify_one();
}

Report Runner::run_and_release(const RunArguments& arguments) {
  struct Release {
    Runner& runner;
    ~Release() { runner.release(); }
  } release{*this};
  if (arguments.steps == 0) return {};
  state_.step = arguments.step;
  state_.row = arguments.row;
  state_.seed = arguments.seed;
  state_.scalars = arguments.scalars;
  steps_left_ = arguments.steps;
  batch_ = arguments.batch;
  scalars_width_ = arguments.scalars_width;
  status_.reported.store(false, std::memory_order_relaxed);
  status_.first = {};
  if (!moving_.empty()) move(arguments);
  exactly_ = arguments.exactly;
  const int threads = exactly_ ? arguments.threads : team_size(arguments.threads);
  timed_ = !exactly_ && threads > 1;
  Pace& pace = experience_.pace;
  if (timed_) {
    if (threads != pace.threads()) pace = Pace(threads, alone_ns_);
    pace.idled(ns_between(experience_.ended, Pace::Clock::now()));
  }
  do {
    leaving_ = false;
    if (timed_) step_began_ = Pace::Clock::now();
    const int parts = run_on_team(timed_ && !pace.team() ? 1 : threads, scratch_bytes_,
                                  [this](Member& member) { walk(member); });
    if (!leaving_) next_step(parts);
  } while (steps_left_ > 0 && !status_.reported.load(std::memory_order_relaxed));
  if (timed_) {
    experience_.ended = step_began_;  // where the next one would begin
    program_->remember(experience_);
  }
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
  for (;;) {
    for (const Step& step : steps_) {
      const Call& call = *step.call;
      if (step.barrier) member.meet();
      const int parts = call.flags & kSerial ? 1
                        : exactly_           ? member.parts
                                             : parts_for(step.ns, kPartNs, member.parts);
      if (member.part < parts) {
        step.kernel(call, {member.part, parts, member.scratch, member.scratch_bytes});
      }
    }
    if (steps_left_ == 1) return;  // whoever called does the rest
    member.meet([&] { next_step(member.parts); });
    if (leaving_) return;
  }
}

// A step is over. By one thread, while the others wait.
void Runner::next_step(int parts) {
  --steps_left_;
  ++state_.step;
  state_.row += batch_;
  if (state_.scalars != nullptr) state_.scalars += scalars_width_;
  for (const MovingOperand& m : moving_operands_) {
    void*& operand = calls_[m.call].operand[m.operand];
    operand = static_cast<char*>(operand) + moving_[m.moving].stride;
  }
  leaving_ = status_.reported.load(std::memory_order_relaxed) || lost_pace(parts);
}

// Should the next step be done by another number of threads than this one, by `parts`?
bool Runner::lost_pace(int parts) {
  if (!timed_) return false;
  const Pace::Clock::time_point now = Pace::Clock::now();
  const double took = ns_between(step_began_, now);
  step_began_ = now;
  if (experience_.pace.team() && parts == 1) return false;  // the team was busy
  return experience_.pace.passed(took);
}

}  // namespace fastnn
