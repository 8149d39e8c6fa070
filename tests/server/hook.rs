//! A receiver of webhooks: a small HTTP server that keeps what it is posted, byte for byte, and answers as the test tells it.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use chatroom::account::{body_digest, check_sum};
use serde_json::Value;

/// One call.
#[derive(Clone, Debug)]
pub struct Told {
    pub at: Instant,
    /// What stands behind the host.
    pub path: String,
    /// By name in lower case.
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
}

impl Told {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("a report is JSON")
    }

    /// A field, all of which are texts.
    pub fn text(&self, name: &str) -> String {
        self.json()[name].as_str().unwrap_or_default().to_owned()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(&name.to_ascii_lowercase()).map_or("", String::as_str)
    }

    /// Whether the headers sign the body with this secret.
    pub fn is_signed(&self, app_key: &str, secret: &str) -> bool {
        let digest = body_digest(&self.body);
        self.header("MD5") == digest
            && self.header("AppKey") == app_key
            && self.header("CheckSum") == check_sum(secret, &digest, self.header("CurTime"))
    }
}

/// What a receiver does with a call.
pub enum Says {
    /// A status and a body.
    Status(u16),
    /// 200, and a body that never ends.
    Endlessly,
    /// Nothing: the connection ends.
    Nothing,
    /// Nothing, and the connection stays.
    Hangs,
}

type Judge = dyn Fn(&Told) -> Says + Send + Sync;

/// A running receiver.
pub struct Hook {
    address: SocketAddr,
    told: Arc<Mutex<Vec<Told>>>,
}

impl Hook {
    /// Takes whatever comes.
    pub fn start() -> Hook {
        Hook::judging(|_| Says::Status(200))
    }

    pub fn judging(judge: impl Fn(&Told) -> Says + Send + Sync + 'static) -> Hook {
        Hook::listening(TcpListener::bind("127.0.0.1:0").expect("a port is free"), judge)
    }

    /// As `judging`, where nobody listened so far.
    pub fn at(address: SocketAddr, judge: impl Fn(&Told) -> Says + Send + Sync + 'static) -> Hook {
        Hook::listening(TcpListener::bind(address).expect("the port is still free"), judge)
    }

    fn listening(listener: TcpListener, judge: impl Fn(&Told) -> Says + Send + Sync + 'static) -> Hook {
        let address = listener.local_addr().expect("a listener has an address");
        let told: Arc<Mutex<Vec<Told>>> = Arc::default();
        let (judge, seen): (Arc<Judge>, _) = (Arc::new(judge), told.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (judge, seen) = (judge.clone(), seen.clone());
                std::thread::spawn(move || {
                    let keep = |told: Told| seen.lock().expect("nobody panics here").push(told);
                    let _ = serve(stream, &*judge, &keep);
                });
            }
        });
        Hook { address, told }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}/{path}", self.address)
    }

    /// What it was told so far.
    pub fn told(&self) -> Vec<Told> {
        self.told.lock().expect("nobody panics here").clone()
    }

    /// One field of everything it was told so far.
    pub fn texts(&self, name: &str) -> Vec<String> {
        self.told().iter().map(|told| told.text(name)).collect()
    }
}

/// An address at which nobody listens, and at which no other test begins to.
pub fn nobody() -> SocketAddr {
    static GIVEN: AtomicU8 = AtomicU8::new(1);
    let host = [127, 9, 8, GIVEN.fetch_add(1, Ordering::Relaxed)];
    TcpListener::bind(SocketAddr::from((host, 0))).and_then(|listener| listener.local_addr()).expect("a port is free")
}

/// Serves one connection for as long as the other side keeps it.
pub fn serve(stream: TcpStream, judge: &dyn Fn(&Told) -> Says, keep: &dyn Fn(Told)) -> io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut writer = stream;
    loop {
        let (mut path, mut headers) = (String::new(), BTreeMap::new());
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line)? == 0 {
                return Ok(());
            }
            let line = line.trim_end();
            if line.is_empty() {
                break;
            }
            match line.split_once(": ") {
                Some((name, value)) => drop(headers.insert(name.to_ascii_lowercase(), value.to_owned())),
                None => path = line.split(' ').nth(1).unwrap_or_default().trim_start_matches('/').to_owned(),
            }
        }
        let length = headers.get("content-length").and_then(|length| length.parse().ok()).expect("a report says its length");
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        let told = Told { at: Instant::now(), path, headers, body };
        let says = judge(&told);
        keep(told);
        match says {
            Says::Status(status) => {
                let answer = "{\"errCode\":0}";
                let head = format!("HTTP/1.1 {status} Said\r\nContent-Length: {}\r\n\r\n{answer}", answer.len());
                writer.write_all(head.as_bytes())?;
            }
            Says::Endlessly => {
                writer.write_all(b"HTTP/1.1 200 Said\r\nContent-Length: 100\r\n\r\n{")?;
                loop {
                    std::thread::park();
                }
            }
            Says::Nothing => return writer.shutdown(Shutdown::Both),
            Says::Hangs => loop {
                std::thread::park();
            },
        }
    }
}
