// libchatroom for C++17: chatroom.h with owners. Header only; nothing here that chatroom.h cannot do.
//
// One move-only class per handle, which ends with it. Text that is lent is a std::string_view, valid until the callback
// returns. Nothing throws but what the host's own functions throw, and those must not: a callback returns.
#ifndef CHATROOM_HPP
#define CHATROOM_HPP

#include <chatroom.h>

#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace chatroom {

// Lent bytes as text.
inline std::string_view text(chatroom_bytes_t bytes) noexcept {
    return bytes.data == nullptr ? std::string_view() : std::string_view(reinterpret_cast<const char *>(bytes.data), bytes.len);
}

// The words for the calling thread's last failed call.
inline std::string last_error() {
    std::string words(chatroom_last_error_message(nullptr, 0), '\0');
    if (!words.empty()) {
        words.resize(words.size() + 1);
        chatroom_last_error_message(&words[0], words.size());
        words.pop_back();
    }
    return words;
}

// The number of the calling thread's last accepted request.
inline std::uint64_t last_request() noexcept { return chatroom_last_request(); }

// A struct of chatroom.h with struct_size set and everything else 0.
template <typename T> T make() noexcept {
    T made;
    std::memset(&made, 0, sizeof made);
    made.struct_size = sizeof made;
    return made;
}

// A frame; see chatroom_frame_t.
class Frame {
  public:
    Frame() = default;
    explicit Frame(chatroom_frame_t *frame) noexcept : frame_(frame) {}
    explicit operator bool() const noexcept { return frame_ != nullptr; }
    Frame share() const noexcept { return Frame(chatroom_frame_ref(frame_.get())); }
    std::uint16_t kind() const noexcept { return chatroom_frame_kind(frame_.get()); }
    std::uint8_t flags() const noexcept { return chatroom_frame_flags(frame_.get()); }
    std::uint32_t sequence() const noexcept { return chatroom_frame_sequence(frame_.get()); }
    // Valid as long as the frame.
    std::string_view body() const noexcept { return text(chatroom_frame_body(frame_.get())); }

  private:
    struct Unref {
        void operator()(chatroom_frame_t *frame) const noexcept { chatroom_frame_unref(frame); }
    };
    std::unique_ptr<chatroom_frame_t, Unref> frame_;
};

// Bytes in, frames out; see chatroom_codec_t.
class Codec {
  public:
    Codec() = default;
    static chatroom_result make(std::size_t frame_bytes_max, Codec &codec) noexcept {
        chatroom_codec_t *made = nullptr;
        chatroom_result result = chatroom_codec_new(frame_bytes_max, &made);
        if (result == CHATROOM_RESULT_OK) codec.codec_.reset(made);
        return result;
    }
    chatroom_result feed(std::string_view bytes) noexcept {
        return chatroom_codec_feed(codec_.get(), reinterpret_cast<const std::uint8_t *>(bytes.data()), bytes.size());
    }
    // The frame is empty when more bytes are needed.
    chatroom_result next(Frame &frame) noexcept {
        chatroom_frame_t *taken = nullptr;
        chatroom_result result = chatroom_codec_next(codec_.get(), &taken);
        if (result == CHATROOM_RESULT_OK) frame = Frame(taken);
        return result;
    }

  private:
    struct Free {
        void operator()(chatroom_codec_t *codec) const noexcept { chatroom_codec_free(codec); }
    };
    std::unique_ptr<chatroom_codec_t, Free> codec_;
};

// A message kept beyond its callback; see chatroom_message_ref.
class Message {
  public:
    Message() = default;
    explicit Message(const chatroom_message_t &message) noexcept : message_(chatroom_message_ref(&message)) {}
    explicit operator bool() const noexcept { return message_ != nullptr; }
    const chatroom_message_t &operator*() const noexcept { return *message_; }
    const chatroom_message_t *operator->() const noexcept { return message_.get(); }

