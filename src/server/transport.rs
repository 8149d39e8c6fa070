//! What a connection reads from and writes to: a socket, or TLS over one.
//!
//! Without TLS nothing is added to the socket, in size or on the way of a delivery, but one look at which of the two it is.

use std::collections::VecDeque;
use std::io::{self, BufRead, ErrorKind, IoSlice, Read, Write};
use std::net::Shutdown;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use bytes::BytesMut;
use rustls::{ServerConfig, ServerConnection};
use socket2::SockRef;
use tokio::io::Interest;
use tokio::net::TcpStream;

use crate::front::{Line, Lost, Sent};
use crate::id::ConnId;
use crate::limits::{TLS_HANDSHAKE_STEPS_PER_TURN, TLS_WRITE_BYTES};

/// What a connection reads from and writes to.
pub(crate) enum Transport {
    /// A socket.
    Plain(TcpStream),
    /// TLS over a socket.
    Tls(Box<TlsStream>),
}

/// TLS over a socket. Holds at most one piece of [`TLS_WRITE_BYTES`] that is enciphered and not written.
pub(crate) struct TlsStream {
    socket: TcpStream,
    tls: ServerConnection,
    place: Place,
    /// Bytes that came since the last that could be deciphered: what waits in `tls` is no more.
    undeciphered: usize,
    /// Our last word is said or the peer's cannot be read: what it still sends is thrown away.
    is_over: bool,
}

/// Where a connection stands among those whose handshake waits for a later turn.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    None,
    Waiting,
    Granted,
}

/// Rations handshakes, which cost a thousand times what a frame costs: so many steps a turn, the others wait in line, so that a crowd
/// that comes at once does not hold up those who are there.
#[derive(Default)]
pub(crate) struct Handshakes {
    left: usize,
    waiting: VecDeque<ConnId>,
}

impl Handshakes {
    /// A new turn: who has waited longest goes first. `grant` tells a connection, and whether it is still there.
    pub(crate) fn renew(&mut self, mut grant: impl FnMut(ConnId) -> bool) {
        self.left = TLS_HANDSHAKE_STEPS_PER_TURN;
        while self.left > 0
            && let Some(id) = self.waiting.pop_front()
        {
            self.left -= usize::from(grant(id));
        }
    }

    /// True if a step may be taken now; else the connection is in line, once.
    fn begin(&mut self, id: ConnId, place: &mut Place) -> bool {
        match *place {
            Place::Waiting => return false,
            Place::Granted => *place = Place::None,
            Place::None if self.left > 0 => self.left -= 1,
            Place::None => {
                *place = Place::Waiting;
                self.waiting.push_back(id);
                return false;
            }
        }
        true
    }
}

impl Transport {
    /// TLS with somebody who has just connected.
    pub(crate) fn tls(socket: TcpStream, config: Arc<ServerConfig>) -> Result<Transport, rustls::Error> {
        let tls = ServerConnection::new(config)?;
        Ok(Transport::Tls(Box::new(TlsStream { socket, tls, place: Place::None, undeciphered: 0, is_over: false })))
    }

    /// True if the peer can be understood yet.
    pub(crate) fn is_established(&self) -> bool {
        match self {
            Transport::Plain(_) => true,
            Transport::Tls(stream) => !stream.tls.is_handshaking(),
        }
    }

    /// The connection's turn to shake hands has come.
    pub(crate) fn grant(&mut self) {
        if let Transport::Tls(stream) = self {
            stream.place = Place::Granted;
        }
    }

    /// Reads what is there to the end of `into`: 0 bytes when the peer has closed, [`ErrorKind::InvalidData`] for what is not TLS.
    pub(crate) fn poll_read(
        &mut self,
        context: &mut Context<'_>,
        into: &mut BytesMut,
        id: ConnId,
        handshakes: &mut Handshakes,
    ) -> Poll<io::Result<usize>> {
        match self {
            Transport::Plain(socket) => tokio_util::io::poll_read_buf(std::pin::Pin::new(socket), context, into),
            Transport::Tls(stream) => stream.poll_read(context, into, id, handshakes),
        }
    }

