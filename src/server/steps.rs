//! Requests that take more than one question to a room: switching rooms, leaving all of them, putting other devices out
//! (chatroom.md §c.6, §d.4). Each step is asked under the sequence of the request; the answer leaves with the last.

use std::rc::Rc;
use std::sync::Arc;

use super::mailbox::Order;
use super::serve::stage;
use super::worker::{State, Worker, overloaded};
use crate::dispatch::{Answer, Asked};
use crate::error::{Code, Status, Sub};
use crate::id::{ConnId, DeviceId, RoomId};
use crate::room::{Ask, Op, Open, Query, check_devices};
use crate::wire::{PacketKind, Response, pb};

/// The requests of one connection of which some steps are still to be answered, by their sequences.
#[derive(Default)]
pub(crate) struct UnderWay {
    requests: Vec<(u32, Step)>,
}

/// What is waited for.
enum Step {
    /// Whether the connection is in the room it leaves, and whether its account is there with others too.
    Look { from: RoomId, to: RoomId, open: Box<Open> },
    /// The room it goes to.
    Enter { from: RoomId },
    /// The room it leaves; the answer of the one it has entered.
    Leave { entered: Box<pb::RoomEnterResponse> },
    /// So many rooms that it leaves.
    LeaveAll { waiting: usize, left: Vec<(String, i64)> },
    /// So many rooms that put devices out.
    KickDevices { waiting: usize, devices: Arc<[DeviceId]> },
}

impl State {
    /// Enters one room made by a client and leaves another; whatever fails, the connection stays where it was.
    pub(super) fn switch(&mut self, worker: &Rc<Worker>, id: ConnId, sequence: u32, request: pb::RoomSwitchRequest) {
        const KIND: u16 = PacketKind::RoomSwitch as u16;
        let (from, to, open) = match self.what_switch(worker, id, request) {
            Ok(switch) => switch,
            Err(status) => return self.refuse(id, KIND, sequence, &status),
        };
        if worker.shared.is_overloaded(from) || worker.shared.is_overloaded(to) {
            return self.refuse(id, KIND, sequence, &overloaded());
        }
        let Some(account) = self.connection(id).and_then(|connection| connection.actor()).map(|actor| actor.account) else {
            return;
        };
        self.wait_for(id, sequence, Step::Look { from, to, open });
        let accounts = vec![account.as_str().to_owned()];
        let look = Query::Lookup(pb::MemberLookupRequest { room_id: from.get(), accounts });
        self.ask(worker, Asked { connection: id, sequence, kind: KIND, room: from }, Ask::Query(look));
    }

    fn what_switch(
        &mut self,
        worker: &Worker,
        id: ConnId,
        request: pb::RoomSwitchRequest,
    ) -> Result<(RoomId, RoomId, Box<Open>), Status> {
        let from = RoomId::new(request.from_room_id)?;
        if !from.is_of_client() {
            return Err(Status::bad_parameter("from_room_id must be a room made by a client").refined(Sub::Parameter));
        }
        let to = request.to.ok_or_else(|| Status::bad_parameter("to must be given").refined(Sub::Parameter))?;
        let wishes = pb::RoomCreateRequest { enter_existing: true, ..to };
        let (to, open) = self.open(worker, id, wishes)?;
        Ok((from, to, Box::new(Open { must_exist: !request.create_missing, ..open })))
    }

    /// Leaves every room made by a client.
    pub(super) fn leave_all(&mut self, worker: &Rc<Worker>, id: ConnId, sequence: u32) {
        let rooms = self.hub.client_rooms(id);
        let next = Step::LeaveAll { waiting: rooms.len(), left: Vec::new() };
        self.ask_each(worker, id, sequence, PacketKind::RoomLeaveAll, &rooms, next, || Ask::Command(Op::Exit));
    }

