//! The names of the room's fields, as this API spells them: a refusal names the parameter the caller has sent (rest-api.md §1).

use std::borrow::Cow;

use super::described::Described;
use crate::error::{Code, Status};

/// A field of a command, and the parameters it may have come from; an endpoint has one of them at most.
const SPELLINGS: &[(&str, &[&str])] = &[
    ("abandon_ratio", &["abandonRatio"]),
    ("account", &["target", "targetAccid", "accid"]),
    ("accounts", &["accids"]),
    ("antispam_custom", &["antispamCustom"]),
    ("avatar", &["avator", "icon"]),
    ("body", &["attach"]),
    ("broadcast_url", &["broadcasturl"]),
    ("change", &["opt"]),
    ("delay_seconds", &["delaySeconds"]),
    ("from", &["fromAcc", "fromAccid"]),
    ("from_time_ms", &["fromTime"]),
    ("in_out_notification", &["inOutNotification", "close"]),
    ("message_id", &["msgId", "msgList"]),
    ("moderation_id", &["bid"]),
    ("notify", &["needNotify"]),
    ("notify_ext", &["notifyExt"]),
    ("notify_target_tags", &["notifyTargetTags"]),
    ("owner", &["elements", "operator"]),
    ("policy", &["delayClosePolicy"]),
    ("query", &["type"]),
    ("queue_level", &["queuelevel"]),
    ("role_ext", &["roleExt"]),
    ("room_id", &["roomid"]),
    ("seconds", &["muteDuration"]),
    ("size_limit", &["sizeLimit"]),
    ("tag", &["targetTag", "tag", "tags"]),
    ("time_ms", &["endtime", "endTime", "timetag", "msgTimetag"]),
    ("to_accounts", &["toAccids"]),
    ("to_time_ms", &["toTime"]),
    ("type", &["msgType", "msgList"]),
    ("types", &["types", "type"]),
    ("use_yidun", &["useYiDun"]),
    ("x", &["locX"]),
    ("y", &["locY"]),
    ("yidun_anti_cheating", &["yidunAntiCheating"]),
    ("yidun_antispam_ext", &["yidunAntiSpamExt"]),
    ("z", &["locZ"]),
];

impl Described {
    /// A refusal of a parameter, in the names of this endpoint; any other failure as it is.
    pub(super) fn spell(&self, status: Status) -> Status {
        if status.code != Code::BadParameter || status.sub.is_some() {
            return status;
        }
        let desc = Cow::Owned(self.spell_text(&status.desc));
        Status { desc, ..status }
    }

    fn spell_text(&self, text: &str) -> String {
        let is_part = |letter: char| letter.is_ascii_alphabetic() || letter == '_';
        let (mut spelled, mut rest) = (String::with_capacity(text.len()), text.strip_prefix("at.").unwrap_or(text));
        while !rest.is_empty() {
            let (word, after) = rest.split_at(rest.find(|letter| !is_part(letter)).unwrap_or(rest.len()));
            // Most fields bear names that are words too: those count where a refusal names its field, which is at its beginning.
            let is_field = spelled.is_empty() || word.contains('_') || word == "notify";
            spelled.push_str(if is_field { self.name_of(word) } else { word });
            let next = after.chars().next().map_or(0, char::len_utf8);
            spelled.push_str(&after[..next]);
            rest = &after[next..];
        }
        spelled
    }

    fn name_of<'a>(&self, field: &'a str) -> &'a str {
        let has = |name: &&&'static str| self.parameters().any(|parameter| parameter.name == **name);
        let names = SPELLINGS.iter().find(|(known, _)| *known == field).map(|(_, names)| *names);
        names.and_then(|names| names.iter().find(has)).copied().unwrap_or(field)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Sub;

    fn spelled(path: &str, text: &'static str) -> String {
        let row = Described::of(path).unwrap_or_else(|| panic!("{path} is described"));
        row.spell(Status::bad_parameter(text)).desc.into_owned()
    }

    #[test]
    fn a_refusal_names_the_parameter_of_the_endpoint_and_keeps_its_other_words() {
        let send = "/chatroom/sendMsg.action";
        assert_eq!(spelled(send, "body must not be empty"), "attach must not be empty");
        assert_eq!(spelled(send, "message_id must be 1-64 characters"), "msgId must be 1-64 characters");
        assert_eq!(spelled(send, "attach must be of the type of its body"), "attach must be of the type of its body");
        assert_eq!(spelled("/chatroom/kickMember.action", "account must be 1-32 bytes"), "targetAccid must be 1-32 bytes");
        assert_eq!(spelled("/chatroom/temporaryMute.action", "account: x"), "target: x");
        assert_eq!(
            spelled("/chatroom/queueBatchOffer.action", "notify_ext must be given with notify"),
            "notifyExt must be given with needNotify"
        );
        let times = "from_time_ms and to_time_ms must be 0 or a time, in this order";
        let api = "fromTime and toTime must be 0 or a time, in this order";
        assert_eq!(spelled("/history/queryTagHistoryMsg.action", times), api);
    }

    #[test]
    fn the_coordinates_of_a_point_are_parameters_of_their_own() {
        assert_eq!(spelled("/chatroom/sendMsg.action", "at.y must be a finite number"), "locY must be a finite number");
    }

    #[test]
    fn a_refusal_that_names_a_parameter_already_stays_as_it_is() {
        for row in super::super::described::TABLE {
            for parameter in row.parameters() {
                let text = format!("{} must be at most 64 characters", parameter.name);
                assert_eq!(row.spell_text(&text), text, "{}", row.path);
            }
        }
    }

    #[test]
    fn what_is_no_refusal_of_a_parameter_stays_as_it_is() {
        let row = Described::of("/chatroom/get.action").unwrap();
        let missing = Status::with_sub(Code::NotFound, Sub::RoomMissing);
        assert_eq!(row.spell(missing.clone()), missing);
    }

    #[test]
    fn every_name_a_field_may_have_is_a_parameter() {
        let known =
            |name: &str| super::super::described::TABLE.iter().flat_map(Described::parameters).any(|own| own.name == name);
        assert!(SPELLINGS.iter().flat_map(|(_, names)| *names).all(|name| known(name)));
        assert!(SPELLINGS.is_sorted());
    }
}
