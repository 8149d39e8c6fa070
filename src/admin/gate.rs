//! Checks an authenticated call before it is handled: replay, address, rate, request id (rest-api.md §1.1, chatroom.md §h).

use std::collections::hash_map::RandomState;
use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::{BuildHasher, Hash, Hasher};

use parking_lot::Mutex;

use crate::error::{Code, Status};
use crate::limits;

/// What makes a call recognisable.
#[derive(Clone, Copy)]
pub(super) struct Passport<'a> {
    pub(super) app_key: &'a str,
    /// Path of a known endpoint: callers cannot make up as many as they like.
    pub(super) endpoint: &'static str,
    pub(super) nonce: &'a str,
    pub(super) cur_time: &'a str,
    pub(super) request_id: Option<&'a str>,
    /// How often the endpoint may be called.
    pub(super) rate: Rate,
}

/// How often an endpoint may be called by one application (rest-api.md §8). All calls of a window may come at once.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Rate {
    /// Calls per window; 0: without limit.
    pub(super) calls: u32,
    pub(super) window_ms: u64,
    /// How long an application that exceeds it is refused the endpoint.
    pub(super) block_ms: u64,
}

/// Remembers, per application, how often each endpoint was called and which calls have been. Only authenticated calls get here, so
/// strangers cannot fill it.
pub(super) struct Gate {
    hasher: RandomState,
    apps: Mutex<HashMap<String, Memory>>,
}

struct Memory {
    rates: HashMap<&'static str, Bucket>,
    request_ids: Seen,
    calls: Seen,
}

impl Gate {
    /// A gate through which nothing has come yet.
    pub(super) fn new() -> Gate {
        Gate { hasher: RandomState::new(), apps: Mutex::default() }
    }

    /// Lets a call through at `now_ms` of a monotonic clock: 431 if it was here before, what `source` says of the address it comes
    /// from, 416 if there were too many, 431 if its request id was here before, 503 if there is no room to remember it.
    ///
    /// `content` is the body, or the query where there is none; `None` if it could not be read, and then the call is not remembered.
    pub(super) fn admit(
        &self,
        now_ms: u64,
        passport: &Passport<'_>,
        content: Option<&[u8]>,
        source: impl FnOnce() -> Result<(), Status>,
    ) -> Result<(), Status> {
        // Outside the lock: a body may have a mebibyte. What is signed is nonce and time without a separator, and so is what is known.
        let call = content.map(|content| {
            let mut name = self.hasher.build_hasher();
            passport.endpoint.hash(&mut name);
            name.write(passport.nonce.as_bytes());
            name.write(passport.cur_time.as_bytes());
            name.write_u8(0);
            content.hash(&mut name);
            name.finish()
        });
        let request_id = passport.request_id.map(|id| self.name((passport.endpoint, id)));
        let mut apps = self.apps.lock();
        if !apps.contains_key(passport.app_key) {
            apps.insert(passport.app_key.to_owned(), Memory::new());
        }
        let Some(memory) = apps.get_mut(passport.app_key) else { return Err(Status::new(Code::ServerError, "")) };
        if let Some(call) = call {
            memory.calls.check(now_ms, call, "this call was made before: every call needs a fresh Nonce")?;
        }
        source()?;
        if passport.rate.calls > 0 {
            let bucket = memory.rates.entry(passport.endpoint).or_insert_with(|| Bucket::full(passport.rate, now_ms));
            bucket.take(now_ms, passport.rate)?;
        }
        // Each is asked before any is remembered: the id is not signed, so a replay must not be able to use one up.
        if let Some(id) = request_id {
            memory.request_ids.check(now_ms, id, "this RequestId was used within the last 60 s")?;
            memory.request_ids.remember(now_ms, id);
        }
        if let Some(call) = call {
            memory.calls.remember(now_ms, call);
        }
        Ok(())
    }

    /// 64 bits that stand for a value, under a key nobody outside knows.
    fn name(&self, value: impl Hash) -> u64 {
        self.hasher.hash_one(value)
    }
}

impl Memory {
    fn new() -> Memory {
        Memory {
            rates: HashMap::new(),
            request_ids: Seen::new(limits::REQUEST_ID_WINDOW_MS, limits::REQUEST_IDS_MAX),
            calls: Seen::new(limits::REPLAY_WINDOW_MS, limits::REPLAYS_MAX),
        }
    }
}

/// A token bucket that holds one window's calls. A call costs as many parts as the window has milliseconds.
struct Bucket {
    parts: u64,
    filled_ms: u64,
    blocked_until_ms: u64,
}

impl Bucket {
    fn full(rate: Rate, now_ms: u64) -> Bucket {
        Bucket { parts: u64::from(rate.calls) * rate.window_ms, filled_ms: now_ms, blocked_until_ms: 0 }
    }

