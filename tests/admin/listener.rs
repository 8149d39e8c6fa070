//! The HTTP API over a real listener, with rooms that are no more than a map, and a caller who controls every byte.

use std::collections::{BTreeMap, HashMap};
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use chatroom::account::{Account, App, Directory, Keeper, NewAccount, Secret, Urgency, check_sum};
use chatroom::admin::{Admin, Rooms, Serving};
use chatroom::config::Http;
use chatroom::error::{Code, Status, Sub};
use chatroom::figures::{TopQuery, TopRooms};
use chatroom::id::{AccountId, RoomId};
use chatroom::room::{Actor, Command, Create, Origin, Query};
use chatroom::server::Session;
use chatroom::wire::{Response, pb};
use parking_lot::Mutex;

pub const SECRET: &str = "0123456789abcdef";

/// Rooms that remember what they were created from.
#[derive(Clone, Default)]
pub struct MapOfRooms {
    rooms: Arc<Mutex<HashMap<RoomId, Create>>>,
    /// What the next creation is refused with.
    pub refusal: Arc<Mutex<Option<Status>>>,
}

impl MapOfRooms {
    /// What the last room was created from.
    pub fn last(&self) -> Create {
        let rooms = self.rooms.lock();
        let newest = rooms.keys().max().expect("a room was created");
        rooms[newest].clone()
    }

    pub fn len(&self) -> usize {
        self.rooms.lock().len()
    }
}

impl Rooms for MapOfRooms {
    async fn create(&self, create: Create) -> Result<RoomId, Status> {
        if let Some(refusal) = self.refusal.lock().take() {
            return Err(refusal);
        }
        let mut rooms = self.rooms.lock();
        let id = RoomId::new(i64::try_from(rooms.len()).unwrap() + 1)?;
        rooms.insert(id, create);
        Ok(id)
    }

    async fn command(&self, _: &str, _: RoomId, _: Command) -> Result<Response, Status> {
        Err(Status::new(Code::Unavailable, "these rooms do not change"))
    }

    async fn command_seen(&self, _: &str, _: RoomId, _: Command) -> Result<(Option<pb::Member>, Response), Status> {
        Err(Status::new(Code::Unavailable, "these rooms do not change"))
    }

    async fn query(&self, app_key: &str, room: RoomId, actor: Actor, query: Query) -> Result<Response, Status> {
        assert_eq!((actor.origin, actor.client_type), (Origin::Http, 32));
        assert_eq!(query, Query::Info(pb::RoomInfoRequest { room_id: room.get() }));
        let rooms = self.rooms.lock();
        let found = rooms.get(&room).filter(|create| create.app_key == app_key);
        let create = found.ok_or_else(|| Status::with_sub(Code::NotFound, Sub::RoomMissing))?;
        let info = pb::RoomInfo {
            room_id: room.get(),
            creator: create.creator.to_string(),
            name: create.name.clone(),
            announcement: create.announcement.clone(),
            broadcast_url: create.broadcast_url.clone(),
            ext: create.ext.clone(),
            queue_level: create.queue_level,
            valid: true,
            in_out_notification: !create.silent_in_out,
            online_count: 7,
            ..pb::RoomInfo::default()
        };
        Ok(Response::RoomInfo(Box::new(pb::RoomInfoResponse { room: Some(info), ..pb::RoomInfoResponse::default() })))
    }

    async fn broadcast(&self, _: &str, _: Actor, _: pb::MessageSendRequest) -> Result<pb::MessageSendResponse, Status> {
        Err(Status::new(Code::Unavailable, "these rooms hear nothing"))
    }

    async fn top_rooms(&self, _: &str, _: TopQuery) -> Result<TopRooms, Status> {
        Err(Status::new(Code::Unavailable, "in these rooms nothing happens"))
    }

    async fn open_rooms_of(&self, _: &str, _: &AccountId) -> Result<Vec<RoomId>, Status> {
        Ok(Vec::new())
    }

    fn addresses(&self) -> Vec<String> {
        Vec::new()
    }

    async fn sessions(&self, _: &str, accounts: &[AccountId]) -> Result<Vec<Vec<Session>>, Status> {
        Ok(vec![Vec::new(); accounts.len()])
    }

    async fn put_out(&self, _: &str, _: &AccountId, _: &str) {}

    async fn set_muted(&self, _: &str, _: &AccountId, _: bool) {}
}

/// Keeps the accounts of one application.
#[derive(Default)]
struct Rows(Mutex<BTreeMap<String, Account>>);

impl Keeper for Rows {
    fn keep_app(&self, _: &App) -> Result<(), Status> {
        Ok(())
    }

    fn keep_account(&self, _: &str, account: &Account, _: Urgency) -> Result<(), Status> {
        self.0.lock().insert(account.id.to_string(), account.clone());
        Ok(())
    }

