# landfall_wire(name ...): src/wire plus the code generated from models/ (see tools/generate_wire.py).
function(landfall_wire name)
  cmake_parse_arguments(ARG "" "" "DEPENDS;LIBRARIES" ${ARGN})
  landfall_layer(${name} DEPENDS ${ARG_DEPENDS} LIBRARIES ${ARG_LIBRARIES})
endfunction()
