# fastnn._cuda: the CUDA kernels, or, without nvcc, a stub that says so.
#
# FASTNN_CUDA  AUTO: build them if an nvcc is found that can; ON: fail without one; OFF: the stub.
#
# nvcc is the one of the build environment's PyPI packages (nvidia-cuda-nvcc and friends), else
# $CUDACXX, else the system's. It is called directly: CMake's own CUDA support does not know the
# packages' layout, and needs seconds to find out about compilers.
# A definition goes before the environment; what is neither of the three is wrong in both.
if("$ENV{FASTNN_CUDA}" STREQUAL "")
  set(cuda_default AUTO)
else()
  set(cuda_default $ENV{FASTNN_CUDA})
endif()
set(FASTNN_CUDA ${cuda_default} CACHE STRING "CUDA kernels: AUTO, ON or OFF")
foreach(value "${cuda_default}" "${FASTNN_CUDA}")
  string(TOUPPER "${value}" FASTNN_CUDA)
  if(NOT FASTNN_CUDA MATCHES "^(AUTO|ON|OFF)$")
    message(FATAL_ERROR "FASTNN_CUDA is '${value}', expected AUTO, ON or OFF")
  endif()
endforeach()
# Machine code for every architecture that runs the kernels. All of them, and what later drivers
# compile for later ones, is made from the same PTX: nothing in it is younger than the oldest.
set(FASTNN_CUDA_ARCHITECTURES 80 86 89 90 100 120 CACHE STRING "CUDA architectures, the oldest first")

set(cuda_needed "13.0")
set(cuda_problem "")
if(NOT FASTNN_CUDA STREQUAL OFF)
  execute_process(
    COMMAND ${Python_EXECUTABLE} -c "import nvidia; print(*nvidia.__path__, sep=';')"
    OUTPUT_VARIABLE nvidia_packages OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  list(TRANSFORM nvidia_packages APPEND /cu13/bin)
  find_program(nvcc nvcc NO_CACHE HINTS ${nvidia_packages} NO_DEFAULT_PATH)
  if(NOT nvcc AND DEFINED ENV{CUDACXX})
    set(nvcc $ENV{CUDACXX})
  endif()
  find_program(nvcc nvcc NO_CACHE PATHS /usr/local/cuda/bin)
  if(nvcc)
    execute_process(COMMAND ${nvcc} -dryrun -c none.cu ERROR_VARIABLE dry OUTPUT_QUIET)
    execute_process(COMMAND ${nvcc} --version OUTPUT_VARIABLE version ERROR_QUIET)
    string(REGEX MATCH "TOP=([^\n]*)" _ "${dry}")
    get_filename_component(cuda_root "${CMAKE_MATCH_1}" REALPATH)
    string(REGEX MATCH "release ([0-9.]+)" _ "${version}")
    set(cuda_version "${CMAKE_MATCH_1}")
    find_file(cudart libcudart_static.a NO_CACHE PATHS ${cuda_root} NO_DEFAULT_PATH
      PATH_SUFFIXES lib64 lib targets/x86_64-linux/lib targets/sbsa-linux/lib)
    if(NOT cuda_version OR cuda_version VERSION_LESS cuda_needed)
      set(cuda_problem "${nvcc} is of CUDA '${cuda_version}', ${cuda_needed} or newer is needed")
    elseif(NOT cudart)
      set(cuda_problem "no libcudart_static.a below ${cuda_root} (package nvidia-cuda-runtime)")
    endif()
  else()
    set(cuda_problem "no nvcc (packages nvidia-cuda-nvcc, nvidia-cuda-crt, nvidia-nvvm and \
nvidia-cuda-runtime of CUDA ${cuda_needed}, $CUDACXX, or one on PATH)")
  endif()
  if(cuda_problem AND FASTNN_CUDA STREQUAL ON)
    message(FATAL_ERROR "FASTNN_CUDA is ON: ${cuda_problem}")
  endif()
endif()

if(FASTNN_CUDA STREQUAL OFF OR cuda_problem)
  message(STATUS "CUDA: none. ${cuda_problem}")
  python_add_library(_cuda MODULE WITH_SOABI csrc/cuda/no_cuda.cpp)
else()
  message(STATUS "CUDA: ${cuda_version}, ${nvcc}, for ${FASTNN_CUDA_ARCHITECTURES}")
  list(GET FASTNN_CUDA_ARCHITECTURES 0 oldest)
  list(TRANSFORM FASTNN_CUDA_ARCHITECTURES PREPEND sm_ OUTPUT_VARIABLE codes)
  list(JOIN codes "," codes)
  file(GLOB cuda_kernels CONFIGURE_DEPENDS csrc/cuda/kernels/*.cu)
  foreach(kernel ${cuda_kernels})
    get_filename_component(name ${kernel} NAME)
    set(object ${CMAKE_CURRENT_BINARY_DIR}/cuda/${name}.o)
    # As in the CPU's kernels a product and a sum are fused only where it is asked for; registers
    # that do not suffice are an error.
    add_custom_command(
      OUTPUT ${object}
      COMMAND ${nvcc} -std=c++20 -O3 -fmad=false --expt-relaxed-constexpr
        -gencode "arch=compute_${oldest},code=[compute_${oldest},${codes}]"
        -Xptxas -warn-spills,-Werror
        -Xcompiler -fPIC,-fvisibility=hidden,-Wall,-Wextra
        -I${CMAKE_CURRENT_SOURCE_DIR}/csrc -MD -MF ${object}.d -c ${kernel} -o ${object}
      DEPENDS ${kernel}
      DEPFILE ${object}.d
      COMMENT "nvcc ${name}"
      VERBATIM COMMAND_EXPAND_LISTS)
    list(APPEND cuda_objects ${object})
  endforeach()
  file(MAKE_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/cuda)
  file(GLOB cuda_sources CONFIGURE_DEPENDS csrc/cuda/*.cpp)
  list(REMOVE_ITEM cuda_sources ${CMAKE_CURRENT_SOURCE_DIR}/csrc/cuda/no_cuda.cpp)
  pybind11_add_module(_cuda MODULE NO_EXTRAS ${cuda_sources} ${cuda_objects}
    csrc/cuda/bind/module.cpp csrc/cuda/bind/eager.cpp csrc/cuda/bind/dlpack.cpp
    csrc/cuda/bind/no_emulator.cpp csrc/bind/arguments.cpp csrc/bind/buffer.cpp
    csrc/bind/operands.cpp
    csrc/program/program.cpp csrc/program/validate.cpp csrc/program/signature.cpp
    csrc/program/attributes.cpp)
  target_compile_definitions(_cuda PRIVATE FASTNN_CUDA_MODULE=_cuda)
  target_include_directories(_cuda PRIVATE csrc)
  target_include_directories(_cuda SYSTEM PRIVATE ${cuda_root}/include)
  target_compile_options(_cuda PRIVATE -Wall -Wextra)
  target_link_libraries(_cuda PRIVATE ${cudart} Threads::Threads ${CMAKE_DL_LIBS} rt)
  target_link_options(_cuda PRIVATE -Wl,--exclude-libs,ALL)
endif()
target_link_options(_cuda PRIVATE $<$<CONFIG:Release>:-s> -Wl,--as-needed)
install(TARGETS _cuda LIBRARY DESTINATION fastnn)
