# Writes OUT from IN with the version and the commit; touches it only when something changed.
set(WINDLASS_VERSION ${VERSION})
execute_process(COMMAND git -C ${SOURCE} describe --always --dirty --abbrev=10 --exclude=*
                OUTPUT_VARIABLE WINDLASS_COMMIT ERROR_QUIET OUTPUT_STRIP_TRAILING_WHITESPACE)
if(NOT WINDLASS_COMMIT)
  set(WINDLASS_COMMIT unknown)
endif()
configure_file(${IN} ${OUT} @ONLY)
