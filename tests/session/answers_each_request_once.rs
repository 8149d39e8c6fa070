//! Whatever happens to the connection: each accepted request comes to exactly one result, a send that was acknowledged was
//! accepted by the server, and the server takes a repeated send once.

use std::collections::{BTreeMap, BTreeSet};

use crate::link::*;
use chatroom::error::{Code, Status};
use chatroom::session::RequestId;
use chatroom::wire::{Request, Response, pb};
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Step {
    /// The host sends a message, or asks for something else.
    Send,
    Ask,
    /// What the client has sent arrives.
    ToServer,
    /// What the server has sent arrives.
    ToClient,
    /// The server answers the request in this place, or refuses it.
    Answer(usize),
    Refuse(usize),
    /// The transport is lost, or comes up again.
    Cut,
    Up,
    Pass(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => Just(Step::Send),
        2 => Just(Step::Ask),
        4 => Just(Step::ToServer),
        4 => Just(Step::ToClient),
        5 => (0usize..8).prop_map(Step::Answer),
        1 => (0usize..8).prop_map(Step::Refuse),
        1 => Just(Step::Cut),
        2 => Just(Step::Up),
        1 => (0u64..9_000).prop_map(Step::Pass),
    ]
}

struct World {
    link: Link,
    is_up: bool,
    accepted: BTreeMap<RequestId, Option<String>>,
    results: BTreeMap<RequestId, Result<Response, Status>>,
    /// What the room has taken.
    taken: BTreeSet<String>,
    welcomed: usize,
}

impl World {
    fn new() -> World {
        World {
            link: Link::in_room_1(),
            is_up: true,
            accepted: BTreeMap::new(),
            results: BTreeMap::new(),
            taken: BTreeSet::new(),
            welcomed: 1,
        }
    }

    fn take(&mut self, step: &Step) {
        match step {
            Step::Send => {
                let message_id = format!("m{}", self.accepted.len());
                let id = self.link.request(send(&message_id)).unwrap();
                assert!(self.accepted.insert(id, Some(message_id)).is_none());
            }
            Step::Ask => {
                let id = self.link.request(info()).unwrap();
                assert!(self.accepted.insert(id, None).is_none());
            }
            Step::ToServer => self.link.deliver_to_server(),
            Step::ToClient => self.link.deliver_to_client(),
            Step::Answer(place) => self.answer(*place, true),
            Step::Refuse(place) => self.answer(*place, false),
            Step::Cut if self.is_up => self.cut(),
            Step::Up if !self.is_up => {
                self.is_up = true;
                self.link.up();
            }
            Step::Cut | Step::Up => {}
            Step::Pass(ms) => self.link.pass_ms(*ms),
        }
        if self.link.closed.is_some() {
            self.cut();
        }
        if self.is_up && self.link.logins.len() > self.welcomed {
            self.welcomed = self.link.logins.len();
            let resumed_rooms = vec![pb::RoomEnterResponse { resumed: true, ..entered(1, 5, 10) }];
            self.link.welcome(pb::LoginResponse { resume_token: "r".into(), resumed_rooms, ..Default::default() });
        }
        for (id, result) in self.link.take_results() {
            assert!(self.accepted.contains_key(&id), "a result nobody waits for");
            assert!(self.results.insert(id, result).is_none(), "{id:?} completed twice");
        }
    }

    fn cut(&mut self) {
        self.link.cut();
        self.is_up = false;
        self.welcomed = self.link.logins.len();
    }

    fn answer(&mut self, place: usize, accept: bool) {
        let Some((sequence, request)) = self.link.asked.get(place).cloned() else { return };
        match &request {
            _ if !accept => self.link.refuse(sequence, &Status::new(Code::Forbidden, "no")),
            Request::MessageSend(send) => {
                let duplicate = !self.taken.insert(send.message_id.clone());
                assert!(!duplicate || send.resend, "a repetition says that it is one");
                let message_id = send.message_id.clone();
                let response = pb::MessageSendResponse { message_id, duplicate, ..Default::default() };
                self.link.answer(sequence, &Response::MessageSend(response));
            }
            _ => self.link.answer(sequence, &Response::RoomInfo(Box::default())),
        }
    }

    /// The storm is over: everything comes to its end.
    fn settle(&mut self) {
        self.take(&Step::Up);
        for _ in 0..4 {
            for step in [Step::ToServer, Step::ToClient] {
                self.take(&step);
            }
            while !self.link.asked.is_empty() {
                self.take(&Step::Answer(0));
            }
        }
    }
}

proptest! {
    #[test]
    fn every_request_comes_to_one_result(steps in proptest::collection::vec(step(), 1..120)) {
        let mut world = World::new();
        for step in &steps {
            world.take(step);
        }
        world.settle();
        prop_assert_eq!(world.link.client.requests_open(), 0);
        prop_assert_eq!(world.results.len(), world.accepted.len());
        for (id, message_id) in &world.accepted {
            if let (Some(message_id), Ok(Response::MessageSend(response))) = (message_id, &world.results[id]) {
                prop_assert_eq!(message_id, &response.message_id, "the answer is the right one");
                prop_assert!(world.taken.contains(message_id), "acknowledged, and so taken");
            }
        }
    }

    #[test]
    fn a_client_that_gives_up_leaves_no_request_open(steps in proptest::collection::vec(step(), 1..60)) {
        let mut world = World::new();
        for step in &steps {
            world.take(step);
        }
        let mut out = Vec::new();
        world.link.client.give_up(&Status::new(Code::NotInitialised, "closed"), &mut out);
        world.link.told.extend(out);
        world.take(&Step::ToServer);
        prop_assert_eq!(world.results.len(), world.accepted.len());
        prop_assert_eq!(world.link.client.requests_open(), 0);
    }
}

#[test]
fn one_request_too_many_is_refused_and_leaves_no_trace() {
    let mut link = Link::in_room_1();
    for _ in 0..1024 {
        link.request(info()).unwrap();
    }
    assert_eq!(link.request(info()).unwrap_err().code, Code::Busy);
    assert_eq!(link.client.requests_open(), 1024);
}

#[test]
fn a_request_over_the_servers_limit_is_not_sent() {
    let mut link = Link::new(pb::LoginRequest::default());
    link.up();
    link.turn();
    link.welcome(pb::LoginResponse { frame_bytes_max: 4096, ..Default::default() });
    link.turn();
    let offer = pb::QueueOfferRequest { key: "k".into(), value: vec![0; 4096].into(), ..Default::default() };
    link.request(Request::QueueOffer(Box::new(offer))).unwrap();
    assert!(link.to_server.is_empty());
    assert_eq!(link.take_results()[0].1.as_ref().unwrap_err().code, Code::BadParameter);
    assert_eq!(link.request(Request::Ping(vec![0; 65].into())).unwrap_err().code, Code::BadParameter);
    assert_eq!(link.request(login()).unwrap_err().code, Code::AlreadyLoggedIn);
}
