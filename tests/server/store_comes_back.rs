//! A store that failed comes back by itself: a disk that is full, one that answers with errors, descriptors that run out. While it
//! fails, changes are refused with 500 and everything else goes on; nobody is cut off; what was acknowledged is there afterwards,
//! and what was refused is not.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::support::ask::{info, send, text};
use crate::support::process::UNLIMITED;
use crate::support::{PATIENCE, Peer, Server, Setup, wait_until};
use chatroom::wire::{Push, pb};
use tempfile::TempDir;

/// Longest time from the end of the cause to the first change that is taken: the longest pause, and what a loaded machine adds.
const BACK_WITHIN: Duration = Duration::from_secs(20);

/// Messages that were acknowledged, by id, and those that were refused.
#[derive(Default)]
struct Sent {
    kept: Vec<String>,
    refused: Vec<String>,
}

impl Sent {
    /// Sends one message and gives its code and epoch.
    fn send(&mut self, peer: &mut Peer, room: i64, id: &str) -> (i32, u64) {
        let answer = peer.send_text(room, id, &"x".repeat(2000));
        match answer.code {
            0 => self.kept.push(id.into()),
            _ => self.refused.push(id.into()),
        }
        (answer.code, answer.epoch)
    }

    /// Sends until the store takes nothing.
    fn until_refused(&mut self, peer: &mut Peer, room: i64) {
        let deadline = Instant::now() + PATIENCE;
        for number in 0.. {
            assert!(Instant::now() < deadline, "the store goes on");
            let (code, _) = self.send(peer, room, &format!("f{number}"));
            if code != 0 {
                assert_eq!(code, 500, "a change is refused with the code of a failed server");
                return;
            }
        }
    }

    /// Sends until the store takes something again, and says after how long.
    fn until_taken(&mut self, peer: &mut Peer, room: i64) -> (Duration, u64) {
        let since = Instant::now();
        for number in 0.. {
            let (code, epoch) = self.send(peer, room, &format!("b{number}"));
            if code == 0 {
                return (since.elapsed(), epoch);
            }
            assert_eq!(code, 500);
            assert!(since.elapsed() < BACK_WITHIN, "the store did not come back");
            std::thread::sleep(Duration::from_millis(5));
        }
        unreachable!()
    }
}

fn metric(server: &Server, name: &str) -> Option<f64> {
    let (_, page) = server.admin().page("/metrics");
    page.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok())
}

fn history(peer: &mut Peer, room: i64) -> Vec<String> {
    let id = |item: pb::HistoryItem| match item.item {
        Some(pb::history_item::Item::Message(message)) => Some(message.message_id),
        _ => None,
    };
    peer.whole_history(room).into_iter().filter_map(id).collect()
}

/// One round: the store fails for `cause`, and comes back once `mend` has taken the cause away.
fn fails_and_comes_back(server: &Server, cause: &str, spoil: impl FnOnce(), mend: impl FnOnce()) {
    let admin = server.admin();
    for account in ["boss", "ann", "bob", "cleo"] {
        admin.create_user(account);
    }
    let room = admin.create_room("boss", "Hall");
    let quiet = admin.create_room("boss", "Quiet");
    let (mut ann, mut bob) = (Peer::join(server, "ann", room), Peer::join(server, "bob", room));
    let mut dora = Peer::join(server, "boss", quiet);
    let mut sent = Sent::default();
    let (_, epoch) = sent.send(&mut ann, room, "first");
    let quiet_epoch = dora.send_text(quiet, "q1", "hello").epoch;

    spoil();
    sent.until_refused(&mut ann, room);
    wait_until("the cause in /readyz", || {
        let (status, page) = admin.page("/readyz");
        status == 503 && page.contains(cause)
    });
    wait_until("the metric", || metric(server, "chatroom_store_failed") == Some(1.0));
    wait_until("the cause in the log", || server.said().contains(cause));
    assert!(!server.said().contains("Poisoned"), "{}", server.said());
    assert_eq!(admin.page("/healthz").0, 200);

    // What needs no disk goes on: logins, entering and leaving, lists, and what members hear of it.
    let mut cleo = Peer::join(server, "cleo", room);
    let deadline = Instant::now() + PATIENCE;
    while bob.notification().r#type != pb::NotificationType::MemberEnter as i32 {
        assert!(Instant::now() < deadline, "who enters is not announced");
    }
    assert!(matches!(cleo.call(info(room)), chatroom::wire::Response::RoomInfo(info) if info.code == 0));
    assert_eq!(history(&mut bob, room), sent.kept, "the history is what was acknowledged");
    let refused = admin.call("chatroom/create", &[("creator", "boss"), ("name", "Other")]);
    assert_eq!(refused["code"], 500, "{refused}");

    mend();
    let (took, new_epoch) = sent.until_taken(&mut ann, room);
    println!("{cause}: from the end of the cause to the first 200: {} ms", took.as_millis());
    assert_eq!(admin.page("/readyz").0, 200);
    wait_until("the metric", || metric(server, "chatroom_store_failed") == Some(0.0));
    assert!(metric(server, "chatroom_store_reopened_total") >= Some(1.0));

    // The members are where they were. Where they saw something that is lost they learn it, and the epoch is new; else neither.
    let heard = bob.pushes_so_far();
    let is_lost = |push: &Push| matches!(push, Push::Message(message) if sent.refused.contains(&message.message_id));
    let has_lost = heard.iter().any(is_lost);
    let gap = heard.iter().find_map(|push| match push {
        Push::Gap(gap) => Some(gap.room_id),
        _ => None,
    });
    assert_eq!((gap, new_epoch > epoch), (has_lost.then_some(room), has_lost));
    assert_eq!(sent.send(&mut cleo, room, "last").0, 0);
    while bob.message().message_id != "last" {}
    let answer = dora.send_text(quiet, "q2", "still here");
    assert_eq!((answer.code, answer.epoch), (0, quiet_epoch), "nothing was lost here");
    assert!(!dora.pushes_so_far().iter().any(|push| matches!(push, Push::Gap(_))));

    // Nothing acknowledged is lost, nothing refused is there; what was refused may be sent again.
    assert_eq!(history(&mut bob, room), sent.kept);
    let again = sent.refused.first().cloned().expect("something was refused");
    let request = pb::MessageSendRequest { resend: true, ..text(room, &again, "again") };
    assert!(
        matches!(ann.call(send(request)), chatroom::wire::Response::MessageSend(answer) if answer.code == 0 && !answer.duplicate)
    );
    sent.kept.push(again);
    assert_eq!(history(&mut bob, room), sent.kept);
}

