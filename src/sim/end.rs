//! The end of a world: nothing goes wrong any more, and what is left has to fit together.

use super::client::Stand;
use super::world::World;

/// How long everything that is on its way may take to come to rest, in microseconds.
const REST_US: u64 = 120_000_000;

impl World {
    /// Lets everything come to rest, and looks whether everybody has what it was promised.
    pub fn end(&mut self) {
        self.note(|| String::from("nothing goes wrong any more"));
        self.is_calm = true;
        self.disk.mend();
        for client in &mut self.clients {
            client.stalled = self.now;
        }
        for client in 0..self.clients.len() {
            self.connect(client);
        }
        self.pass(REST_US);
        if self.watch.violation.is_some() {
            return;
        }
        if self.node.is_none() {
            return self.watch.fail(String::from("the node does not come back"));
        }
        if let Some((link, sequence, kind)) = self.watch.unanswered().first() {
            return self.watch.fail(format!("request {sequence} of kind {kind:#06x} over connection {link} is never answered"));
        }
        if let Some((number, doing)) = self.http.first_key_value() {
            return self.watch.fail(format!("question {number} over HTTP is never answered: {doing:?}"));
        }
        let waiting = self.clients.iter().position(|client| !client.doing.is_empty());
        if let Some(client) = waiting {
            let doing = &self.clients[client].doing;
            return self.watch.fail(format!("client {client} still waits for {doing:?}"));
        }
        let away = self.clients.iter().position(|client| matches!(client.stand, Stand::Waiting(_) | Stand::Connecting(..)));
        if let Some(client) = away {
            self.watch.fail(format!("client {client} does not come in any more"));
        }
    }
}
