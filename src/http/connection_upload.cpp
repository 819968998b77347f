// Requests whose bodies are handed on while they come.
#include <sys/socket.h>

#include "http/connection.h"

namespace windlass::http {

// The call begins with the head: whoever answers it decides how much of the body to take, and when.
void Connection::begin_upload(bool has_more) {
    if (parser_.head().expects_continue && !has_more) {
        // Nothing else is under way to this client, so that these few bytes have room.
        const ssize_t sent = ::send(socket_.descriptor(), kInvitation.data(), kInvitation.size(),
                                    MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent != static_cast<ssize_t>(kInvitation.size())) return close();
    }
    parser_.lift_body_limit();
    upload_ = std::make_shared<RequestBody>();
    // Later: it is emptied from within append(), too.
    upload_->on_room = [weak = weak_from_this(), &loop = context_.loop] {
        loop.post([weak] {
            if (const auto self = weak.lock()) self->continue_upload();
        });
    };
    begin_call();
}

// False: nothing more of `bytes` can be used now.
bool Connection::feed_upload(std::string_view bytes, std::size_t& consumed) {
    if (upload_->is_full()) return false;
    // The call may end, and the upload with it, with any of the pieces.
    const auto upload = upload_;
    const auto fed = parser_.feed(bytes.substr(consumed));
    if (!fed) {  // what was handed on cannot be taken back
        on_input_end(false);
        return false;
    }
    consumed += fed->consumed;
    const std::string piece = parser_.take_body();
    begin_exchange().body_bytes += piece.size();
    if (!piece.empty()) upload->append(piece);
    if (fed->progress == RequestParser::Progress::complete) upload->complete();
    return upload->is_complete() || fed->consumed > 0;
}

void Connection::continue_upload() {
    if (!is_uploading()) return;
    consume_pending();
    wait_for_input();
}

}  // namespace windlass::http
