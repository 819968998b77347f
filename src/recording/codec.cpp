// Three visitors of the fields: one writes them, one reads them, one describes them.
#include "recording/codec.h"

#include <concepts>
#include <limits>
#include <utility>

#include "recording/fields.h"
#include "recording/shapes.h"

namespace windlass::recording {
namespace {

using base::Bytes;
using base::Duration;

// Small negative numbers take few bytes, too (zigzag).
std::uint64_t fold_sign(std::int64_t number) {
    return (static_cast<std::uint64_t>(number) << 1U) ^
           static_cast<std::uint64_t>(number < 0 ? -1 : 0);
}
std::int64_t unfold_sign(std::uint64_t number) {
    const auto magnitude = static_cast<std::int64_t>(number >> 1U);
    return (number & 1U) == 0 ? magnitude : ~magnitude;
}

class Encoder {
  public:
    explicit Encoder(std::string& out) : out_(out) {}

    template <class... Values>
    void fields(const char*, const char*, const Values&... values) {
        (put(values), ...);
    }

    template <class Value>
    void put(const Value& value) {
        if constexpr (kIsNumber<Value>) {
            append_number(out_, value);
        } else if constexpr (std::is_enum_v<Value>) {
            append_number(out_, static_cast<std::uint64_t>(value));
        } else if constexpr (kIsId<Value>) {
            append_number(out_, value.value);
        } else if constexpr (std::same_as<Value, Bytes>) {
            append_number(out_, value.count());
        } else if constexpr (std::same_as<Value, Duration>) {
            append_number(out_, fold_sign(value.count()));
        } else if constexpr (std::same_as<Value, std::string>) {
            append_text(out_, value);
        } else if constexpr (kIsOptional<Value>) {
            append_number(out_, value.has_value() ? 1 : 0);
            if (value) put(*value);
        } else if constexpr (kIsList<Value>) {
            append_number(out_, value.size());
            for (const auto& element : value) put(element);
        } else if constexpr (kIsChoice<Value>) {
            append_number(out_, value.index());
            std::visit([this](const auto& chosen) { this->put(chosen); }, value);
        } else {
            visit_fields(*this, value);
        }
    }

    void put(const Reason<const std::string>& reason) {
        append_text(out_, known_reason(reason.text));
    }

  private:
    std::string& out_;
};

class Decoder {
  public:
    explicit Decoder(std::string_view& rest) : rest_(rest) {}

    bool is_sound() const { return is_sound_; }

    template <class... Values>
    void fields(const char*, const char*, Values&... values) {
        (take(values), ...);
    }

    std::uint64_t number() {
        std::uint64_t number = 0;
        for (unsigned shift = 0; shift < 64 && !rest_.empty(); shift += 7) {
            const auto byte = static_cast<unsigned char>(rest_.front());
            rest_.remove_prefix(1);
            number |= static_cast<std::uint64_t>(byte & 0x7fU) << shift;
            if ((byte & 0x80U) == 0) return number;
        }
        return fail();
    }

    std::string_view text() {
        const std::uint64_t size = number();
        if (size > rest_.size()) fail();
        if (!is_sound_) return {};
        const std::string_view text = rest_.substr(0, size);
        rest_.remove_prefix(size);
        return text;
    }

    template <class Value>
    void take(Value& value) {
        if (!is_sound_) return;
        if constexpr (kIsNumber<Value>) {
            const std::uint64_t read = number();
            if (read > std::numeric_limits<Value>::max()) fail();
            value = static_cast<Value>(read);
        } else if constexpr (std::is_enum_v<Value>) {
            const std::uint64_t read = number();
            value = static_cast<Value>(read);
            if (read > std::numeric_limits<std::underlying_type_t<Value>>::max()) fail();
            if (word_of(value).empty()) fail();
        } else if constexpr (kIsId<Value>) {
            value.value = number();
        } else if constexpr (std::same_as<Value, Bytes>) {
            value = Bytes{number()};
        } else if constexpr (std::same_as<Value, Duration>) {
            value = Duration{unfold_sign(number())};
        } else if constexpr (std::same_as<Value, std::string>) {
            value = text();
        } else if constexpr (kIsOptional<Value>) {
            take_optional(value);
        } else if constexpr (kIsList<Value>) {
            value.clear();
            // Each element takes a byte at least, so that a wrong count runs out of them.
            for (std::uint64_t left = number(); left > 0 && is_sound_; --left) {
                take(value.emplace_back());
            }
        } else if constexpr (kIsChoice<Value>) {
            take_choice(value);
        } else {
            visit_fields(*this, value);
        }
    }

