//! Which address: those of the list, and those that each name stands for, are tried beside each other (RFC 8305), and what did
//! not lead to a login is tried last the next time.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::lookup_host;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};

use super::transport::{self, Refusal, Secure, Stream};
use crate::error::{Code, Status};
use crate::limits;

/// Failures told in one status.
const TOLD_MAX: usize = 8;
/// Places whose failures are remembered.
const PLACES_MAX: usize = 256;

/// One place to connect to: an entry of the list, and an address it stands for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Place {
    pub entry: usize,
    pub address: SocketAddr,
}

/// Facts about the places, remembered between the attempts to log in.
#[derive(Clone, Default, Debug)]
pub(super) struct Standing {
    /// Place of the last successful login.
    best: Option<Place>,
    /// How often each place has failed since.
    failures: Vec<(Place, u32)>,
    /// Places where something other than chatroomd answers; not tried again until the host connects anew.
    hopeless: Vec<Place>,
    /// The places of the last attempt, if it got to know all.
    known: Option<Vec<Place>>,
}

impl Standing {
    /// A login succeeded here: this place is tried first from now on.
    pub fn succeeded(&mut self, place: Place) {
        *self = Standing { best: Some(place), ..Standing::default() };
    }

    /// This place led to no login: the others come first now.
    pub fn failed(&mut self, place: Place) {
        if let Some((_, count)) = self.failures.iter_mut().find(|(failed, _)| *failed == place) {
            *count = count.saturating_add(1);
        } else {
            if self.failures.len() >= PLACES_MAX {
                self.failures.clear();
            }
            self.failures.push((place, 1));
        }
    }

    /// Notes that something other than chatroomd answers at this place.
    pub fn give_up(&mut self, place: Place) {
        if !self.hopeless.contains(&place) && self.hopeless.len() < PLACES_MAX {
            self.hopeless.push(place);
        }
    }

    /// True if no place is left that is worth another attempt.
    pub fn is_hopeless(&self) -> bool {
        let is_hopeless = |known: &Vec<Place>| !known.is_empty() && known.iter().all(|place| self.hopeless.contains(place));
        self.known.as_ref().is_some_and(is_hopeless)
    }

    /// The host connects anew, and may have mended what was wrong.
    pub fn forgive(&mut self) {
        self.hopeless.clear();
        self.known = None;
    }

    fn failures_of(&self, place: Place) -> u32 {
        self.failures.iter().find(|(failed, _)| *failed == place).map_or(0, |(_, count)| *count)
    }

    /// Rank of a place: smaller ranks are tried earlier. `index` is its index among the addresses of its name.
    fn rank(&self, place: Place, index: usize) -> (u32, bool, usize, usize, usize) {
        let failures = self.failures_of(place);
        // One address of each family of each name first, so that no name with many addresses holds up the next one.
        (failures, self.best != Some(place), index / 2, place.entry, index)
    }
}

/// How an attempt to bring up a transport ended.
pub(super) struct Raced {
    /// The transport that came up first.
    pub winner: Option<(Stream, Place)>,
    /// Failures of the others; each text names the entry of the list.
    failures: Vec<Failure>,
    known: Option<Vec<Place>>,
}

struct Failure {
    place: Option<Place>,
    refusal: Refusal,
    text: String,
}

impl Raced {
    /// Takes what was learnt over.
    pub fn learn(&self, standing: &mut Standing) {
        standing.known.clone_from(&self.known);
        for failure in &self.failures {
            if let Some(place) = failure.place {
                standing.failed(place);
                if failure.refusal.code == Code::InvalidProtocol {
                    standing.give_up(place);
                }
            }
        }
    }

    /// Why there is no transport; 509 where something answers everywhere, and nowhere chatroomd.
    pub fn status(&self) -> Status {
        let mut texts: Vec<&str> = self.failures.iter().take(TOLD_MAX).map(|failure| failure.text.as_str()).collect();
        if self.failures.len() > TOLD_MAX {
            texts.push("…");
        }
        let code = match self.failures.first().map(|failure| failure.refusal.code) {
            Some(code) if self.failures.iter().all(|failure| failure.refusal.code == code) => code,
            _ => Code::NoServer,
        };
        if texts.is_empty() { Status::new(code, "no address is left to try") } else { Status::new(code, texts.join("; ")) }
    }