    fn read_account(&self, _: &str, id: &AccountId) -> Result<Option<Account>, Status> {
        Ok(self.0.lock().get(id.as_str()).cloned())
    }
}

/// The API, served until the process ends.
pub struct Api {
    pub address: SocketAddr,
    pub rooms: MapOfRooms,
    pub accounts: Arc<Directory>,
    pub ready: Arc<AtomicBool>,
    _serving: Serving,
}

/// Serves the API with the applications `demo`, `other` and `closed` (disabled), and the account `alice` in `demo`.
pub fn serve() -> Api {
    serve_with(Http::default())
}

/// As [`serve`], with settings.
pub fn serve_with(http: Http) -> Api {
    let (rooms, ready) = (MapOfRooms::default(), Arc::new(AtomicBool::new(true)));
    let accounts = Arc::new(Directory::new(Arc::<Rows>::default(), true));
    for key in ["demo", "other"] {
        accounts.insert_app(App::new(key, Secret::new(SECRET)).unwrap());
    }
    accounts.insert_app(App { disabled: true, ..App::new("closed", Secret::new(SECRET)).unwrap() });
    let alice = NewAccount { account: "alice".to_owned(), ..NewAccount::default() };
    accounts.create_account("demo", alice).unwrap();
    let admin = Admin {
        rooms: rooms.clone(),
        accounts: accounts.clone(),
        metrics: Arc::new(|| "chatroom_connections 3\n".to_owned()),
        ready: ready.clone(),
        store_failure: Arc::new(|| None),
        http,
    };
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    let serving = Serving::start(listener, admin).unwrap();
    Api { address, rooms, accounts, ready, _serving: serving }
}

/// A call, before it is sent. `None` leaves a header out.
#[derive(Clone)]
pub struct Call {
    pub method: &'static str,
    pub path: String,
    pub app_key: Option<String>,
    pub nonce: Option<String>,
    pub cur_time: Option<String>,
    pub check_sum: Option<String>,
    pub more_headers: String,
    pub body: Vec<u8>,
}

/// An answer as it came.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Answer {
    /// The number under `code`.
    pub fn code(&self) -> i64 {
        let json: serde_json::Value = serde_json::from_str(&self.body).unwrap();
        json["code"].as_i64().unwrap()
    }
}

/// Unix seconds.
pub fn now_seconds() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap()
}

/// A call of an endpoint of the application `demo`, signed, with a nonce nobody had before.
pub fn call(endpoint: &str, body: &str) -> Call {
    static CALLS: AtomicU64 = AtomicU64::new(0);
    let nonce = format!("nonce-{}", CALLS.fetch_add(1, Ordering::Relaxed));
    let call = Call {
        method: "POST",
        path: format!("/nimserver{endpoint}"),
        app_key: Some("demo".to_owned()),
        nonce: Some(nonce),
        cur_time: Some(now_seconds().to_string()),
        check_sum: None,
        more_headers: String::new(),
        body: body.as_bytes().to_vec(),
    };
    call.signed()
}

impl Call {
    /// The same call with the checksum that belongs to its nonce and time.
    pub fn signed(mut self) -> Call {
        let (nonce, cur_time) = (self.nonce.clone().unwrap_or_default(), self.cur_time.clone().unwrap_or_default());
        self.check_sum = Some(check_sum(SECRET, &nonce, &cur_time));
        self
    }

    /// Sends the call and reads the answer.
    pub fn send(&self, api: &Api) -> Answer {
        let mut head = format!("{} {} HTTP/1.1\r\nHost: chat\r\nConnection: close\r\n", self.method, self.path);
        let headers =
            [("AppKey", &self.app_key), ("Nonce", &self.nonce), ("CurTime", &self.cur_time), ("CheckSum", &self.check_sum)];
        for (name, value) in headers {
            if let Some(value) = value {
                head.push_str(&format!("{name}: {value}\r\n"));
            }
        }
        head.push_str(&self.more_headers);
        if !self.more_headers.contains("Transfer-Encoding") {
            head.push_str(&format!("Content-Length: {}\r\n", self.body.len()));
        }
        head.push_str("Content-Type: application/x-www-form-urlencoded;charset=utf-8\r\n\r\n");
        exchange(api.address, head.as_bytes(), &self.body)
    }
}

/// Asks for a page.
pub fn page(api: &Api, path: &str) -> Answer {
    exchange(api.address, format!("GET {path} HTTP/1.1\r\nHost: chat\r\nConnection: close\r\n\r\n").as_bytes(), b"")
}

fn exchange(address: SocketAddr, head: &[u8], body: &[u8]) -> Answer {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.write_all(head).unwrap();
    stream.write_all(body).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let _ = stream.shutdown(Shutdown::Both);
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer { status, head: head.to_ascii_lowercase(), body: body.to_owned() }
}
