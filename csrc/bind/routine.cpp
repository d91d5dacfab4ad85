#include "bind/routine.h"

#include <algorithm>
#include <string>

#include "core/team.h"

namespace py = pybind11;

namespace fastnn::bind {
namespace {

// The GIL is let go of for longer runs only: that costs 0.1 us, and 5 ms, Python's switch interval,
// where another thread takes it.
constexpr double kMostHeldNs = 20'000;

}  // namespace

py::ssize_t Rows::row_bytes() const {
  py::ssize_t bytes = dtype.itemsize();
  for (const py::ssize_t size : row) bytes *= size;
  return bytes;
}

std::vector<py::ssize_t> Rows::shape() const {
  std::vector<py::ssize_t> all = row;
  all.insert(all.begin(), count);
  return all;
}

bool Rows::fit(const py::array& array) const {
  constexpr int kNeeded =
      py::detail::npy_api::NPY_ARRAY_C_CONTIGUOUS_ | py::detail::npy_api::NPY_ARRAY_ALIGNED_;
  return array.dtype().is(dtype) && (array.flags() & kNeeded) == kNeeded &&
         array.ndim() == static_cast<py::ssize_t>(row.size()) + 1 &&
         std::equal(row.begin(), row.end(), array.shape() + 1);
}

Routine::Routine(std::shared_ptr<Program> program, const py::sequence& spaces, Roles roles,
                 std::size_t arena_bytes, Rows x, Rows out, py::object plan)
    : x_(std::move(x)),
      out_(std::move(out)),
      x_first_(roles.x < roles.out),
      plan_(std::move(plan)) {
  std::vector<Memory> memory;
  for (const py::object space : spaces) {
    memory.emplace_back();
    if (space.is_none()) continue;
    buffers_.emplace_back(space, "space " + std::to_string(memory.size() - 1));
    memory.back() = buffers_.back().memory();
  }
  memory.at(roles.x) = {nullptr, x_.count * x_.row_bytes(), true, true};
  memory.at(roles.out) = {nullptr, out_.count * out_.row_bytes(), false, true};
  lanes_ = std::make_unique<Lanes>(std::move(program), std::move(memory), roles.arena, arena_bytes);
  step_ns_ = lanes_->alone_ns();
}

py::object Routine::run(const char* x, char* out, std::int64_t steps, std::uint64_t seed) const {
  const Moved from{const_cast<char*>(x), x_.count * x_.row_bytes()};
  const Moved to{out, out_.count * out_.row_bytes()};
  const Moved moved[] = {x_first_ ? from : to, x_first_ ? to : from};
  RunArguments arguments;
  arguments.steps = steps;
  arguments.seed = seed;
  arguments.moved = moved;
  arguments.threads = num_threads();
  Report report;
  if (step_ns_ * static_cast<double>(steps) < kMostHeldNs) {
    report = lanes_->run(arguments);
  } else {
    const py::gil_scoped_release released;
    report = lanes_->run(arguments);
  }
  if (report.fault == Fault::none) return py::none();
  return py::make_tuple(plan_, static_cast<int>(report.fault), report.node, report.step, report.row,
                        report.value, report.limit);
}

bool overlap(const py::array& a, const py::array& b) {
  const char* first = static_cast<const char*>(a.data());
  const char* other = static_cast<const char*>(b.data());
  return first < other + b.nbytes() && other < first + a.nbytes();
}

}  // namespace fastnn::bind
