# simclr_layer(NAME DIRECTORY [LINKS...]): an object-like static library of all
# *.c files directly in DIRECTORY, so that adding a file needs no second edit.
# Includes are written from the root of the repository ("runtime/base/str.h"),
# public ones as <simclr/...>.
function(simclr_layer name)
  cmake_parse_arguments(LAYER "" "" "LINKS;SOURCES" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/*.c")
  if(NOT sources AND NOT LAYER_SOURCES) # a layer whose parts are all optional
    add_library(${name} INTERFACE)
    target_link_libraries(${name} INTERFACE ${LAYER_LINKS})
    return()
  endif()
  add_library(${name} STATIC ${sources} ${LAYER_SOURCES})
  target_include_directories(${name} PUBLIC "${PROJECT_SOURCE_DIR}" "${PROJECT_SOURCE_DIR}/include")
  target_link_libraries(${name} PRIVATE simclr_flags PUBLIC ${LAYER_LINKS})
endfunction()
