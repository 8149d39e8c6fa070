//! `chatroomd` as a process: started on port 0, found by its ready line, watched through /proc, ended by signal.

use std::fs;
use std::io::{BufRead, BufReader, ErrorKind};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::{Admin, PATIENCE};

/// The application every test server knows.
pub const APP_KEY: &str = "testapp";
/// Its secret.
pub const APP_SECRET: &str = "test-secret-0123456789";

/// How to start a server.
#[derive(Default)]
pub struct Setup {
    /// TOML of the configuration file; empty for none.
    pub config: String,
    /// Keep nothing, instead of keeping everything in a folder.
    pub memory: bool,
    /// The data folder; absent: a temporary one that goes with the server.
    pub data: Option<PathBuf>,
    /// Number of workers; absent: the server decides.
    pub workers: Option<usize>,
    /// Further arguments.
    pub arguments: Vec<String>,
    /// Start without an application on the command line.
    pub no_app: bool,
    /// Further variables of its environment.
    pub environment: Vec<(&'static str, &'static str)>,
    /// Start without saying where to listen: `arguments` does.
    pub no_listen: bool,
    /// The program; absent: the `chatroomd` of this build.
    pub program: Option<PathBuf>,
}

/// A running server.
pub struct Server {
    child: Child,
    lines: Mutex<Receiver<String>>,
    errors: PathBuf,
    folder: TempDir,
    data: PathBuf,
    /// Where it accepts the wire protocol.
    pub wire: SocketAddr,
    /// Where it accepts HTTP.
    pub admin: SocketAddr,
    /// Where it accepts the wire protocol over TLS.
    pub tls: Option<SocketAddr>,
}

impl Server {
    /// Starts a server and waits for its ready line.
    pub fn start(setup: Setup) -> Server {
        Server::try_start(setup).unwrap_or_else(|why| panic!("{why}"))
    }

    /// Starts a server that has no limits on rates and keeps nothing: for tests about something else.
    pub fn start_unlimited() -> Server {
        Server::start(Setup { config: UNLIMITED.into(), memory: true, ..Setup::default() })
    }

