//! The letters of a worker's shards that wait for their verdicts (im.md §0.3): in order to each destination, a bounded number of them under
//! way, again and again until the verdict is durable. What is here is durable; the hub says what becomes of it.

use std::collections::{BTreeSet, HashMap, VecDeque};

use bytes::Bytes;

use super::letters::{Sent, Source};
use crate::id::{SubjectId, Time};
use crate::limits::{
    LETTER_RETRY_MS_FIRST, LETTER_RETRY_MS_MAX, LETTERS_UNDER_WAY_MAX, LETTERS_WAITING_MAX, SHARD_LETTERS_BYTES_MAX,
    SHARD_LETTERS_MAX,
};
use crate::subject::{Address, LetterId, Shard};

/// A letter that waits.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Waiting {
    pub id: LetterId,
    /// The subject that wrote it.
    pub source: SubjectId,
    pub to: Address,
    pub body: Bytes,
}

/// State of a letter that waits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    /// Its verdict is not in.
    Open,
    /// It is refused, and its source has an entry about that on the way to the disk.
    Refusing,
    /// Its verdict is in for good.
    Done,
}

/// The letters of one source for one destination.
struct Line {
    letters: VecDeque<(Waiting, State)>,
    /// The highest one under way.
    sent: LetterId,
    /// When all without a verdict are sent again.
    again_at: Time,
    pause_ms: u64,
    attempt: u32,
}

type Way = (Source, Address);

/// Amount of what waits in a shard.
#[derive(Clone, Copy, Default)]
struct Amount {
    letters: usize,
    bytes: usize,
}

/// The outbox of one worker.
#[derive(Default)]
pub(super) struct Outbox {
    lines: HashMap<Way, Line>,
    amounts: HashMap<Shard, Amount>,
    /// Lines with letters that were not sent yet.
    fresh: BTreeSet<Way>,
    /// Lines by the time at which they are sent again.
    due: BTreeSet<(Time, Way)>,
}

impl Outbox {
    /// True if one more letter on this way would be too many.
    pub fn is_full(&self, source: Source, to: &Address) -> bool {
        let amount = self.amounts.get(&source.shard).copied().unwrap_or_default();
        let waiting = self.lines.get(&(source, to.clone())).map_or(0, |line| line.letters.len());
        waiting >= LETTERS_WAITING_MAX || amount.letters >= SHARD_LETTERS_MAX || amount.bytes >= SHARD_LETTERS_BYTES_MAX
    }

    /// Takes in a letter that is durable. On each way they come in the order of their ids.
    pub fn add(&mut self, source: Source, letter: Waiting) {
        let amount = self.amounts.entry(source.shard).or_default();
        (amount.letters, amount.bytes) = (amount.letters + 1, amount.bytes + letter.body.len());
        let way = (source, letter.to.clone());
        let line = self.lines.entry(way.clone()).or_insert_with(|| Line {
            letters: VecDeque::new(),
            sent: LetterId::default(),
            again_at: Time(u64::MAX),
            pause_ms: LETTER_RETRY_MS_FIRST,
            attempt: 0,
        });
        line.letters.push_back((letter, State::Open));
        self.fresh.insert(way);
    }

    /// The letters to be sent now.
    pub fn take_due(&mut self, now: Time) -> Vec<Sent> {
        while self.due.first().is_some_and(|(at, _)| *at <= now) {
            let Some((_, way)) = self.due.pop_first() else { break };
            if let Some(line) = self.lines.get_mut(&way) {
                line.begin_anew();
                line.pause_ms = line.pause_ms.saturating_mul(2).min(LETTER_RETRY_MS_MAX);
                self.fresh.insert(way);
            }
        }
        let mut sent = Vec::new();
        for way in std::mem::take(&mut self.fresh) {
            let Some(line) = self.lines.get_mut(&way) else { continue };
            self.due.remove(&(line.again_at, way.clone()));
            line.send(way.0, &mut sent);
            line.again_at = now.plus_ms(line.pause_ms);
            if line.waits() {
                self.due.insert((line.again_at, way));
            }
        }
        sent
    }

    /// When something is to be sent next.
    pub fn next_due(&self) -> Option<Time> {
        if self.fresh.is_empty() { self.due.first().map(|(at, _)| *at) } else { Some(Time(0)) }
    }

    /// A letter is accepted. Gives it, unless that is known.
    pub fn accept(&mut self, sent: &Sent) -> Option<Waiting> {
        let line = self.lines.get_mut(&(sent.source, sent.to.clone()))?;
        let (letter, state) = line.letters.iter_mut().find(|(letter, state)| letter.id == sent.id && *state == State::Open)?;
        *state = State::Done;
        let letter = letter.clone();
        self.tidy(&(sent.source, sent.to.clone()));
        Some(letter)
    }

