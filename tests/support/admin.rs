//! A caller of the HTTP API: one request per connection, signed as rest-api.md §1.1 asks.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;
use sha1::{Digest, Sha1};

use super::PATIENCE;

/// A caller with an application's authority.
#[derive(Clone)]
pub struct Admin {
    address: SocketAddr,
    app_key: String,
    secret: String,
}

impl Admin {
    /// A caller of the API at `address`.
    pub fn new(address: SocketAddr, app_key: &str, secret: &str) -> Admin {
        Admin { address, app_key: app_key.into(), secret: secret.into() }
    }

    /// Calls an endpoint, e.g. `chatroom/create`, and returns the JSON answer.
    pub fn call(&self, endpoint: &str, parameters: &[(&str, &str)]) -> Value {
        let nonce = format!("{:032x}", fastrand::u128(..));
        let time = unix_ms() / 1000;
        let checksum = sha1_hex(&[&self.secret, &nonce, &time.to_string()]);
        let body = parameters.iter().map(|(name, value)| format!("{name}={}", escape(value))).collect::<Vec<_>>().join("&");
        let request = format!(
            "POST /nimserver/{endpoint}.action HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAppKey: {}\r\nNonce: {nonce}\r\n\
             CurTime: {time}\r\nCheckSum: {checksum}\r\nContent-Type: application/x-www-form-urlencoded;charset=utf-8\r\n\
             Content-Length: {}\r\n\r\n{body}",
            self.app_key,
            body.len()
        );
        let (status, answer) = self.exchange(&request);
        assert_eq!(status, 200, "{endpoint} answered {answer}");
        serde_json::from_str(&answer).unwrap_or_else(|error| panic!("{endpoint} answered {answer:?}: {error}"))
    }

    /// Asks for a page without authority, e.g. `/metrics`: status and body.
    pub fn page(&self, path: &str) -> (u16, String) {
        self.exchange(&format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"))
    }

    /// Creates an account and returns its static token.
    pub fn create_user(&self, account: &str) -> String {
        let answer = self.call("user/create", &[("accid", account)]);
        assert_eq!(answer["code"], 200, "{answer}");
        answer["info"]["token"].as_str().expect("an account has a token").into()
    }

    /// Creates a room and returns its id. The creator must exist.
    pub fn create_room(&self, creator: &str, name: &str) -> i64 {
        self.create_room_with(creator, name, &[])
    }

    /// Creates a room that does not tell who comes and goes.
    pub fn create_quiet_room(&self, creator: &str, name: &str) -> i64 {
        self.create_room_with(creator, name, &[("inOutNotification", "0")])
    }

    /// Creates a room with further parameters.
    pub fn create_room_with(&self, creator: &str, name: &str, more: &[(&str, &str)]) -> i64 {
        let mut parameters = vec![("creator", creator), ("name", name)];
        parameters.extend_from_slice(more);
        let answer = self.call("chatroom/create", &parameters);
        assert_eq!(answer["code"], 200, "{answer}");
        answer["chatroom"]["roomid"].as_i64().expect("a room has an id")
    }

    fn exchange(&self, request: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(self.address).expect("the HTTP API accepts");
        stream.set_read_timeout(Some(PATIENCE)).expect("a socket has a timeout");
        stream.write_all(request.as_bytes()).expect("the HTTP API reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("the HTTP API answers");
        let (head, body) = answer.split_once("\r\n\r\n").expect("an HTTP answer has a head");
        let status = head.split_whitespace().nth(1).and_then(|word| word.parse().ok()).expect("an HTTP answer has a status");
        let chunked = head.to_ascii_lowercase().contains("transfer-encoding: chunked");
        (status, if chunked { join_chunks(body) } else { body.into() })
    }
}

/// A dynamic token (chatroom.md §d.1).
pub fn dynamic_token(app_key: &str, secret: &str, account: &str, ttl_seconds: u64) -> String {
    use base64::Engine;
    let time = unix_ms();
    let signature = sha1_hex(&[app_key, account, &time.to_string(), &ttl_seconds.to_string(), secret]);
    let json = format!("{{\"signature\":\"{signature}\",\"curTime\":{time},\"ttl\":{ttl_seconds}}}");
    base64::engine::general_purpose::STANDARD.encode(json)
}

/// Milliseconds since 1970.
pub fn unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock is past 1970");
    since.as_millis() as u64
}

fn sha1_hex(parts: &[&str]) -> String {
    let mut hasher = Sha1::new();
    for part in parts {
        hasher.update(part.as_bytes());
    }
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn escape(value: &str) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(byte);
    value.bytes().map(|byte| if plain(&byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

fn join_chunks(mut body: &str) -> String {
    let mut joined = String::new();
    while let Some((size, rest)) = body.split_once("\r\n") {
        let size = usize::from_str_radix(size.trim(), 16).expect("a chunk begins with its size");
        if size == 0 {
            break;
        }
        joined.push_str(rest.get(..size).expect("a chunk is as long as it says"));
        body = rest.get(size + 2..).unwrap_or("");
    }
    joined
}
