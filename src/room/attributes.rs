//! Attributes as a room keeps them: keys and values with owners, within their limits (chatroom.md §a.9). Knows no rule about who may do what.