    /// Puts other connections of the account out of every room it is in.
    pub(super) fn kick_devices(&mut self, worker: &Rc<Worker>, id: ConnId, sequence: u32, request: &pb::KickDevicesRequest) {
        if let Err(status) = check_devices(request) {
            return self.refuse(id, PacketKind::KickDevices as u16, sequence, &status);
        }
        let identity = self.connection(id).and_then(|connection| connection.identity.as_deref());
        let Some(identity) = identity else { return };
        let rooms = worker.shared.account_rooms.rooms(&identity.app_key, &identity.account);
        let devices: Arc<[DeviceId]> = request.device_ids.iter().map(|device| device.as_str().into()).collect();
        if rooms.is_empty() {
            self.kick_sessions(worker, id, &devices);
        }
        let next = Step::KickDevices { waiting: rooms.len(), devices };
        let ask = || Ask::Command(Op::KickDevices(request.clone()));
        self.ask_each(worker, id, sequence, PacketKind::KickDevices, &rooms, next, ask);
    }

    /// Closes the other connections of the account on these devices, in a room or not; on all devices where none is named.
    fn kick_sessions(&mut self, worker: &Rc<Worker>, id: ConnId, devices: &Arc<[DeviceId]>) {
        let identity = self.connection(id).and_then(|connection| connection.identity.as_deref());
        let Some(identity) = identity else { return };
        let ext = format!("{{\"clientType\":{}}}", identity.client_type);
        for session in worker.shared.sessions.of(&identity.app_key, &identity.account) {
            let mailbox = worker.shared.mailboxes.get(session.connection.worker()).filter(|_| session.connection != id);
            if let Some(mailbox) = mailbox {
                mailbox.order(session.connection, Order::KickDevice(devices.clone(), ext.as_str().into()));
            }
        }
    }

    #[allow(clippy::too_many_arguments)]
    fn ask_each(
        &mut self,
        worker: &Rc<Worker>,
        id: ConnId,
        sequence: u32,
        kind: PacketKind,
        rooms: &[RoomId],
        next: Step,
        ask: impl Fn() -> Ask,
    ) {
        let kind = kind as u16;
        if rooms.iter().any(|room| worker.shared.is_overloaded(*room)) {
            return self.refuse(id, kind, sequence, &overloaded());
        }
        if rooms.is_empty() {
            // There is nothing to wait for: done.
            return self.refuse(id, kind, sequence, &Status::OK);
        }
        self.wait_for(id, sequence, next);
        for room in rooms {
            self.ask_on(worker, Asked { connection: id, sequence, kind, room: *room }, ask());
        }
    }

    fn wait_for(&mut self, id: ConnId, sequence: u32, next: Step) {
        if let Some(connection) = self.connection(id) {
            connection.change_rare(|rare| rare.steps.get_or_insert_default().requests.push((sequence, next)));
        }
    }

    /// Takes the answer to a step, if it is one; gives it back if it is not.
    pub(super) fn take_step(&mut self, worker: &Rc<Worker>, asked: Asked, answer: Answer) -> Option<Answer> {
        let connection = self.connection(asked.connection)?;
        let Some(under_way) = connection.steps_mut() else { return Some(answer) };
        let requests = &mut under_way.requests;
        let Some(place) = requests.iter().position(|(sequence, _)| *sequence == asked.sequence) else { return Some(answer) };
        let (_, step) = requests.swap_remove(place);
        if requests.is_empty() {
            connection.change_rare(|rare| rare.steps = None);
        }
        match self.step(worker, asked, step, answer) {
            Ok(next) => self.wait_for(asked.connection, asked.sequence, next),
            Err(answer) => stage(self, worker, asked, *answer),
        }
        None
    }

