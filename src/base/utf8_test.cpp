// What counts as UTF-8.
#include "base/utf8.h"

#include <doctest/doctest.h>

namespace base = windlass::base;

TEST_CASE("what is not UTF-8 is replaced, and nothing else is") {
    struct Case {
        const char* printed;
        const char* valid;
    };
    constexpr const char* kSound =
        "a\xC3\xBC\xE2\x82\xAC\xF0\x9F\x98\x80\xF4\x8F\xBF\xBF\xED\x9F\xBF";
    for (const Case& example : {
             Case{kSound, kSound},
             Case{"\xFF", "\xEF\xBF\xBD"},
             Case{"a\x80z", "a\xEF\xBF\xBDz"},
             Case{"\xC0\xAF", "\xEF\xBF\xBD\xEF\xBF\xBD"},  // too long a form of '/'
             Case{"\xE0\x80\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},
             Case{"\xED\xA0\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},  // a surrogate
             Case{"\xF4\x90\x80\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},
             Case{"\xE2\x82", "\xEF\xBF\xBD"},  // cut short
             Case{"\xE2\x82x", "\xEF\xBF\xBDx"},
             Case{"\xC3\xC3\xBC", "\xEF\xBF\xBD\xC3\xBC"},
         }) {
        CHECK(base::to_valid_utf8(example.printed) == example.valid);
    }
    CHECK(base::to_valid_utf8(std::string_view{"\0", 1}) == std::string_view{"\0", 1});
}

TEST_CASE("only a character that lacks bytes at the end is left for the next piece") {
    CHECK(base::whole_characters_size("") == 0);
    CHECK(base::whole_characters_size("ab") == 2);
    CHECK(base::whole_characters_size("a\xE2\x82") == 1);
    CHECK(base::whole_characters_size("a\xE2\x82\xAC") == 4);
    CHECK(base::whole_characters_size("a\x82\x82") == 3);  // never was a character
}
