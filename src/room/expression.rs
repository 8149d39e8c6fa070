//! Tag expressions: the grammar of chatroom.md §a.10, and what it says of a set of tags.
