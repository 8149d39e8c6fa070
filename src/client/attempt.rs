//! S2 of chatroom.md §d.2: bringing up a transport.

use std::sync::Arc;
use std::time::Duration;

use super::event::LogLevel::Debug;
use super::race::{name, race};
use super::task::{Task, Wish};
use super::transport::{self, Stream};
use crate::error::{Code, Status};

impl Task {
    /// Looks at what no attempt can mend: the addresses, and the file with the certificates to trust. Reads files.
    pub(super) fn prepare(&mut self) -> Result<(), Status> {
        let addresses = &self.options.addresses;
        if addresses.is_empty() {
            return Err(Status::bad_parameter("addresses must name at least one host:port"));
        }
        let unfit = addresses.iter().find(|address| transport::parse(address).is_none());
        if let Some(unfit) = unfit {
            return Err(Status::bad_parameter(format!("the address '{unfit}' must be host:port or tls://host:port")));
        }
        let wants_tls = |address: &String| transport::parse(address).is_some_and(|(is_tls, ..)| is_tls);
        if self.tls.is_none() && addresses.iter().any(wants_tls) {
            let secure = self.options.trust.secure();
            self.tls =
                Some(secure.map_err(|error| Status::new(Code::BadParameter, format!("tls:// cannot be used: {error}")))?);
        }
        Ok(())
    }

    /// S2: the first address that answers. `None` when there is none.
    pub(super) async fn connect(&mut self) -> Result<Option<Stream>, Wish> {
        let patience = Duration::from_millis(self.options.connect_timeout_ms);
        let addresses: Arc<[String]> = self.options.addresses.as_slice().into();
        self.log(Debug, || format!("connecting to {}", addresses.join(", ")));
        self.place = None;
        let race = race(addresses.clone(), self.standing.clone(), self.tls.clone(), patience);
        tokio::pin!(race);
        let raced = loop {
            tokio::select! {
                wish = self.attend() => if let Some(wish) = wish {
                    return Err(wish);
                },
                raced = &mut race => break raced,
            }
        };
        raced.learn(&mut self.standing);
        for text in raced.texts() {
            self.log(Debug, || text.to_owned());
        }
        if raced.winner.is_none() {
            self.failure = raced.status();
        }
        Ok(raced.winner.map(|(stream, place)| {
            self.log(Debug, || format!("connected to {}", name(&addresses[place.entry], place.address)));
            self.place = Some(place);
            stream
        }))
    }

    /// Names the server of the present connection, for people.
    pub(super) fn there(&self) -> String {
        self.place.map_or_else(|| "the server".to_owned(), |place| name(&self.options.addresses[place.entry], place.address))
    }
}
