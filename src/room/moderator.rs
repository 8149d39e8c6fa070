//! Moderation inside the room: what becomes of a message that a moderator judges, and the one moderator there is, a list of words
//! (chatroom.md §e.9).

use aho_corasick::{AhoCorasick, MatchKind};
use bytes::Bytes;
use serde::Deserialize;

use super::check;
use crate::error::{Code, Status, Sub};
use crate::limits;
use crate::subject::{Moderated, Moderator, SharedModerator, Verdict};
use crate::text::fold;
use crate::wire::pb::{self, MessageType};

impl SharedModerator {
    /// Row 14 of chatroom.md §c.0 on a message: 403 where it is refused.
    pub(super) fn message(&self, request: &pb::MessageSendRequest) -> Result<Rewritten, Status> {
        let refused = || Status::with_sub(Code::Forbidden, Sub::RoomModerated);
        let judge = |kind, text: &Bytes| match self.text(kind, str::from_utf8(text).unwrap_or_default()) {
            Verdict::Pass => Ok(None),
            Verdict::Replace(text) => Ok(Some(Bytes::from(text))),
            Verdict::Reject => Err(refused()),
        };
        match MessageType::try_from(request.r#type) {
            Ok(MessageType::Text) => Ok(Rewritten {
                body: judge(Moderated::Message, &request.body)?,
                attach: judge(Moderated::Message, &request.attach)?,
            }),
            Ok(MessageType::Image | MessageType::Audio | MessageType::Video) => {
                let attach = judge(Moderated::Media, &request.attach)?;
                // An attachment that is no JSON object any more is of no use to anybody.
                if attach.as_ref().is_some_and(|attach| !check::is_object(attach)) {
                    return Err(refused());
                }
                Ok(Rewritten { body: judge(Moderated::Message, &request.body)?, attach })
            }
            Ok(MessageType::Custom) => {
                let moderation =
                    request.moderation.as_ref().filter(|asked| asked.antispam && !asked.antispam_custom.is_empty());
                let Some(moderation) = moderation else { return Ok(Rewritten::default()) };
                let (kind, text) = stand_in(&moderation.antispam_custom)?;
                // What is judged is not what is delivered, so there is nothing to rewrite.
                if self.text(kind, &text) == Verdict::Pass { Ok(Rewritten::default()) } else { Err(refused()) }
            }
            _ => Ok(Rewritten::default()),
        }
    }
}

/// Two lists of words, found anywhere in a text, in whatever case, width and composition, and with hidden characters between their letters:
/// those for which a text is refused, and those that are replaced by as many `*` as they have characters there.
pub struct WordList {
    refused: AhoCorasick,
    masked: AhoCorasick,
}

impl WordList {
    /// A list of at most [`WORDS_MAX`](limits::WORDS_MAX) words of 1 to [`WORD_CHARS_MAX`](limits::WORD_CHARS_MAX) characters;
    /// 414 if it is not.
    pub fn new(refused: &[String], masked: &[String]) -> Result<WordList, Status> {
        if refused.len() + masked.len() > limits::WORDS_MAX {
            return Err(Status::bad_parameter(format!("there may be {} words", limits::WORDS_MAX)));
        }
        Ok(WordList { refused: finder(refused)?, masked: finder(masked)? })
    }
}

fn finder(words: &[String]) -> Result<AhoCorasick, Status> {
    for word in words {
        if fold(word).text.is_empty() || word.chars().nth(limits::WORD_CHARS_MAX).is_some() {
            return Err(Status::bad_parameter(format!(
                "a word must have 1 to {} characters, one of which can be seen",
                limits::WORD_CHARS_MAX
            )));
        }
    }
    let folded = words.iter().map(|word| fold(word).text);
    let finder = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(folded);
    finder.map_err(|error| Status::bad_parameter(format!("the words: {error}")))
}

impl Moderator for WordList {
    fn text(&self, _kind: Moderated, text: &str) -> Verdict {
        let folded = fold(text);
        if self.refused.is_match(&folded.text) {
            return Verdict::Reject;
        }
        let mut masks = self.masked.find_iter(&folded.text).peekable();
        if masks.peek().is_none() {
            return Verdict::Pass;
        }
        let mut masked = String::with_capacity(text.len());
        let (mut from, mut start) = (0, 0);
        for (to, end) in folded.pieces {
            while masks.next_if(|found| found.end() <= start).is_some() {}
            let is_within = masks.peek().is_some_and(|found| found.start() < end && start < found.end());
            let piece = text.get(from..to).unwrap_or_default();
            if is_within {
                masked.extend(piece.chars().map(|_| '*'))
            } else {
                masked.push_str(piece)
            }
            (from, start) = (to, end);
        }
        Verdict::Replace(masked)
    }
}