  private:
    struct Unref {
        void operator()(const chatroom_message_t *message) const noexcept { chatroom_message_unref(message); }
    };
    std::unique_ptr<const chatroom_message_t, Unref> message_;
};

// Who hears of what happens; see chatroom_options_t for each of them. Lives until the last call has been made.
class Listener {
  public:
    virtual ~Listener() = default;
    virtual void on_state(std::int32_t) {}
    virtual void on_logged_in(const chatroom_login_t &) {}
    virtual void on_entered(const chatroom_entered_t &) {}
    virtual void on_left(std::int64_t, const chatroom_status_t &) {}
    virtual void on_will_reconnect(std::uint32_t, std::uint64_t) {}
    virtual void on_disconnected(const chatroom_status_t &) {}
    virtual void on_message(const chatroom_message_t &) {}
    virtual void on_notification(const chatroom_notification_t &) {}
    virtual void on_gap(std::int64_t, std::uint64_t, std::uint64_t) {}
    virtual void on_kicked(const chatroom_kicked_t &) {}
    virtual void on_token_will_expire(std::uint32_t) {}
    virtual void on_closed() {}
    virtual void on_thread_start() {}
    virtual void on_thread_stop() {}
    virtual void on_event(const chatroom_event_t &) {}
    virtual void on_room_state(const chatroom_room_change_t &) {}
    virtual void on_connect_failed(const chatroom_status_t &, bool /* will_retry */, std::uint64_t /* delay_ms */) {}
    // Lines of at least the options' log_level; info unless it is set. None are made where wants_log says no.
    virtual bool wants_log() const { return false; }
    virtual void on_log(std::int32_t, std::string_view /* target */, std::string_view /* message */) {}
};

// A client; see chatroom_client_t. Its end waits for the last callback, unless it is inside one.
//
// The completions are functions of the status and, where there is one, of what was asked for, which is null unless the code is
// 0. They are called exactly once, unless the call returns anything but OK; then never.
class Client {
  public:
    using Done = std::function<void(const chatroom_status_t &)>;
    template <typename T> using DoneWith = std::function<void(const chatroom_status_t &, const T *)>;
    using DoneCount = std::function<void(const chatroom_status_t &, std::uint64_t)>;
    using DoneCall = std::function<void(const chatroom_status_t &, std::string_view)>;

    Client() = default;
    // `options` as chatroom_options_t says; its callbacks, user_data and destructor are set here.
    static chatroom_result make(chatroom_options_t options, std::unique_ptr<Listener> listener, Client &client) {
        listen(options, std::move(listener));
        chatroom_client_t *made = nullptr;
        chatroom_result result = chatroom_client_new(&options, &made);
        if (result == CHATROOM_RESULT_OK) client.client_.reset(made);
        return result;
    }
    // For the calls that have no method here.
    chatroom_client_t *get() const noexcept { return client_.get(); }

    chatroom_result connect(Done done) {
        return chatroom_client_connect(get(), &told, keep(std::move(done)), &drop<Done>);
    }
    chatroom_result disconnect(Done done) {
        return chatroom_client_disconnect(get(), &told, keep(std::move(done)), &drop<Done>);
    }
    chatroom_result close() { return chatroom_client_close(get()); }
    chatroom_result dispatch(std::int32_t timeout_ms, std::size_t *count = nullptr) {
        return chatroom_client_dispatch(get(), timeout_ms, count);
    }
    std::int32_t state() const noexcept { return chatroom_client_state(get()); }

