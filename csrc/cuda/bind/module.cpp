// fastnn._cuda, or the emulator's module: the same source, linked with the CUDA runtime or with the
// emulator. Few, coarse calls; the GIL is released while the device works.
#include <pybind11/stl.h>

#include <cstring>
#include <optional>
#include <stdexcept>

#include "bind/arguments.h"
#include "bind/buffer.h"
#include "cuda/bind/bind.h"
#include "cuda/feed.h"
#include "cuda/gemm/choose.h"
#include "cuda/runner.h"

namespace py = pybind11;
using namespace py::literals;

namespace fastnn::cuda {
namespace {

using bind::Buffer;

py::dict describe() {
  const Survey found = survey();
  py::list devices;
  for (const DeviceInfo& device : found.devices) {
    devices.append(py::dict("name"_a = device.name, "major"_a = device.major,
                            "minor"_a = device.minor, "memory"_a = device.memory,
                            "multiprocessors"_a = device.multiprocessors,
                            "bandwidth"_a = device.bandwidth, "flops"_a = device.flops));
  }
  return py::dict("driver"_a = found.driver, "runtime"_a = found.runtime, "error"_a = found.error,
                  "devices"_a = devices);
}

// ---- memory

std::unique_ptr<DeviceMemory> allocate(int device, std::int64_t bytes) {
  if (bytes < 0) {
    throw std::invalid_argument("Memory: expected at least 0 bytes, got " + std::to_string(bytes));
  }
  const py::gil_scoped_release released;
  return std::make_unique<DeviceMemory>(Device::get(device), static_cast<std::size_t>(bytes));
}

void check_range(const DeviceMemory& memory, std::int64_t offset, std::int64_t bytes) {
  const auto size = static_cast<std::int64_t>(memory.bytes());
  if (offset < 0 || offset > size || bytes > size - offset) {
    throw std::invalid_argument("Memory: " + std::to_string(bytes) + " bytes from byte " +
                                std::to_string(offset) + " on are not within its " +
                                std::to_string(size) + " bytes");
  }
}

void upload(DeviceMemory& memory, py::handle array, std::int64_t offset) {
  const Buffer buffer = Buffer::of_bytes(array, "upload");
  const Memory host = buffer.memory();
  check_range(memory, offset, host.bytes);
  const py::gil_scoped_release released;
  const auto lock = memory.device().lock();
  memory.upload(host.data, host.bytes, offset);
}

void download(const DeviceMemory& memory, py::handle array, std::int64_t offset) {
  const Buffer buffer = Buffer::of_bytes(array, "download");
  const Memory host = buffer.memory();
  if (host.read_only) throw std::invalid_argument("download: expected a writable array");
  check_range(memory, offset, host.bytes);
  const py::gil_scoped_release released;
  const auto lock = memory.device().lock();
  memory.download(host.data, host.bytes, offset);
}

void fill_memory(DeviceMemory& memory, int byte) {
  const py::gil_scoped_release released;
  const auto lock = memory.device().lock();
  memory.fill(byte);
}

// ---- programs

std::vector<Instr> read_instrs(py::handle object) {
  const Buffer buffer = Buffer::of_bytes(object, "instrs");
  const Memory memory = buffer.memory();
  if (memory.bytes % sizeof(Instr) != 0) {
    throw std::invalid_argument("instrs: expected records of " + std::to_string(sizeof(Instr)) +
                                " bytes, got " + std::to_string(memory.bytes) + " bytes");
  }
  std::vector<Instr> instrs(memory.bytes / sizeof(Instr));
  if (memory.bytes > 0) std::memcpy(instrs.data(), memory.data, memory.bytes);
  return instrs;
}

std::shared_ptr<Program> make_program(py::handle instrs, const std::vector<std::int64_t>& sizes) {
  std::vector<Space> spaces;
  for (const std::int64_t bytes : sizes) spaces.push_back({bytes, true});
  return std::make_shared<Program>(read_instrs(instrs), std::move(spaces), kernels_there());
}

// A runner and the memory it runs on.
struct BoundRunner {
  py::list spaces;
  Runner runner;
};

std::unique_ptr<BoundRunner> bind_spaces(std::shared_ptr<Program> program, int device,
                                         const py::list& spaces,
                                         const std::vector<std::array<int, 3>>& joins) {
  std::vector<Memory> memory;
  for (const py::handle space : spaces) memory.push_back(memory_of(space));
  std::vector<Join> joined;
  for (const auto& [kind, begin, end] : joins) {
    joined.push_back({static_cast<JoinKind>(kind), begin, end});
  }
  return std::unique_ptr<BoundRunner>(
      new BoundRunner{spaces, {std::move(program), Device::get(device), memory, joined}});
}

// What `body` gets are a runner's arguments; the table of scalars stays alive meanwhile.
template <class Body>
void with_arguments(std::int64_t steps, std::int64_t row, std::int64_t batch, std::int64_t step,
                    std::uint64_t seed, py::handle scalars, Body body) {
  RunArguments arguments{steps, row, batch, step, seed, nullptr, 0, 1};
  const Buffer table = bind::take_scalars(scalars, arguments);
  const py::gil_scoped_release released;
  body(arguments);
}

py::object run(BoundRunner& bound, std::int64_t steps, std::int64_t row, std::int64_t batch,
               std::int64_t step, std::uint64_t seed, py::handle scalars) {
  Report report;
  with_arguments(steps, row, batch, step, seed, scalars,
                 [&](const RunArguments& arguments) { report = bound.runner.run(arguments); });
  return bind::told(report);
}

void start(BoundRunner& bound, std::int64_t steps, std::int64_t row, std::int64_t batch,
           std::int64_t step, std::uint64_t seed, py::handle scalars) {
  with_arguments(steps, row, batch, step, seed, scalars,
                 [&](const RunArguments& arguments) { bound.runner.start(arguments); });
}

py::object finish(BoundRunner& bound) {
  Report report;
  {
    const py::gil_scoped_release released;
    report = bound.runner.finish();
  }
  return bind::told(report);
}

// ---- feeds

// The slot's pinned memory as bytes to write to.
py::memoryview fill(Feed& feed, int slot) {
  char* bytes;
  {
    const py::gil_scoped_release released;
    bytes = feed.fill(slot);
  }
  return py::memoryview::from_memory(bytes, static_cast<py::ssize_t>(feed.bytes()));
}

void with_feed(Feed& feed, void (Feed::*what)(int), int slot) {
  const py::gil_scoped_release released;
  const auto lock = feed.device().lock();
  (feed.*what)(slot);
}

std::uintptr_t slot_address(const Feed& feed, int slot) {
  return reinterpret_cast<std::uintptr_t>(feed.memory(slot).data());
}

py::list launches(const BoundRunner& bound) {
  const auto size = [](dim3 d) { return py::make_tuple(d.x, d.y, d.z); };
  py::list all;
  for (const Launch& launch : bound.runner.launches()) {
    all.append(py::make_tuple(launch.node, launch.name, size(launch.shape.grid),
                              size(launch.shape.block), launch.shape.shared, launch.reason));
  }
  return all;
}

std::vector<std::string> missing() {
  std::vector<std::string> names;
  for (int i = 0; i < kOpcodes; ++i) {
    if (kernel_of(static_cast<std::uint16_t>(i)) == nullptr) names.push_back(signatures()[i].name);
  }
  return names;
}

// For tests: every product from now on is made so, whatever its size; None: as choose() says.
void force_matmul(const std::optional<std::string>& method, int tile, int splits) {
  force_choice(method ? std::optional(Choice{method_named(*method), tile, splits, "forced"})
                      : std::nullopt);
}

// How a product of operands that start at multiples of 16 bytes is made on a device, and why.
std::string matmul_reason(const std::string& form, std::int64_t m, std::int64_t n, std::int64_t k,
                          int precision, int device) {
  const auto found = form == "nn" ? Form::nn : form == "nt" ? Form::nt : Form::tn;
  const Survey all = survey();
  return choose(found, m, n, k, precision, rows_are_packs(found, m, n, k), all.devices.at(device))
      .reason;
}

void add_all(py::module_& module) {
  module.doc() = "fastnn's programs on CUDA devices.";
  signatures();  // built now, so that no two threads build them
  module.attr("built") = true;
  module.def("survey", &describe);
  module.def("missing", &missing);
  module.def("force_matmul", &force_matmul, "method"_a, "tile"_a = 64, "splits"_a = 1);
  module.def("matmul_reason", &matmul_reason, "form"_a, "m"_a, "n"_a, "k"_a, "precision"_a = 0,
             "device"_a = 0);
  module.def(
      "synchronize", [](int device) { Device::get(device).synchronize(); }, "device"_a,
      py::call_guard<py::gil_scoped_release>());
  module.def(
      "release_unused", [](int device) { Device::get(device).release_unused(); }, "device"_a,
      py::call_guard<py::gil_scoped_release>());
  py::class_<DeviceMemory>(module, "Memory", py::module_local())
      .def(py::init(&allocate), "device"_a, "nbytes"_a)
      .def_property_readonly("device", [](const DeviceMemory& m) { return m.device().index(); })
      .def_property_readonly("nbytes", &DeviceMemory::bytes)
      .def_property_readonly(
          "address",
          [](const DeviceMemory& m) { return reinterpret_cast<std::uintptr_t>(m.data()); })
      .def("upload", &upload, "array"_a, "offset"_a = 0)
      .def("download", &download, "array"_a, "offset"_a = 0)
      .def("fill", &fill_memory, "byte"_a);
  py::class_<Program, std::shared_ptr<Program>>(module, "Program", py::module_local())
      .def(py::init(&make_program), "instrs"_a, "space_bytes"_a)
      .def("bind", &bind_spaces, "device"_a, "spaces"_a,
           "joins"_a = std::vector<std::array<int, 3>>{})
      .def("__len__", [](const Program& program) { return program.instrs().size(); })
      .def_property_readonly("scalar_columns", &Program::scalar_columns);
  py::class_<BoundRunner>(module, "Runner", py::module_local())
      .def("run", &run, "steps"_a = 1, "row"_a = 0, "batch"_a = 0, "step"_a = 0, "seed"_a = 0,
           "scalars"_a = py::none())
      .def("start", &start, "steps"_a = 1, "row"_a = 0, "batch"_a = 0, "step"_a = 0, "seed"_a = 0,
           "scalars"_a = py::none())
      .def("finish", &finish)
      .def_property_readonly("launches", &launches)
      .def_property_readonly("graph_nodes",
                             [](const BoundRunner& bound) { return bound.runner.graph_nodes(); });
  add_eager(module);
  add_dlpack(module);
  py::class_<Feed>(module, "Feed", py::module_local())
      .def(py::init([](int device, std::size_t bytes) {
             const py::gil_scoped_release released;
             return std::make_unique<Feed>(Device::get(device), bytes);
           }),
           "device"_a, "nbytes"_a)
      .def("fill", &fill, "slot"_a)
      .def(
          "send", [](Feed& feed, int slot) { with_feed(feed, &Feed::send, slot); }, "slot"_a)
      .def(
          "used", [](Feed& feed, int slot) { with_feed(feed, &Feed::used, slot); }, "slot"_a)
      .def("address", &slot_address, "slot"_a);
  module.def(
      "free_memory", [](int device) { return Device::get(device).free_memory(); }, "device"_a);
  add_emulator(module);
}

}  // namespace

Memory memory_of(py::handle space) {
  if (space.is_none()) return {};
  if (py::isinstance<DeviceMemory>(space)) {
    const auto& memory = space.cast<const DeviceMemory&>();
    return {memory.data(), static_cast<std::int64_t>(memory.bytes()), false};
  }
  const auto [address, bytes, read_only] =
      space.cast<std::tuple<std::uintptr_t, std::int64_t, bool>>();
  return {reinterpret_cast<void*>(address), bytes, read_only};
}

}  // namespace fastnn::cuda

// The name differs, and a macro's argument is only looked into by another macro.
#define FASTNN_MODULE(name) PYBIND11_MODULE(name, module, pybind11::mod_gil_not_used())
FASTNN_MODULE(FASTNN_CUDA_MODULE) { fastnn::cuda::add_all(module); }
