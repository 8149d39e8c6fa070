//! `chatroom join` for those who run a room, against the real server: roles, blocklist, mutes, the room's profile, its end.

use crate::support::process::{APP_KEY, APP_SECRET};
use crate::support::{Server, Setup};
use crate::terminal::Terminal;

struct Hall {
    server: Server,
    room: String,
}

impl Hall {
    fn new() -> Hall {
        let config = crate::support::process::UNLIMITED.into();
        let server = Server::start(Setup { config, memory: true, ..Setup::default() });
        let admin = server.admin();
        for account in ["owner", "bob", "carol"] {
            admin.create_user(account);
        }
        let room = admin.create_room("owner", "Hall").to_string();
        Hall { server, room }
    }

    /// Somebody at a terminal in the room.
    fn enter(&self, account: &str) -> Terminal {
        let wire = self.server.wire.to_string();
        let mut terminal = Terminal::open(&[
            "join",
            "--server",
            &wire,
            "--app",
            APP_KEY,
            "--secret",
            APP_SECRET,
            "--room",
            &self.room,
            "--account",
            account,
        ]);
        terminal.expect("entered room");
        terminal
    }
}

/// Types a line and waits for words.
fn say(terminal: &mut Terminal, line: &str, words: &str) {
    terminal.type_line(line);
    terminal.expect(words);
}

#[test]
fn roles_are_given_and_taken() {
    let hall = Hall::new();
    let (mut owner, mut bob) = (hall.enter("owner"), hall.enter("bob"));
    say(&mut bob, "/admin carol", "403/114427");
    say(&mut owner, "/admin bob", "* owner made bob an administrator");
    say(&mut owner, "/who bob carol", "bob, administrator");
    say(&mut bob, "/role carol 7", "* bob made carol a member");
    say(&mut bob, "/who carol", "carol, member, away, level 7");
    say(&mut bob, "/role carol", "417");
    say(&mut bob, "/role carol off", "* carol is no member any more, says bob");
    say(&mut owner, "/admin bob off", "* bob is no administrator any more, says owner");
    assert_eq!((bob.close(), owner.close()), (0, 0));
}

#[test]
fn the_blocklist_puts_out_and_keeps_out() {
    let hall = Hall::new();
    let (mut owner, mut bob) = (hall.enter("owner"), hall.enter("bob"));
    say(&mut owner, "/block bob spam", "* owner put bob on the blocklist (spam)");
    bob.expect("out of the room: you are on the room's blocklist");
    assert_eq!(bob.wait(), 1);
    say(&mut owner, "/members", "bob, blocklisted");
    say(&mut owner, "/unblock bob", "* owner took bob off the blocklist");
    assert_eq!((hall.enter("bob").close(), owner.close()), (0, 0));
}

#[test]
fn mutes_begin_and_end() {
    let hall = Hall::new();
    let (mut owner, mut bob) = (hall.enter("owner"), hall.enter("bob"));
    say(&mut owner, "/tempmute bob 60", "* owner muted bob for 60 s");
    say(&mut bob, "may I", "13004/113301");
    say(&mut owner, "/members", "bob, visitor, muted for");
    say(&mut owner, "/tempmute bob 0", "* owner unmuted bob");
    say(&mut bob, "thank you", "");
    owner.expect("bob: thank you");
    say(&mut owner, "/tempmute bob", "write /tempmute ACCOUNT SECONDS");
    assert_eq!((bob.close(), owner.close()), (0, 0));
}

#[test]
fn the_room_is_described_changed_and_closed() {
    let hall = Hall::new();
    let (mut owner, mut bob) = (hall.enter("owner"), hall.enter("bob"));
    say(&mut bob, "/room", "\"Hall\", made by owner");
    say(&mut owner, "/update name Great Hall", "* owner changed the room's name to \"Great Hall\"");
    say(&mut owner, "/update queue-level 1", "queue level to 1");
    say(&mut bob, "/queue offer k v", "403/113428");
    say(&mut bob, "/room", "those who run the room may change the queue");
    say(&mut bob, "/update name Mine", "403/114432");
    say(&mut bob, "/nick Bobby", "* bob goes by Bobby now");
    say(&mut bob, "/close", "403/114427");
    say(&mut owner, "/close good night", "* owner closed the room (good night)");
    bob.expect("out of the room: the room was closed");
    assert_eq!((bob.wait(), owner.wait()), (1, 1));
}

