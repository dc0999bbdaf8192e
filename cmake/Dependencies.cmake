# Every dependency, once. System packages first; README says why each is there.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(Protobuf REQUIRED)
find_package(CLI11 REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(fmt REQUIRED)
find_package(leveldb REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(Snappy REQUIRED)
if(EDET_BUILD_TESTS)
  find_package(GTest REQUIRED)
endif()
if(EDET_BUILD_BENCH)
  find_package(benchmark REQUIRED)
endif()

pkg_check_modules(LIBARCHIVE REQUIRED IMPORTED_TARGET libarchive)
pkg_check_modules(ISAL REQUIRED IMPORTED_TARGET libisal)
pkg_check_modules(GLIB REQUIRED IMPORTED_TARGET glib-2.0)
pkg_check_modules(GSTREAMER REQUIRED IMPORTED_TARGET gstreamer-1.0 gstreamer-base-1.0 gstreamer-app-1.0 gstreamer-video-1.0 gstreamer-pbutils-1.0)
pkg_check_modules(PANGOCAIRO REQUIRED IMPORTED_TARGET pangocairo cairo)

# CMake's own module makes no target of the C library alone before 3.27.
find_package(HDF5 REQUIRED COMPONENTS C)
add_library(edet_hdf5 INTERFACE)
target_include_directories(edet_hdf5 SYSTEM INTERFACE ${HDF5_C_INCLUDE_DIRS} ${HDF5_INCLUDE_DIRS})
target_link_libraries(edet_hdf5 INTERFACE ${HDF5_C_LIBRARIES})

# Debian's onnx package: the protobuf classes of the format and its checker. It has no CMake config of its own.
find_library(ONNX_LIBRARY onnx REQUIRED)
find_library(ONNX_PROTO_LIBRARY onnx_proto REQUIRED)
find_path(ONNX_INCLUDE_DIR onnx/onnx_pb.h REQUIRED)
add_library(edet_onnx_format INTERFACE)
target_include_directories(edet_onnx_format SYSTEM INTERFACE ${ONNX_INCLUDE_DIR})
target_compile_definitions(edet_onnx_format INTERFACE ONNX_ML=1 ONNX_NAMESPACE=onnx)
target_link_libraries(edet_onnx_format INTERFACE ${ONNX_LIBRARY} ${ONNX_PROTO_LIBRARY} protobuf::libprotobuf)

include(cmake/OpenVINO.cmake)
