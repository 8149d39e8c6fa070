//! What a notification means to the account that reads it (chatroom.md §g, "Point-to-point events").
//!
//! A notification says what somebody did to somebody. A host asks other questions: am I muted, may the room speak, which message
//! do I take off the screen. [`derive`] answers them, without copying anything.

use crate::wire::pb::{self, MemberType, NotificationType, QueueEvent};

/// What follows from a notification.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum RoomEvent<'a> {
    /// An account came in.
    MemberEntered {
        /// The account.
        account: &'a str,
        /// Its nick.
        nick: &'a str,
    },
    /// An account left.
    MemberExited {
        /// The account.
        account: &'a str,
        /// Its nick.
        nick: &'a str,
    },
    /// A member's profile changed, the own one perhaps. Absent is what stayed.
    MemberUpdated {
        /// The account.
        account: &'a str,
        /// What changed.
        profile: &'a pb::MemberUpdated,
    },
    /// The own account was muted without end, or may speak again (selfChatBannedUpdated).
    OwnMuteChanged {
        /// Whether it is muted.
        muted: bool,
    },
    /// The own account was muted for a while, or may speak again (selfTempChatBannedUpdated).
    OwnTempMuteChanged {
        /// How long it is muted; 0: it may speak again.
        seconds: u32,
    },
    /// The own account has another role (memberRoleUpdated).
    OwnRoleChanged {
        /// The new one.
        member_type: MemberType,
        /// The application's own rank.
        level: u32,
    },
    /// Everybody with a tag was muted for a while, or may speak again.
    TagMuteChanged {
        /// The tag.
        tag: &'a str,
        /// How long; 0: they may speak again.
        seconds: u32,
    },
    /// The whole room was muted, or may speak again (chatroomChatBannedUpdated).
    RoomMuteChanged {
        /// Whether it is muted.
        muted: bool,
    },
    /// The room's profile changed (chatroomInfoUpdated). Absent is what stayed.
    RoomUpdated(&'a pb::RoomUpdateRequest),
    /// The room is closed; everybody is taken out next.
    RoomClosed,
    /// A message is to vanish (messageRevokedNotification).
    MessageRecalled {
        /// Its id.
        message_id: &'a str,
        /// When it was sent.
        time_ms: i64,
        /// Who had sent it.
        from: &'a str,
    },
    /// The own account changed its tags on one of its connections (chatroomTagsUpdated).
    OwnTagsUpdated {
        /// The new tags.
        tags: &'a [String],
        /// Who hears what that connection says, and its coming and going.
        notify_target_tags: &'a str,
    },
    /// The queue changed.
    QueueChanged {
        /// How.
        event: QueueEvent,
        /// The elements it is about.
        elements: &'a [pb::QueueElementChange],
    },
    /// Attributes of the room changed; a batch gives one for each of its steps.
    AttributesChanged(&'a pb::AttributesChanged),
    /// Attributes of a member changed; of a key that was deleted the value is empty.
    MemberAttributesChanged(&'a pb::MemberAttributes),
}

/// What follows from a notification for `account`, in this order. Nothing for what concerns others only, and for types newer
/// than this library.
pub fn derive<'a>(notification: &'a pb::Notification, account: &str) -> Vec<RoomEvent<'a>> {
    use NotificationType as Type;
    let is_own = notification.targets.iter().any(|target| target == account);
    let (who, nick) = subject(notification);
    let mut events = Vec::new();
    match notification.r#type() {
        Type::MemberEnter => events.push(RoomEvent::MemberEntered { account: who, nick }),
        Type::MemberExit => events.push(RoomEvent::MemberExited { account: who, nick }),
        Type::MuteAdd if is_own => events.push(RoomEvent::OwnMuteChanged { muted: true }),
        Type::MuteRemove if is_own => events.push(RoomEvent::OwnMuteChanged { muted: false }),
        Type::TempMuteAdd if is_own => events.push(RoomEvent::OwnTempMuteChanged { seconds: notification.mute_seconds }),
        Type::TempMuteRemove if is_own => events.push(RoomEvent::OwnTempMuteChanged { seconds: 0 }),
        Type::RoomClosed => events.push(RoomEvent::RoomClosed),
        Type::RoomUpdated => events.extend(notification.room_updated.as_ref().map(RoomEvent::RoomUpdated)),
        Type::MemberUpdated => {
            let changed = |profile| RoomEvent::MemberUpdated { account: who, profile };
            events.extend(notification.member_updated.as_ref().map(changed));
        }
        Type::QueueChanged | Type::QueueBatchChanged | Type::QueueBatchOffered => {
            let changed =
                |change: &'a pb::QueueChanged| RoomEvent::QueueChanged { event: change.event(), elements: &change.elements };
            events.extend(notification.queue_changed.as_ref().map(changed));
        }
        Type::RoomMuted => events.push(RoomEvent::RoomMuteChanged { muted: true }),
        Type::RoomUnmuted => events.push(RoomEvent::RoomMuteChanged { muted: false }),
        Type::TagTempMuteAdd => {
            events.push(RoomEvent::TagMuteChanged { tag: &notification.target_tag, seconds: notification.mute_seconds });
        }
        Type::TagTempMuteRemove => events.push(RoomEvent::TagMuteChanged { tag: &notification.target_tag, seconds: 0 }),
        Type::MessageRecalled => events.extend(notification.recalled.as_ref().map(|recalled| RoomEvent::MessageRecalled {
            message_id: &recalled.message_id,
            time_ms: recalled.message_time_ms,
            from: &recalled.from,
        })),
        Type::TagsUpdated if who == account => {
            events.extend(notification.tags_updated.as_ref().map(|updated| RoomEvent::OwnTagsUpdated {
                tags: &updated.tags,
                notify_target_tags: &updated.notify_target_tags,
            }));
        }
        Type::AttributesChanged => events.extend(notification.attributes_changed.as_ref().map(RoomEvent::AttributesChanged)),
        Type::AttributesBatchChanged => {
            let steps = notification.attributes_batch_changed.iter().flat_map(|batch| &batch.changes);
            events.extend(steps.map(RoomEvent::AttributesChanged));
        }
        Type::MemberAttributesChanged => {
            let members = notification.member_attributes_changed.iter().flat_map(|change| &change.members);
            events.extend(members.map(RoomEvent::MemberAttributesChanged));
        }
        _ => {}
    }
    if let (true, Some(role)) = (is_own, &notification.role_changed) {
        // A type newer than this library is none it could name.
        let member_type = MemberType::try_from(role.r#type).unwrap_or(MemberType::Unset);
        events.push(RoomEvent::OwnRoleChanged { member_type, level: role.level });
    }
    events
}