#[test]
fn the_queue_is_worked_from_the_terminal() {
    let hall = Hall::new();
    let (mut owner, mut bob) = (hall.enter("owner"), hall.enter("bob"));
    say(&mut bob, "/queue transient seat bob's", "* bob offers seat=bob's");
    say(&mut owner, "/queue offer song tune", "* owner offers song=tune");
    say(&mut owner, "/queue peek", "seat=bob's (of bob, gone when they are)");
    say(&mut owner, "/queue change song another", "* changed");
    say(&mut owner, "/queue change nothing x", "* there is no element of that key");
    say(&mut bob, "/queue get song", "song=another (of owner)");
    say(&mut bob, "/queue size 5", "403");
    say(&mut owner, "/queue size 5", "* the queue may have 5 elements");
    assert_eq!(bob.close(), 0);
    owner.expect("* seat=bob's left the queue with its owner");
    assert_eq!(owner.close(), 0);
}

#[test]
fn tags_are_carried_counted_and_muted() {
    let hall = Hall::new();
    let (mut owner, mut bob) = (hall.enter("owner"), hall.enter("bob"));
    say(&mut bob, "/tags loud", "* your tags: loud");
    say(&mut owner, "/members-by-tag loud", "bob, visitor, tags loud");
    owner.expect("* 1 account carries it");
    say(&mut owner, "/tagmute loud 60", "* muted for 60 s");
    bob.expect("* owner muted the tag loud for 60 s");
    say(&mut bob, "may I", "13004/113302");
    say(&mut owner, "/tagmute loud 0", "* the mute is lifted");
    bob.expect("* owner unmuted the tag loud");
    say(&mut bob, "/hear {\"tag\":\"loud\"}", "* those with these tags hear you");
    bob.type_line("for the loud");
    say(&mut bob, "/tags loud quick", "* your tags: loud, quick");
    say(&mut bob, "/history tags loud", "bob: for the loud");
    say(&mut bob, "/hear {", "414");
    say(&mut bob, "/near 0 0 0 10", "* you hear what is said near you");
    say(&mut bob, "/near off", "* you hear everything");
    assert_eq!((bob.close(), owner.close()), (0, 0));
}

#[test]
fn a_message_is_taken_back_by_its_number() {
    let hall = Hall::new();
    let (mut owner, mut bob) = (hall.enter("owner"), hall.enter("bob"));
    bob.type_line("a mistake");
    owner.expect("bob: a mistake");
    // What comes after it is answered after it: by then the message is in the log.
    say(&mut bob, "/room", "made by owner");
    owner.type_line("/history");
    let numbered = owner.expect(" bob: a mistake");
    let seq = numbered.trim_start_matches('#').split(' ').next().expect("an item has its number").to_owned();
    say(&mut bob, "/recall 999999", "there is no message #999999");
    say(&mut owner, &format!("/recall {seq} not here"), "* owner took a message of bob back (not here)");
    bob.expect("* owner took a message of bob back (not here)");
    assert_eq!((bob.close(), owner.close()), (0, 0));
}

#[test]
fn rooms_and_members_carry_attributes() {
    let hall = Hall::new();
    let (mut owner, mut bob) = (hall.enter("owner"), hall.enter("bob"));
    say(&mut owner, "/attr", "* the room carries nothing");
    say(&mut owner, "/attr set song tune", "* owner sets song=tune");
    bob.expect("* owner sets song=tune");
    say(&mut bob, "/attr", "song=tune (of owner)");
    say(&mut bob, "/attr set song mine", "403/6000331");
    say(&mut bob, "/attr force song mine", "* bob sets song=mine");
    say(&mut owner, "/attr begin", "/attr end sends it");
    owner.type_line("/attr set a 1");
    owner.type_line("/attr del song");
    say(&mut owner, "/attr end", "* owner sets a=1, deletes song");
    say(&mut owner, "/attr end", "406");
    say(&mut bob, "/memberattr set owner hp 9", "* bob changed what members carry: owner: hp=9");
    say(&mut owner, "/memberattr", "owner: hp=9");
    say(&mut owner, "/memberattr owner", "owner: hp=9");
    say(&mut owner, "/memberattr set nobody hp 9", "* nobody is not in the room");
    assert_eq!((bob.close(), owner.close()), (0, 0));
}
