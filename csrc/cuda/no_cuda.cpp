// fastnn._cuda of a build without nvcc: says that there are no CUDA kernels.
#include <Python.h>

namespace {

int fill(PyObject* module) { return PyModule_AddObjectRef(module, "built", Py_False); }

PyModuleDef_Slot slots[] = {
    {Py_mod_exec, reinterpret_cast<void*>(&fill)},
#ifdef Py_mod_gil
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, nullptr},
};

PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    "_cuda",
    "fastnn was built without CUDA.",
    0,
    nullptr,
    slots,
    nullptr,
    nullptr,
    nullptr,
};

}  // namespace

PyMODINIT_FUNC PyInit__cuda() { return PyModuleDef_Init(&definition); }