    /// Starts a server; the error holds what it said when it ended before it was ready.
    pub fn try_start(setup: Setup) -> Result<Server, String> {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let data = setup.data.clone().unwrap_or_else(|| folder.path().join("data"));
        let errors = folder.path().join("stderr");
        let program = setup.program.unwrap_or_else(|| env!("CARGO_BIN_EXE_chatroomd").into());
        let mut command = Command::new(program);
        command.args(["--admin", "127.0.0.1:0"]);
        if !setup.no_listen {
            command.args(["--listen", "127.0.0.1:0"]);
        }
        if !setup.no_app {
            command.arg("--app").arg(format!("{APP_KEY}:{APP_SECRET}"));
        }
        if !setup.config.is_empty() {
            let path = folder.path().join("chatroomd.toml");
            fs::write(&path, &setup.config).expect("the temporary folder is writable");
            command.arg("--config").arg(path);
        }
        if setup.memory {
            command.arg("--memory");
        } else {
            command.arg("--data").arg(&data);
        }
        if let Some(workers) = setup.workers {
            command.arg("--workers").arg(workers.to_string());
        }
        command.args(&setup.arguments);
        command.envs(setup.environment.iter().copied());
        // What the environment of the tests says about servers is not meant for these.
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("CHATROOMD_")) {
            command.env_remove(name);
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        command.stderr(fs::File::create(&errors).expect("the temporary folder is writable"));
        // A program that was just written is busy while another test, which forked meanwhile, has its file still open.
        let mut child = loop {
            match command.spawn() {
                Err(error) if error.kind() == ErrorKind::ExecutableFileBusy => std::thread::yield_now(),
                started => break started.expect("chatroomd can be started"),
            }
        };
        let stdout = child.stdout.take().expect("stdout is piped");
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        let deadline = Instant::now() + PATIENCE;
        loop {
            match lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => {
                    if let Some((wire, admin, tls)) = parse_ready(&line) {
                        return Ok(Server { child, lines: Mutex::new(lines), errors, folder, data, wire, admin, tls });
                    }
                }
                Err(_) => {
                    let _ = child.kill();
                    let status = child.wait().expect("a child can be waited for");
                    let said = fs::read_to_string(&errors).unwrap_or_default();
                    return Err(format!("chatroomd was not ready ({status}); it said: {said}"));
                }
            }
        }
    }

    /// The HTTP API, with the authority of the test application.
    pub fn admin(&self) -> Admin {
        Admin::new(self.admin, APP_KEY, APP_SECRET)
    }

    /// The data folder.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// The process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Everything it has written to stderr so far.
    pub fn said(&self) -> String {
        fs::read_to_string(&self.errors).unwrap_or_default()
    }

    /// The next line it writes to stdout after the ready line, if one comes within `patience`.
    pub fn line(&self, patience: Duration) -> Option<String> {
        self.lines.lock().ok()?.recv_timeout(patience).ok()
    }

    /// Bytes of memory the process occupies.
    pub fn rss_bytes(&self) -> u64 {
        rss_bytes(self.pid())
    }

    /// Rewrites the configuration file the server was started with, and tells it to read that again (SIGHUP).
    pub fn reconfigure(&self, config: &str) {
        fs::write(self.folder.path().join("chatroomd.toml"), config).expect("the temporary folder is writable");
        kill_process(Pid::from_child(&self.child), Signal::HUP).expect("our own child can be signalled");
    }

    /// Sends SIGTERM.
    pub fn terminate(&self) {
        kill_process(Pid::from_child(&self.child), Signal::TERM).expect("our own child can be signalled");
    }

    /// Waits for the process to end by itself.
    pub fn wait(mut self, patience: Duration) -> ExitStatus {
        let deadline = Instant::now() + patience;
        loop {
            if let Some(status) = self.child.try_wait().expect("a child can be waited for") {
                return status;
            }
            assert!(Instant::now() < deadline, "chatroomd still runs after {patience:?}; it said: {}", self.said());
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Sends SIGTERM, waits for the end and returns everything written to stderr until then.
    pub fn end(self) -> String {
        self.terminate();
        let errors = fs::File::open(&self.errors).expect("stderr is a file of ours");
        self.wait(PATIENCE);
        std::io::read_to_string(errors).expect("what the server says is text")
    }

    /// Ends the process without a chance to write anything more.
    pub fn kill(mut self) {
        self.child.kill().expect("our own child can be killed");
        self.child.wait().expect("a child can be waited for");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("chatroomd said: {}", self.said());
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A configuration without limits on rates, for tests that are about something else.
pub const UNLIMITED: &str = "\
[limits]
connections_per_address_max = 1000000
requests_per_second = 0
client_send_per_second = 0
room_intake_per_second = 0

[http]
calls_per_second = 0

[log]
level = \"warn\"
";

/// A program for [`Setup::program`] that a shell prepares: `before` runs first, and `redirection` stands behind the command.
pub fn prepared(folder: &Path, before: &str, redirection: &str) -> PathBuf {
    use std::os::unix::fs::PermissionsExt;
    let path = folder.join("prepared");
    let program = env!("CARGO_BIN_EXE_chatroomd");
    fs::write(&path, format!("#!/bin/sh\n{before}\nexec {program} \"$@\" {redirection}\n")).expect("the folder is writable");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("our own file can be made executable");
    path
}

/// Reads `chatroomd ready wire=127.0.0.1:7400 admin=127.0.0.1:7480`, and `tls=127.0.0.1:7443` behind it.
fn parse_ready(line: &str) -> Option<(SocketAddr, SocketAddr, Option<SocketAddr>)> {
    let mut words = line.strip_prefix("chatroomd ready ")?.split_whitespace();
    let wire = words.next()?.strip_prefix("wire=")?.parse().ok()?;
    let admin = words.next()?.strip_prefix("admin=")?.parse().ok()?;
    let tls = words.next().and_then(|word| word.strip_prefix("tls=")?.parse().ok());
    Some((wire, admin, tls))
}

/// Ends a process, one of ours, without a chance to write anything more.
pub fn kill_hard(pid: u32) {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).expect("a process has a number");
    kill_process(pid, Signal::KILL).expect("our own child can be killed");
}

/// Bytes of memory a process occupies.
pub fn rss_bytes(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("the process runs");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("a process has a size");
    let kib: u64 = line.split_whitespace().nth(1).and_then(|word| word.parse().ok()).expect("a size is a number");
    kib * 1024
}

/// Processor time a process has used, user and system, all threads, in nanoseconds.
///
/// /proc/PID/stat counts ticks of 10 ms; the scheduler's own account of each thread is exact.
pub fn cpu_ns(pid: u32) -> u64 {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).expect("the process runs");
    let of_task = |task: fs::DirEntry| {
        let account = fs::read_to_string(task.path().join("schedstat")).ok()?;
        account.split_whitespace().next()?.parse::<u64>().ok()
    };
    tasks.flatten().filter_map(of_task).sum()
}