/// What is judged in place of a custom message: `{"type":1,"data":"some text"}`, or 2 for the address of an image.
#[derive(Deserialize)]
struct Stand {
    r#type: u8,
    data: String,
}

/// True if moderation understands this text as a stand-in for a custom message.
pub fn is_stand_in(text: &str) -> bool {
    stand_in(text).is_ok()
}

/// Reads what is judged in place of a custom message; 414 if it is none.
pub(super) fn stand_in(text: &str) -> Result<(Moderated, String), Status> {
    let malformed = || Status::bad_parameter("antispam_custom must be {\"type\":1 or 2,\"data\":a text}");
    let stand: Stand = serde_json::from_str(text).map_err(|_| malformed())?;
    match stand.r#type {
        1 => Ok((Moderated::Message, stand.data)),
        2 => Ok((Moderated::Media, stand.data)),
        _ => Err(malformed()),
    }
}

/// Body and attachment as they are to be delivered, where they are not as they came.
#[derive(Default)]
pub(super) struct Rewritten {
    pub body: Option<Bytes>,
    pub attach: Option<Bytes>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(refused: &[&str], masked: &[&str]) -> WordList {
        let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        WordList::new(&owned(refused), &owned(masked)).unwrap()
    }

    #[test]
    fn words_are_found_in_any_case_and_any_script() {
        let list = list(&["scam"], &["darn", "ÄRGER", "坏"]);
        let judge = |text| list.text(Moderated::Message, text);
        assert_eq!(judge("good evening"), Verdict::Pass);
        assert_eq!(judge("no ScAm here"), Verdict::Reject);
        assert_eq!(judge("Darn! darn."), Verdict::Replace("****! ****.".into()));
        assert_eq!(judge("nur ärger, 坏人"), Verdict::Replace("nur *****, *人".into()));
        // The folded form of İ is two characters long.
        assert_eq!(judge("İİ darn İ"), Verdict::Replace("İİ **** İ".into()));
    }

    #[test]
    fn words_are_found_in_any_dress_and_the_right_characters_are_masked() {
        let list = list(&["σίσυφος", "scam"], &["darn", "café", "ﬁx", "ガス"]);
        let judge = |text| list.text(Moderated::Message, text);
        for refused in
            ["ΣΊΣΥΦΟΣ", "ο Σίσυφοσ", "ＳＣＡＭ", "s\u{200B}c\u{200D}a\u{AD}m", "\u{1D42C}cam", "s\u{E0041}cam", "sc\u{FE0F}am"]
        {
            assert_eq!(judge(refused), Verdict::Reject, "{refused:?}");
        }
        for (text, masked) in [
            ("ü d\u{200B}arn ü", "ü ***** ü"),
            ("ｄａｒｎ界", "****界"),
            ("le cafe\u{301}, le CAFÉ, le cafe", "le *****, le ****, le cafe"),
            ("FIX ﬁx", "*** **"),
            ("ｶﾞｽ ガス カ", "*** ** カ"),
            ("\u{200B}darn\u{200B}x", "******x"),
        ] {
            assert_eq!(judge(text), Verdict::Replace(masked.into()), "{text:?}");
        }
        assert_eq!(judge("cafe\u{301}s et cafes"), Verdict::Replace("*****s et cafes".into()));
        for passes in ["s c a m", "cafe", "\u{200B}\u{200D}", "カス"] {
            assert_eq!(judge(passes), Verdict::Pass, "{passes:?}");
        }
        assert!(WordList::new(&["\u{200B}".to_owned()], &[]).is_err(), "it would be found everywhere");
    }

    #[test]
    fn the_longest_word_is_masked_whole() {
        let list = list(&[], &["bad", "badger"]);
        assert_eq!(list.text(Moderated::Message, "badgers"), Verdict::Replace("******s".into()));
    }

    #[test]
    fn a_list_is_bounded() {
        assert!(WordList::new(&[String::new()], &[]).is_err());
        assert!(WordList::new(&["x".repeat(limits::WORD_CHARS_MAX + 1)], &[]).is_err());
        assert!(WordList::new(&vec!["x".to_owned(); limits::WORDS_MAX + 1], &[]).is_err());
    }

    #[test]
    fn what_stands_for_a_custom_message_has_one_form() {
        assert_eq!(stand_in(r#"{"type":2,"data":"http://x"}"#), Ok((Moderated::Media, "http://x".into())));
        for bad in ["", "[]", r#"{"type":3,"data":"x"}"#, r#"{"type":1}"#, r#"{"type":1,"data":5}"#, r#"{"data":"x"}"#] {
            assert!(stand_in(bad).is_err(), "{bad}");
        }
    }
}
