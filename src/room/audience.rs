//! Who hears what (chatroom.md §a.10, §a.11).