    /// What is waited for next, or the answer to the whole request.
    fn step(&mut self, worker: &Rc<Worker>, asked: Asked, step: Step, answer: Answer) -> Result<Step, Box<Answer>> {
        match step {
            Step::Look { from, to, mut open } => {
                let is_alone = is_alone(answer).map_err(|status| Box::new(Err(status)))?;
                if from == to {
                    let room = Some(pb::RoomInfo { room_id: to.get(), alias: open.request.alias, ..Default::default() });
                    return Err(Box::new(Ok(switched(pb::RoomEnterResponse { room, ..Default::default() }))));
                }
                open.enter.leaves = is_alone.then_some(from);
                self.ask_on(worker, Asked { room: to, ..asked }, Ask::Command(Op::Open(open)));
                Ok(Step::Enter { from })
            }
            Step::Enter { from } => match answer {
                Ok(Response::RoomEnter(entered)) => {
                    self.ask_on(worker, Asked { room: from, ..asked }, Ask::Command(Op::Exit));
                    Ok(Step::Leave { entered })
                }
                other => Err(Box::new(other)),
            },
            // If it was put out of that room meanwhile, it has left all the same.
            Step::Leave { entered } => Err(Box::new(Ok(switched(*entered)))),
            Step::LeaveAll { waiting, mut left } => {
                if let Ok(Response::RoomExit(room)) = answer {
                    left.push((room.alias, room.room_id));
                }
                if waiting > 1 {
                    return Ok(Step::LeaveAll { waiting: waiting - 1, left });
                }
                left.sort_unstable();
                let (aliases, room_ids) = left.into_iter().unzip();
                let all = pb::RoomLeaveAllResponse { room_ids, aliases, ..Default::default() };
                Err(Box::new(Ok(Response::RoomLeaveAll(all))))
            }
            Step::KickDevices { waiting, devices } if waiting > 1 => Ok(Step::KickDevices { waiting: waiting - 1, devices }),
            // A room the account has left meanwhile holds none of its devices.
            Step::KickDevices { devices, .. } => {
                self.kick_sessions(worker, asked.connection, &devices);
                Err(Box::new(Ok(Response::KickDevices(pb::Status::default()))))
            }
        }
    }
}

/// Whether the connection is the only one of its account in the room that answers; 403 if it is not there, 503 if the room
/// could not say.
fn is_alone(answer: Answer) -> Result<bool, Status> {
    match answer {
        Ok(Response::MemberLookup(found)) => Ok(found.members.first().is_none_or(|member| member.connections.len() <= 1)),
        Err(status) if status.code == Code::NotFound => Err(Status::with_sub(Code::Forbidden, Sub::NotInRoom)),
        Err(status) => Err(status),
        Ok(_) => Err(Status::new(Code::ServerError, "a look-up came to something else")),
    }
}

fn switched(entered: pb::RoomEnterResponse) -> Response {
    Response::RoomSwitch(Box::new(entered))
}

#[cfg(test)]
pub(super) mod tests {
    use std::io::{ErrorKind, Read};
    use std::net::{TcpListener, TcpStream};
    use std::sync::atomic::AtomicI64;

    use bytes::{Bytes, BytesMut};

    use super::*;
    use crate::config::Config;
    use crate::dispatch::{Hub, HubConfig, Mail, owner_of};
    use crate::id::AccountId;
    use crate::limits::MAILBOX_BYTES_MAX;
    use crate::server::Node;
    use crate::server::connection::{Connection, Identity};
    use crate::server::transport::Transport;
    use crate::session::ServerSession;
    use crate::wire::{FrameCodec, Packet};
    use tokio_util::codec::Decoder;

    const SEQUENCE: u32 = 7;

    /// The first of two workers, of a node whose second one does nothing any more, and one connection, with the client's end of it.
    pub(in crate::server) fn worker() -> (Rc<Worker>, ConnId, TcpStream) {
        let listen = "127.0.0.1:0".parse().unwrap();
        let config = Config { memory: true, workers: 2, listen, ..Config::default() };
        let node = Node::start(&config).unwrap();
        let (shared, log) = (node.shared.clone(), node.storage.log.clone());
        node.stop();
        let hub = Hub::new(HubConfig {
            worker: 0,
            workers: 2,
            epoch: log.epoch(),
            seed: 1,
            rules: shared.apps.clone(),
            feed_bytes_max: config.limits.feed_bytes_max,
            detach_grace_ms: config.timers.detach_grace_ms,
            last_room: Arc::new(AtomicI64::new(0)),
            accounts: shared.account_rooms.clone(),
        });
        let worker = Worker::new(shared.clone(), 0, hub);
        let listener = TcpListener::bind(listen).unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        client.set_nonblocking(true).unwrap();
        let (socket, address) = listener.accept().unwrap();
        socket.set_nonblocking(true).unwrap();
        let transport = Transport::Plain(tokio::net::TcpStream::from_std(socket).unwrap());
        let id = ConnId::new(0, 1, 0);
        let session = ServerSession::new(&shared.session, shared.now());
        let mut connection = Connection::new(id, transport, session, address.ip(), shared.budgets.clone());
        connection.identity = Some(Box::new(Identity {
            account: AccountId::parse("ann").unwrap(),
            app_key: "app".into(),
            anonymous: false,
            globally_muted: false,
            client_type: 1,
            custom_client_type: 0,
            token_kind: crate::account::TokenKind::Static,
            long_token: false,
            face: None,
            device_id: DeviceId::default(),
        }));
        worker.with(|state| assert_eq!(state.connections.insert(connection), id.slot()));
        (worker, id, client)
    }

