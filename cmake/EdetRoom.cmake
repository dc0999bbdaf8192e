# A room is a folder of src/: one namespace, one CMake target, tests beside the code.
# Data flows from left to right through this list; a room may depend only on rooms to its left.
set(EDET_ROOM_ORDER base detect checkpoint graph efficientdet onnx parser deepstream lint check inference repair video compare deploy cli)

# edet_room_headers(NAME VARIABLE): the include folder that holds the room NAME only.
function(edet_room_headers NAME VARIABLE)
  set(include_dir ${PROJECT_BINARY_DIR}/rooms/${NAME})
  file(MAKE_DIRECTORY ${include_dir})
  if(NOT EXISTS ${include_dir}/${NAME})
    file(CREATE_LINK ${PROJECT_SOURCE_DIR}/src/${NAME} ${include_dir}/${NAME} SYMBOLIC)
  endif()
  set(${VARIABLE} ${include_dir} PARENT_SCOPE)
endfunction()

# edet_room(NAME [DEPS room...] [LIBS target...] [EXCLUDE file...] [TEST_LIBS target...] [CXX_STANDARD 14|17])
#
# Makes the static library edet_NAME out of the folder's *.cpp, and edet_NAME_test out of its *_test.cpp.
# Each room's headers are reached through a folder of links that holds this room only, so that a room
# can include another ("other/thing.h") only if it names it in DEPS: the compiler refuses the rest.
function(edet_room NAME)
  cmake_parse_arguments(ROOM "" "CXX_STANDARD" "DEPS;LIBS;EXCLUDE;TEST_LIBS" ${ARGN})
  list(FIND EDET_ROOM_ORDER ${NAME} own_place)
  if(own_place EQUAL -1)
    message(FATAL_ERROR "room '${NAME}' is not in EDET_ROOM_ORDER (cmake/EdetRoom.cmake)")
  endif()
  set(dep_targets)
  foreach(dep IN LISTS ROOM_DEPS)
    list(FIND EDET_ROOM_ORDER ${dep} dep_place)
    if(dep_place EQUAL -1 OR dep_place GREATER_EQUAL own_place)
      message(FATAL_ERROR "room '${NAME}' may not depend on '${dep}': only rooms to its left (cmake/EdetRoom.cmake)")
    endif()
    list(APPEND dep_targets edet_${dep})
  endforeach()

  edet_room_headers(${NAME} include_dir)

  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
  set(tests ${sources})
  list(FILTER tests INCLUDE REGEX "_test\\.cpp$")
  list(FILTER sources EXCLUDE REGEX "_(test|bench|fuzz)\\.cpp$")
  foreach(file IN LISTS ROOM_EXCLUDE)
    list(REMOVE_ITEM sources ${CMAKE_CURRENT_SOURCE_DIR}/${file})
  endforeach()

  if(sources)
    add_library(edet_${NAME} STATIC ${sources})
    set(scope PUBLIC)
    target_link_libraries(edet_${NAME} PRIVATE edet_warnings)
    set_target_properties(edet_${NAME} PROPERTIES POSITION_INDEPENDENT_CODE ON)
    if(ROOM_CXX_STANDARD)
      set_target_properties(edet_${NAME} PROPERTIES CXX_STANDARD ${ROOM_CXX_STANDARD})
    endif()
  else()
    add_library(edet_${NAME} INTERFACE)
    set(scope INTERFACE)
  endif()
  target_include_directories(edet_${NAME} ${scope} ${include_dir})
  target_link_libraries(edet_${NAME} ${scope} ${dep_targets} ${ROOM_LIBS})

  if(tests AND EDET_BUILD_TESTS)
    add_executable(edet_${NAME}_test ${tests})
    target_link_libraries(edet_${NAME}_test PRIVATE edet_${NAME} edet_warnings edet_testing ${ROOM_TEST_LIBS} GTest::gmock GTest::gtest_main)
    gtest_discover_tests(edet_${NAME}_test TEST_PREFIX ${NAME}. DISCOVERY_TIMEOUT 120 PROPERTIES TIMEOUT 600)
  endif()
endfunction()
