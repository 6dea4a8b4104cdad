# Writes files as C arrays: cmake -DOUT=library_data.c -DFILES=a;b
# -DHEADER=compiler/onnx/library.h -DTYPE=sc_library_model -DTABLE=sc_library -P embed.cmake
# Each file becomes a row {name, about, bytes, size} of TABLE, ordered by
# name and ended by an empty row. `name` is the file's without its extension,
# `about` its first line if that is a comment.
list(SORT FILES)
set(arrays "")
set(rows "")
set(i 0)
foreach(path IN LISTS FILES)
  get_filename_component(name "${path}" NAME_WLE)
  file(READ "${path}" hex HEX)
  file(SIZE "${path}" size)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
  # A line of the text is a line of the array.
  string(REPLACE "0x0a," "0x0a,\n" bytes "${bytes}")
  string(APPEND arrays "static const unsigned char data_${i}[] = {\n${bytes}0};\n")
  file(READ "${path}" text LIMIT 400)
  set(about "")
  if(text MATCHES "^# *([^\n]*)")
    set(about "${CMAKE_MATCH_1}")
    string(REPLACE "\\" "\\\\" about "${about}")
    string(REPLACE "\"" "\\\"" about "${about}")
  endif()
  string(APPEND rows "    {\"${name}\", \"${about}\", data_${i}, ${size}},\n")
  math(EXPR i "${i} + 1")
endforeach()
file(WRITE "${OUT}.new" "// Made by cmake/embed.cmake.
#include \"${HEADER}\"

${arrays}
const struct ${TYPE} ${TABLE}[] = {
${rows}    {0}};
")
file(COPY_FILE "${OUT}.new" "${OUT}" ONLY_IF_DIFFERENT)
file(REMOVE "${OUT}.new")
