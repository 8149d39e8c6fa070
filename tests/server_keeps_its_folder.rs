//! The data folder of a real server: who may read it, what a start says about damage, and what `verify`, `backup` and `restore` do.
#![cfg(feature = "server")]

mod support;

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use support::process::APP_SECRET;
use support::{PATIENCE, Server, Setup};

/// Everything below a folder, the folder first.
fn all_of(folder: &Path) -> Vec<PathBuf> {
    let mut found = vec![folder.to_owned()];
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() { found.extend(all_of(&entry.path())) } else { found.push(entry.path()) }
    }
    found
}

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

/// `chatroomd` behind a shell that sets the umask.
fn with_umask(folder: &Path, umask: &str) -> PathBuf {
    let path = folder.join("chatroomd");
    fs::write(&path, format!("#!/bin/sh\numask {umask}\nexec {} \"$@\"\n", env!("CARGO_BIN_EXE_chatroomd"))).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
    path
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn nobody_but_its_user_can_read_what_the_node_keeps() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("data");
    let setup = || Setup { data: Some(data.clone()), program: Some(with_umask(home.path(), "000")), ..Setup::default() };
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
