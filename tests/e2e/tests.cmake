# End-to-end tests: real clients and real servers around the binary. Each tests/e2e/NAME.test.js is the ctest e2e/NAME (label e2e).
# `npm ci` in tests/e2e comes first; `./dev test` sees to it.
find_program(NODE_PROGRAM node)
if(NODE_PROGRAM AND TARGET oauthtap)
  if(OAUTHTAP_SANITIZE)
    set(e2e_sanitized 1)
  else()
    set(e2e_sanitized 0)
  endif()
  file(GLOB e2e_tests CONFIGURE_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/*.test.js)
  foreach(test IN LISTS e2e_tests)
    get_filename_component(name ${test} NAME)
    string(REPLACE ".test.js" "" name ${name})
    add_test(NAME e2e/${name} COMMAND ${NODE_PROGRAM} --test ${test} WORKING_DIRECTORY ${CMAKE_CURRENT_LIST_DIR})
    set_tests_properties(e2e/${name} PROPERTIES LABELS e2e TIMEOUT 300
      ENVIRONMENT "OAUTHTAP=$<TARGET_FILE:oauthtap>;OAUTHTAP_SANITIZED=${e2e_sanitized}")
  endforeach()
endif()