    /// A letter is refused. Gives it, unless that is known: [`Outbox::settle`] follows once its source has that for good, or
    /// [`Outbox::reopen`] if it cannot.
    pub fn refuse(&mut self, sent: &Sent) -> Option<Waiting> {
        let line = self.lines.get_mut(&(sent.source, sent.to.clone()))?;
        let (letter, state) = line.letters.iter_mut().find(|(letter, state)| letter.id == sent.id && *state == State::Open)?;
        *state = State::Refusing;
        Some(letter.clone())
    }

    /// The destination lacks a letter before this one: everything without a verdict is sent again, once.
    pub fn note_gap(&mut self, sent: &Sent) {
        let way = (sent.source, sent.to.clone());
        if let Some(line) = self.lines.get_mut(&way)
            && line.attempt == sent.attempt
        {
            line.begin_anew();
            self.fresh.insert(way);
        }
    }

    /// What the source has of a refusal is durable.
    pub fn settle(&mut self, source: Source, to: &Address, id: LetterId) {
        let way = (source, to.clone());
        self.change(&way, id, State::Done);
        self.tidy(&way);
    }

    /// What the source was to have of a refusal is not durable: the letter comes again.
    pub fn reopen(&mut self, source: Source, to: &Address, id: LetterId) {
        self.change(&(source, to.clone()), id, State::Open);
    }

    fn change(&mut self, way: &Way, id: LetterId, to: State) {
        let line = self.lines.get_mut(way);
        let refusing = |(letter, state): &&mut (Waiting, State)| letter.id == id && *state == State::Refusing;
        if let Some((_, state)) = line.and_then(|line| line.letters.iter_mut().find(refusing)) {
            *state = to;
        }
    }

    /// Lets go of what is done with at the head of a line.
    fn tidy(&mut self, way: &Way) {
        let Some(line) = self.lines.get_mut(way) else { return };
        while let Some((letter, _)) = line.letters.pop_front_if(|(_, state)| *state == State::Done) {
            line.pause_ms = LETTER_RETRY_MS_FIRST;
            if let Some(amount) = self.amounts.get_mut(&way.0.shard) {
                amount.letters = amount.letters.saturating_sub(1);
                amount.bytes = amount.bytes.saturating_sub(letter.body.len());
            }
        }
        if line.letters.is_empty() {
            self.due.remove(&(line.again_at, way.clone()));
            self.fresh.remove(way);
            self.lines.remove(way);
        } else if line.has_room() {
            self.fresh.insert(way.clone());
        }
    }

    /// Letters that wait.
    pub fn len(&self) -> usize {
        self.amounts.values().map(|amount| amount.letters).sum()
    }
}

impl Line {
    fn begin_anew(&mut self) {
        (self.sent, self.attempt) = (LetterId::default(), self.attempt.wrapping_add(1));
    }

    /// True if a letter without a verdict waits.
    fn waits(&self) -> bool {
        self.letters.iter().any(|(_, state)| *state != State::Done)
    }

    /// True if a letter may be sent that was not.
    fn has_room(&self) -> bool {
        self.letters.iter().take(LETTERS_UNDER_WAY_MAX).any(|(letter, _)| letter.id > self.sent)
    }

