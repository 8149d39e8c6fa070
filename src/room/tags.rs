//! Which connections of a room carry which tags (chatroom.md §a.10).