    // Cancels a request that was made through this client or chatroom.h; see chatroom_last_request.
    chatroom_result cancel(std::uint64_t request) { return chatroom_client_cancel(get(), request); }
    // Waits, without blocking, until what was sent before is complete.
    chatroom_result flush(std::uint32_t timeout_ms, Done done) {
        return chatroom_client_flush(get(), timeout_ms, &told, keep(std::move(done)), &drop<Done>);
    }
    // Whether the connection lives: for a host that changed networks, or came back to the foreground.
    chatroom_result check_connection() { return chatroom_client_check_connection(get()); }
    chatroom_result set_token(const char *token) { return chatroom_client_set_token(get(), token); }
    chatroom_result ping(DoneCount done) {
        return chatroom_client_ping(get(), &told_count, keep(std::move(done)), &drop<DoneCount>);
    }
    chatroom_result send_text(std::int64_t room_id, std::string_view body, DoneWith<chatroom_sent_t> done) {
        chatroom_draft_t draft = chatroom::make<chatroom_draft_t>();
        draft.room_id = room_id;
        draft.body = body.data();
        draft.body_len = body.size();
        return send(draft, std::move(done));
    }
    chatroom_result begin_attributes_batch(std::int64_t room_id, bool force, bool update_owner,
                                           bool delete_after_owner_left, Done done) {
        return chatroom_client_begin_attributes_batch(get(), room_id, force, update_owner, delete_after_owner_left,
                                                      &told, keep(std::move(done)), &drop<Done>);
    }
    // Any request as protobuf of the host's own; see chatroom_client_call. The body of the answer is valid until `done` returns.
    chatroom_result call(std::uint16_t kind, std::string_view body, DoneCall done) {
        return chatroom_client_call(get(), kind, reinterpret_cast<const std::uint8_t *>(body.data()), body.size(),
                                    &told_call, keep(std::move(done)), &drop<DoneCall>);
    }

