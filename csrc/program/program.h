// A list of instructions, from plain data to a run:
//   Program  the list, validated against the sizes of its spaces;
//   Runner   the list bound to memory: every operand a pointer, every opcode a kernel;
//   run      steps of it, by a team of threads that all walk the list.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <vector>

#include "core/memory.h"
#include "core/team.h"
#include "cpu/kernel_table.h"
#include "program/call.h"
#include "program/instr.h"
#include "program/pace.h"
#include "program/validate.h"

namespace fastnn {

// A space: its size in bytes, or kAnySize when only the memory bound to it will tell.
inline constexpr std::int64_t kAnySize = -1;
struct Space {
  std::int64_t bytes = kAnySize;
  bool writable = true;
};

// What the instructions ask of the memory bound to a space.
struct Demand {
  std::int64_t bytes = 0;      // at least so many
  std::int64_t alignment = 1;  // of the first byte
  std::int64_t user = -1;    // the instruction that needs the most bytes; -1: nobody uses the space
  std::int64_t writer = -1;  // the first instruction that writes; -1: nobody does
};

// Memory bound to a space; nullptr for a space that nobody uses, or for one that moves.
struct Memory {
  void* data = nullptr;
  std::int64_t bytes = 0;
  bool read_only = false;
  bool moves = false;  // each run says where it lies; `bytes` is what one step sees of it
};

// Where memory that moves lies in a run: at `data` in its first step, and in each one after that
// `stride` bytes further on.
struct Moved {
  void* data = nullptr;
  std::int64_t stride = 0;
};

class Program {
 public:
  Program(std::vector<Instr> instrs, std::vector<Space> spaces, const KernelTable& table);

  const std::vector<Instr>& instrs() const { return instrs_; }
  const std::vector<Demand>& demands() const { return demands_; }
  const KernelTable& table() const { return table_; }
  std::int64_t scalar_columns() const { return scalar_columns_; }

  // Throws std::invalid_argument where memory does not meet the demands; of memory that moves and
  // lies nowhere yet, where its size does not.
  void check(const std::vector<Memory>& memory) const;

  // How the team has fared in the last run of this program, on whatever memory, and when that
  // ended: an epoch's shuffled order, a single batch, a second call of `fit` is no reason to
  // measure one thread again. Either does nothing while another thread is at it, so that nobody
  // waits; even a child of fork().
  struct Experience {
    Pace pace{1, 0};
    Pace::Clock::time_point ended;
  };
  void recall(Experience& experience) const;
  void remember(const Experience& experience) const;

 private:
  void validate(std::int64_t index, Extent* extents);

  std::vector<Instr> instrs_;
  std::vector<Space> spaces_;
  std::vector<Demand> demands_;
  const KernelTable& table_;
  std::int64_t scalar_columns_ = 0;
  mutable Experience experience_;
  mutable std::atomic<bool> taken_{false};
};

struct RunArguments {
  std::int64_t steps = 1;
  std::int64_t row = 0;    // first row of the first step
  std::int64_t batch = 0;  // rows from one step to the next
  std::int64_t step = 0;
  std::uint64_t seed = 0;
  const float* scalars = nullptr;  // [steps, scalars_width]
  std::int64_t scalars_width = 0;
  int threads = 1;
  const Moved* moved = nullptr;  // for each space that moves, in their order
  bool exactly = false;          // all of them, whether that pays or not
};

class Runner {
 public:
  Runner(std::shared_ptr<const Program> program, const std::vector<Memory>& memory);
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;

  // What went wrong first (Fault::none: nothing). One run at a time: a second caller waits for the
  // first. Throws std::invalid_argument for wrong arguments.
  Report run(const RunArguments& arguments);

  // The same where no run is going on; else nothing is done, and the answer is false.
  bool try_run(const RunArguments& arguments, Report& report);
  // How many of `threads` a run will use at most.
  int team_size(int threads) const;
  double alone_ns() const { return alone_ns_; }  // estimated, of one step on one thread
  std::int64_t changes() const { return experience_.pace.changes(); }

 private:
  struct Step {
    Kernel kernel;
    const Call* call;
    double ns;  // on one thread
    bool barrier;
  };

  struct MovingSpace {
    std::size_t space;
    std::int64_t bytes;   // what one step sees of it
    std::int64_t stride;  // in this run
  };
  struct MovingOperand {
    std::size_t call;
    int operand;
    std::size_t moving;  // which of the spaces that move it is in
    std::int64_t offset;
  };

  void add_second_passes(const KernelTable& table);
  void find_moving(std::size_t space);
  void check(const RunArguments& arguments) const;
  bool acquire(bool patient);
  void release();
  Report run_and_release(const RunArguments& arguments);
  void move(const RunArguments& arguments);
  void walk(Member& member);
  void next_step(int parts);
  bool lost_pace(int parts);

  std::shared_ptr<const Program> program_;
  std::vector<Call> calls_;  // of all instructions
  std::vector<Step> steps_;  // what is walked: not those that a chained product does
  std::size_t scratch_bytes_ = 0;
  Scratch workspace_;
  std::vector<Memory> memory_;
  std::vector<MovingSpace> moving_;
  std::vector<MovingOperand> moving_operands_;
  double alone_ns_ = 0, shared_ns_ = 0;  // of a step on one thread; of what threads may share

  RunState state_;
  Status status_;
  std::int64_t steps_left_ = 0;
  std::int64_t batch_ = 0;
  std::int64_t scalars_width_ = 0;
  bool leaving_ = false;  // after a fault, or for another number of threads; at the end of a step
  bool exactly_ = false;
  bool timed_ = false;  // whether the pace has a say in this run
  Program::Experience experience_;
  Pace::Clock::time_point step_began_;
  std::atomic<std::uint32_t> running_{0};  // 0: idle; otherwise the fork generation of the run
};

}  // namespace fastnn
