//! A question to several subjects at once (im.md §0.4).

use super::contract::{Answer, Key};
use crate::error::Status;
use crate::wire::Response;

/// The answers of the subjects that were asked, in the order in which they were asked.
#[derive(Clone, PartialEq, Debug)]
pub struct Gathering<K> {
    parts: Vec<(K, Option<Answer>)>,
    waiting: usize,
}

impl<K: Key> Gathering<K> {
    /// Nobody has answered yet. Each subject is asked once, however often it is named.
    pub fn of(subjects: impl IntoIterator<Item = K>) -> Gathering<K> {
        let mut parts: Vec<(K, Option<Answer>)> = Vec::new();
        for subject in subjects {
            if parts.iter().all(|(asked, _)| *asked != subject) {
                parts.push((subject, None));
            }
        }
        Gathering { waiting: parts.len(), parts }
    }

    /// The subjects to be asked.
    pub fn subjects(&self) -> impl Iterator<Item = K> {
        self.parts.iter().map(|(subject, _)| *subject)
    }

    /// A subject has answered; only its first answer counts.
    pub fn note(&mut self, subject: K, answer: Answer) {
        let part = self.parts.iter_mut().find(|(asked, part)| *asked == subject && part.is_none());
        if let Some((_, part)) = part {
            *part = Some(answer);
            self.waiting -= 1;
        }
    }

    /// True if all have answered.
    pub fn is_complete(&self) -> bool {
        self.waiting == 0
    }

    /// Their answers so far, or the first refusal.
    pub fn into_answers(self) -> Result<Vec<(K, Response)>, Status> {
        self.parts.into_iter().filter_map(|(subject, part)| Some(part?.map(|response| (subject, response)))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;
    use crate::id::RoomId;

    fn room(number: i64) -> RoomId {
        RoomId::new(number).unwrap()
    }

    fn ping(text: &'static str) -> Answer {
        Ok(Response::Ping(text.into()))
    }

    #[test]
    fn answers_come_in_the_order_of_the_questions_and_count_once() {
        let mut all = Gathering::of([room(2), room(1), room(2)]);
        assert_eq!(all.subjects().collect::<Vec<_>>(), [room(2), room(1)]);
        all.note(room(1), ping("one"));
        all.note(room(1), ping("again"));
        all.note(room(3), ping("nobody asked"));
        assert!(!all.is_complete());
        all.note(room(2), ping("two"));
        assert!(all.is_complete());
        let answers = all.into_answers().unwrap();
        assert_eq!(answers, [(room(2), Response::Ping("two".into())), (room(1), Response::Ping("one".into()))]);
    }

    #[test]
    fn one_refusal_is_that_of_the_whole() {
        let mut all = Gathering::of([room(1), room(2)]);
        all.note(room(1), ping("one"));
        all.note(room(2), Err(Status::new(Code::Busy, "behind")));
        assert!(all.is_complete());
        assert_eq!(all.into_answers().unwrap_err().code, Code::Busy);
        assert!(Gathering::<RoomId>::of([]).is_complete());
    }
}
