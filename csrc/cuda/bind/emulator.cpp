// How tests set the emulator up: what it pretends to be, and in which order it does things.
#include "cuda/bind/bind.h"
#include "cuda/device.h"
#include "cuda/emulator/checks.h"
#include "cuda/emulator/config.h"
#include "cuda/emulator/memory.h"
#include "cuda/emulator/runtime.h"
#include "cuda/error.h"

namespace py = pybind11;
using namespace py::literals;

namespace fastnn::cuda {
namespace {

template <class T>
void take(const py::kwargs& given, const char* name, T& value) {
  if (given.contains(name)) value = given[name].cast<T>();
}

py::dict configure(const py::kwargs& given) {
  emulator::Config& config = emulator::config();
  take(given, "seed", config.seed);
  take(given, "workers", config.workers);
  take(given, "devices", config.devices);
  take(given, "driver", config.driver);
  take(given, "major", config.major);
  take(given, "minor", config.minor);
  take(given, "multiprocessors", config.multiprocessors);
  take(given, "memory", config.memory);
  return py::dict("seed"_a = config.seed, "workers"_a = config.workers,
                  "devices"_a = config.devices, "driver"_a = config.driver,
                  "major"_a = config.major, "minor"_a = config.minor,
                  "multiprocessors"_a = config.multiprocessors, "memory"_a = config.memory);
}

// Two queues: a copy to pinned host memory, and what the host sees before and after it waits.
py::tuple order_of_work(int device_index) {
  Device& device = Device::get(device_index);
  const Current current(device);
  DeviceMemory memory(device, sizeof(int));
  int* pinned = nullptr;
  check(cudaHostAlloc(reinterpret_cast<void**>(&pinned), sizeof(int), cudaHostAllocDefault), "");
  *pinned = 1;
  memory.fill(0);
  cudaStream_t other;
  cudaEvent_t filled;
  check(cudaStreamCreateWithFlags(&other, cudaStreamNonBlocking), "");
  check(cudaEventCreateWithFlags(&filled, cudaEventDisableTiming), "");
  check(cudaEventRecord(filled, device.stream()), "");
  check(cudaStreamWaitEvent(other, filled), "");
  check(cudaMemcpyAsync(pinned, memory.data(), sizeof(int), cudaMemcpyDeviceToHost, other), "");
  const int early = *pinned;
  check(cudaStreamSynchronize(other), "");
  const int late = *pinned;
  cudaStreamDestroy(other);
  cudaEventDestroy(filled);
  cudaFreeHost(pinned);
  return py::make_tuple(early, late);
}

// A copy between host memory and device memory that is given as the other.
void copy_wrongly(DeviceMemory& memory, bool to_device) {
  int host = 0;
  void* to = to_device ? static_cast<void*>(&host) : memory.data();
  const void* from = to_device ? static_cast<void*>(memory.data()) : &host;
  check(cudaMemcpyAsync(to, from, sizeof host,
                        to_device ? cudaMemcpyHostToDevice : cudaMemcpyDeviceToHost,
                        memory.device().stream()),
        "");
}

// A stream of somebody else's, as another library would have it.
class OthersStream {
 public:
  explicit OthersStream(int device) : device_(Device::get(device)) {
    const Current current(device_);
    check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "");
  }
  OthersStream(const OthersStream&) = delete;
  OthersStream& operator=(const OthersStream&) = delete;
  ~OthersStream() { cudaStreamDestroy(stream_); }

  std::uintptr_t handle() const { return reinterpret_cast<std::uintptr_t>(stream_); }
  void synchronize() { check(cudaStreamSynchronize(stream_), ""); }
  // Later, in the order of the stream.
  void copy(std::uintptr_t to, py::handle from) {
    const bind::Buffer buffer = bind::Buffer::of_bytes(from, "array");
    check(cudaMemcpyAsync(reinterpret_cast<void*>(to), buffer.memory().data,
                          static_cast<std::size_t>(buffer.memory().bytes), cudaMemcpyHostToDevice,
                          stream_),
          "");
  }

  void begin_capture() {
    check(cudaStreamBeginCapture(stream_, cudaStreamCaptureModeThreadLocal), "");
  }
  // What has been asked for since is done once, and how much that was is told.
  std::size_t end_capture() {
    cudaGraph_t graph;
    cudaGraphExec_t executable;
    std::size_t nodes = 0;
    check(cudaStreamEndCapture(stream_, &graph), "");
    check(cudaGraphGetNodes(graph, nullptr, &nodes), "");
    check(cudaGraphInstantiate(&executable, graph), "");
    check(cudaGraphLaunch(executable, stream_), "");
    cudaGraphExecDestroy(executable);
    cudaGraphDestroy(graph);
    return nodes;
  }

 private:
  Device& device_;
  cudaStream_t stream_ = nullptr;
};

int current_device() {
  int device = -1;
  cudaGetDevice(&device);
  return device;
}

}  // namespace

void add_emulator(py::module_& module) {
  Device::keep_unused(false);
  py::module_ part = module.def_submodule("emulator", "What only the emulator has.");
  part.def("configure", &configure);
  part.def("keep_unused", &Device::keep_unused, "keep"_a);
  part.def("check", [](DeviceMemory& x, const std::string& name) {
    run_check(x.device(), name, reinterpret_cast<float*>(x.data()),
              static_cast<int>(x.bytes() / 4));
  });
  part.def("multiply", [](DeviceMemory& a, DeviceMemory& b, DeviceMemory& d, bool bf16) {
    run_multiply(d.device(), bf16, a.data(), b.data(), reinterpret_cast<float*>(d.data()));
  });
  part.def("check_host_pointer", [](DeviceMemory& x, std::uintptr_t address) {
    run_check(x.device(), "right_barrier", reinterpret_cast<float*>(address), 1);
  });
  part.def("order_of_work", &order_of_work, "device"_a = 0);
  part.def("copy_wrongly", &copy_wrongly);
  // What the host may not do: it is a fault.
  part.def("touch", [](const DeviceMemory& memory) { return int{*memory.data()}; });
  py::class_<OthersStream>(part, "Stream", py::module_local())
      .def(py::init<int>(), "device"_a = 0)
      .def_property_readonly("handle", &OthersStream::handle)
      .def("synchronize", &OthersStream::synchronize)
      .def("begin_capture", &OthersStream::begin_capture)
      .def("end_capture", &OthersStream::end_capture)
      .def("copy", &OthersStream::copy, "address"_a, "array"_a);
  part.def("current_device", &current_device);
  part.def("set_current_device", [](int device) { check(cudaSetDevice(device), ""); });
  part.def("waiting", &emulator::waiting);
  part.def("launches", &emulator::launches);
  part.def("allocations", &emulator::allocations);
  part.def("bytes_in_use", &emulator::bytes_in_use, "device"_a);
}

}  // namespace fastnn::cuda
