// Clang 19 mangles the parameter types of this template of fmt 9 otherwise than GCC, with which the
// library of the system was built: there is none under its name.
#include <fmt/format.h>

template void fmt::detail::vformat_to<char>(
    buffer<char>&, basic_string_view<char>,
    basic_format_args<basic_format_context<appender, type_identity_t<char>>>, locale_ref);
