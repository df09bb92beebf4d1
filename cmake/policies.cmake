# The AWS managed policies, files in src/services/iam/managed, become one source of the services' layer.
set(LANDFALL_POLICIES ${CMAKE_BINARY_DIR}/generated/managed_policies_data.cpp)
file(GLOB_RECURSE policy_files CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/services/iam/managed/*.json)
add_custom_command(
  OUTPUT ${LANDFALL_POLICIES}
  COMMAND ${Python3_EXECUTABLE} ${CMAKE_SOURCE_DIR}/tools/embed_policies.py ${CMAKE_SOURCE_DIR}/src/services/iam/managed
          ${LANDFALL_POLICIES}
  DEPENDS ${CMAKE_SOURCE_DIR}/tools/embed_policies.py ${policy_files}
  COMMENT "AWS managed policies" VERBATIM)