/// Whom a notification about one member is about: its first target, or, without one, the operator.
fn subject(notification: &pb::Notification) -> (&str, &str) {
    match notification.targets.first() {
        Some(target) => (target, notification.target_nicks.first().map_or("", String::as_str)),
        None => (&notification.operator, &notification.operator_nick),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pb::NotificationType as Type;

    fn notice(kind: Type) -> pb::Notification {
        pb::Notification {
            r#type: kind.into(),
            operator: "amy".into(),
            operator_nick: "Amy".into(),
            targets: vec!["bob".into()],
            target_nicks: vec!["Bob".into()],
            mute_seconds: 60,
            target_tag: "vip".into(),
            role_changed: Some(pb::RoleChanged { r#type: MemberType::Limited.into(), level: 0 }),
            ..Default::default()
        }
    }

    /// The names of the events for `account`, and nothing else of them.
    fn names(notification: &pb::Notification, account: &str) -> Vec<String> {
        let name = |event: &RoomEvent| format!("{event:?}").split([' ', '(']).next().unwrap_or_default().to_owned();
        derive(notification, account).iter().map(name).collect()
    }

    #[test]
    fn what_is_done_to_an_account_is_told_to_that_account() {
        for (kind, own) in [
            (Type::BlocklistAdd, &["OwnRoleChanged"][..]),
            (Type::BlocklistRemove, &["OwnRoleChanged"]),
            (Type::MuteAdd, &["OwnMuteChanged", "OwnRoleChanged"]),
            (Type::MuteRemove, &["OwnMuteChanged", "OwnRoleChanged"]),
            (Type::AdministratorAdd, &["OwnRoleChanged"]),
            (Type::AdministratorRemove, &["OwnRoleChanged"]),
            (Type::CommonAdd, &["OwnRoleChanged"]),
            (Type::CommonRemove, &["OwnRoleChanged"]),
        ] {
            assert_eq!(names(&notice(kind), "bob"), own, "{kind:?}");
            assert_eq!(derive(&notice(kind), "amy"), [], "{kind:?}");
        }
        let temporary = pb::Notification { role_changed: None, ..notice(Type::TempMuteAdd) };
        assert_eq!(derive(&temporary, "bob"), [RoomEvent::OwnTempMuteChanged { seconds: 60 }]);
        assert_eq!(derive(&temporary, "carol"), []);
        // The notification of a lifted mute says how long it would have gone on.
        let lifted = pb::Notification { role_changed: None, ..notice(Type::TempMuteRemove) };
        assert_eq!(derive(&lifted, "bob"), [RoomEvent::OwnTempMuteChanged { seconds: 0 }]);
    }

    #[test]
    fn what_happens_to_the_room_is_told_to_everybody() {
        let plain =
            |kind| pb::Notification { role_changed: None, targets: Vec::new(), target_nicks: Vec::new(), ..notice(kind) };
        let (entered, left) = (plain(Type::MemberEnter), plain(Type::MemberExit));
        let (account, nick) = ("amy", "Amy");
        assert_eq!(derive(&entered, "x"), [RoomEvent::MemberEntered { account, nick }]);
        assert_eq!(derive(&left, "x"), [RoomEvent::MemberExited { account, nick }]);
        assert_eq!(derive(&plain(Type::RoomMuted), "x"), [RoomEvent::RoomMuteChanged { muted: true }]);
        assert_eq!(derive(&plain(Type::RoomUnmuted), "x"), [RoomEvent::RoomMuteChanged { muted: false }]);
        assert_eq!(derive(&plain(Type::RoomClosed), "x"), [RoomEvent::RoomClosed]);
        assert_eq!(derive(&plain(Type::TagTempMuteAdd), "x"), [RoomEvent::TagMuteChanged { tag: "vip", seconds: 60 }]);
        assert_eq!(derive(&plain(Type::TagTempMuteRemove), "x"), [RoomEvent::TagMuteChanged { tag: "vip", seconds: 0 }]);
        let recalled = pb::Notification {
            recalled: Some(pb::Recalled { message_id: "m".into(), message_time_ms: 7, from: "bob".into() }),
            ..plain(Type::MessageRecalled)
        };
        assert_eq!(derive(&recalled, "x"), [RoomEvent::MessageRecalled { message_id: "m", time_ms: 7, from: "bob" }]);
        let queue = pb::QueueChanged { event: QueueEvent::PartClear.into(), elements: vec![Default::default(); 2] };
        for kind in [Type::QueueChanged, Type::QueueBatchChanged, Type::QueueBatchOffered] {
            let changed = pb::Notification { queue_changed: Some(queue.clone()), ..plain(kind) };
            let event = RoomEvent::QueueChanged { event: QueueEvent::PartClear, elements: &queue.elements };
            assert_eq!(derive(&changed, "x"), [event]);
        }
    }

    #[test]
    fn attributes_come_one_step_at_a_time() {
        let step = pb::AttributesChanged::default();
        let one = pb::Notification { attributes_changed: Some(step.clone()), ..notice(Type::AttributesChanged) };
        assert_eq!(derive(&one, "x"), [RoomEvent::AttributesChanged(&step)]);
        let batch = pb::AttributesBatchChanged { changes: vec![step; 3] };
        let batch = pb::Notification { attributes_batch_changed: Some(batch), ..notice(Type::AttributesBatchChanged) };
        assert_eq!(names(&batch, "x"), ["AttributesChanged"; 3]);
        let members = pb::MemberAttributesChanged { members: vec![Default::default(); 2] };
        let members = pb::Notification { member_attributes_changed: Some(members), ..notice(Type::MemberAttributesChanged) };
        assert_eq!(names(&members, "x"), ["MemberAttributesChanged"; 2]);
    }

    #[test]
    fn new_tags_are_told_to_those_who_carry_them_only() {
        let mut changed = notice(Type::TagsUpdated);
        changed.role_changed = None;
        changed.targets = vec!["amy".into()];
        changed.tags_updated = Some(pb::TagsUpdated { tags: vec!["vip".into()], notify_target_tags: String::new() });
        assert_eq!(names(&changed, "amy"), ["OwnTagsUpdated"]);
        assert_eq!(derive(&changed, "bob"), []);
    }

    #[test]
    fn a_type_from_the_future_means_nothing() {
        assert_eq!(derive(&pb::Notification { r#type: 999, ..Default::default() }, "x"), []);
    }
}