    /// Waits for the socket to take more.
    pub(crate) fn poll_write_ready(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Transport::Plain(socket) => socket.poll_write_ready(context),
            Transport::Tls(stream) => stream.socket.poll_write_ready(context),
        }
    }

    /// Says that nothing more comes. False: the socket has to take our last word first; the task is woken when it may.
    pub(crate) fn finish(&mut self, context: &mut Context<'_>) -> bool {
        let socket = match self {
            Transport::Plain(socket) => socket,
            Transport::Tls(stream) => {
                if stream.poll_close(context).is_pending() {
                    return false;
                }
                &mut stream.socket
            }
        };
        let _ = SockRef::from(&*socket).shutdown(Shutdown::Write);
        true
    }
}

impl Line for Transport {
    fn send(&mut self, bytes: &[u8]) -> Sent {
        // Straight to the socket: the runtime's own state is a cache line away, and matters only to a socket that is full.
        // What it refuses goes by the runtime once more, which then knows that it has to wait.
        let taken = match self {
            Transport::Plain(socket) => match SockRef::from(&*socket).send(bytes) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => socket.try_write(bytes),
                sent => sent,
            },
            Transport::Tls(stream) => return stream.send(bytes),
        };
        match taken {
            Ok(taken) if taken == bytes.len() => Sent::All,
            taken => part(taken),
        }
    }

    fn flush(&mut self) -> Result<bool, Lost> {
        match self {
            Transport::Plain(_) => Ok(true),
            Transport::Tls(stream) => stream.flush().map_err(|_| Lost),
        }
    }

    fn undeciphered(&self) -> usize {
        match self {
            Transport::Plain(_) => 0,
            Transport::Tls(stream) => stream.undeciphered,
        }
    }

    fn has_gone(&self, wants_to_hear: bool) -> bool {
        let socket = match self {
            Transport::Plain(socket) => socket,
            Transport::Tls(stream) => &stream.socket,
        };
        let ready = std::pin::pin!(socket.ready(Interest::READABLE | Interest::WRITABLE));
        match ready.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Ok(ready)) => ready.is_write_closed() || wants_to_hear && ready.is_read_closed(),
            Poll::Ready(Err(_)) => true,
            Poll::Pending => false,
        }
    }
}

/// Number of bytes taken by a socket that did not take everything.
fn part(taken: io::Result<usize>) -> Sent {
    match taken {
        Ok(taken) => Sent::Part(taken),
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => Sent::Part(0),
        Err(_) => Sent::Lost,
    }
}

impl TlsStream {
    #[cold]
    fn send(&mut self, bytes: &[u8]) -> Sent {
        match self.try_write(bytes) {
            // What is taken may wait to be written all the same.
            Ok(taken) if taken == bytes.len() && !self.tls.wants_write() => Sent::All,
            taken => part(taken),
        }
    }

