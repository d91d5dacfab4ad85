// Tensors in DLPack's capsules: taken from other libraries, and given to them.
#include "cuda/bind/dlpack.h"

#include <pybind11/stl.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "cuda/bind/bind.h"

namespace py = pybind11;
using namespace py::literals;

namespace fastnn::dlpack {
namespace {

template <class T>
constexpr const char* kFresh = nullptr;
template <>
constexpr const char* kFresh<Managed> = "dltensor";
template <>
constexpr const char* kFresh<ManagedVersioned> = "dltensor_versioned";
template <class T>
constexpr const char* kUsed = nullptr;
template <>
constexpr const char* kUsed<Managed> = "used_dltensor";
template <>
constexpr const char* kUsed<ManagedVersioned> = "used_dltensor_versioned";

// ---- taken

// A tensor that was taken out of its capsule: whoever takes it calls its deleter, once.
class Taken {
 public:
  explicit Taken(py::handle capsule) {
    if (take(capsule, old_) || take(capsule, versioned_)) return;
    if (!PyCapsule_CheckExact(capsule.ptr())) {
      throw py::type_error("from_dlpack: expected a capsule, got " +
                           py::str(py::type::of(capsule).attr("__name__")).cast<std::string>());
    }
    const char* name = PyCapsule_GetName(capsule.ptr());
    throw py::value_error(
        "from_dlpack: expected a capsule named 'dltensor' or "
        "'dltensor_versioned' that was not taken yet, got one named '" +
        std::string(name == nullptr ? "" : name) + "'");
  }
  Taken(const Taken&) = delete;
  Taken& operator=(const Taken&) = delete;
  ~Taken() {
    if (old_ != nullptr && old_->deleter != nullptr) old_->deleter(old_);
    if (versioned_ != nullptr && versioned_->deleter != nullptr) versioned_->deleter(versioned_);
  }

  // Of what comes after `major` 1 nothing is known but where its deleter is.
  void check_version() const {
    if (versioned_ == nullptr || versioned_->version.major == 1) return;
    PyErr_SetString(PyExc_BufferError, ("from_dlpack: expected DLPack 1, got a tensor of version " +
                                        std::to_string(versioned_->version.major) + "." +
                                        std::to_string(versioned_->version.minor))
                                           .c_str());
    throw py::error_already_set();
  }

  const Tensor& tensor() const { return old_ != nullptr ? old_->tensor : versioned_->tensor; }
  bool read_only() const { return versioned_ != nullptr && (versioned_->flags & kReadOnly) != 0; }

 private:
  template <class T>
  static bool take(py::handle capsule, T*& managed) {
    if (!PyCapsule_IsValid(capsule.ptr(), kFresh<T>)) return false;
    managed = static_cast<T*>(PyCapsule_GetPointer(capsule.ptr(), kFresh<T>));
    PyCapsule_SetName(capsule.ptr(), kUsed<T>);
    return true;
  }

