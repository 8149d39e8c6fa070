//! The data folder of a real server: who may read it, what a start says about damage, and what `verify`, `backup` and `restore` do.

use std::fs::{self, OpenOptions, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::store_files::{all_of, flip, journal};
use crate::support::process::{APP_SECRET, UNLIMITED, prepared};
use crate::support::{PATIENCE, Peer, Server, Setup, wait_until};
use chatroom::wire::pb;

/// What group and others may do with anything of a folder.
fn open_to_others(folder: &Path) -> Vec<(PathBuf, String)> {
    let open = |path: PathBuf| {
        let mode = fs::metadata(&path).unwrap().mode();
        (mode & 0o077 != 0).then(|| (path, format!("{:o}", mode & 0o7777)))
    };
    all_of(folder).into_iter().filter_map(open).collect()
}

fn stop(server: Server) {
    server.terminate();
    assert!(server.wait(PATIENCE).success());
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn nobody_but_its_user_can_read_what_the_node_keeps() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("data");
    let setup =
        || Setup { data: Some(data.clone()), program: Some(prepared(home.path(), "umask 000", "")), ..Setup::default() };
    let server = Server::start(setup());
    let admin = server.admin();
    admin.create_user("owner");
    admin.create_quiet_room("owner", "kept");
    let while_it_runs = open_to_others(&data);
    stop(server);
    let holds_secret = |path: &&PathBuf| {
        let bytes = if path.is_file() { fs::read(path).unwrap() } else { Vec::new() };
        bytes.windows(APP_SECRET.len()).any(|window| window == APP_SECRET.as_bytes())
    };
    assert!(all_of(&data).iter().any(|path| holds_secret(&path)), "the test looks where the secret is");
    assert_eq!((while_it_runs, open_to_others(&data)), (vec![], vec![]));

    // A folder of a node that was less careful.
    for path in all_of(&data) {
        fs::set_permissions(&path, Permissions::from_mode(if path.is_dir() { 0o755 } else { 0o644 })).unwrap();
    }
    stop(Server::start(setup()));
    assert_eq!(open_to_others(&data), vec![]);
}

#[test]
fn a_wide_folder_of_another_user_is_refused_with_words() {
    if !rustix::process::geteuid().is_root() {
        return; // Only root can make a folder of another user.
    }
    let home = tempfile::tempdir().unwrap();
    fs::set_permissions(home.path(), Permissions::from_mode(0o755)).unwrap();
    let data = home.path().join("data");
    fs::create_dir(&data).unwrap();
    fs::set_permissions(&data, Permissions::from_mode(0o777)).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_chatroomd"));
    command.args(["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--data"]).arg(&data).uid(65_534).gid(65_534);
    let Ok(output) = command.output() else { return }; // The build's folder is closed to that user.
    let words = said(&output);
    assert_eq!(output.status.code(), Some(1), "{words}");
    assert!(words.contains("mode 0777") && words.contains("owner 0") && words.contains("0700"), "{words}");
    assert!(fs::read_dir(&data).unwrap().next().is_none(), "a refused start leaves nothing");
}

fn chatroomd(arguments: &[&Path]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_chatroomd")).args(arguments).output().expect("chatroomd can be started")
}

fn word(text: &str) -> &Path {
    Path::new(text)
}

/// A server on a folder that another test step uses again.
fn serve(data: &Path) -> Server {
    Server::start(Setup { data: Some(data.to_owned()), config: UNLIMITED.into(), ..Setup::default() })
}

#[test]
fn a_start_refuses_a_wrong_byte_and_cuts_only_a_torn_end() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("data");
    let server = serve(&data);
    let admin = server.admin();
    admin.create_user("owner");
    let room = admin.create_quiet_room("owner", "kept");
    let mut owner = Peer::join(&server, "owner", room);
    for number in 0..40 {
        assert_eq!(owner.send_text(room, &format!("m{number}"), "text").code, 0);
    }
    stop(server);
    let whole = chatroomd(&[word("verify"), &data]);
    assert!(whole.status.success() && said(&whole).contains("stopped cleanly"), "{}", said(&whole));

    let (path, used) = journal(&data);
    flip(&path, used / 2);
    for _ in 0..2 {
        let why = Server::try_start(Setup { data: Some(data.clone()), ..Setup::default() }).err().expect("it must not start");
        assert!(why.contains("is damaged after commit") && why.contains("Nothing was cut"), "{why}");
    }
    let output = chatroomd(&[word("verify"), &data]);
    assert!(output.status.code() == Some(1) && said(&output).contains("PROBLEM: "), "{}", said(&output));
    flip(&path, used / 2);

    let server = serve(&data);
    let mut owner = Peer::join(&server, "owner", room);
    assert_eq!(owner.send_text(room, "last", "text").code, 0);
    server.kill();
    let (path, used) = journal(&data);
    OpenOptions::new().write(true).open(&path).unwrap().set_len(used - 1).unwrap();
    let original = fs::read(&path).unwrap();
    let server = serve(&data);
    wait_until("the log to say so", || server.said().contains("the torn end of the newest journal was cut"));
    let kept = fs::read_dir(data.join("store.cut")).unwrap().next().unwrap().unwrap().path();
    assert!(fs::read(kept).unwrap() == original, "the original is kept");
    let metric = || server.admin().page("/metrics").1.contains("chatroom_store_cut_ends_total 1");
    wait_until("the metric", metric);
    let mut owner = Peer::join(&server, "owner", room);
    assert!(owner.whole_history(room).len() >= 40, "{} messages", owner.whole_history(room).len());
}