    /// Takes as much as can be enciphered and written without much of it waiting. What is taken will be written, but maybe
    /// not yet.
    fn try_write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // To somebody whose handshake is not over nothing can be said.
        if self.is_over || self.tls.is_handshaking() {
            return Ok(bytes.len());
        }
        let mut taken = 0;
        while taken < bytes.len() && self.flush()? {
            let piece = &bytes[taken..bytes.len().min(taken + TLS_WRITE_BYTES)];
            taken += self.tls.writer().write(piece)?;
        }
        self.flush()?;
        Ok(taken)
    }

    /// Writes what is enciphered. False: the socket does not take all of it now.
    fn flush(&mut self) -> io::Result<bool> {
        while self.tls.wants_write() {
            match self.tls.write_tls(&mut Socket(&self.socket)) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    /// [`TlsStream::flush`], and the task is woken when the socket takes more.
    fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.flush()? {
            ready!(self.socket.poll_write_ready(context))?;
        }
        Poll::Ready(Ok(()))
    }

    fn poll_close(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.is_over {
            self.is_over = true;
            self.tls.send_close_notify();
        }
        self.poll_flush(context)
    }

    fn poll_read(
        &mut self,
        context: &mut Context<'_>,
        into: &mut BytesMut,
        id: ConnId,
        handshakes: &mut Handshakes,
    ) -> Poll<io::Result<usize>> {
        loop {
            if self.is_over {
                return self.poll_discard(context);
            }
            // Handshakes answer, and so do peers that change their keys; who does not read our answer is not heard until then.
            if self.tls.wants_write() && self.poll_flush(context)?.is_pending() && self.tls.is_handshaking() {
                return Poll::Pending;
            }
            ready!(self.socket.poll_read_ready(context))?;
            let is_handshaking = self.tls.is_handshaking();
            if is_handshaking && !handshakes.begin(id, &mut self.place) {
                return Poll::Pending;
            }
            match self.tls.read_tls(&mut Socket(&self.socket)) {
                Ok(0) => return Poll::Ready(Ok(0)),
                Ok(len) => self.undeciphered += len,
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => continue,
                Err(error) => return Poll::Ready(Err(error)),
            }
            let state = match self.tls.process_new_packets() {
                Ok(state) => state,
                Err(error) => {
                    // The alert that says so is waiting to be written.
                    self.is_over = true;
                    if is_handshaking {
                        count_handshake("wire", "failed");
                    }
                    return Poll::Ready(Err(io::Error::new(ErrorKind::InvalidData, error)));
                }
            };
            if is_handshaking && !self.tls.is_handshaking() {
                self.undeciphered = 0;
                count_handshake("wire", "done");
            }
            if self.tls.wants_write() {
                // Whether or not it is pending: the task is woken, and goes on above.
                let _ = self.poll_flush(context)?;
            }
            if state.plaintext_bytes_to_read() > 0 {
                self.undeciphered = 0;
                return Poll::Ready(self.take_plaintext(into));
            }
            if state.peer_has_closed() {
                return Poll::Ready(Ok(0));
            }
        }
    }

    /// Moves what has been deciphered to the end of `into`, all of it: nothing waits in here.
    fn take_plaintext(&mut self, into: &mut BytesMut) -> io::Result<usize> {
        let before = into.len();
        let mut reader = self.tls.reader();
        loop {
            match reader.fill_buf() {
                Ok([]) => break,
                Ok(piece) => {
                    into.extend_from_slice(piece);
                    let len = piece.len();
                    reader.consume(len);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        Ok(into.len() - before)
    }

    fn poll_discard(&mut self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let mut scratch = [0; 4096];
        loop {
            ready!(self.socket.poll_read_ready(context))?;
            match self.socket.try_read(&mut scratch) {
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
                outcome => return Poll::Ready(outcome),
            }
        }
    }
}

/// Counts handshakes that came to an end.
pub(super) fn count_handshake(listener: &'static str, result: &'static str) {
    metrics::counter!("chatroom_tls_handshakes_total", "listener" => listener, "result" => result).increment(1);
}

/// A socket that does not block, as rustls wants it.
struct Socket<'a>(&'a TcpStream);

impl Read for Socket<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.0.try_read(into)
    }
}

impl Write for Socket<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.try_write(bytes)
    }

    fn write_vectored(&mut self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        self.0.try_write_vectored(pieces)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::front::Connection;

    #[test]
    fn a_plain_connection_pays_nothing_for_tls() {
        assert_eq!(size_of::<Transport>(), size_of::<TcpStream>());
        assert!(size_of::<Connection<Transport>>() <= 192);
    }

    #[test]
    fn a_crowd_of_handshakes_is_served_in_its_order() {
        let mut handshakes = Handshakes::default();
        handshakes.renew(|_| panic!("nobody waits"));
        let ids: Vec<ConnId> = (0..40).map(|slot| ConnId::new(0, 1, slot)).collect();
        let mut places = [Place::None; 40];
        let mut begin = |handshakes: &mut Handshakes, at: usize| handshakes.begin(ids[at], &mut places[at]);
        let begun = (0..40).filter(|at| begin(&mut handshakes, *at)).count();
        assert_eq!(begun, TLS_HANDSHAKE_STEPS_PER_TURN);
        assert!(!begin(&mut handshakes, 39), "it is in line already");
        assert_eq!(handshakes.waiting.len(), 40 - TLS_HANDSHAKE_STEPS_PER_TURN, "nobody stands there twice");
        let mut next = Vec::new();
        handshakes.renew(|id| {
            let is_there = id != ids[TLS_HANDSHAKE_STEPS_PER_TURN];
            next.extend(is_there.then_some(id));
            is_there
        });
        let from = TLS_HANDSHAKE_STEPS_PER_TURN + 1;
        assert_eq!(next, ids[from..from + TLS_HANDSHAKE_STEPS_PER_TURN], "who is gone takes nobody's place");
        assert_eq!(handshakes.left, 0, "who comes now waits behind them");
    }
}
