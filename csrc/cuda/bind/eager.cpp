// One instruction on memory and a stream of the caller's.
#include "cuda/eager.h"

#include <memory>

#include "bind/arguments.h"
#include "bind/operands.h"
#include "cuda/bind/bind.h"
#include "cuda/kernel_table.h"
#include "program/validate.h"

namespace py = pybind11;
using namespace py::literals;

namespace fastnn::cuda {
namespace {

constexpr std::uintptr_t kNowhere = 256;

cudaStream_t stream_of(std::uintptr_t handle) { return reinterpret_cast<cudaStream_t>(handle); }

py::object execute_one(py::handle record, const py::sequence& operands, int device,
                       std::uintptr_t stream, std::int64_t step, std::int64_t row,
                       std::uint64_t seed, py::handle scalars) {
  Instr instr = bind::read_instr(record);
  std::vector<Memory> memory;
  std::vector<Space> spaces;
  const int given = static_cast<int>(operands.size());
  for (int i = 0; i < kMaxOperands; ++i) {
    instr.operands[i] = {-1, 0, 0};
    if (i >= given) continue;
    const py::object operand = operands[i];
    if (operand.is_none()) continue;
    Memory bound = memory_of(operand);
    // What has no bytes may lie nowhere: any address will do, for nobody goes there.
    if (bound.bytes == 0) bound.data = reinterpret_cast<void*>(kNowhere);
    instr.operands[i].space = bind::space_of(memory, bound);
    if (instr.operands[i].space < static_cast<int>(memory.size())) continue;
    memory.push_back(bound);
    spaces.push_back({bound.bytes, true});
  }
  RunArguments arguments;
  arguments.step = step;
  arguments.row = row;
  arguments.seed = seed;
  const bind::Buffer table = bind::take_scalars(scalars, arguments);
  const Program program({instr}, std::move(spaces), kernels_there());
  if (arguments.scalars_width < program.scalar_columns()) {
    throw std::invalid_argument("scalars: expected " + std::to_string(program.scalar_columns()) +
                                " columns, got " + std::to_string(arguments.scalars_width));
  }
  Report report;
  {
    const py::gil_scoped_release released;
    report = execute(program, Device::get(device), memory, stream_of(stream), arguments);
  }
  return bind::told(report);
}

// SharedMemory, whose end may wait for the device: others run meanwhile.
class Shared {
 public:
  Shared(int device, std::int64_t bytes)
      : memory_(
            std::make_unique<SharedMemory>(Device::get(device), static_cast<std::size_t>(bytes))) {}
  Shared(const Shared&) = delete;
  Shared& operator=(const Shared&) = delete;
  ~Shared() {
    const py::gil_scoped_release released;
    memory_.reset();
  }
  const SharedMemory& memory() const { return *memory_; }

 private:
  std::unique_ptr<SharedMemory> memory_;
};

void copy_to_host(int device, std::uintptr_t stream, std::uintptr_t address, py::handle array) {
  const bind::Buffer buffer = bind::Buffer::of_bytes(array, "array");
  const Memory host = buffer.memory();
  if (host.read_only) throw std::invalid_argument("download: expected a writable array");
  const py::gil_scoped_release released;
  download(Device::get(device), stream_of(stream), reinterpret_cast<const void*>(address),
           host.data, static_cast<std::size_t>(host.bytes));
}

}  // namespace

void add_eager(py::module_& module) {
  module.def("execute", &execute_one, "instr"_a, "operands"_a, "device"_a, "stream"_a,
             py::kw_only(), "step"_a = 0, "row"_a = 0, "seed"_a = 0, "scalars"_a = py::none());
  module.def(
      "device_of",
      [](std::uintptr_t address) { return device_of(reinterpret_cast<const void*>(address)); },
      "address"_a);
  module.def(
      "order",
      [](int device, std::uintptr_t earlier, std::uintptr_t later) {
        order(Device::get(device), stream_of(earlier), stream_of(later));
      },
      "device"_a, "earlier"_a, "later"_a);
  module.def(
      "stream",
      [](int device) { return reinterpret_cast<std::uintptr_t>(Device::get(device).stream()); },
      "device"_a, "The handle of the stream that programs run on.");
  module.def("download", &copy_to_host, "device"_a, "stream"_a, "address"_a, "array"_a);
  py::class_<Shared>(module, "SharedMemory", py::module_local())
      .def(py::init<int, std::int64_t>(), "device"_a, "nbytes"_a)
      .def_property_readonly("nbytes", [](const Shared& m) { return m.memory().bytes(); })
      .def_property_readonly("address", [](const Shared& m) {
        return reinterpret_cast<std::uintptr_t>(m.memory().data());
      });
}

}  // namespace fastnn::cuda