    /// A room of the other worker.
    pub(in crate::server) fn on_other_worker() -> RoomId {
        (1..100).map(|number| RoomId::of_client(number << 2)).find(|room| owner_of(*room, 2) == 1).unwrap()
    }

    /// Puts so much into the mailbox of the other worker that it counts as overloaded.
    fn overload(worker: &Worker, room: RoomId, connection: ConnId) {
        const PIECE: usize = 1 << 20;
        let piece = Bytes::from(vec![0; PIECE]);
        let replay = vec![piece; MAILBOX_BYTES_MAX / PIECE];
        worker.shared.mailboxes[1].post(vec![Mail::Joined { room, connection, replay, held: None }]);
        assert!(worker.shared.is_overloaded(room));
    }

    /// The rooms that the other worker is asked to let the connection out of.
    fn exits(state: &mut State) -> Vec<RoomId> {
        let is_exit = |mail: Mail| match mail {
            Mail::Request(request) if matches!(request.ask, Ask::Command(Op::Exit)) => Some(request.room),
            _ => None,
        };
        state.hub.take_mail(1).into_iter().filter_map(is_exit).collect()
    }

    #[tokio::test]
    async fn a_step_of_a_request_that_was_admitted_is_not_refused_by_an_overload_that_came_later() {
        let (worker, id, mut client) = worker();
        let room = |number: u64| RoomId::of_client(number << 2);
        let theirs: Vec<RoomId> = (1..100).map(room).filter(|room| owner_of(*room, 2) == 1).take(2).collect();
        let [from, to] = theirs[..] else { panic!("two of a hundred rooms") };
        overload(&worker, from, id);
        let mut is_silent = |state: &mut State| {
            let has_come = client.read(&mut [0]).map_err(|error| error.kind()) != Err(ErrorKind::WouldBlock);
            !has_come && !state.connection(id).unwrap().has_backlog()
        };
        let asked = |kind: PacketKind, room| Asked { connection: id, sequence: SEQUENCE, kind: kind as u16, room };
        worker.with(|state| {
            // The room it goes to has let it in; the overload came between.
            state.wait_for(id, SEQUENCE, Step::Enter { from });
            let entered = Response::RoomEnter(Box::default());
            assert!(state.take_step(&worker, asked(PacketKind::RoomSwitch, to), Ok(entered)).is_none());
            assert_eq!(exits(state), [from], "it is not in both rooms for that");
            assert!(is_silent(state), "nor is it answered before the last step");
            let left = Response::RoomExit(pb::RoomExitResponse::default());
            assert!(state.take_step(&worker, asked(PacketKind::RoomSwitch, from), Ok(left)).is_none());
            let mut staged: BytesMut = std::mem::take(&mut state.staging);
            let frame = FrameCodec::default().decode(&mut staged).unwrap().expect("the answer to the switch");
            let Ok(Packet::Response { sequence, response: Response::RoomSwitch(answer) }) = Packet::decode(frame) else {
                panic!("not an answer to a switch");
            };
            assert_eq!((sequence, answer.code, staged.len()), (SEQUENCE, 0, 0), "once");
            // What is asked anew is refused, as a whole.
            let hall = Some(pb::RoomCreateRequest { alias: "hall".into(), ..Default::default() });
            let again = pb::RoomSwitchRequest { from_room_id: from.get(), to: hall, create_missing: true };
            state.switch(&worker, id, SEQUENCE + 1, again);
            assert!(state.hub.take_mail(1).is_empty() && !is_silent(state));
        });
    }
}