#[test]
fn a_backup_of_a_running_node_is_restored_with_all_that_was_acknowledged() {
    let home = tempfile::tempdir().unwrap();
    let [data, backup, restored] = ["data", "backup", "restored"].map(|name| home.path().join(name));
    let server = serve(&data);
    let admin = server.admin();
    admin.create_user("owner");
    let room = admin.create_quiet_room("owner", "kept");
    let mut owner = Peer::join(&server, "owner", room);
    for number in 0..30 {
        assert_eq!(owner.send_text(room, &format!("before{number}"), "text").code, 0);
    }
    let output = std::thread::scope(|scope| {
        let (done, is_done) = std::sync::mpsc::channel::<()>();
        scope.spawn(move || {
            for number in 0.. {
                assert_eq!(owner.send_text(room, &format!("meanwhile{number}"), "text").code, 0);
                if is_done.try_recv() == Err(std::sync::mpsc::TryRecvError::Disconnected) {
                    break;
                }
            }
        });
        let output = chatroomd(&[word("backup"), word("--data"), &data, &backup]);
        drop(done);
        output
    });
    assert!(output.status.success() && said(&output).contains("up to commit"), "{}", said(&output));
    assert_eq!(open_to_others(&backup), vec![]);
    let again = chatroomd(&[word("backup"), word("--data"), &data, &backup]);
    assert!(again.status.code() == Some(1) && said(&again).contains("not empty"), "{}", said(&again));
    let inside = chatroomd(&[word("backup"), word("--data"), &data, &data.join("copy")]);
    assert!(inside.status.code() == Some(1) && said(&inside).contains("inside"), "{}", said(&inside));
    stop(server);

    let output = chatroomd(&[word("restore"), &backup, &restored]);
    assert!(output.status.success(), "{}", said(&output));
    assert!(chatroomd(&[word("verify"), &restored]).status.success());
    let server = serve(&restored);
    let mut owner = Peer::join(&server, "owner", room);
    let message_id = |item: pb::HistoryItem| match item.item {
        Some(pb::history_item::Item::Message(message)) => Some(message.message_id),
        _ => None,
    };
    let found: Vec<String> = owner.whole_history(room).into_iter().filter_map(message_id).collect();
    let missing: Vec<String> = (0..30).map(|number| format!("before{number}")).filter(|id| !found.contains(id)).collect();
    assert!(missing.is_empty(), "{missing:?} of {found:?}");
    stop(server);

    // With no node running the command opens the store itself.
    let cold = home.path().join("cold");
    let output = chatroomd(&[word("backup"), word("--data"), &data, &cold]);
    assert!(output.status.success(), "{}", said(&output));
    assert!(chatroomd(&[word("verify"), &cold]).status.success());
}
