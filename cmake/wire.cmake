# landfall_wire(name ...): src/wire plus the code generated from models/ (tools/generate_wire.py).
#
# The types and tables are compiled into this layer. The dispatch tables name the handlers, so they belong to the services:
# their sources are left in LANDFALL_DISPATCH.
find_package(Python3 3.9 REQUIRED COMPONENTS Interpreter)

function(landfall_wire name)
  cmake_parse_arguments(ARG "" "" "DEPENDS;LIBRARIES" ${ARGN})
  set(out ${CMAKE_BINARY_DIR}/generated)
  file(GLOB tools CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tools/generate_wire.py ${CMAKE_SOURCE_DIR}/tools/wire_*.py)
  file(GLOB models CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/models/*/model.json)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${models} ${tools})
  set(sources)
  set(dispatch)
  foreach(model ${models})
    get_filename_component(folder ${model} DIRECTORY)
    get_filename_component(service ${folder} NAME)
    set(command ${Python3_EXECUTABLE} ${CMAKE_SOURCE_DIR}/tools/generate_wire.py ${service} ${out})
    execute_process(COMMAND ${command} --print-outputs OUTPUT_VARIABLE outputs OUTPUT_STRIP_TRAILING_WHITESPACE
                    COMMAND_ERROR_IS_FATAL ANY)
    file(GLOB handlers CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/services/${service}/operations/*.cpp)
    add_custom_command(OUTPUT ${outputs} COMMAND ${command} DEPENDS ${model} ${folder}/operations ${tools} ${handlers}
                       COMMENT "wire layer of ${service}" VERBATIM)
    list(APPEND sources ${outputs})
    list(APPEND dispatch ${out}/wire/${service}/dispatch.cpp)
  endforeach()
  list(REMOVE_ITEM sources ${dispatch})

  landfall_layer(${name} DEPENDS ${ARG_DEPENDS} LIBRARIES ${ARG_LIBRARIES} SOURCES ${sources})
  target_include_directories(landfall_${name} PUBLIC ${out})
  # One place runs the generator; the services' dispatch tables wait for it.
  add_custom_target(landfall_generated DEPENDS ${sources} ${dispatch})
  add_dependencies(landfall_${name} landfall_generated)
  set_source_files_properties(${dispatch} PROPERTIES GENERATED TRUE)
  set(LANDFALL_DISPATCH ${dispatch} PARENT_SCOPE)
endfunction()