    /// Each failure in words.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.failures.iter().map(|failure| failure.text.as_str())
    }

    fn fail(&mut self, addresses: &[String], entry: usize, place: Option<Place>, refusal: Refusal) {
        let text = match place {
            Some(place) => format!("{}: {}", name(&addresses[entry], place.address), refusal.text),
            None => format!("{}: {}", addresses[entry], refusal.text),
        };
        self.failures.push(Failure { place, refusal, text });
    }
}

/// An address of the list with the one it stands for.
pub(super) fn name(address: &str, stands_for: SocketAddr) -> String {
    let number = stands_for.to_string();
    if address.ends_with(&number) { address.to_owned() } else { format!("{address} ({number})") }
}

/// The addresses of a name with the two families in turn, beginning with the one that the system prefers.
fn in_turn(addresses: impl IntoIterator<Item = SocketAddr>) -> Vec<SocketAddr> {
    let mut addresses: Vec<SocketAddr> = addresses.into_iter().take(limits::CLIENT_ADDRESSES_PER_NAME_MAX).collect();
    addresses.dedup();
    let Some(first_is_v6) = addresses.first().map(SocketAddr::is_ipv6) else { return addresses };
    let (preferred, other): (Vec<_>, Vec<_>) = addresses.iter().copied().partition(|address| address.is_ipv6() == first_is_v6);
    let (mut preferred, mut other) = (preferred.into_iter(), other.into_iter());
    let mut ordered = Vec::with_capacity(addresses.len());
    loop {
        let (one, two) = (preferred.next(), other.next());
        if one.is_none() && two.is_none() {
            return ordered;
        }
        ordered.extend(one);
        ordered.extend(two);
    }
}

/// Brings up a transport to whichever place answers first. An attempt begins when the one before has failed, or has not come up
/// within [`limits::CONNECT_STAGGER_MS`]; `patience` is the time for each. `addresses` are well-formed.
pub(super) async fn race(addresses: Arc<[String]>, standing: Standing, secure: Option<Secure>, patience: Duration) -> Raced {
    let stagger = Duration::from_millis(limits::CONNECT_STAGGER_MS);
    let mut raced = Raced { winner: None, failures: Vec::new(), known: None };
    let mut lookups = JoinSet::new();
    for (entry, address) in addresses.iter().enumerate() {
        let place = transport::parse(address).map(|(_, place, _)| place.to_owned()).unwrap_or_default();
        lookups.spawn(async move { (entry, timeout(patience, look_up(place)).await) });
    }
    let mut unresolved: Vec<usize> = (0..addresses.len()).collect();
    let mut known: Vec<Place> = Vec::new();
    // Each with its place among the addresses of its name.
    let mut waiting: Vec<(Place, usize)> = Vec::new();
    let mut attempts: JoinSet<(Place, Result<Stream, Refusal>)> = JoinSet::new();
    let begun = Instant::now();
    let mut next_at = begun;
    loop {
        let now = Instant::now();
        let first = waiting.iter().enumerate().min_by_key(|(_, (place, index))| standing.rank(*place, *index));
        let first = first.map(|(at, (place, _))| (at, *place));
        // A name that may stand for a better place is given as long to be looked up as an attempt is given to come up.
        let may_be_better = |entry: usize| {
            standing.best.is_some_and(|best| best.entry == entry)
                || first.is_some_and(|(_, place)| entry < place.entry || standing.failures_of(place) > 0)
        };
        let held_until = begun + stagger;
        let is_held = now < held_until && unresolved.iter().any(|entry| may_be_better(*entry));
        let may_start = !is_held && (attempts.is_empty() || now >= next_at);
        if let (Some((at, place)), true) = (first, may_start) {
            waiting.swap_remove(at);
            let (address, secure) = (addresses[place.entry].clone(), secure.clone());
            attempts.spawn(async move {
                let opened = timeout(patience, transport::open(&address, place.address, secure)).await;
                (place, opened.unwrap_or_else(|_| Err(Refusal::no_server("no connection in time"))))
            });
            next_at = now + stagger;
            continue;
        }
        if attempts.is_empty() && waiting.is_empty() && lookups.is_empty() {
            raced.known = unresolved.is_empty().then_some(known);
            return raced;
        }
        let wake = if is_held { held_until } else { next_at };
        tokio::select! {
            Some(found) = lookups.join_next() => {
                // A look-up does not panic, and nobody aborts it but the end of the race.
                let Ok((entry, found)) = found else { continue };
                match found.unwrap_or_else(|_| Err(Refusal::no_server("its name was not looked up in time"))) {
                    Ok(found) => {
                        unresolved.retain(|open| *open != entry);
                        for (index, address) in in_turn(found).into_iter().enumerate() {
                            let place = Place { entry, address };
                            known.push(place);
                            if !standing.hopeless.contains(&place) {
                                waiting.push((place, index));
                            }
                        }
                    }
                    Err(refusal) => raced.fail(&addresses, entry, None, refusal),
                }
            }
            Some(ended) = attempts.join_next() => match ended {
                Ok((place, Ok(stream))) => {
                    raced.known = unresolved.is_empty().then_some(known);
                    raced.winner = Some((stream, place));
                    return raced;
                }
                Ok((place, Err(refusal))) => {
                    raced.fail(&addresses, place.entry, Some(place), refusal);
                    next_at = Instant::now();
                }
                // As for look-ups.
                Err(_) => next_at = Instant::now(),
            },
            () = sleep_until(wake), if first.is_some() => {}
        }
    }
}

