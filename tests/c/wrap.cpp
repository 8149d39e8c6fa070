// The C++ wrapper, against a real server. Arguments: address, app key, room, an account and its token, and another.
#include <chatroom.hpp>

#include <cstdio>
#include <cstdlib>
#include <future>
#include <string>
#include <type_traits>

#define CHECK(condition)                                                                                               \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            std::fprintf(stderr, "%s:%d: %s does not hold; last error: %s\n", __FILE__, __LINE__, #condition,          \
                         chatroom::last_error().c_str());                                                              \
            std::exit(1);                                                                                              \
        }                                                                                                              \
    } while (0)

static_assert(std::is_nothrow_move_constructible<chatroom::Client>::value, "handles move");
static_assert(!std::is_copy_constructible<chatroom::Client>::value, "handles do not copy");
static_assert(!std::is_copy_constructible<chatroom::Frame>::value, "handles do not copy");

static int listeners = 0;

struct Hearer : chatroom::Listener {
    std::promise<chatroom::Message> heard;
    Hearer() { listeners++; }
    ~Hearer() override { listeners--; }
    void on_message(const chatroom_message_t &message) override { heard.set_value(chatroom::Message(message)); }
};

static void the_codec() {
    chatroom::Codec codec;
    chatroom::Frame frame;
    CHECK(chatroom::Codec::make(15, codec) == CHATROOM_RESULT_BAD_PARAMETER);
    CHECK(chatroom::last_error().find("frame_bytes_max") != std::string::npos);
    CHECK(chatroom::Codec::make(0, codec) == CHATROOM_RESULT_OK);
    std::uint8_t built[64];
    std::size_t len = 0;
    const std::uint8_t body[] = {'h', 'i'};
    CHECK(chatroom_frame_build(9, 0, 5, body, sizeof body, built, sizeof built, &len) == CHATROOM_RESULT_OK);
    CHECK(codec.next(frame) == CHATROOM_RESULT_OK && !frame);
    CHECK(codec.feed(std::string_view(reinterpret_cast<char *>(built), len)) == CHATROOM_RESULT_OK);
    CHECK(codec.next(frame) == CHATROOM_RESULT_OK && frame);
    chatroom::Frame shared = frame.share();
    frame = chatroom::Frame();
    CHECK(shared.kind() == 9 && shared.sequence() == 5 && shared.body() == "hi");
}

int main(int argc, char **argv) {
    CHECK(argc == 8);
    the_codec();
    chatroom::Message kept;
    {
        std::int64_t room = std::strtoll(argv[3], nullptr, 10);
        auto enter = chatroom::make<chatroom_enter_t>();
        enter.room_id = room;
        auto options = chatroom::make<chatroom_options_t>();
        options.addresses = argv[1];
        options.app_key = argv[2];
        options.account = argv[4];
        options.token = argv[5];
        options.enter = &enter;
        auto hearer = std::make_unique<Hearer>();
        std::future<chatroom::Message> heard = hearer->heard.get_future();
        chatroom::Client client;
        CHECK(chatroom::Client::make(options, std::move(hearer), client) == CHATROOM_RESULT_OK);

        std::promise<std::int32_t> connected;
        CHECK(client.connect([&](const chatroom_status_t &status) { connected.set_value(status.code); }) ==
              CHATROOM_RESULT_OK);
        CHECK(connected.get_future().get() == CHATROOM_RESULT_OK);
        // The other one, who speaks: one's own words do not come back.
        options.account = argv[6];
        options.token = argv[7];
        chatroom::Client speaker;
        CHECK(chatroom::Client::make(options, nullptr, speaker) == CHATROOM_RESULT_OK);
        std::promise<std::int32_t> there;
        CHECK(speaker.connect([&](const chatroom_status_t &status) { there.set_value(status.code); }) == CHATROOM_RESULT_OK);
        CHECK(there.get_future().get() == CHATROOM_RESULT_OK);
        std::promise<std::uint64_t> sent;
        CHECK(speaker.send_text(room, "from C++", [&](const chatroom_status_t &, const chatroom_sent_t *answer) {
            sent.set_value(answer == nullptr ? 0 : answer->seq);
        }) == CHATROOM_RESULT_OK);
        std::uint64_t seq = sent.get_future().get();
        CHECK(seq > 0);
        kept = heard.get();
        CHECK(kept->seq == seq);
        std::promise<std::size_t> listed;
        auto query = chatroom::make<chatroom_history_query_t>();
        query.room_id = room;
        CHECK(client.history(query, [&](const chatroom_status_t &, const chatroom_history_t *page) {
            listed.set_value(page == nullptr ? 0 : page->item_count);
        }) == CHATROOM_RESULT_OK);
        CHECK(listed.get_future().get() >= 1);
        // What needs the right to do it: its refusal comes back like an answer.
        std::promise<std::int32_t> muted;
        CHECK(speaker.set_role(room, argv[4], CHATROOM_ROLE_CHANGE_MUTE, true, 0, nullptr,
                               [&](const chatroom_status_t &status) { muted.set_value(status.code); }) == CHATROOM_RESULT_OK);
        CHECK(muted.get_future().get() == CHATROOM_RESULT_FORBIDDEN);
        std::promise<std::size_t> offered;
        chatroom_offer_t offers[] = {{"a", "1", 1, nullptr, 0, 0}, {"b", "2", 1, nullptr, 0, 0}};
        CHECK(client.queue_batch_offer(room, offers, 2, false, nullptr,
                                       [&](const chatroom_status_t &, const chatroom_keys_t *failed) {
                                           offered.set_value(failed == nullptr ? 9 : failed->key_count);
                                       }) == CHATROOM_RESULT_OK);
        CHECK(offered.get_future().get() == 0);
        std::promise<std::uint64_t> silenced;
        CHECK(client.temp_mute(room, argv[6], 60, false, nullptr, [&](const chatroom_status_t &, std::uint64_t seconds) {
            silenced.set_value(seconds);
        }) == CHATROOM_RESULT_OK);
        CHECK(silenced.get_future().get() == 60);
        // A request as protobuf of the host's own; a ping may say anything, and it comes back.
        std::promise<std::string> echoed;
        CHECK(client.call(CHATROOM_KIND_PING, "echo", [&](const chatroom_status_t &, std::string_view body) {
            echoed.set_value(std::string(body));
        }) == CHATROOM_RESULT_OK);
        CHECK(echoed.get_future().get() == "echo");
        CHECK(client.check_connection() == CHATROOM_RESULT_OK);
        chatroom::Client moved = std::move(client);
        CHECK(moved.state() == CHATROOM_STATE_ENTERED && client.get() == nullptr);
    }
    CHECK(listeners == 0);
    CHECK(chatroom::text(kept->body) == "from C++");
    std::puts("ok");
    return 0;
}
