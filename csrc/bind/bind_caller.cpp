// Calling a model on an array: one call into native code, which allocates the result and nothing
// else. A Caller keeps routines by the number, shape and type of the rows; where it has none, and
// for what is no plain array, it asks its method `_prepare`, in Python.
#include <pybind11/critical_section.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <stdexcept>

#include "bind/bind.h"
#include "bind/routine.h"

namespace py = pybind11;
using namespace py::literals;

namespace fastnn::bind {
namespace {

using RoutinePtr = std::shared_ptr<Routine>;

// What a call runs: steps of `many`, then the rows that are left.
struct Pieces {
  RoutinePtr many, rest;
  std::int64_t steps = 1;
};

class Caller {
 public:
  Caller(py::array_t<std::int64_t> revision, py::ssize_t most_rows, std::size_t most_routines,
         std::uint64_t seed)
      : revision_(std::move(revision)),
        most_rows_(most_rows),
        most_routines_(most_routines),
        seed_(seed) {}

  std::uint64_t seed() const { return seed_; }
  std::size_t kept() const { return kept_.size(); }
  void forget() { kept_.clear(); }
  void confirm(std::int64_t revision) { confirmed_ = revision; }
  void keep(RoutinePtr routine) {
    kept_.insert(kept_.begin(), std::move(routine));
    if (kept_.size() > most_routines_) kept_.pop_back();
  }

  // For `rows` rows like those of x; nullptr where there is none.
  RoutinePtr routine(const py::array& x, py::ssize_t rows) {
    for (auto it = kept_.begin(); it != kept_.end(); ++it) {
      if ((*it)->x().count != rows || !(*it)->x().fit(x)) continue;
      std::rotate(kept_.begin(), it, it + 1);
      return kept_.front();
    }
    return nullptr;
  }

  // For all rows of x; nothing where a routine is missing, or all may be out of date.
  Pieces pieces(const py::array& x) {
    if (__atomic_load_n(revision_.data(), __ATOMIC_ACQUIRE) != confirmed_) return {};
    const py::ssize_t rows = x.ndim() > 0 ? x.shape(0) : 0;
    if (rows <= most_rows_) return {routine(x, rows), nullptr};
    Pieces found{routine(x, most_rows_), nullptr, rows / most_rows_};
    if (rows % most_rows_ == 0) return found;
    found.rest = routine(x, rows % most_rows_);
    return found.rest ? found : Pieces{};
  }

