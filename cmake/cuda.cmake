# The CUDA plug-in, bin/libfrugal_cuda.so, where the toolkit is found: the one target that links CUDA. Nothing links it;
# src/ops/device.cc loads it when the program runs. Beside it, for the tests of that loading, plug-ins that pretend.
find_package(CUDAToolkit QUIET)
if(CUDAToolkit_FOUND)
  add_library(frugal_cuda MODULE ${CMAKE_SOURCE_DIR}/src/cuda/plugin.cc)
  target_include_directories(frugal_cuda PRIVATE ${CMAKE_SOURCE_DIR}/src)
  target_link_libraries(frugal_cuda PRIVATE CUDA::cudart)
  set_target_properties(frugal_cuda PROPERTIES CXX_VISIBILITY_PRESET hidden
                        LIBRARY_OUTPUT_DIRECTORY ${CMAKE_RUNTIME_OUTPUT_DIRECTORY})
else()
  message(NOTICE "CUDA: no toolkit found, so building without the plug-in libfrugal_cuda.so")
endif()

if(FRUGAL_TESTS)
  foreach(FAKE old no_gpu silent_gpu one_gpu empty)
    add_library(fake_cuda_${FAKE} MODULE ${CMAKE_SOURCE_DIR}/tests/fake_cuda_plugin.cc)
    target_include_directories(fake_cuda_${FAKE} PRIVATE ${CMAKE_SOURCE_DIR}/src)
    target_compile_definitions(fake_cuda_${FAKE} PRIVATE FAKE_${FAKE})
    set_target_properties(fake_cuda_${FAKE} PROPERTIES LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/fake_cuda)
    add_dependencies(test_ops fake_cuda_${FAKE})
  endforeach()
  target_compile_definitions(test_ops PRIVATE FRUGAL_FAKE_CUDA="${CMAKE_BINARY_DIR}/fake_cuda/libfake_cuda_"
                             FRUGAL_HAVE_CUDA_PLUGIN=$<BOOL:${CUDAToolkit_FOUND}>)
  if(CUDAToolkit_FOUND)
    add_dependencies(test_ops frugal_cuda)
  endif()
endif()