    // Made from proto/ by tests/c/generate, from here
    // session.proto
    chatroom_result renew_token(const char *token, Done done) {
        return chatroom_client_renew_token(get(), token, &told, keep(std::move(done)), &drop<Done>);
    }
    chatroom_result kick_devices(const char *const *device_ids, std::size_t device_id_count, Done done) {
        return chatroom_client_kick_devices(get(), device_ids, device_id_count, &told, keep(std::move(done)),
                                            &drop<Done>);
    }
    // room.proto
    chatroom_result enter(const chatroom_enter_t &enter, DoneWith<chatroom_entered_t> done) {
        return chatroom_client_enter(get(), &enter, &told_with<chatroom_entered_t>, keep(std::move(done)),
                                     &drop<DoneWith<chatroom_entered_t>>);
    }
    chatroom_result leave(std::int64_t room_id, Done done) {
        return chatroom_client_leave(get(), room_id, &told, keep(std::move(done)), &drop<Done>);
    }
    chatroom_result room_info(std::int64_t room_id, DoneWith<chatroom_room_t> done) {
        return chatroom_client_room_info(get(), room_id, &told_with<chatroom_room_t>, keep(std::move(done)),
                                         &drop<DoneWith<chatroom_room_t>>);
    }
    chatroom_result update_room(const chatroom_room_edit_t &edit, DoneWith<chatroom_room_t> done) {
        return chatroom_client_update_room(get(), &edit, &told_with<chatroom_room_t>, keep(std::move(done)),
                                           &drop<DoneWith<chatroom_room_t>>);
    }
    chatroom_result close_room(std::int64_t room_id, const char *notify_ext, Done done) {
        return chatroom_client_close_room(get(), room_id, notify_ext, &told, keep(std::move(done)), &drop<Done>);
    }
    chatroom_result mute_room(std::int64_t room_id, bool mute, const char *notify_ext, Done done) {
        return chatroom_client_mute_room(get(), room_id, mute, notify_ext, &told, keep(std::move(done)), &drop<Done>);
    }
    chatroom_result create_room(const chatroom_create_t &create, DoneWith<chatroom_entered_t> done) {
        return chatroom_client_create_room(get(), &create, &told_with<chatroom_entered_t>, keep(std::move(done)),
                                           &drop<DoneWith<chatroom_entered_t>>);
    }
    chatroom_result switch_room(std::int64_t from_room_id, const chatroom_create_t &to, bool create_missing,
                                DoneWith<chatroom_entered_t> done) {
        return chatroom_client_switch_room(get(), from_room_id, &to, create_missing, &told_with<chatroom_entered_t>,
                                           keep(std::move(done)), &drop<DoneWith<chatroom_entered_t>>);
    }
    chatroom_result leave_all(DoneWith<chatroom_rooms_t> done) {
        return chatroom_client_leave_all(get(), &told_with<chatroom_rooms_t>, keep(std::move(done)),
                                         &drop<DoneWith<chatroom_rooms_t>>);
    }
    // member.proto
    chatroom_result members(std::int64_t room_id, std::int32_t query, std::int64_t time_ms, std::uint32_t limit,
                            DoneWith<chatroom_members_t> done) {
        return chatroom_client_members(get(), room_id, query, time_ms, limit, &told_with<chatroom_members_t>,
                                       keep(std::move(done)), &drop<DoneWith<chatroom_members_t>>);
    }
    chatroom_result members_from(std::int64_t room_id, std::int32_t query, const char *next, std::uint32_t limit,
                                 DoneWith<chatroom_members_t> done) {
        return chatroom_client_members_from(get(), room_id, query, next, limit, &told_with<chatroom_members_t>,
                                            keep(std::move(done)), &drop<DoneWith<chatroom_members_t>>);
    }
    chatroom_result lookup_members(std::int64_t room_id, const char *const *accounts, std::size_t account_count,
                                   DoneWith<chatroom_members_t> done) {
        return chatroom_client_lookup_members(get(), room_id, accounts, account_count, &told_with<chatroom_members_t>,
                                              keep(std::move(done)), &drop<DoneWith<chatroom_members_t>>);
    }
    chatroom_result members_by_tag(std::int64_t room_id, const char *tag, std::int64_t time_ms, std::uint32_t limit,
                                   DoneWith<chatroom_members_t> done) {
        return chatroom_client_members_by_tag(get(), room_id, tag, time_ms, limit, &told_with<chatroom_members_t>,
                                              keep(std::move(done)), &drop<DoneWith<chatroom_members_t>>);
    }
    chatroom_result members_by_tag_from(std::int64_t room_id, const char *tag, const char *next, std::uint32_t limit,
                                        DoneWith<chatroom_members_t> done) {
        return chatroom_client_members_by_tag_from(get(), room_id, tag, next, limit, &told_with<chatroom_members_t>,
                                                   keep(std::move(done)), &drop<DoneWith<chatroom_members_t>>);
    }
    chatroom_result count_by_tag(std::int64_t room_id, const char *tag, DoneCount done) {
        return chatroom_client_count_by_tag(get(), room_id, tag, &told_count, keep(std::move(done)), &drop<DoneCount>);
    }
    chatroom_result set_role(std::int64_t room_id, const char *account, std::int32_t change, bool set,
                             std::uint32_t level, const char *notify_ext, Done done) {
        return chatroom_client_set_role(get(), room_id, account, change, set, level, notify_ext, &told,
                                        keep(std::move(done)), &drop<Done>);
    }
    chatroom_result kick(std::int64_t room_id, const char *account, const char *notify_ext, Done done) {
        return chatroom_client_kick(get(), room_id, account, notify_ext, &told, keep(std::move(done)), &drop<Done>);
    }
    chatroom_result temp_mute(std::int64_t room_id, const char *account, std::uint32_t seconds, bool silent,
                              const char *notify_ext, DoneCount done) {
        return chatroom_client_temp_mute(get(), room_id, account, seconds, silent, notify_ext, &told_count,
                                         keep(std::move(done)), &drop<DoneCount>);
    }
    chatroom_result tag_temp_mute(std::int64_t room_id, const char *tag, std::uint32_t seconds, bool silent,
                                  const char *notify_ext, const char *notify_target_tags, DoneCount done) {
        return chatroom_client_tag_temp_mute(get(), room_id, tag, seconds, silent, notify_ext, notify_target_tags,
                                             &told_count, keep(std::move(done)), &drop<DoneCount>);
    }
    chatroom_result update_self(const chatroom_self_edit_t &edit, Done done) {
        return chatroom_client_update_self(get(), &edit, &told, keep(std::move(done)), &drop<Done>);
    }
    chatroom_result update_tags(const chatroom_tags_edit_t &edit, Done done) {
        return chatroom_client_update_tags(get(), &edit, &told, keep(std::move(done)), &drop<Done>);
    }
    chatroom_result update_location(std::int64_t room_id, const chatroom_location_t &location, Done done) {
        return chatroom_client_update_location(get(), room_id, &location, &told, keep(std::move(done)), &drop<Done>);
    }
    // message.proto
    chatroom_result send(const chatroom_draft_t &draft, DoneWith<chatroom_sent_t> done) {
        return chatroom_client_send(get(), &draft, &told_with<chatroom_sent_t>, keep(std::move(done)),
                                    &drop<DoneWith<chatroom_sent_t>>);
    }
    chatroom_result history(const chatroom_history_query_t &query, DoneWith<chatroom_history_t> done) {
        return chatroom_client_history(get(), &query, &told_with<chatroom_history_t>, keep(std::move(done)),
                                       &drop<DoneWith<chatroom_history_t>>);
    }
    chatroom_result history_by_tags(const chatroom_tag_history_query_t &query, DoneWith<chatroom_history_t> done) {
        return chatroom_client_history_by_tags(get(), &query, &told_with<chatroom_history_t>, keep(std::move(done)),
                                               &drop<DoneWith<chatroom_history_t>>);
    }
    chatroom_result recall(std::int64_t room_id, const char *message_id, std::int64_t time_ms, const char *from,
                           const char *notify_ext, Done done) {
        return chatroom_client_recall(get(), room_id, message_id, time_ms, from, notify_ext, &told,
                                      keep(std::move(done)), &drop<Done>);
    }
    // queue.proto
    chatroom_result queue_init(std::int64_t room_id, std::int32_t size_limit, Done done) {
        return chatroom_client_queue_init(get(), room_id, size_limit, &told, keep(std::move(done)), &drop<Done>);
    }
    chatroom_result queue_offer(std::int64_t room_id, const char *key, std::string_view value, bool transient,
                                const char *owner, Done done) {
        return chatroom_client_queue_offer(get(), room_id, key, value.data(), value.size(), transient, owner, &told,
                                           keep(std::move(done)), &drop<Done>);
    }
    chatroom_result queue_batch_offer(std::int64_t room_id, const chatroom_offer_t *offers, std::size_t offer_count,
                                      bool notify, const char *notify_ext, DoneWith<chatroom_keys_t> done) {
        return chatroom_client_queue_batch_offer(get(), room_id, offers, offer_count, notify, notify_ext,
                                                 &told_with<chatroom_keys_t>, keep(std::move(done)),
                                                 &drop<DoneWith<chatroom_keys_t>>);
    }
    chatroom_result queue_poll(std::int64_t room_id, const char *key, DoneWith<chatroom_elements_t> done) {
        return chatroom_client_queue_poll(get(), room_id, key, &told_with<chatroom_elements_t>, keep(std::move(done)),
                                          &drop<DoneWith<chatroom_elements_t>>);
    }
    chatroom_result queue_list(std::int64_t room_id, DoneWith<chatroom_elements_t> done) {
        return chatroom_client_queue_list(get(), room_id, &told_with<chatroom_elements_t>, keep(std::move(done)),
                                          &drop<DoneWith<chatroom_elements_t>>);
    }
    chatroom_result queue_peek(std::int64_t room_id, DoneWith<chatroom_elements_t> done) {
        return chatroom_client_queue_peek(get(), room_id, &told_with<chatroom_elements_t>, keep(std::move(done)),
                                          &drop<DoneWith<chatroom_elements_t>>);
    }
    chatroom_result queue_multi_get(std::int64_t room_id, const char *const *keys, std::size_t key_count,
                                    DoneWith<chatroom_elements_t> done) {
        return chatroom_client_queue_multi_get(get(), room_id, keys, key_count, &told_with<chatroom_elements_t>,
                                               keep(std::move(done)), &drop<DoneWith<chatroom_elements_t>>);
    }
    chatroom_result queue_change(std::int64_t room_id, const chatroom_offer_t *offers, std::size_t offer_count,
                                 bool notify, const char *notify_ext, DoneWith<chatroom_keys_t> done) {
        return chatroom_client_queue_change(get(), room_id, offers, offer_count, notify, notify_ext,
                                            &told_with<chatroom_keys_t>, keep(std::move(done)),
                                            &drop<DoneWith<chatroom_keys_t>>);
    }
    chatroom_result queue_drop(std::int64_t room_id, Done done) {
        return chatroom_client_queue_drop(get(), room_id, &told, keep(std::move(done)), &drop<Done>);
    }
    // attributes.proto
    chatroom_result set_attributes(const chatroom_attributes_edit_t &edit, DoneWith<chatroom_keys_t> done) {
        return chatroom_client_set_attributes(get(), &edit, &told_with<chatroom_keys_t>, keep(std::move(done)),
                                              &drop<DoneWith<chatroom_keys_t>>);
    }
    chatroom_result delete_attributes(std::int64_t room_id, const char *const *keys, std::size_t key_count, bool force,
                                      DoneWith<chatroom_keys_t> done) {
        return chatroom_client_delete_attributes(get(), room_id, keys, key_count, force, &told_with<chatroom_keys_t>,
                                                 keep(std::move(done)), &drop<DoneWith<chatroom_keys_t>>);
    }
    chatroom_result end_attributes_batch(std::int64_t room_id, DoneWith<chatroom_keys_t> done) {
        return chatroom_client_end_attributes_batch(get(), room_id, &told_with<chatroom_keys_t>, keep(std::move(done)),
                                                    &drop<DoneWith<chatroom_keys_t>>);
    }
    chatroom_result attributes(std::int64_t room_id, DoneWith<chatroom_attributes_t> done) {
        return chatroom_client_attributes(get(), room_id, &told_with<chatroom_attributes_t>, keep(std::move(done)),
                                          &drop<DoneWith<chatroom_attributes_t>>);
    }
    chatroom_result set_member_attributes(const chatroom_member_attributes_edit_t &edit,
                                          DoneWith<chatroom_member_attributes_page_t> done) {
        return chatroom_client_set_member_attributes(get(), &edit, &told_with<chatroom_member_attributes_page_t>,
                                                     keep(std::move(done)),
                                                     &drop<DoneWith<chatroom_member_attributes_page_t>>);
    }
    chatroom_result lookup_member_attributes(std::int64_t room_id, const char *const *accounts,
                                             std::size_t account_count,
                                             DoneWith<chatroom_member_attributes_page_t> done) {
        return chatroom_client_lookup_member_attributes(get(), room_id, accounts, account_count,
                                                        &told_with<chatroom_member_attributes_page_t>,
                                                        keep(std::move(done)),
                                                        &drop<DoneWith<chatroom_member_attributes_page_t>>);
    }
    chatroom_result member_attributes(std::int64_t room_id, const char *next, std::uint32_t limit,
                                      DoneWith<chatroom_member_attributes_page_t> done) {
        return chatroom_client_member_attributes(get(), room_id, next, limit,
                                                 &told_with<chatroom_member_attributes_page_t>, keep(std::move(done)),
                                                 &drop<DoneWith<chatroom_member_attributes_page_t>>);
    }
    // to here.

