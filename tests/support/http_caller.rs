//! A caller of the HTTP API who controls every byte and the address it calls from.
#![allow(dead_code)]

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::{SystemTime, UNIX_EPOCH};

use chatroom::account::check_sum;
use serde_json::Value;
use socket2::{Domain, Socket, Type};

use crate::support::PATIENCE;
use crate::support::process::{APP_KEY, APP_SECRET};

/// A request before it is sent. The length of the body is said unless the headers say one.
#[derive(Clone)]
pub struct Request {
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    chunk: usize,
}

/// Unix seconds.
pub fn now_seconds() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap()
}

impl Request {
    /// A signed call of the test application.
    pub fn signed(path: &str, body: &str) -> Request {
        Request::signed_at(path, body, APP_SECRET, now_seconds())
    }

    /// A call signed with a secret of one's choice, at a time of one's choice.
    pub fn signed_at(path: &str, body: &str, secret: &str, seconds: i64) -> Request {
        let (nonce, time) = (format!("{:032x}", fastrand::u128(..)), seconds.to_string());
        let sum = check_sum(secret, &nonce, &time);
        let headers = [
            ("Host", "chat"),
            ("AppKey", APP_KEY),
            ("Nonce", &nonce),
            ("CurTime", &time),
            ("CheckSum", &sum),
            ("Content-Type", "application/x-www-form-urlencoded;charset=utf-8"),
        ];
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let (method, target) = ("POST".to_owned(), format!("/nimserver{path}"));
        Request { method, target, headers, body: body.into(), chunk: 0 }
    }

    pub fn with_method(self, method: &str) -> Request {
        Request { method: method.to_owned(), ..self }
    }

    pub fn with_body(self, body: &[u8]) -> Request {
        Request { body: body.to_owned(), ..self }
    }

    /// In place of whatever stood under that name.
    pub fn with(self, name: &str, value: &str) -> Request {
        let mut request = self.without(name);
        request.headers.push((name.to_owned(), value.to_owned()));
        request
    }

    pub fn without(mut self, name: &str) -> Request {
        self.headers.retain(|(known, _)| known != name);
        self
    }

    /// The body in chunks of so many bytes.
    pub fn chunked(self, chunk: usize) -> Request {
        Request { chunk, ..self }.with("Transfer-Encoding", "chunked")
    }

    pub fn bytes(&self) -> Vec<u8> {
        let mut head = format!("{} {} HTTP/1.1\r\n", self.method, self.target);
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if self.chunk == 0 && !self.headers.iter().any(|(name, _)| name == "Content-Length") {
            head.push_str(&format!("Content-Length: {}\r\n", self.body.len()));
        }
        let mut bytes = format!("{head}\r\n").into_bytes();
        if self.chunk == 0 {
            bytes.extend_from_slice(&self.body);
        } else {
            for chunk in self.body.chunks(self.chunk) {
                bytes.extend(format!("{:x}\r\n", chunk.len()).bytes());
                bytes.extend_from_slice(chunk);
                bytes.extend_from_slice(b"\r\n");
            }
            bytes.extend_from_slice(b"0\r\n\r\n");
        }
        bytes
    }
}

/// An answer as it came.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    /// In lower case.
    pub head: String,
    pub body: String,
    /// `100 Continue` came before it.
    pub was_asked_to_go_on: bool,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{:?}: {error}", self.body))
    }

    pub fn content_type(&self) -> &str {
        self.head.lines().find_map(|line| line.strip_prefix("content-type: ")).unwrap_or_default()
    }
}

/// Somebody at an address.
pub struct Caller {
    server: SocketAddr,
    address: Ipv4Addr,
}

impl Caller {
    pub fn from(server: SocketAddr, address: Ipv4Addr) -> Caller {
        Caller { server, address }
    }

    pub fn connect(&self) -> Connection {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.bind(&SocketAddr::from((self.address, 0)).into()).expect("every address of 127.0.0.0/8 is this machine's");
        socket.connect(&self.server.into()).expect("the HTTP API accepts");
        let stream = TcpStream::from(socket);
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Connection { stream, rest: Vec::new() }
    }

    /// One request on a connection of its own.
    pub fn answer(&self, request: &Request) -> Answer {
        self.connect().answer(request)
    }

    /// The JSON of an answer.
    pub fn call(&self, request: &Request) -> Value {
        self.answer(request).json()
    }
}

/// A connection that is kept.
pub struct Connection {
    stream: TcpStream,
    rest: Vec<u8>,
}

impl Connection {
    pub fn write(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("the HTTP API reads");
    }

    pub fn answer(&mut self, request: &Request) -> Answer {
        self.try_answer(request).expect("the HTTP API answers")
    }

    /// The answer, if the connection does not end before.
    pub fn try_answer(&mut self, request: &Request) -> Option<Answer> {
        // A server that refuses the head may close while the body is on its way.
        let _ = self.stream.write_all(&request.bytes());
        self.read(request.method == "HEAD")
    }

    /// Reads an answer; what stands behind a `100 Continue` is the answer.
    pub fn read(&mut self, is_head: bool) -> Option<Answer> {
        let mut was_asked_to_go_on = false;
        let head = loop {
            let head = self.until_blank_line()?;
            if !head.starts_with("HTTP/1.1 100") {
                break head.to_ascii_lowercase();
            }
            was_asked_to_go_on = true;
        };
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let length =
            head.lines().find_map(|line| line.strip_prefix("content-length: ")).map_or(0, |text| text.parse().unwrap());
        let body = if is_head { Vec::new() } else { self.take(length)? };
        Some(Answer { status, head, body: String::from_utf8(body).unwrap(), was_asked_to_go_on })
    }

    /// Waits for the server to close; it must say nothing before.
    pub fn expect_end(&mut self) {
        let mut rest = Vec::new();
        let ended = self.stream.read_to_end(&mut rest);
        let reset = ended.as_ref().is_err_and(|error| error.kind() == std::io::ErrorKind::ConnectionReset);
        assert!(ended.is_ok() || reset, "still open: {ended:?}");
        let said = String::from_utf8_lossy(&rest);
        assert!(rest.is_empty() || said.starts_with("HTTP/1.1 408"), "{said}");
    }

    fn until_blank_line(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.rest.windows(4).position(|window| window == b"\r\n\r\n") {
                let head: Vec<u8> = self.rest.drain(..end + 4).collect();
                return Some(String::from_utf8(head).unwrap());
            }
            self.more()?;
        }
    }

    fn take(&mut self, length: usize) -> Option<Vec<u8>> {
        while self.rest.len() < length {
            self.more()?;
        }
        Some(self.rest.drain(..length).collect())
    }

    fn more(&mut self) -> Option<()> {
        let mut chunk = [0; 16 * 1024];
        match self.stream.read(&mut chunk) {
            Ok(0) => None,
            Ok(read) => {
                self.rest.extend_from_slice(&chunk[..read]);
                Some(())
            }
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => None,
            Err(error) => panic!("no answer: {error}"),
        }
    }
}
