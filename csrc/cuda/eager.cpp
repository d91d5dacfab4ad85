#include "cuda/eager.h"

#include <cstring>
#include <stdexcept>

#include "cuda/error.h"
#include "cuda/kernel_table.h"
#include "cuda/runner.h"
#include "cuda/stream.h"

namespace fastnn::cuda {
namespace {

// Memory for what is given to a stream between its beginning and its end: it is the driver that
// sees to the order.
class Passing {
 public:
  Passing(std::size_t bytes, cudaStream_t queue) : queue_(queue) {
    if (bytes > 0) check(cudaMallocAsync(&data_, bytes, queue), "allocating scratch memory");
  }
  Passing(const Passing&) = delete;
  Passing& operator=(const Passing&) = delete;
  ~Passing() {
    if (data_ != nullptr) cudaFreeAsync(data_, queue_);
  }
  char* data() const { return static_cast<char*>(data_); }

 private:
  cudaStream_t queue_;
  void* data_ = nullptr;
};

// DeviceRun, and the row of scalars right behind it.
std::vector<char> run_state(const RunArguments& arguments, const char* where) {
  const std::size_t width = static_cast<std::size_t>(arguments.scalars_width);
  std::vector<char> bytes(sizeof(DeviceRun) + width * sizeof(float));
  DeviceRun run{};
  run.step = arguments.step;
  run.row = arguments.row;
  run.seed = arguments.seed;
  run.scalars = reinterpret_cast<const float*>(where + sizeof run);
  run.scalars_width = arguments.scalars_width;
  std::memcpy(bytes.data(), &run, sizeof run);
  if (width > 0) std::memcpy(bytes.data() + sizeof run, arguments.scalars, width * sizeof(float));
  return bytes;
}

// A graph would copy the state again at each of its launches, from where it lay on the host once,
// and nobody would look at what a kernel reports.
void refuse_capture(cudaStream_t queue) {
  cudaStreamCaptureStatus status;
  check(cudaStreamIsCapturing(queue, &status), "asking whether a stream is captured");
  if (status == cudaStreamCaptureStatusNone) return;
  throw std::invalid_argument(
      "its stream is being captured (as a CUDA graph), and a graph cannot hold what the host tells "
      "this op at each call, or asks it (step, seed, row, scalars, reports of wrong data). Call it "
      "before or after the capture.");
}

std::size_t rounded(std::size_t bytes) { return (bytes + 255) / 256 * 256; }

}  // namespace

int device_of(const void* address) {
  refuse_after_fork();
  cudaPointerAttributes attributes;
  check(cudaPointerGetAttributes(&attributes, address), "asking whose memory an address is in");
  const bool on_device =
      attributes.type == cudaMemoryTypeDevice || attributes.type == cudaMemoryTypeManaged;
  return on_device ? attributes.device : -1;
}

Report execute(const Program& program, Device& device, const std::vector<Memory>& memory,
               cudaStream_t queue, const RunArguments& arguments) {
  program.check(memory);
  const Instr& instr = program.instrs().front();
  const Call call = resolve(instr, memory);
  const Kernel kernel = kernel_of(instr.opcode);
  const char* name = signatures()[instr.opcode].name;
  const Current current(device);

  Stream rehearsal(device, nullptr, queue);
  rehearsal.prepare();
  rehearsal.begin(call.node, name);
  kernel(call, rehearsal);

  if (rehearsal.uses_run()) refuse_capture(queue);
  const std::size_t state_bytes =
      rehearsal.uses_run() ? rounded(sizeof(DeviceRun) + arguments.scalars_width * sizeof(float))
                           : 0;
  const Passing passing(state_bytes + rehearsal.scratch_bytes(), queue);
  if (state_bytes > 0) {
    const std::vector<char> state = run_state(arguments, passing.data());
    check(
        cudaMemcpyAsync(passing.data(), state.data(), state.size(), cudaMemcpyHostToDevice, queue),
        name);
  }
  Stream stream(device, reinterpret_cast<DeviceRun*>(passing.data()), queue);
  stream.prepared(passing.data() + state_bytes);
  stream.begin(call.node, name);
  kernel(call, stream);
  if (!rehearsal.may_report()) return {};

  DeviceRun run;
  check(cudaMemcpyAsync(&run, passing.data(), sizeof run, cudaMemcpyDeviceToHost, queue), name);
  check(cudaStreamSynchronize(queue), name);
  return run.report.reported ? run.report.first : Report{};
}

void order(Device& device, cudaStream_t earlier, cudaStream_t later) {
  if (earlier == later) return;
  const Current current(device);
  cudaEvent_t reached;
  check(cudaEventCreateWithFlags(&reached, cudaEventDisableTiming), "creating an event");
  cudaError_t error = cudaEventRecord(reached, earlier);
  if (error == cudaSuccess) error = cudaStreamWaitEvent(later, reached);
  cudaEventDestroy(reached);
  check(error, "letting one stream wait for another");
}

void download(Device& device, cudaStream_t queue, const void* from, void* to, std::size_t bytes) {
  const Current current(device);
  check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, queue), "copying to the host");
  check(cudaStreamSynchronize(queue), "waiting for a stream");
}

SharedMemory::SharedMemory(Device& device, std::size_t bytes) : device_(device), bytes_(bytes) {
  if (bytes == 0) return;
  const Current current(device);
  const std::string doing = "allocating " + std::to_string(bytes) + " bytes on device " +
                            std::to_string(device.index()) + " (" + device.info().name + ")";
  check(cudaMalloc(&data_, bytes), doing.c_str());
}

SharedMemory::~SharedMemory() {
  if (data_ != nullptr && !is_forked()) cudaFree(data_);
}

}  // namespace fastnn::cuda
