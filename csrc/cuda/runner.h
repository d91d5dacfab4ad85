// A program on a device: every operand an address in its memory, every instruction its launches, a
// step captured once as a CUDA graph and replayed.
#pragma once

#include <memory>
#include <vector>

#include "cuda/join.h"
#include "cuda/kernel_table.h"
#include "cuda/stream.h"
#include "program/program.h"

namespace fastnn::cuda {

// An instruction's operands become addresses.
Call resolve(const Instr& instr, const std::vector<Memory>& memory);

class Runner {
 public:
  // `memory` is the device's; `joins` are in order. Throws std::invalid_argument where they do not
  // fit the program.
  Runner(std::shared_ptr<const Program> program, Device& device, const std::vector<Memory>& memory,
         std::vector<Join> joins = {});
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;
  ~Runner();

  // What went wrong first (Fault::none: nothing), once all steps are done: unlike on the CPU, the
  // steps after a fault have run too. `arguments.scalars` is the host's.
  Report run(const RunArguments& arguments);

  // The same in two parts: enqueues the steps, any number of times, and then waits for all of them.
  void start(const RunArguments& arguments);
  Report finish();

  // Of one step, in order.
  const std::vector<Launch>& launches() const { return stream_.launches(); }
  // Of the step's graph; 0: none was needed yet.
  std::size_t graph_nodes() const { return graph_nodes_; }

 private:
  void check_joins() const;
  void check_arguments(const RunArguments& arguments) const;
  void begin(const RunArguments& arguments);
  void enqueue_step();
  void enqueue(const Join& join);
  void capture();

  std::shared_ptr<const Program> program_;
  Device& device_;
  DeviceMemory run_, scratch_, scalars_;
  Stream stream_;
  std::vector<Call> calls_;
  std::vector<Join> joins_;
  std::vector<Call> minibatches_;  // that are gathered by mlp joins
  bool started_ = false;           // since the last `finish`
  cudaGraphExec_t graph_ = nullptr;
  std::size_t graph_nodes_ = 0;
};

}  // namespace fastnn::cuda
