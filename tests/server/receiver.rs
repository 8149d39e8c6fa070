//! An application's side of a callback: a small HTTP server that answers as the test tells it, and remembers what it was asked.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};

use serde_json::Value;

type Judge = dyn Fn(&Value) -> (u16, String) + Send + Sync;

/// A running receiver. Its threads end with the process.
pub struct Receiver {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<Value>>>,
}

impl Receiver {
    /// Answers each question with a status and a body. The judge may take its time: each connection has a thread.
    pub fn start(judge: impl Fn(&Value) -> (u16, String) + Send + Sync + 'static) -> Receiver {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let address = listener.local_addr().expect("a listener has an address");
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (judge, seen): (Arc<Judge>, _) = (Arc::new(judge), asked.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (judge, seen) = (judge.clone(), seen.clone());
                std::thread::spawn(move || serve(stream, &*judge, &seen));
            }
        });
        Receiver { address, asked }
    }

    /// Its address, as the configuration has it.
    pub fn url(&self) -> String {
        format!("http://{}/callback", self.address)
    }

    /// What it was asked so far.
    pub fn asked(&self) -> Vec<Value> {
        self.asked.lock().expect("no judge panics").clone()
    }
}

/// Serves one connection for as long as the other side keeps it.
fn serve(stream: TcpStream, judge: &Judge, seen: &Mutex<Vec<Value>>) {
    let mut reader = BufReader::new(stream.try_clone().expect("a socket can be cloned"));
    let mut writer = stream;
    loop {
        let mut length = 0;
        let mut is_first = true;
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
            if std::mem::take(&mut is_first) {
                assert!(line.starts_with("POST /callback "), "{line}");
            }
            let line = line.trim().to_ascii_lowercase();
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().expect("a length is a number");
            }
            if line.is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        if reader.read_exact(&mut body).is_err() {
            return;
        }
        let question = serde_json::from_slice(&body).expect("a question is JSON");
        seen.lock().expect("no judge panics").push(question);
        let question = serde_json::from_slice(&body).expect("it was read before");
        let (status, answer) = judge(&question);
        let head =
            format!("HTTP/1.1 {status} Said\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n", answer.len());
        if writer.write_all(head.as_bytes()).and_then(|()| writer.write_all(answer.as_bytes())).is_err() {
            return;
        }
    }
}

/// A gate that judges wait at until the test opens it.
#[derive(Clone, Default)]
pub struct Gate(Arc<(Mutex<bool>, Condvar)>, Arc<AtomicBool>);

impl Gate {
    /// Waits until it is open.
    pub fn pass(&self) {
        self.1.store(true, Ordering::Release);
        let (open, opened) = &*self.0;
        let guard = open.lock().expect("nobody panics at the gate");
        drop(opened.wait_while(guard, |open| !*open).expect("nobody panics at the gate"));
    }

    /// Whether somebody has come to it.
    pub fn is_reached(&self) -> bool {
        self.1.load(Ordering::Acquire)
    }

    /// Lets everybody through from now on.
    pub fn open(&self) {
        let (open, opened) = &*self.0;
        *open.lock().expect("nobody panics at the gate") = true;
        opened.notify_all();
    }
}
