//! The task that owns a client's connection.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::{ClientOptions, Command, Event, Shared, State, closed};

/// Runs a client until it is closed.
pub(super) async fn run(
    _options: ClientOptions,
    shared: Arc<Shared>,
    mut commands: mpsc::Receiver<Command>,
    events: mpsc::Sender<Event>,
) {
    let mut closing = shared.closing.subscribe();
    loop {
        tokio::select! {
            _ = closing.wait_for(|closing| *closing) => break,
            command = commands.recv() => match command {
                None => break,
                Some(Command::Request(_, completion)) => completion.complete(Err(closed())),
                Some(Command::Connect(done)) => drop(done.send(Err(closed()))),
                Some(Command::Disconnect(done)) => drop(done.send(())),
                Some(Command::Token(_)) => {}
            },
        }
    }
    shared.state.send_replace(State::Exited);
    shared.clock.send_replace(None);
    drop(events);
}
