//! One connection of a client, from the login to its loss: the part of the task that reads and writes.

use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWriteExt, split};
use tokio::time::timeout;
use tokio_util::codec::Decoder;

use super::State;
use super::task::{Task, Wish};
use super::transport::{Stream, foreign};
use crate::error::{Code, Status};
use crate::limits;
use crate::session::Loss;
use crate::wire::{FrameCodec, FrameError, Request, pb};

/// How one connection ends.
pub(super) enum Cut {
    /// The host wants something else.
    Wish(Wish),
    /// It is lost.
    Lost(Loss),
}

/// A transport with what was read and not understood yet, and what is not written yet.
struct Link {
    stream: Stream,
    codec: FrameCodec,
    incoming: BytesMut,
    outgoing: BytesMut,
}

impl Task {
    /// S3 to S5: one connection, from the login to its loss.
    pub(super) async fn converse(&mut self, stream: Stream) -> Cut {
        self.go(State::Connected);
        self.close = None;
        self.write.clear();
        self.failure = Status::new(Code::NoServer, "the connection was lost");
        self.has_heard = false;
        self.session.on_transport_up(self.now());
        self.session.login(self.now(), &self.template, &mut self.outputs);
        self.go(State::Entering);
        self.apply();

        let codec = FrameCodec::new(self.session.frame_bytes_max());
        let mut link = Link { stream, codec, incoming: BytesMut::new(), outgoing: BytesMut::new() };
        let wish = self.exchange(&mut link).await;
        if let Some(wish) = &wish {
            self.log_out(&mut link).await;
            // Whether it was on its way or waited: all that is open now ends alike.
            self.session.give_up(&wish.unfinished(), &mut self.outputs);
        }
        drop(link);
        let loss = self.session.on_transport_lost(&mut self.outputs);
        self.apply();
        wish.map_or(Cut::Lost(loss), Cut::Wish)
    }

    /// Tells the server that we go, and waits a little for its answer.
    async fn log_out(&mut self, link: &mut Link) {
        self.is_leaving = true;
        if !self.session.is_logged_in() {
            return;
        }
        let now = self.now();
        if self.session.request(now, Request::Logout(pb::LogoutRequest {}), &mut self.outputs).is_ok() {
            self.apply();
            let patience = Duration::from_millis(limits::LOGOUT_TIMEOUT_MS);
            // A server that does not answer notices the end of the transport instead.
            let _ = timeout(patience, self.exchange(link)).await;
        }
    }

    /// Reads and writes until the connection is over (`None`) or the host wants something else.
    async fn exchange(&mut self, link: &mut Link) -> Option<Wish> {
        let Link { stream, codec, incoming, outgoing } = link;
        let (mut reader, mut writer) = split(stream);
        let mut is_reading = true;
        // TLS may hold back what it has taken, until it is flushed.
        let mut is_flushed = false;
        while self.close.is_none() {
            if outgoing.is_empty() {
                std::mem::swap(outgoing, &mut self.write);
            } else {
                outgoing.extend_from_slice(&self.write.split());
            }
            // While logging in we read on for a while: the answer is near, and little else comes from an honest server.
            let unread_max = if self.state == State::Entered { 0 } else { limits::CLIENT_EVENTS_MAX };
            let is_behind = self.backlog.len() > unread_max && !self.is_leaving;
            let may_read = !is_behind && outgoing.len() < limits::CLIENT_WRITE_BYTES_MAX;
            if may_read != is_reading {
                is_reading = may_read;
                if may_read { self.session.unpause(self.now()) } else { self.session.pause() }
            }
            if may_read && incoming.capacity() - incoming.len() < limits::CLIENT_READ_BYTES / 4 {
                incoming.reserve(limits::CLIENT_READ_BYTES);
            }
            tokio::select! {
                wish = self.attend() => match wish {
                    // The host has said so before; what it waits for is this very end.
                    Some(_) if self.is_leaving => return None,
                    Some(wish) => return Some(wish),
                    None => {}
                },
                read = reader.read_buf(incoming), if may_read => match read {
                    Ok(bytes) if bytes > 0 => self.on_bytes(codec, incoming),
                    read => {
                        self.on_cut(read.err());
                        return None;
                    }
                },
                written = async { if outgoing.is_empty() { writer.flush().await.map(|()| 0) } else { writer.write_buf(outgoing).await } },
                    if !outgoing.is_empty() || !is_flushed =>
                match written {
                    Ok(bytes) => is_flushed = bytes == 0,
                    Err(error) => {
                        self.on_cut(Some(error));
                        return None;
                    }
                },
            }
        }
        None
    }

    /// The transport has ended without a word: says so, and where.
    fn on_cut(&mut self, error: Option<std::io::Error>) {
        let how = error.map_or_else(|| "closed the connection".to_owned(), |error| format!("lost the connection ({error})"));
        let (there, is_in) = (self.there(), self.session.is_logged_in());
        let when = if is_in || self.has_heard { "" } else { " without a word: is it chatroomd's port for clients?" };
        self.failure = Status::new(Code::NoServer, format!("{there} {how}{when}"));
    }

    fn on_bytes(&mut self, codec: &mut FrameCodec, incoming: &mut BytesMut) {
        let now = self.now();
        let first: [u8; 8] = std::array::from_fn(|at| incoming.get(at).copied().unwrap_or(0));
        while self.close.is_none() {
            match codec.decode(incoming) {
                Ok(Some(frame)) => {
                    self.has_heard = true;
                    self.session.on_frame(now, frame, &mut self.outputs);
                }
                Ok(None) => break,
                Err(error) => {
                    self.on_foreign_bytes(error, &first);
                    self.session.on_frame_error(error, &mut self.outputs);
                }
            }
            self.apply();
            codec.set_frame_bytes_max(self.session.frame_bytes_max());
        }
    }
    /// Handles bytes that are no frame: says what they may be, and gives the place up if it is not worth another attempt.
    fn on_foreign_bytes(&mut self, error: FrameError, first: &[u8]) {
        if error == FrameError::Transport {
            return;
        }
        let there = self.there();
        let words = match error {
            FrameError::NotOurs { .. } if !self.has_heard => format!("{there}: {}", foreign(first)),
            error => format!("from {there}: {error}"),
        };
        self.failure = Status::new(Code::InvalidProtocol, words);
        let is_other = matches!(error, FrameError::NotOurs { .. } | FrameError::UnknownVersion { .. });
        if let (Some(place), true, false) = (self.place, is_other, self.has_heard) {
            self.standing.give_up(place);
        }
    }
}