  private:
    struct Free {
        void operator()(chatroom_client_t *client) const noexcept { chatroom_client_free(client); }
    };

    template <typename F> static void *keep(F done) { return new F(std::move(done)); }
    template <typename F> static void drop(void *data) { delete static_cast<F *>(data); }
    static void told(void *data, const chatroom_status_t *status) {
        Done &done = *static_cast<Done *>(data);
        if (done) done(*status);
    }
    static void told_count(void *data, const chatroom_status_t *status, std::uint64_t count) {
        DoneCount &done = *static_cast<DoneCount *>(data);
        if (done) done(*status, count);
    }
    static void told_call(void *data, const chatroom_status_t *status, chatroom_bytes_t body) {
        DoneCall &done = *static_cast<DoneCall *>(data);
        if (done) done(*status, text(body));
    }
    template <typename T> static void told_with(void *data, const chatroom_status_t *status, const T *answer) {
        DoneWith<T> &done = *static_cast<DoneWith<T> *>(data);
        if (done) done(*status, answer);
    }

    static Listener &hears(void *data) { return *static_cast<Listener *>(data); }
    static void listen(chatroom_options_t &options, std::unique_ptr<Listener> listener) {
        if (!listener) listener = std::make_unique<Listener>();
        const bool wants_log = listener->wants_log();
        options.user_data = listener.release();
        options.destructor = [](void *data) { delete static_cast<Listener *>(data); };
        options.on_state = [](void *data, std::int32_t state) { hears(data).on_state(state); };
        options.on_logged_in = [](void *data, const chatroom_login_t *login) { hears(data).on_logged_in(*login); };
        options.on_entered = [](void *data, const chatroom_entered_t *entered) { hears(data).on_entered(*entered); };
        options.on_left = [](void *data, std::int64_t room_id, const chatroom_status_t *status) {
            hears(data).on_left(room_id, *status);
        };
        options.on_will_reconnect = [](void *data, std::uint32_t retry_count, std::uint64_t delay_ms) {
            hears(data).on_will_reconnect(retry_count, delay_ms);
        };
        options.on_disconnected = [](void *data, const chatroom_status_t *status) { hears(data).on_disconnected(*status); };
        options.on_message = [](void *data, const chatroom_message_t *message) { hears(data).on_message(*message); };
        options.on_notification = [](void *data, const chatroom_notification_t *notification) {
            hears(data).on_notification(*notification);
        };
        options.on_gap = [](void *data, std::int64_t room_id, std::uint64_t first_seq, std::uint64_t last_seq) {
            hears(data).on_gap(room_id, first_seq, last_seq);
        };
        options.on_kicked = [](void *data, const chatroom_kicked_t *kicked) { hears(data).on_kicked(*kicked); };
        options.on_token_will_expire = [](void *data, std::uint32_t seconds) { hears(data).on_token_will_expire(seconds); };
        options.on_closed = [](void *data) { hears(data).on_closed(); };
        options.on_thread_start = [](void *data) { hears(data).on_thread_start(); };
        options.on_thread_stop = [](void *data) { hears(data).on_thread_stop(); };
        options.on_event = [](void *data, const chatroom_event_t *event) { hears(data).on_event(*event); };
        options.on_room_state = [](void *data, const chatroom_room_change_t *change) { hears(data).on_room_state(*change); };
        options.on_connect_failed = [](void *data, const chatroom_status_t *status, std::uint32_t will_retry,
                                       std::uint64_t delay_ms) {
            hears(data).on_connect_failed(*status, will_retry != 0, delay_ms);
        };
        options.on_log = nullptr;
        if (wants_log) {
            options.on_log = [](void *data, std::int32_t level, chatroom_bytes_t target, chatroom_bytes_t message) {
                hears(data).on_log(level, text(target), text(message));
            };
        }
    }

    std::unique_ptr<chatroom_client_t, Free> client_;
};

} // namespace chatroom

#endif // CHATROOM_HPP
