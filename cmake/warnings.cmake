# Flags of our own code. Third-party sources are compiled without them.
add_library(oauthtap_warnings INTERFACE)
target_compile_options(oauthtap_warnings INTERFACE -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wno-sign-conversion)
if(OAUTHTAP_WERROR)
  target_compile_options(oauthtap_warnings INTERFACE -Werror)
endif()

add_compile_definitions(_GNU_SOURCE)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
add_compile_options(-fstack-protector-strong -fno-common)
add_link_options(-pie -Wl,-z,relro,-z,now)

if(OAUTHTAP_SANITIZE)
  add_compile_options(-fsanitize=${OAUTHTAP_SANITIZE} -fno-omit-frame-pointer -g -O1)
  add_link_options(-fsanitize=${OAUTHTAP_SANITIZE})
  if(OAUTHTAP_SANITIZE MATCHES "undefined")
    add_compile_options(-fno-sanitize-recover=undefined)
  endif()
  # Leak checking and same-uid debuggers need a dumpable process.
  add_compile_definitions(OAUTHTAP_DUMPABLE)
elseif(CMAKE_BUILD_TYPE STREQUAL "Release" OR CMAKE_BUILD_TYPE STREQUAL "RelWithDebInfo")
  add_compile_options(-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3)
endif()
