//! Messages of high priority: how many a second, and who hears them again on entering (chatroom.md §e.3, §e.4).
