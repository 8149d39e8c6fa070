//! The socket in the data folder through which another process of the same user asks a running node for a backup.
//!
//! One line of JSON each way: `{"backup":"/absolute/path"}`, then any number of `{"rows":…,"bytes":…}`, and at the end either of
//! `{"done":{…}}` and `{"failed":"words"}`. Only the folder's user gets through to it.

use std::fs::{File, Permissions};
use std::io::{BufRead as _, BufReader, Error, ErrorKind, Read as _, Result, Write as _};
use std::os::fd::AsRawFd as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::priority::give_way;
use crate::limits::{CONTROL_LINE_BYTES_MAX, CONTROL_PROGRESS_MS, CONTROL_TIMEOUT_MS};
use crate::log::{Copied, Log};

/// Name of the socket in the data folder.
const SOCKET: &str = "control";
/// Bytes a path of a socket may have on every system.
const SOCKET_PATH_BYTES_MAX: usize = 100;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Ask {
    Backup(PathBuf),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Word {
    Copied(Progress),
    Done(Progress),
    Failed(String),
}

#[derive(Clone, Copy, Serialize, Deserialize)]
struct Progress {
    rows: u64,
    bytes: u64,
    commits: u64,
}

impl From<Copied> for Progress {
    fn from(copied: Copied) -> Progress {
        Progress { rows: copied.rows, bytes: copied.bytes, commits: copied.commits }
    }
}

/// The listening socket and its thread.
pub(super) struct Control {
    path: PathBuf,
    // A path through it is short, however long that of the folder is.
    _folder: File,
    is_stopping: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Control {
    /// Listens in a data folder that is this process's alone.
    pub fn start(folder: &Path, log: Arc<dyn Log>) -> Result<Control> {
        let (path, handle) = socket_path(folder)?;
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = UnixListener::bind(&path)?;
        std::fs::set_permissions(&path, Permissions::from_mode(0o600))?;
        let is_stopping = Arc::new(AtomicBool::new(false));
        let stopping = is_stopping.clone();
        let thread = std::thread::Builder::new().name("control".into()).spawn(move || serve(&listener, &*log, &stopping))?;
        Ok(Control { path, _folder: handle, is_stopping, thread: Some(thread) })
    }
}

impl Drop for Control {
    /// Ends a backup that is under way, and the thread.
    fn drop(&mut self) {
        self.is_stopping.store(true, Ordering::Release);
        // Wakes the thread; where that fails it has ended.
        let _ = UnixStream::connect(&self.path);
        let _ = std::fs::remove_file(&self.path);
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the thread of the control socket ended by a panic");
        }
    }
}

/// The path to listen on, and the folder it leads through if it is too long for a socket.
fn socket_path(folder: &Path) -> Result<(PathBuf, File)> {
    let (path, handle) = (folder.join(SOCKET), File::open(folder)?);
    if path.as_os_str().as_bytes().len() <= SOCKET_PATH_BYTES_MAX {
        return Ok((path, handle));
    }
    Ok((PathBuf::from(format!("/proc/self/fd/{}/{SOCKET}", handle.as_raw_fd())), handle))
}

fn serve(listener: &UnixListener, log: &dyn Log, is_stopping: &AtomicBool) {
    // A copy takes no processor from those who chat.
    give_way();
    for stream in listener.incoming() {
        if is_stopping.load(Ordering::Acquire) {
            return;
        }
        if let Err(error) = stream.and_then(|stream| answer(&stream, log, is_stopping)) {
            tracing::warn!(%error, "a request on the control socket came to nothing");
        }
    }
}

fn answer(stream: &UnixStream, log: &dyn Log, is_stopping: &AtomicBool) -> Result<()> {
    let patience = Some(Duration::from_millis(CONTROL_TIMEOUT_MS));
    stream.set_read_timeout(patience)?;
    stream.set_write_timeout(patience)?;
    let mut line = Vec::new();
    BufReader::new(stream.take(CONTROL_LINE_BYTES_MAX)).read_until(b'\n', &mut line)?;
    let Ok(Ask::Backup(target)) = serde_json::from_slice(&line) else {
        return say(stream, &Word::Failed("the request cannot be read".into()));
    };
    tracing::info!(target = %target.display(), "a backup begins");
    let (started, mut told) = (Instant::now(), Instant::now());
    let copied = log.backup(&target, &mut |copied| {
        if is_stopping.load(Ordering::Acquire) {
            return false;
        }
        if told.elapsed() < Duration::from_millis(CONTROL_PROGRESS_MS) {
            return true;
        }
        told = Instant::now();
        // Whoever has gone needs no backup.
        say(stream, &Word::Copied(copied.into())).is_ok()
    });
    match copied {
        Ok(Copied { rows, bytes, commits }) => {
            let seconds = started.elapsed().as_secs();
            tracing::info!(target = %target.display(), rows, bytes, commits, seconds, "the backup is complete");
            say(stream, &Word::Done(Progress { rows, bytes, commits }))
        }
        Err(error) => {
            tracing::error!(target = %target.display(), %error, "the backup failed");
            say(stream, &Word::Failed(error.to_string()))
        }
    }
}

fn say(mut stream: &UnixStream, word: &Word) -> Result<()> {
    let mut line = serde_json::to_vec(word)?;
    line.push(b'\n');
    stream.write_all(&line)
}

/// Asks the node that runs on a folder for a backup. `None`: no node answers there.
pub(super) fn ask_backup(
    folder: &Path,
    target: &Path,
    progress: &mut dyn FnMut(u64),
) -> Result<Option<std::result::Result<Copied, String>>> {
    let (path, _handle) = match socket_path(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        found => found?,
    };
    let stream = match UnixStream::connect(&path) {
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) => return Ok(None),
        stream => stream?,
    };
    let mut line = serde_json::to_vec(&Ask::Backup(target.to_owned()))?;
    line.push(b'\n');
    (&stream).write_all(&line)?;
    for line in BufReader::new(&stream).lines() {
        match serde_json::from_str(&line?)? {
            Word::Copied(copied) => progress(copied.bytes),
            Word::Done(Progress { rows, bytes, commits }) => return Ok(Some(Ok(Copied { rows, bytes, commits }))),
            Word::Failed(words) => return Ok(Some(Err(words))),
        }
    }
    Err(Error::new(ErrorKind::UnexpectedEof, "the node ended before the backup was complete"))
}
