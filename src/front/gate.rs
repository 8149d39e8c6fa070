//! How many connections there may be, in all and from one address. Loopback counts for the first only: proxies live there.

use core::net::IpAddr;
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;

/// Counts connections. Any thread.
pub(crate) struct Gate {
    connections_max: usize,
    per_address_max: usize,
    connections: AtomicUsize,
    by_address: Mutex<HashMap<IpAddr, usize>>,
}

impl Gate {
    pub(crate) fn new(connections_max: usize, per_address_max: usize) -> Gate {
        Gate { connections_max, per_address_max, connections: AtomicUsize::new(0), by_address: Mutex::default() }
    }

    /// Lets a connection in, or says why not. Every one let in must [`Gate::leave`].
    pub(crate) fn enter(&self, address: IpAddr) -> Result<(), &'static str> {
        if self.connections.fetch_add(1, Ordering::AcqRel) >= self.connections_max {
            self.connections.fetch_sub(1, Ordering::AcqRel);
            return Err("the server holds as many connections as it may");
        }
        if address.is_loopback() {
            return Ok(());
        }
        let mut by_address = self.by_address.lock();
        let held = by_address.entry(address).or_insert(0);
        if *held >= self.per_address_max {
            self.connections.fetch_sub(1, Ordering::AcqRel);
            return Err("too many connections from this address");
        }
        *held += 1;
        Ok(())
    }

    /// A connection that was let in is gone.
    pub(crate) fn leave(&self, address: IpAddr) {
        self.connections.fetch_sub(1, Ordering::AcqRel);
        if address.is_loopback() {
            return;
        }
        let mut by_address = self.by_address.lock();
        if let Some(held) = by_address.get_mut(&address) {
            *held -= 1;
            if *held == 0 {
                by_address.remove(&address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_bounds_hold_and_places_come_free() {
        let gate = Gate::new(3, 2);
        let (one, two) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]));
        assert!(gate.enter(one).is_ok() && gate.enter(one).is_ok());
        assert!(gate.enter(one).is_err(), "the third of one address");
        assert!(gate.enter(two).is_ok());
        assert!(gate.enter(two).is_err(), "the fourth in all");
        gate.leave(one);
        assert!(gate.enter(two).is_ok());
    }
}
