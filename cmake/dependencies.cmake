# The libraries we build on, each for the layer named beside it.
find_package(PkgConfig REQUIRED)
set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)                                          # runtime/base
pkg_check_modules(CJSON REQUIRED IMPORTED_TARGET libcjson)              # runtime/base: safetensors, metrics
pkg_check_modules(OPENBLAS REQUIRED IMPORTED_TARGET openblas)           # runtime/cpu, one file
pkg_check_modules(JPEG REQUIRED IMPORTED_TARGET libjpeg)                # runtime/data
pkg_check_modules(PNG REQUIRED IMPORTED_TARGET libpng)                  # runtime/data
pkg_check_modules(PROTOBUF_C REQUIRED IMPORTED_TARGET libprotobuf-c)    # compiler/onnx
find_program(PROTOC_C NAMES protoc-c protoc REQUIRED)
find_path(ONNX_PROTO_DIR NAMES onnx/onnx.proto REQUIRED)
if(SIMCLR_TESTS)
  pkg_check_modules(CMOCKA REQUIRED IMPORTED_TARGET cmocka)
endif()