    fn take(&mut self, now_ms: u64, rate: Rate) -> Result<(), Status> {
        if now_ms < self.blocked_until_ms {
            return Err(too_frequent(self.blocked_until_ms - now_ms));
        }
        let gained = now_ms.saturating_sub(self.filled_ms).saturating_mul(u64::from(rate.calls));
        self.parts = self.parts.saturating_add(gained).min(u64::from(rate.calls) * rate.window_ms);
        self.filled_ms = now_ms;
        if self.parts < rate.window_ms {
            self.blocked_until_ms = now_ms.saturating_add(rate.block_ms);
            return Err(too_frequent(rate.block_ms));
        }
        self.parts -= rate.window_ms;
        Ok(())
    }
}

fn too_frequent(wait_ms: u64) -> Status {
    let status = Status::new(Code::TooFrequent, format!("too many calls of this endpoint: wait {wait_ms} ms"));
    Status { retry_after_ms: u32::try_from(wait_ms).unwrap_or(u32::MAX), ..status }
}

/// Names that were seen within a window of time, so many and no more.
struct Seen {
    window_ms: u64,
    names_max: usize,
    order: VecDeque<(u64, u64)>,
    names: HashSet<u64>,
}

impl Seen {
    fn new(window_ms: u64, names_max: usize) -> Seen {
        Seen { window_ms, names_max, order: VecDeque::new(), names: HashSet::new() }
    }

    /// True if a name can be remembered: 431 if it is in the window already, 503 if the window is full.
    fn check(&mut self, now_ms: u64, name: u64, repeated: &'static str) -> Result<(), Status> {
        while let Some((time_ms, oldest)) = self.order.front()
            && time_ms.saturating_add(self.window_ms) <= now_ms
        {
            self.names.remove(oldest);
            self.order.pop_front();
        }
        if self.names.contains(&name) {
            return Err(Status::new(Code::DuplicateRequest, repeated));
        }
        if self.names.len() >= self.names_max {
            return Err(Status::new(Code::Busy, "too many calls to remember: try again later"));
        }
        Ok(())
    }