  Managed* old_ = nullptr;
  ManagedVersioned* versioned_ = nullptr;
};

std::unique_ptr<Taken> from_dlpack(py::handle capsule) {
  auto taken = std::make_unique<Taken>(capsule);
  taken->check_version();
  return taken;
}

std::string type_name(const DataType& type) {
  static constexpr const char* names[] = {"int",    "uint",    "float", "opaque",
                                          "bfloat", "complex", "bool"};
  const bool known = type.code < std::size(names);
  std::string name = known ? names[type.code] : "type " + std::to_string(type.code) + " of ";
  if (type.code != kBool) name += std::to_string(type.bits);
  return type.lanes == 1 ? name : name + " x " + std::to_string(type.lanes);
}

py::tuple numbers(const std::int64_t* values, std::int32_t count) {
  py::tuple all(count);
  for (std::int32_t i = 0; i < count; ++i) all[i] = values[i];
  return all;
}

// ---- given

// What a capsule points to: the tensor, its shape, and the object whose memory it is.
template <class T>
struct Given {
  T managed;
  std::vector<std::int64_t> shape, strides;
  PyObject* owner;
};

// From whatever thread, with or without the GIL.
template <class T>
void delete_given(T* managed) {
  if (!Py_IsInitialized()) return;  // the process ends
  const PyGILState_STATE state = PyGILState_Ensure();
  auto* given = static_cast<Given<T>*>(managed->context);
  Py_DECREF(given->owner);
  delete given;
  PyGILState_Release(state);
}

// Of a capsule that nobody has taken anything out of.
template <class T>
void drop_capsule(PyObject* capsule) {
  if (!PyCapsule_IsValid(capsule, kFresh<T>)) return;
  auto* managed = static_cast<T*>(PyCapsule_GetPointer(capsule, kFresh<T>));
  managed->deleter(managed);
}

template <class T>
py::object capsule_of(const Tensor& tensor, std::vector<std::int64_t> shape, py::handle owner,
                      T start) {
  auto given = std::make_unique<Given<T>>(Given<T>{start, std::move(shape), {}, owner.ptr()});
  given->strides.resize(given->shape.size());
  std::int64_t stride = 1;
  for (std::size_t i = given->shape.size(); i-- > 0;) {
    given->strides[i] = stride;
    stride *= given->shape[i];
  }
  given->managed.tensor = tensor;
  given->managed.tensor.ndim = static_cast<std::int32_t>(given->shape.size());
  given->managed.tensor.shape = given->shape.data();
  given->managed.tensor.strides = given->strides.data();
  given->managed.context = given.get();
  given->managed.deleter = &delete_given<T>;
  PyObject* capsule = PyCapsule_New(&given->managed, kFresh<T>, &drop_capsule<T>);
  if (capsule == nullptr) throw py::error_already_set();
  Py_INCREF(given->owner);
  given.release();
  return py::reinterpret_steal<py::object>(capsule);
}

py::object to_dlpack(py::handle owner, std::uintptr_t address, std::vector<std::int64_t> shape,
                     char kind, int itemsize, int device, bool read_only, bool versioned) {
  Tensor tensor{};
  tensor.data = reinterpret_cast<void*>(address);
  tensor.device = {kCuda, device};
  const TypeCode code = kind == 'f' ? kFloat : kind == 'u' ? kUInt : kInt;
  tensor.dtype = {code, static_cast<std::uint8_t>(8 * itemsize), 1};
  if (!versioned) return capsule_of(tensor, std::move(shape), owner, Managed{});
  ManagedVersioned start{};
  start.version = {1, 0};
  start.flags = read_only ? kReadOnly : 0;
  return capsule_of(tensor, std::move(shape), owner, start);
}

}  // namespace
}  // namespace fastnn::dlpack

namespace fastnn::cuda {

void add_dlpack(py::module_& module) {
  using dlpack::Taken;
  module.def("from_dlpack", &dlpack::from_dlpack, "capsule"_a);
  module.def("to_dlpack", &dlpack::to_dlpack, "owner"_a, "address"_a, "shape"_a, "kind"_a,
             "itemsize"_a, "device"_a, "read_only"_a, "versioned"_a);
  py::class_<Taken>(module, "DLPackTensor", py::module_local())
      .def_property_readonly("device",
                             [](const Taken& t) {
                               const dlpack::Device device = t.tensor().device;
                               return py::make_tuple(static_cast<int>(device.type), device.id);
                             })
      .def_property_readonly("address",
                             [](const Taken& t) {
                               return reinterpret_cast<std::uintptr_t>(t.tensor().data) +
                                      t.tensor().byte_offset;
                             })
      .def_property_readonly("dtype",
                             [](const Taken& t) { return dlpack::type_name(t.tensor().dtype); })
      .def_property_readonly(
          "shape",
          [](const Taken& t) { return dlpack::numbers(t.tensor().shape, t.tensor().ndim); })
      .def_property_readonly("strides",
                             [](const Taken& t) -> py::object {
                               const dlpack::Tensor& tensor = t.tensor();
                               if (tensor.strides == nullptr) return py::none();
                               return dlpack::numbers(tensor.strides, tensor.ndim);
                             })
      .def_property_readonly("read_only", &Taken::read_only);
}

}  // namespace fastnn::cuda
