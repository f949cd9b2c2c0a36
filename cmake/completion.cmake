# The shells' completion: the program writes the scripts itself, from its table of options; install puts them where each shell looks.
if(CMAKE_CROSSCOMPILING)
  return() # what was built cannot be run here
endif()
set(completion_scripts)
foreach(shell bash zsh fish)
  set(script ${CMAKE_BINARY_DIR}/completion/oauthtap.${shell})
  add_custom_command(
    OUTPUT ${script}
    COMMAND ${CMAKE_COMMAND} -E make_directory ${CMAKE_BINARY_DIR}/completion
    COMMAND oauthtap completion ${shell} > ${script}
    DEPENDS oauthtap
    VERBATIM)
  list(APPEND completion_scripts ${script})
endforeach()
add_custom_target(completion ALL DEPENDS ${completion_scripts})
install(FILES ${CMAKE_BINARY_DIR}/completion/oauthtap.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME oauthtap)
install(FILES ${CMAKE_BINARY_DIR}/completion/oauthtap.zsh DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions RENAME _oauthtap)
install(FILES ${CMAKE_BINARY_DIR}/completion/oauthtap.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