/// The history of the room after a restart on the same folder.
fn after_restart(data: PathBuf) -> Vec<String> {
    let server = Server::start(Setup { data: Some(data), config: UNLIMITED.into(), ..Setup::default() });
    let mut ann = Peer::join(&server, "ann", 1);
    history(&mut ann, 1)
}

/// The shim that has system calls fail, in a folder of its own, with the file that says which.
struct Fault {
    folder: TempDir,
    data: PathBuf,
}

impl Fault {
    fn new() -> Fault {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let data = folder.path().join("data");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/server/fault.c");
        let library = folder.path().join("fault.so");
        let built = Command::new("cc").args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(source).arg("-ldl").status();
        assert!(built.expect("there is a C compiler").success());
        Fault { folder, data }
    }

    fn server(&self, config: &str) -> Server {
        let leak = |path: PathBuf| -> &'static str { Box::leak(path.to_str().unwrap().to_owned().into_boxed_str()) };
        let environment = vec![
            ("LD_PRELOAD", leak(self.folder.path().join("fault.so"))),
            ("FAULT_FOLDER", leak(self.data.clone())),
            ("FAULT_SIGNAL", leak(self.signal())),
        ];
        let config = format!("{config}{UNLIMITED}");
        Server::start(Setup { data: Some(self.data.clone()), config, environment, ..Setup::default() })
    }

    fn signal(&self) -> PathBuf {
        self.folder.path().join("signal")
    }

    fn begin(&self, what: &str) {
        let new = self.folder.path().join("signal.new");
        fs::write(&new, what).unwrap();
        fs::rename(new, self.signal()).unwrap();
    }

    fn end(&self) {
        fs::remove_file(self.signal()).unwrap();
    }

    fn round(&self, config: &str, what: &str, cause: &str) {
        let server = self.server(config);
        fails_and_comes_back(&server, cause, || self.begin(what), || self.end());
        let mut ann = Peer::join(&server, "ann", 1);
        let kept = history(&mut ann, 1);
        drop(ann);
        server.terminate();
        server.wait(PATIENCE);
        assert_eq!(after_restart(self.data.clone()), kept);
    }
}

#[test]
fn a_store_that_could_not_write_comes_back() {
    Fault::new().round("", "w28", "No space left on device");
}

#[test]
fn a_store_that_could_not_sync_comes_back() {
    Fault::new().round("", "s5", "Input/output error");
}

#[test]
fn a_store_that_ran_out_of_descriptors_comes_back() {
    // The write fails first, as that of a store that has to open a file for it.
    Fault::new().round("", "wo24", "Too many open files");
}

#[test]
fn what_was_acknowledged_before_its_sync_survives_a_sync_that_failed() {
    Fault::new().round("durability = \"interval(50ms)\"\n", "s5", "Input/output error");
}

/// A file system of a few megabytes, unmounted in the end.
struct SmallDisk(TempDir);

impl SmallDisk {
    /// `None` where this user may not mount.
    fn new(megabytes: usize) -> Option<SmallDisk> {
        let folder = tempfile::tempdir().ok()?;
        let size = format!("size={megabytes}m");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(folder.path()).output().ok()?;
        mounted.status.success().then_some(SmallDisk(folder))
    }

    fn filler(&self) -> PathBuf {
        self.0.path().join("filler")
    }

    fn fill(&self) {
        use std::io::Write;
        let mut file = fs::File::create(self.filler()).unwrap();
        while file.write_all(&[1; 4096]).is_ok() {}
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

#[test]
fn a_store_on_a_disk_that_was_full_comes_back() {
    let Some(disk) = SmallDisk::new(24) else {
        return println!("this user may not mount a small disk; the other tests stand for it");
    };
    let data = disk.0.path().join("data");
    let server = Server::start(Setup { data: Some(data.clone()), config: UNLIMITED.into(), ..Setup::default() });
    fails_and_comes_back(&server, "No space left on device", || disk.fill(), || fs::remove_file(disk.filler()).unwrap());
    server.terminate();
    server.wait(PATIENCE);
    assert!(!after_restart(data).is_empty());
}
