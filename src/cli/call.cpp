// `windlass call`: one input, one answer.
#include "cli/call.h"

#include <fmt/core.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <system_error>

#include "base/bytes.h"
#include "cli/body_text.h"
#include "cli/failure_text.h"
#include "cli/output_json.h"
#include "cli/waiting_display.h"

namespace windlass::cli {
namespace {

// The largest `body_limit` that a daemon may have; beyond it reading on helps nobody.
constexpr std::size_t kBodyMax = std::size_t{2} << 30;

struct FileCloser {
    void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, FileCloser>;

base::Error file_error(std::string_view doing, const std::string& path, int error_number) {
    const base::Errc code = error_number == ENOENT   ? base::Errc::not_found
                            : error_number == EACCES ? base::Errc::permission_denied
                                                     : base::Errc::invalid_input;
    return base::fail(code, fmt::format("cannot {} {}: {}", doing, path,
                                        std::generic_category().message(error_number)));
}

base::Result<std::string> read_all(std::FILE* file, const std::string& name) {
    std::string body;
    std::array<char, 65'536> block{};
    while (std::feof(file) == 0) {
        const std::size_t count = std::fread(block.data(), 1, block.size(), file);
        if (std::ferror(file) != 0) return file_error("read", name, errno);
        body.append(block.data(), count);
        if (body.size() > kBodyMax) {
            return base::fail(base::Errc::invalid_input,
                              fmt::format("{} is larger than 2 GiB", name));
        }
    }
    return body;
}

base::Result<std::string> read_file(const std::string& path) {
    if (path == "-") return read_all(stdin, "standard input");
    const File file{std::fopen(path.c_str(), "rbe")};
    if (!file) return file_error("read", path, errno);
    return read_all(file.get(), path);
}

base::Result<void> write_file(const std::string& path, std::string_view body) {
    File file{std::fopen(path.c_str(), "wbe")};
    if (!file) return file_error("write", path, errno);
    if (std::fwrite(body.data(), 1, body.size(), file.get()) != body.size())
        return file_error("write", path, errno);
    // What is buffered may fail only now, when the disk is full.
    if (std::fclose(file.release()) != 0) return file_error("write", path, errno);
    return {};
}

Outcome<Answer> ask_model(const CallArguments& arguments, const Input& input) {
    Client client{{.url = arguments.url}};
    // Of a model without variants the word is no name: then nothing is shown.
    const std::string suffix = arguments.variant ? ":" + *arguments.variant : "";
    const WaitingDisplay display{arguments.url, arguments.model + suffix};
    return client.call(arguments.model, input.body,
                       {.content_type = input.content_type,
                        .timeout = arguments.timeout,
                        .wait = arguments.wait,
                        .priority = arguments.priority,
                        .variant = arguments.variant.value_or("")});
}

}  // namespace

base::Result<Input> read_input(const InputSource& source) {
    Input input;
    if (source.data) {
        input = {*source.data, type_of_text(*source.data)};
    } else {
        const std::string path = source.file.value_or("-");
        input = {WL_TRY(read_file(path)), type_of_file(path)};
    }
    if (source.content_type) input.content_type = *source.content_type;
    return input;
}

CommandOutcome show_body(const std::string& body, std::string_view content_type,
                         const std::optional<std::string>& output, bool stdout_is_terminal) {
    if (output) {
        const base::Result<void> written = write_file(*output, body);
        return written ? CommandOutcome{} : failed(written.error(), false);
    }
    if (!stdout_is_terminal) return {.out = body};
    if (!is_text(body)) {
        return {.err =
                    fmt::format("{} of {}: not for a terminal; use --output FILE or a pipe\n",
                                base::to_text(base::Bytes{body.size()}), one_line(content_type))};
    }
    const bool ended = body.empty() || body.ends_with('\n');
    return {.out = body + (ended ? "" : "\n")};
}

CommandOutcome show_answer(const CallArguments& arguments, const Answer& answer,
                           bool stdout_is_terminal) {
    if (!arguments.json) {
        return show_body(answer.body, answer.content_type, arguments.output, stdout_is_terminal);
    }
    if (arguments.output) {
        const base::Result<void> written = write_file(*arguments.output, answer.body);
        if (!written) return failed(written.error(), true);
    }
    return {.out = answer_json(arguments.model, answer)};
}

CommandOutcome run(const CallArguments& arguments) {
    const base::Result<Input> input = read_input(
        {.data = arguments.data, .file = arguments.file, .content_type = arguments.content_type});
    if (!input) return failed(input.error(), arguments.json);
    const Outcome<Answer> answer = ask_model(arguments, *input);
    if (!answer) return failed(answer.error(), arguments.json);
    return show_answer(arguments, *answer, isatty(STDOUT_FILENO) != 0);
}

}  // namespace windlass::cli
