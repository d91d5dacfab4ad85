#include "cuda/runner.h"

#include <cstddef>
#include <cstring>
#include <stdexcept>
#include <string>

#include "cuda/advance.h"

namespace fastnn::cuda {

Call resolve(const Instr& instr, const std::vector<Memory>& memory) {
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
  call.node = instr.node;
  call.opcode = instr.opcode;
  call.flags = instr.flags;
  return call;
}

Runner::Runner(std::shared_ptr<const Program> program, Device& device,
               const std::vector<Memory>& memory, std::vector<Join> joins)
    : program_(std::move(program)),
      device_(device),
      run_(device, sizeof(DeviceRun)),
      stream_(device, reinterpret_cast<DeviceRun*>(run_.data()), device.stream()),
      joins_(std::move(joins)) {
  program_->check(memory);
  check_joins();
  for (const Instr& instr : program_->instrs()) calls_.push_back(resolve(instr, memory));
  for (const Join& join : joins_) {
    if (join.kind == JoinKind::mlp) minibatches_.push_back(calls_[join.begin]);
  }
  const Current current(device_);
  stream_.prepare();
  enqueue_step();
  scratch_ = DeviceMemory(device, stream_.scratch_bytes());
  stream_.prepared(scratch_.data());
}

Runner::~Runner() {
  if (graph_ != nullptr && !is_forked()) cudaGraphExecDestroy(graph_);
}

Report Runner::run(const RunArguments& arguments) {
  start(arguments);
  return finish();
}

void Runner::start(const RunArguments& arguments) {
  check_arguments(arguments);
  if (arguments.steps == 0) return;
  const auto lock = device_.lock();
  const Current current(device_);
  begin(arguments);
  if (arguments.steps > 1 && graph_ == nullptr) capture();
  for (std::int64_t i = 0; i < arguments.steps; ++i) {
    if (graph_ != nullptr) {
      check(cudaGraphLaunch(graph_, device_.stream()), "launching a step's graph");
    } else {
      enqueue_step();
    }
  }
}

Report Runner::finish() {
  if (!started_) return {};
  const auto lock = device_.lock();
  const Current current(device_);
  started_ = false;
  DeviceRun run;
  run_.download(&run, sizeof run);
  return run.report.reported ? run.report.first : Report{};
}

void Runner::check_arguments(const RunArguments& arguments) const {
  const std::int64_t columns = program_->scalar_columns();
  if (arguments.steps < 0 || arguments.row < 0 || arguments.batch < 0 || arguments.step < 0) {
    throw std::invalid_argument("run: steps, row, batch and step are expected to be at least 0");
  }
  if (arguments.scalars_width < columns) {
    throw std::invalid_argument("run: this program reads " + std::to_string(columns) +
                                " scalars a step, but the table of scalars has " +
                                std::to_string(arguments.scalars_width) + " columns");
  }
}

void Runner::begin(const RunArguments& arguments) {
  const std::size_t bytes =
      static_cast<std::size_t>(arguments.steps * arguments.scalars_width) * sizeof(float);
  if (bytes > scalars_.bytes()) scalars_ = DeviceMemory(device_, bytes);
  if (bytes > 0) scalars_.upload(arguments.scalars, bytes);
  DeviceRun run{};
  run.step = arguments.step;
  run.row = arguments.row;
  run.batch = arguments.batch;
  run.seed = arguments.seed;
  run.scalars = reinterpret_cast<const float*>(scalars_.data());
  run.scalars_width = arguments.scalars_width;
  // What was reported since the last `finish` stays.
  run_.upload(&run, started_ ? offsetof(DeviceRun, report) : sizeof run);
  started_ = true;
}

void Runner::enqueue_step() {
  auto join = joins_.begin();
  bool ended = false;
  for (std::size_t i = 0; i < calls_.size();) {
    if (join != joins_.end() && join->begin == static_cast<std::int32_t>(i)) {
      enqueue(*join);
      ended = join->kind == JoinKind::update;
      i = static_cast<std::size_t>(join++->end);
      continue;
    }
    const Call& call = calls_[i++];
    stream_.begin(call.node, signatures()[call.opcode].name);
    kernel_of(call.opcode)(call, stream_);
    ended = false;
  }
  if (ended || !stream_.uses_run()) return;  // nobody asks which step it is
  stream_.begin(static_cast<std::uint32_t>(calls_.size()), "advance");
  advance(stream_);
}

void Runner::enqueue(const Join& join) {
  const std::span<const Call> calls(&calls_[join.begin], &calls_[join.end]);
  switch (join.kind) {
    case JoinKind::block:
      stream_.begin(calls.front().node, "block");
      return join_block(calls, stream_);
    case JoinKind::mlp:
      stream_.begin(calls.front().node, "mlp");
      return join_mlp(calls, stream_);
    case JoinKind::update:
      stream_.begin(calls.front().node, "update");
      return join_update(calls, minibatches_, stream_);
  }
}

void Runner::check_joins() const {
  const auto count = static_cast<std::int32_t>(program_->instrs().size());
  std::int32_t at = 0;
  for (const Join& join : joins_) {
    const bool last = join.kind != JoinKind::update || join.end == count;
    const bool known = join.kind >= JoinKind::block && join.kind <= JoinKind::update;
    if (join.begin < at || join.end <= join.begin || join.end > count || !last || !known) {
      throw std::invalid_argument("joins: [" + std::to_string(join.begin) + ", " +
                                  std::to_string(join.end) + ") of kind " +
                                  std::to_string(static_cast<int>(join.kind)) + " among " +
                                  std::to_string(count) + " instructions is none");
    }
    at = join.end;
  }
}

void Runner::capture() {
  check(cudaStreamBeginCapture(device_.stream(), cudaStreamCaptureModeThreadLocal),
        "capturing a step");
  cudaGraph_t graph = nullptr;
  try {
    enqueue_step();
  } catch (...) {
    cudaStreamEndCapture(device_.stream(), &graph);
    if (graph != nullptr) cudaGraphDestroy(graph);
    throw;
  }
  check(cudaStreamEndCapture(device_.stream(), &graph), "capturing a step");
  check(cudaGraphGetNodes(graph, nullptr, &graph_nodes_), "counting a graph's nodes");
  const cudaError_t made = cudaGraphInstantiate(&graph_, graph, 0);
  cudaGraphDestroy(graph);
  check(made, "making a graph of a step");
}

}  // namespace fastnn::cuda
