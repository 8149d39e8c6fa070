//! Connections between clients and the node: bytes on their way in both directions, in pieces of any size, late, cut or swallowed.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use bytes::{Bytes, BytesMut};

use crate::front::{Line, Sent};
use crate::id::{ConnId, Time};

/// The node's end of a connection, as far as it can tell.
#[derive(Default)]
pub(super) struct Pipe {
    /// Bytes the node has written since they were last sent on their way.
    pub out: Vec<u8>,
    /// Bytes the client has not read yet.
    pub held: usize,
    /// Bytes that may be on their way to the client at once.
    pub window: usize,
    /// The peer has closed, or the connection was reset.
    pub is_over: bool,
}

/// A connection as a front writes to it.
pub(super) struct SimLine(pub Rc<RefCell<Pipe>>);

impl Line for SimLine {
    fn send(&mut self, bytes: &[u8]) -> Sent {
        let mut pipe = self.0.borrow_mut();
        if pipe.is_over {
            return Sent::Lost;
        }
        let taken = bytes.len().min(pipe.window.saturating_sub(pipe.held));
        pipe.out.extend_from_slice(&bytes[..taken]);
        pipe.held += taken;
        if taken == bytes.len() { Sent::All } else { Sent::Part(taken) }
    }

    fn has_gone(&self, _wants_to_hear: bool) -> bool {
        self.0.borrow().is_over
    }
}

/// One direction of a connection.
#[derive(Default)]
pub(super) struct Way {
    /// Pieces on their way, in order.
    pub flying: VecDeque<Bytes>,
    /// When the last of them arrives: nothing overtakes.
    pub last: Time,
    /// Whatever is sent vanishes, and nobody is told.
    pub is_dead: bool,
}

/// A connection.
pub(super) struct Link {
    /// The client that opened it.
    pub client: usize,
    /// The life of the node it leads to.
    pub life: u64,
    /// Worker and name at the node, once it was taken in.
    pub taken: Option<(usize, ConnId)>,
    /// The node's end.
    pub pipe: Rc<RefCell<Pipe>>,
    /// From the client to the node.
    pub up: Way,
    /// Bytes that have arrived at the node and were not read.
    pub arrived: BytesMut,
    /// From the node to the client.
    pub down: Way,
    /// The client still uses it.
    pub is_open: bool,
    /// The node has said that nothing more comes.
    pub is_finished: bool,
}

impl Link {
    /// A connection of this client to a node in this life of it.
    pub fn new(client: usize, life: u64, window: usize) -> Link {
        Link {
            client,
            life,
            taken: None,
            pipe: Rc::new(RefCell::new(Pipe { window, ..Pipe::default() })),
            up: Way::default(),
            arrived: BytesMut::new(),
            down: Way::default(),
            is_open: true,
            is_finished: false,
        }
    }
}
