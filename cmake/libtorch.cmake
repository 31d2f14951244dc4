# torch_cpu_only: the CPU side of LibTorch (libtorch_cpu, libc10) from a torch 2.11 wheel, with its headers.
#
# Not find_package(Torch): that asks for the CUDA toolkit, compiler included, on any machine whose wheel was built with
# CUDA. The two CUDA libraries that libtorch_cpu itself names are linked directly: so they come through our own run
# path, wherever they lie. Where LibTorch is not found FRUGAL_ATEN goes off for this configuration.
include(${CMAKE_CURRENT_LIST_DIR}/wheels.cmake)
frugal_find_wheels(torch cudart cupti)

if(NOT FRUGAL_torch)
  message(NOTICE "LibTorch: torch 2.11 not found, so building without AtenOps; `make setup` brings it")
  set(FRUGAL_ATEN OFF)
elseif(NOT FRUGAL_cudart OR NOT FRUGAL_cupti)
  message(NOTICE "LibTorch: no libcudart.so.13 or libcupti.so.13, so building without AtenOps; `make setup` brings them")
  set(FRUGAL_ATEN OFF)
else()
  message(STATUS "LibTorch: ${FRUGAL_torch}")
  add_library(torch_cpu_only INTERFACE)
  # Behind the system's folders: the wheel carries a copy of fmt's headers, whose library it does not export.
  target_compile_options(torch_cpu_only INTERFACE
    "SHELL:-idirafter ${FRUGAL_torch}/include" "SHELL:-idirafter ${FRUGAL_torch}/include/torch/csrc/api/include")
  target_compile_definitions(torch_cpu_only INTERFACE _GLIBCXX_USE_CXX11_ABI=1 AT_PER_OPERATOR_HEADERS)
  target_link_options(torch_cpu_only INTERFACE LINKER:--no-as-needed)
  target_link_libraries(torch_cpu_only INTERFACE
    ${FRUGAL_torch}/lib/libtorch_cpu.so ${FRUGAL_torch}/lib/libc10.so ${FRUGAL_cudart} ${FRUGAL_cupti})
endif()
