//! What a room does by itself: closing later, robots whose time is over (chatroom.md §a.3 delayInfo, §a.8).

use chatroom::error::Code;
use chatroom::room::{Actor, Origin};
use chatroom::wire::Response;
use chatroom::wire::pb;

use super::{Model, Refusal, Verdict, Want};

const WEEK_SECONDS: u32 = 604_800;

impl Model {
    pub fn delay_close(&mut self, actor: &Actor, request: &pb::DelayClose) -> Verdict {
        if request.policy > 2 || request.delay_seconds > WEEK_SECONDS {
            return Err(Refusal::bad());
        }
        self.check_open()?;
        if actor.origin != Origin::Http {
            return Err(Refusal::code(Code::Forbidden));
        }
        let delay_seconds = request.delay_seconds;
        self.delay = match request.policy {
            0 => None,
            policy => Some(pb::DelayClose { policy, delay_seconds, start_time_ms: self.now }),
        };
        let reply = pb::RoomInfoResponse { room: Some(self.info()), ..Default::default() };
        Ok(Want::durable(Response::RoomInfo(Box::new(reply))))
    }

    /// What is to be done by now, if anything: whose doing it is, and what.
    pub fn due(&mut self, now: i64) -> Option<(String, &'static str)> {
        self.now = now;
        if self.ends_by_now() {
            return Some((self.creator.clone(), "Destroy"));
        }
        if self.closes_by_now() {
            return Some((self.creator.clone(), "Close"));
        }
        self.robot_over().map(|name| (name, "UnseatRobot"))
    }

    fn closes_by_now(&self) -> bool {
        let Some(delay) = self.delay.filter(|_| self.open) else { return false };
        let since = match delay.policy {
            1 => Some(delay.start_time_ms),
            _ => self.empty_since.map(|since| since.max(delay.start_time_ms)),
        };
        since.is_some_and(|since| self.now >= since + i64::from(delay.delay_seconds) * 1000)
    }
}