async fn look_up(place: String) -> Result<Vec<SocketAddr>, Refusal> {
    let found: Vec<SocketAddr> = lookup_host(place).await.map_err(|error| Refusal::no_server(error.to_string()))?.collect();
    if found.is_empty() { Err(Refusal::no_server("the name stands for no address")) } else { Ok(found) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(entry: usize, address: &str) -> Place {
        Place { entry, address: address.parse().unwrap() }
    }

    #[test]
    fn the_families_of_a_name_take_turns() {
        let addresses = ["[::1]:1", "[::2]:1", "[::3]:1", "1.1.1.1:1", "[::4]:1"].map(|text| text.parse().unwrap());
        let ordered: Vec<String> = in_turn(addresses).iter().map(SocketAddr::to_string).collect();
        assert_eq!(ordered, ["[::1]:1", "1.1.1.1:1", "[::2]:1", "[::3]:1", "[::4]:1"]);
        assert_eq!(in_turn([]), []);
    }

    #[test]
    fn where_a_login_succeeded_comes_first_and_where_it_failed_last() {
        let (a, b, c) = (place(0, "1.1.1.1:1"), place(0, "[::1]:1"), place(1, "2.2.2.2:1"));
        let order = |standing: &Standing| {
            let mut places = [(a, 0), (b, 1), (c, 0)];
            places.sort_by_key(|(place, index)| standing.rank(*place, *index));
            places.map(|(place, _)| place)
        };
        let mut standing = Standing::default();
        assert_eq!(order(&standing), [a, b, c]);
        standing.succeeded(c);
        assert_eq!(order(&standing), [c, a, b]);
        standing.failed(c);
        assert_eq!(order(&standing), [a, b, c]);
        standing.failed(a);
        assert_eq!(order(&standing), [b, c, a], "of those that failed as often, the last good one");
        standing.succeeded(a);
        assert_eq!(order(&standing), [a, b, c]);
    }

    #[test]
    fn hopeless_is_a_list_of_which_every_place_is() {
        let (a, b) = (place(0, "1.1.1.1:1"), place(1, "2.2.2.2:1"));
        let mut standing = Standing { known: Some(vec![a, b]), ..Standing::default() };
        standing.give_up(a);
        assert!(!standing.is_hopeless());
        standing.give_up(b);
        assert!(standing.is_hopeless());
        standing.forgive();
        assert!(!standing.is_hopeless());
    }
}
