# frugal_find_wheels(NAME ...): sets FRUGAL_<name> for what tools/find_wheels.py finds (torch, cudart, cupti, pyarrow).
# FRUGAL_TORCH_DIR and FRUGAL_PYARROW_DIR of the environment are kept for the runs of cmake that ninja starts by itself.
find_program(FRUGAL_PYTHON NAMES python3 REQUIRED)
function(frugal_find_wheels)
  foreach(DIR FRUGAL_TORCH_DIR FRUGAL_PYARROW_DIR)
    if(DEFINED ENV{${DIR}})
      set(${DIR} "$ENV{${DIR}}" CACHE PATH "package folder to use; empty: search" FORCE)
    endif()
  endforeach()
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tools/find_wheels.py)
  execute_process(COMMAND ${CMAKE_COMMAND} -E env "FRUGAL_TORCH_DIR=${FRUGAL_TORCH_DIR}"
                          "FRUGAL_PYARROW_DIR=${FRUGAL_PYARROW_DIR}"
                          ${FRUGAL_PYTHON} ${CMAKE_SOURCE_DIR}/tools/find_wheels.py
                  OUTPUT_VARIABLE FOUND OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
  foreach(PART ${ARGN})
    string(REGEX MATCH "(^|\n)${PART}=([^\n]*)" _ "${FOUND}")
    set(FRUGAL_${PART} "${CMAKE_MATCH_2}" PARENT_SCOPE)
  endforeach()
endfunction()