 private:
  py::array_t<std::int64_t> revision_;  // graph/storage.py: REVISION
  std::int64_t confirmed_ = -1;         // the one that the routines are right for
  py::ssize_t most_rows_;
  std::size_t most_routines_;
  std::uint64_t seed_;
  std::vector<RoutinePtr> kept_;  // the last used first
};

// For methods: without a GIL, only one thread at a time may look at what a caller keeps.
template <typename Function>
auto locked(py::handle self, Function function) {
  const py::scoped_critical_section section(self);
  return function(py::cast<Caller&>(self));
}

py::object new_array(const Rows& rows, py::ssize_t count) {
  constexpr int kMostDims = 64;  // NumPy's own limit
  py::ssize_t shape[kMostDims] = {count};
  const std::size_t dims = rows.row.size() + 1;
  if (dims > kMostDims) throw std::length_error("more dimensions than NumPy has");
  std::copy(rows.row.begin(), rows.row.end(), shape + 1);
  py::detail::npy_api& numpy = py::detail::npy_api::get();
  py::dtype dtype = rows.dtype;  // NumPy takes a reference over
  PyObject* array =
      numpy.PyArray_NewFromDescr_(numpy.PyArray_Type_, dtype.release().ptr(),
                                  static_cast<int>(dims), shape, nullptr, nullptr, 0, nullptr);
  if (array == nullptr) throw py::error_already_set();
  return py::reinterpret_steal<py::object>(array);
}

bool serves(py::handle out, const Rows& rows, const py::array& x) {
  if (!py::isinstance<py::array>(out)) return false;
  const auto array = py::reinterpret_borrow<py::array>(out);
  return array.writeable() && rows.fit(array) && array.shape(0) == x.shape(0) && !overlap(array, x);
}

py::object call(py::handle self, py::handle given, py::handle out) {
  Caller& caller = py::cast<Caller&>(self);
  py::object held = py::reinterpret_borrow<py::object>(given);
  Pieces pieces;
  if (Py_TYPE(given.ptr()) == py::detail::npy_api::get().PyArray_Type_) {
    const py::scoped_critical_section section(self);
    pieces = caller.pieces(py::reinterpret_borrow<py::array>(given));
  }
  if (!pieces.many) {
    const py::tuple prepared = self.attr("_prepare")(given);
    held = prepared[0];
    pieces = {py::cast<RoutinePtr>(prepared[1]), py::cast<RoutinePtr>(prepared[2]),
              py::cast<std::int64_t>(prepared[3])};
  }
  const auto x = py::reinterpret_borrow<py::array>(held);
  const Routine& many = *pieces.many;
  py::object result;
  if (out.is_none()) {
    result = new_array(many.out(), x.shape(0));
  } else {
    if (!serves(out, many.out(), x)) self.attr("_refuse_out")(out, x, many.out().shape());
    result = py::reinterpret_borrow<py::object>(out);
  }
  const char* from = static_cast<const char*>(x.data());
  char* to = static_cast<char*>(py::reinterpret_borrow<py::array>(result).mutable_data());
  py::object fault = many.run(from, to, pieces.steps, caller.seed());
  if (pieces.rest && fault.is_none()) {
    const std::int64_t done = pieces.steps * many.x().count;
    fault = pieces.rest->run(from + done * many.x().row_bytes(), to + done * many.out().row_bytes(),
                             1, caller.seed());
  }
  if (!fault.is_none()) self.attr("_raise")(fault);
  return result;
}

// caller(x, out=None). The slot of the type itself: pybind11's own way to a function takes longer
// than all the rest of a call.
PyObject* call_slot(PyObject* self, PyObject* args, PyObject* keywords) {
  static const char* const names[] = {"x", "out", nullptr};
  PyObject *x = nullptr, *out = Py_None;
  if (keywords == nullptr && PyTuple_GET_SIZE(args) == 1) {
    x = PyTuple_GET_ITEM(args, 0);
  } else if (!PyArg_ParseTupleAndKeywords(args, keywords, "O|$O", const_cast<char**>(names), &x,
                                          &out)) {
    return nullptr;
  }
  try {
    return call(self, x, out).release().ptr();
  } catch (py::error_already_set& error) {
    error.restore();
  } catch (const std::bad_alloc&) {
    PyErr_NoMemory();
  } catch (const std::exception& error) {
    PyErr_SetString(PyExc_ValueError, error.what());
  }
  return nullptr;
}

std::unique_ptr<Routine> make_routine(std::shared_ptr<Program> program, const py::sequence& spaces,
                                      std::size_t arena, std::size_t x, std::size_t out,
                                      std::size_t arena_bytes,
                                      const std::vector<py::ssize_t>& x_shape,
                                      const py::dtype& x_dtype,
                                      const std::vector<py::ssize_t>& out_shape, py::object plan) {
  const auto rows = [](const std::vector<py::ssize_t>& shape, const py::dtype& dtype) {
    if (shape.empty()) throw std::invalid_argument("Routine: expected shapes of rows, got ()");
    return Rows{shape.front(), {shape.begin() + 1, shape.end()}, dtype};
  };
  return std::make_unique<Routine>(std::move(program), spaces, Routine::Roles{arena, x, out},
                                   arena_bytes, rows(x_shape, x_dtype),
                                   rows(out_shape, py::dtype::of<float>()), std::move(plan));
}

py::object run_once(const Routine& routine, const py::array& x, py::array out, std::uint64_t seed) {
  const auto same = [](const Rows& rows, const py::array& array) {
    return rows.fit(array) && array.shape(0) == rows.count;
  };
  if (!same(routine.x(), x) || !same(routine.out(), out) || overlap(x, out)) {
    throw std::invalid_argument("Routine.run: expected arrays of the shapes and types it has");
  }
  return routine.run(static_cast<const char*>(x.data()), static_cast<char*>(out.mutable_data()), 1,
                     seed);
}

}  // namespace

void add_caller(py::module_& module) {
  py::class_<Routine, RoutinePtr>(module, "Routine")
      .def(py::init(&make_routine), "program"_a, "spaces"_a, py::kw_only(), "arena"_a, "x"_a,
           "out"_a, "arena_bytes"_a, "x_shape"_a, "x_dtype"_a, "out_shape"_a, "plan"_a)
      .def_property_readonly("out_shape",
                             [](const Routine& r) { return py::tuple(py::cast(r.out().shape())); })
      .def("run", &run_once, "x"_a, "out"_a, "seed"_a);
  const auto callable =
      py::custom_type_setup([](PyHeapTypeObject* type) { type->ht_type.tp_call = &call_slot; });
  py::class_<Caller>(module, "Caller", callable)
      .def(py::init<py::array_t<std::int64_t>, py::ssize_t, std::size_t, std::uint64_t>(),
           "revision"_a, "most_rows"_a, "most_routines"_a, "seed"_a)
      .def_property_readonly("kept", &Caller::kept)
      .def("_find",
           [](py::handle self, const py::array& x, py::ssize_t rows) {
             return locked(self, [&](Caller& caller) { return caller.routine(x, rows); });
           })
      .def("_keep",
           [](py::handle self, RoutinePtr routine) {
             locked(self, [&](Caller& caller) { caller.keep(routine); });
           })
      .def("_forget", [](py::handle self) { locked(self, [](Caller& c) { c.forget(); }); })
      .def("_confirm", [](py::handle self, std::int64_t revision) {
        locked(self, [&](Caller& caller) { caller.confirm(revision); });
      });
}

}  // namespace fastnn::bind
