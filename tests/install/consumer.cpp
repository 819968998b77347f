// What a user's own C++ program would look like.
#include <windlass/client.h>

#include <cstdio>

int main(int argc, char** argv) {
    if (argc != 2) return 2;
    windlass::Client client{{.url = argv[1]}};
    const auto answer =
        client.call("mine", R"({"text": "hello"})", {.content_type = "application/json"});
    std::puts(answer ? answer->body.c_str() : answer.error().message.c_str());
    return answer ? 0 : answer.error().exit_code;
}
