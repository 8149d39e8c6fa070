//! What a connection writes to, as far as the front needs to know it: bytes are taken without waiting, or not.

/// One connection's way out. The server has sockets, a simulation has none.
pub trait Line {
    /// Takes as many bytes as it can without waiting.
    fn send(&mut self, bytes: &[u8]) -> Sent;

    /// Writes what it has taken earlier and not written yet. True when nothing of that is left; `Err`: the peer is lost.
    fn flush(&mut self) -> Result<bool, Lost> {
        Ok(true)
    }

    /// Bytes it has received and cannot make out yet, because they are the beginning of something.
    fn undeciphered(&self) -> usize {
        0
    }

    /// True if the peer of a connection that is not read is gone: it has cut the connection or, with `wants_to_hear`, has closed its
    /// sending side.
    fn has_gone(&self, wants_to_hear: bool) -> bool;
}

/// Fate of bytes that were sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sent {
    /// All of them are on their way.
    All,
    /// So many were taken; nothing more can be before the line is writable again.
    Part(usize),
    /// The peer is lost.
    Lost,
}

/// The peer is lost.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Lost;