    void take(const Reason<std::string>& reason) { reason.text = known_reason(text()); }

  private:
    std::uint64_t fail() {
        is_sound_ = false;
        rest_ = {};
        return 0;
    }

    template <class Value>
    void take_optional(std::optional<Value>& value) {
        value.reset();
        bool is_there = false;
        take(is_there);
        if (is_there) take(value.emplace());
    }

    template <class... Values>
    void take_choice(std::variant<Values...>& value) {
        const std::uint64_t chosen = number();
        std::uint64_t index = 0;
        const auto try_one = [&]<class Value>() {
            if (index++ == chosen) take(value.template emplace<Value>());
        };
        (try_one.template operator()<Values>(), ...);
        if (chosen >= index) fail();
    }

    std::string_view& rest_;
    bool is_sound_ = true;
};

// Writes types, not values: "core::Kill{generation: id}".
class Describer {
  public:
    std::string take() { return std::move(out_); }

    template <class... Values>
    void fields(const char* type, const char* names, const Values&...) {
        out_ += std::string{type} + "{" + names + ": ";
        (describe<Values>(), ...);
        out_ += "}";
    }

    template <class Value>
    void describe() {
        if constexpr (std::is_enum_v<Value>) {
            out_ += "one of";
            for (std::uint8_t number = 0;; ++number) {
                const std::string_view word = word_of(static_cast<Value>(number));
                if (word.empty()) break;
                out_.append(" ").append(word);
            }
            out_ += ", ";
        } else if constexpr (std::same_as<Value, bool>) {
            out_ += "bool, ";
        } else if constexpr (kIsNumber<Value> || kIsId<Value>) {
            out_ += std::to_string(sizeof(Value)) + " bytes, ";
        } else if constexpr (std::same_as<Value, Bytes>) {
            out_ += "amount, ";
        } else if constexpr (std::same_as<Value, Duration>) {
            out_ += "duration, ";
        } else if constexpr (std::same_as<Value, std::string>) {
            out_ += "text, ";
        } else if constexpr (std::same_as<Value, Reason<const std::string>>) {
            out_ += "reason of";
            for (const std::string_view reason : known_reasons()) out_.append(" ").append(reason);
            out_ += ", ";
        } else if constexpr (kIsOptional<Value> || kIsList<Value>) {
            out_ += kIsList<Value> ? "list of " : "perhaps ";
            describe<typename Value::value_type>();
        } else {
            const Value value{};
            visit_fields(*this, value);
        }
    }

    template <class... Values>
    void describe_choice(const std::variant<Values...>&) {
        (describe<Values>(), ...);
    }

  private:
    std::string out_;
};

}  // namespace

void append_number(std::string& out, std::uint64_t number) {
    for (; number >= 0x80; number >>= 7U) out.push_back(static_cast<char>(number | 0x80U));
    out.push_back(static_cast<char>(number));
}

void append_text(std::string& out, std::string_view text) {
    append_number(out, text.size());
    out += text;
}

void append(std::string& out, const Origin& origin) { Encoder{out}.put(origin); }
void append(std::string& out, const core::Event& event) { Encoder{out}.put(event); }
void append(std::string& out, const core::Command& command) { Encoder{out}.put(command); }

template <class Value>
std::optional<Value> Source::take() {
    std::optional<Value> value{std::in_place};
    Decoder decoder{rest_};
    decoder.take(*value);
    if (!decoder.is_sound()) value.reset();
    return value;
}

std::optional<std::uint64_t> Source::number() { return take<std::uint64_t>(); }
std::optional<std::string> Source::text() { return take<std::string>(); }
std::optional<Origin> Source::origin() { return take<Origin>(); }
std::optional<core::Event> Source::event() { return take<core::Event>(); }
std::optional<core::Command> Source::command() { return take<core::Command>(); }

std::string schema() {
    Describer describer;
    describer.describe<Origin>();
    describer.describe_choice(core::Event{});
    describer.describe_choice(core::Command{});
    return describer.take();
}

std::uint64_t schema_hash() { return hash_of(schema()); }

std::uint64_t hash_of(std::string_view bytes) {
    std::uint64_t hash = 0xcbf29ce484222325;
    for (const char byte : bytes) {
        hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001b3;
    }
    return hash;
}

}  // namespace windlass::recording
