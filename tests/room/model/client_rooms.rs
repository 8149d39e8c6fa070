//! Rooms made by clients (chatroom.md §c.6): made by who comes first, flat while they last, gone with who leaves last.

use chatroom::error::{Code, Sub};
use chatroom::room::{Actor, Op, Open, Origin, Query};
use chatroom::wire::Response;
use chatroom::wire::pb;

use super::attributes::{Attribute, Attributes, check_set, check_whole};
use super::{Model, Refusal, Verdict, Want};

fn refused(code: Code, sub: i32) -> Refusal {
    Refusal { code, sub, retry: None }
}

/// §a.3: 1-32 B of digits, letters and some punctuation.
pub fn check_alias(alias: &str) -> Result<(), Refusal> {
    const PUNCTUATION: &str = "~!@#$%^&*()_+=-`;',.<>/\\";
    let is_allowed = |letter: char| letter.is_ascii_alphanumeric() || PUNCTUATION.contains(letter);
    if (1..=32).contains(&alias.len()) && alias.chars().all(is_allowed) {
        Ok(())
    } else {
        Err(refused(Code::BadParameter, 6000001))
    }
}

/// Row 3 of §c.0; how many attributes there are is a matter of capacity.
fn check_made(request: &pb::RoomCreateRequest) -> Result<(), Refusal> {
    check_alias(&request.alias)?;
    if request.name.len() > 64 || request.destroy_delay_seconds > 3600 {
        return Err(refused(Code::BadParameter, 6000001));
    }
    match check_set(&request.attributes) {
        Err(refusal) if refusal.code == Code::BadParameter => Err(refusal),
        _ => Ok(()),
    }
}

impl Model {
    /// §b, note 6: the management rows do not exist, nor do queues, lists and robots. §c.6: nothing is taken back.
    pub fn check_family(&self, op: &Op) -> Result<(), Refusal> {
        if !self.of_client {
            return Ok(());
        }
        let is_management = matches!(
            op,
            Op::Create(_)
                | Op::Update(_)
                | Op::Close(_)
                | Op::Reopen
                | Op::DelayClose(_)
                | Op::MuteRoom(_)
                | Op::SetRole(_)
                | Op::Kick(_)
                | Op::TempMute(_)
                | Op::TagTempMute(_)
        );
        let is_of_queue = matches!(
            op,
            Op::QueueInit(_)
                | Op::QueueOffer(_)
                | Op::QueueBatchOffer(_)
                | Op::QueuePoll(_)
                | Op::QueueChange(_)
                | Op::QueueDrop(_)
                | Op::QueueClearOwner
        );
        let is_of_robots = matches!(op, Op::AddRobots(_) | Op::RemoveRobots(_) | Op::SeatRobot(_) | Op::UnseatRobot { .. });
        if is_management || is_of_queue || is_of_robots {
            return Err(Refusal::code(Code::NotFound));
        }
        if matches!(op, Op::Recall(_)) {
            return Err(refused(Code::Unavailable, 6000013));
        }
        Ok(())
    }

    pub fn check_family_of_query(&self, query: &Query) -> Result<(), Refusal> {
        match query {
            Query::QueueList(_) | Query::QueuePeek(_) | Query::QueueMultiGet(_) if self.of_client => {
                Err(Refusal::code(Code::NotFound))
            }
            _ => Ok(()),
        }
    }

    /// Row 4 of §c.0, as it is told of rooms of this family.
    pub fn missing(&self) -> Refusal {
        if self.of_client { refused(Code::NotFound, 6000322) } else { Refusal::sub(Code::NotFound, Sub::RoomMissing) }
    }

    /// Whether the room is the one that goes by this name in this application; who knows its number need not name it.
    pub fn is_this(&self, app: &str, alias: &str) -> bool {
        self.exists && self.app == app && (alias.is_empty() || self.alias == alias)
    }

    /// §d.5: the sixth room is refused; who is in this one already is in none more by it.
    pub fn check_quota(&self, account: &str, is_over: bool) -> Result<(), Refusal> {
        if is_over && !self.is_here(account) { Err(refused(Code::OverQuota, 6000325)) } else { Ok(()) }
    }

    /// createRoom, enterRoom, and the second half of switchRoom.
    pub fn open(&mut self, actor: &Actor, open: &Open) -> Verdict {
        let Open { request, enter, must_exist } = open;
        let Some(id) = actor.connection else { return Err(Refusal::bad()) };
        check_made(request)?;
        let tags = self.check_entering(actor, enter)?;
        let account = actor.account.as_str().to_owned();
        let is_this = self.is_this(&enter.app_key, &request.alias);
        if *must_exist && !is_this {
            return Err(self.missing());
        }
        if self.exists {
            if is_this && (request.enter_existing || *must_exist) {
                if self.conns.iter().any(|conn| conn.id == id) {
                    return Ok(Want::reply(self.entered_reply(actor, id, self.seq, false)));
                }
                return self.let_in(actor, enter, id, tags);
            }
            self.check_quota(&account, enter.over_quota)?;
            return Err(refused(Code::Repeated, 6000323));
        }
        if actor.anonymous {
            return Err(Refusal::sub(Code::Forbidden, Sub::AnonymousRefused));
        }
        self.check_quota(&account, enter.over_quota)?;
        let initial = |(key, value): (&String, &String)| {
            (key.clone(), Attribute { value: value.clone(), owner: account.clone(), transient: false })
        };
        let attributes: Attributes = request.attributes.iter().map(initial).collect();
        check_whole(&attributes)?;
        self.exists = true;
        self.attributes = attributes;
        self.app = enter.app_key.clone();
        self.creator = account;
        self.alias = request.alias.clone();
        self.name = if request.name.is_empty() { request.alias.clone() } else { request.name.clone() };
        self.destroy_delay = request.destroy_delay_seconds;
        (self.created, self.updated) = (self.now, self.now);
        let mut want = self.let_in(actor, enter, id, tags)?;
        if let Response::RoomEnter(reply) = &mut want.reply {
            reply.created = true;
        }
        want.durable = true;
        Ok(want)
    }

    /// Said by the server: nobody is left, and everything goes but the numbers.
    pub fn destroy(&mut self, actor: &Actor) -> Verdict {
        if actor.origin != Origin::Server {
            return Err(Refusal::code(Code::Forbidden));
        }
        self.check_open()?;
        if !self.conns.is_empty() {
            return Err(Refusal::code(Code::Forbidden));
        }
        let (seq, now, random) = (self.seq, self.now, self.random);
        *self = Model { seq, now, random, ..Model::new(self.settings.clone(), true) };
        Ok(Want::durable(Response::RoomClose(pb::Status::default())))
    }

    /// Whether the room has to end by now (§c.6 leaveRoom).
    pub fn ends_by_now(&self) -> bool {
        let is_left = self.of_client && self.exists && self.conns.is_empty();
        let since = self.empty_since.unwrap_or(self.now);
        is_left && self.now >= since + i64::from(self.destroy_delay) * 1000
    }
}