    /// Sends what was not sent, as far as so many may be under way.
    fn send(&mut self, source: Source, out: &mut Vec<Sent>) {
        let Some((first, _)) = self.letters.front() else { return };
        // Whatever came before the first one that waits has its verdict.
        let (confirmed, attempt) = (first.id.before(), self.attempt);
        let mut predecessor = confirmed;
        for (letter, state) in self.letters.iter().take(LETTERS_UNDER_WAY_MAX) {
            let Waiting { id, to, body, .. } = letter;
            if *id > self.sent && *state == State::Open {
                let (to, body) = (to.clone(), body.clone());
                out.push(Sent { id: *id, source, to, body, predecessor, confirmed, attempt });
            }
            self.sent = self.sent.max(*id);
            predecessor = *id;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{AccountId, RoomId, SubjectKind};
    use crate::subject::ServerId;

    fn source() -> Source {
        Source { shard: Shard::new(1).unwrap(), kind: SubjectKind::Room }
    }

    fn to(name: &str) -> Address {
        Address::of_account("app", &AccountId::parse(name).unwrap())
    }

    fn letter(number: i64, name: &str) -> Waiting {
        let id = LetterId { entry: ServerId::of_number(number), index: 0 };
        Waiting { id, source: RoomId::new(1).unwrap().into(), to: to(name), body: Bytes::from_static(b"body") }
    }

    fn ms(ms: u64) -> Time {
        Time::default().plus_ms(ms)
    }

    fn numbers(sent: &[Sent]) -> Vec<i64> {
        sent.iter().map(|sent| sent.id.entry.get()).collect()
    }

    // L3
    #[test]
    fn a_letter_is_sent_again_after_pauses_that_double_up_to_thirty_seconds() {
        let mut outbox = Outbox::default();
        outbox.add(source(), letter(1, "ann"));
        let (mut now, mut pauses) = (0, Vec::new());
        assert_eq!(numbers(&outbox.take_due(ms(0))), [1]);
        while pauses.len() < 10 {
            let due = outbox.next_due().unwrap();
            assert_eq!(outbox.take_due(Time(due.0 - 1)), []);
            assert_eq!(numbers(&outbox.take_due(due)), [1]);
            pauses.push(due.ms() - now);
            now = due.ms();
        }
        assert_eq!(pauses, [200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000]);
    }

    // L4
    #[test]
    fn letters_go_in_order_and_no_more_than_so_many_at_once() {
        let mut outbox = Outbox::default();
        (1..=300).for_each(|number| outbox.add(source(), letter(number, "ann")));
        outbox.add(source(), letter(301, "bob"));
        let sent = outbox.take_due(ms(0));
        let (ann, bob): (Vec<Sent>, Vec<Sent>) = sent.into_iter().partition(|sent| sent.to == to("ann"));
        assert_eq!(numbers(&ann), (1..=256).collect::<Vec<_>>());
        assert_eq!(numbers(&bob), [301], "one destination does not hold up another");
        assert!(ann.windows(2).all(|pair| pair[1].predecessor == pair[0].id));
        assert!(ann.iter().all(|sent| sent.confirmed < ann[0].id) && ann[0].predecessor == ann[0].confirmed);
        // What is done with makes room, but only from the head of the line on.
        assert!(outbox.accept(&ann[1]).is_some());
        assert_eq!(outbox.take_due(ms(1)), []);
        assert!(outbox.accept(&ann[0]).is_some() && outbox.accept(&ann[0]).is_none());
        let more = outbox.take_due(ms(2));
        assert_eq!(numbers(&more), [257, 258]);
        assert!(more[0].confirmed >= ann[1].id && more[0].confirmed < ann[2].id);
        assert_eq!(more[0].predecessor, ann[255].id);
    }

    #[test]
    fn a_gap_has_everything_without_a_verdict_sent_again_once() {
        let mut outbox = Outbox::default();
        (1..=4).for_each(|number| outbox.add(source(), letter(number, "ann")));
        let sent = outbox.take_due(ms(0));
        outbox.accept(&sent[0]);
        sent[2..].iter().for_each(|late| outbox.note_gap(late));
        let again = outbox.take_due(ms(1));
        assert_eq!(numbers(&again), [2, 3, 4]);
        outbox.note_gap(&sent[3]);
        assert_eq!(outbox.take_due(ms(2)), [], "that was about the first attempt");
        outbox.note_gap(&again[1]);
        assert_eq!(numbers(&outbox.take_due(ms(3))), [2, 3, 4]);
    }

    // L7
    #[test]
    fn a_refused_letter_is_done_with_when_its_source_has_that_for_good() {
        let mut outbox = Outbox::default();
        (1..=2).for_each(|number| outbox.add(source(), letter(number, "ann")));
        let sent = outbox.take_due(ms(0));
        assert!(outbox.refuse(&sent[0]).is_some() && outbox.refuse(&sent[0]).is_none());
        let again = outbox.take_due(ms(1000));
        assert_eq!(numbers(&again), [2], "the verdict on the first one is in");
        assert!(again[0].confirmed < sent[0].id, "and not confirmed");
        outbox.reopen(source(), &to("ann"), sent[0].id);
        assert_eq!(numbers(&outbox.take_due(ms(60_000))), [1, 2]);
        assert!(outbox.refuse(&sent[0]).is_some());
        outbox.settle(source(), &to("ann"), sent[0].id);
        let last = outbox.take_due(ms(120_000));
        assert!(numbers(&last) == [2] && last[0].confirmed >= sent[0].id);
        outbox.accept(&last[0]);
        assert_eq!((outbox.len(), outbox.next_due()), (0, None));
    }

    #[test]
    fn so_many_may_wait_for_one_destination() {
        let mut outbox = Outbox::default();
        for number in 1..=i64::try_from(LETTERS_WAITING_MAX).unwrap() {
            assert!(!outbox.is_full(source(), &to("ann")));
            outbox.add(source(), letter(number, "ann"));
        }
        assert!(outbox.is_full(source(), &to("ann")) && !outbox.is_full(source(), &to("bob")));
        let first = outbox.take_due(ms(0)).remove(0);
        outbox.accept(&first);
        assert!(!outbox.is_full(source(), &to("ann")));
    }

    #[test]
    fn so_many_and_so_many_bytes_may_wait_in_a_shard() {
        let mut outbox = Outbox::default();
        let body = Bytes::from(vec![0; 1 << 20]);
        for number in 0..1024 {
            assert!(!outbox.is_full(source(), &to("bob")));
            outbox.add(source(), Waiting { body: body.clone(), ..letter(number, &format!("n{number}")) });
        }
        assert!(outbox.is_full(source(), &to("bob")), "in bytes");
        let other = Source { shard: Shard::new(2).unwrap(), ..source() };
        assert!(!outbox.is_full(other, &to("bob")));
        outbox.amounts.insert(other.shard, Amount { letters: SHARD_LETTERS_MAX, bytes: 0 });
        assert!(outbox.is_full(other, &to("bob")), "in letters");
    }
}