    /// Remembers a name that was checked.
    fn remember(&mut self, now_ms: u64, name: u64) {
        self.names.insert(name);
        self.order.push_back((now_ms, name));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call<'a>(nonce: &'a str, request_id: Option<&'a str>) -> Passport<'a> {
        let cur_time = "1451217360";
        Passport { app_key: "app", endpoint: "/chatroom/get.action", nonce, cur_time, request_id, rate: USUAL }
    }

    impl Gate {
        fn let_in(&self, now_ms: u64, passport: &Passport<'_>) -> Result<(), Status> {
            self.admit(now_ms, passport, Some(b"roomid=1"), || Ok(()))
        }
    }

    const USUAL: Rate = Rate { calls: 100, window_ms: 1000, block_ms: 10_000 };

    fn code(result: Result<(), Status>) -> Code {
        result.map_or_else(|status| status.code, |()| Code::Ok)
    }

    #[test]
    fn a_hundred_calls_a_second_pass_and_the_next_blocks_its_endpoint_for_ten_seconds() {
        // S002-006
        let gate = Gate::new();
        for number in 0..100 {
            assert_eq!(code(gate.let_in(5, &call(&number.to_string(), None))), Code::Ok);
        }
        let refused = gate.let_in(5, &call("a", None)).unwrap_err();
        assert_eq!((refused.code, refused.retry_after_ms), (Code::TooFrequent, 10_000));
        assert_eq!(code(gate.let_in(10_004, &call("b", None))), Code::TooFrequent);
        let other = Passport { endpoint: "/chatroom/create.action", ..call("c", None) };
        assert_eq!(code(gate.let_in(5, &other)), Code::Ok);
        let other = Passport { app_key: "other", ..call("c", None) };
        assert_eq!(code(gate.let_in(5, &other)), Code::Ok);
        assert_eq!(code(gate.let_in(10_005, &call("d", None))), Code::Ok);
    }

    #[test]
    fn a_steady_hundred_calls_a_second_are_never_refused_and_zero_means_without_limit() {
        let gate = Gate::new();
        for number in 0..1000_u64 {
            assert_eq!(code(gate.let_in(number * 10, &call(&number.to_string(), None))), Code::Ok);
        }
        for number in 1000..2000_u64 {
            let unlimited = Rate { calls: 0, ..USUAL };
            assert_eq!(code(gate.let_in(0, &Passport { rate: unlimited, ..call(&number.to_string(), None) })), Code::Ok);
        }
    }

    #[test]
    fn a_rate_may_be_one_per_minute() {
        let gate = Gate::new();
        let rate = Rate { calls: 2, window_ms: 60_000, block_ms: 60_000 };
        let at = |now_ms: u64, nonce: &str| code(gate.let_in(now_ms, &Passport { rate, ..call(nonce, None) }));
        assert_eq!((at(0, "1"), at(0, "2"), at(0, "3")), (Code::Ok, Code::Ok, Code::TooFrequent));
        assert_eq!((at(59_999, "4"), at(60_000, "5"), at(60_000, "6")), (Code::TooFrequent, Code::Ok, Code::Ok));
        assert_eq!(at(60_001, "7"), Code::TooFrequent);
    }

    #[test]
    fn a_request_id_is_refused_for_a_minute_on_its_path() {
        // S002-005
        let gate = Gate::new();
        assert_eq!(code(gate.let_in(0, &call("1", Some("r")))), Code::Ok);
        assert_eq!(code(gate.let_in(59_999, &call("2", Some("r")))), Code::DuplicateRequest);
        let elsewhere = Passport { endpoint: "/chatroom/create.action", ..call("3", Some("r")) };
        assert_eq!(code(gate.let_in(59_999, &elsewhere)), Code::Ok);
        assert_eq!(code(gate.let_in(60_000, &call("4", Some("r")))), Code::Ok);
    }

    #[test]
    fn a_call_is_not_taken_twice_while_its_clock_could_be_good() {
        let gate = Gate::new();
        assert_eq!(code(gate.let_in(0, &call("1", None))), Code::Ok);
        assert_eq!(code(gate.let_in(599_999, &call("1", None))), Code::DuplicateRequest);
        assert_eq!(code(gate.let_in(600_000, &call("1", None))), Code::Ok);
    }

    #[test]
    fn another_body_is_another_call_and_no_digit_of_the_time_makes_one_of_the_same_body() {
        let gate = Gate::new();
        let calls = |nonce, cur_time, body: &[u8]| {
            code(gate.admit(0, &Passport { cur_time, ..call(nonce, None) }, Some(body), || Ok(())))
        };
        assert_eq!(calls("12345", "1451217360", b"roomid=1"), Code::Ok);
        assert_eq!(calls("12345", "1451217360", b"roomid=2"), Code::Ok);
        assert_eq!(calls("12345", "1451217360", b""), Code::Ok);
        assert_eq!(calls("12345", "1451217361", b"roomid=1"), Code::Ok);
        // What is signed is the same text, wherever it is cut.
        assert_eq!(calls("123451", "451217360", b"roomid=1"), Code::DuplicateRequest);
        assert_eq!(calls("12345", "1451217360", b"roomid=2"), Code::DuplicateRequest);
        // A nonce cannot hold what ends it in the name, so that no body continues one.
        assert_eq!(calls("1", "2", b"3"), Code::Ok);
        assert_eq!(calls("12", "3", b""), Code::Ok);
    }

    #[test]
    fn a_replay_is_told_before_its_address_and_that_before_the_rate() {
        let gate = Gate::new();
        let rate = Rate { calls: 1, window_ms: 1000, block_ms: 1000 };
        let refuse = || Err(Status::new(Code::AddressRefused, ""));
        let once = Passport { rate, ..call("1", Some("r")) };
        assert_eq!(code(gate.admit(0, &once, Some(b"a"), refuse)), Code::AddressRefused);
        // What was refused is not remembered and has cost nothing.
        assert_eq!(code(gate.admit(0, &once, Some(b"a"), || Ok(()))), Code::Ok);
        assert_eq!(code(gate.admit(0, &once, Some(b"a"), refuse)), Code::DuplicateRequest);
        assert_eq!(code(gate.admit(0, &once, Some(b"b"), refuse)), Code::AddressRefused);
        assert_eq!(code(gate.admit(0, &once, Some(b"b"), || Ok(()))), Code::TooFrequent);
    }

    #[test]
    fn a_replay_uses_up_no_request_id() {
        let gate = Gate::new();
        assert_eq!(code(gate.let_in(0, &call("1", None))), Code::Ok);
        assert_eq!(code(gate.let_in(1, &call("1", Some("r")))), Code::DuplicateRequest);
        assert_eq!(code(gate.let_in(2, &call("2", Some("r")))), Code::Ok);
    }

    #[test]
    fn what_can_not_be_remembered_is_refused() {
        let mut seen = Seen::new(1000, 2);
        let mut remember = |now_ms, name| code(seen.check(now_ms, name, "").map(|()| seen.remember(now_ms, name)));
        assert_eq!((remember(0, 1), remember(500, 2)), (Code::Ok, Code::Ok));
        assert_eq!((remember(999, 3), remember(1000, 3)), (Code::Busy, Code::Ok));
        assert_eq!((seen.names.len(), seen.order.len()), (2, 2));
    }
}
