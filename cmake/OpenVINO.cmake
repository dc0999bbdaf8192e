# OpenVINO's runtime. An installed one of the right version is taken; otherwise its PyPI wheel, which is
# a complete C++ SDK (headers, CMake package, libraries with relative run paths), is downloaded once.
set(EDET_OPENVINO_VERSION 2026.4.1)
if(NOT OpenVINO_DIR)
  find_package(OpenVINO ${EDET_OPENVINO_VERSION} QUIET COMPONENTS Runtime ONNX)
endif()
if(NOT OpenVINO_FOUND)
  set(openvino_root ${EDET_DEPENDENCY_DIR}/openvino-${EDET_OPENVINO_VERSION})
  if(NOT EXISTS ${openvino_root}/openvino/cmake/OpenVINOConfig.cmake)
    find_program(EDET_PIP NAMES pip3 pip REQUIRED)
    if(CMAKE_SYSTEM_PROCESSOR STREQUAL "aarch64")
      set(platform manylinux_2_35_aarch64)
    else()
      set(platform manylinux_2_28_x86_64)
    endif()
    message(STATUS "Downloading OpenVINO ${EDET_OPENVINO_VERSION} (59 MB, once)")
    set(wheel_dir ${EDET_DEPENDENCY_DIR}/wheels)
    execute_process(
      COMMAND ${EDET_PIP} download --quiet --no-deps --only-binary=:all: --python-version 3.12 --platform ${platform}
              -d ${wheel_dir} openvino==${EDET_OPENVINO_VERSION}
      RESULT_VARIABLE failed)
    file(GLOB wheel ${wheel_dir}/openvino-${EDET_OPENVINO_VERSION}-*.whl)
    if(failed OR NOT wheel)
      message(FATAL_ERROR "OpenVINO ${EDET_OPENVINO_VERSION} could not be downloaded; install it and pass -DOpenVINO_DIR=...")
    endif()
    # Unpacked under another name and then renamed: a broken-off run leaves nothing half-made.
    file(REMOVE_RECURSE ${openvino_root}.partial ${openvino_root})
    file(ARCHIVE_EXTRACT INPUT ${wheel} DESTINATION ${openvino_root}.partial)
    file(RENAME ${openvino_root}.partial ${openvino_root})
    file(REMOVE ${wheel})
  endif()
  set(OpenVINO_DIR ${openvino_root}/openvino/cmake)
  find_package(OpenVINO ${EDET_OPENVINO_VERSION} REQUIRED COMPONENTS Runtime ONNX)
endif()
