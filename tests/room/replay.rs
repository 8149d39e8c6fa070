//! Whatever is asked of a room, in whatever order: it keeps its promises, and its log replayed gives the same room.

use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_sequence_of_commands_keeps_the_promises_of_a_room(data in proptest::collection::vec(any::<u8>(), 0..2000)) {
        chatroom::room::fuzz_commands(&data);
    }
}
