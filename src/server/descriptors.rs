//! Open files: how many the process may have, and who gets them. The store comes first, for a node whose store cannot open a
//! file loses its readiness; then the HTTP API, by which an operator sees what is wrong; clients get what is left.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::config::Config;
use crate::limits::{
    DESCRIPTORS_FOR_THE_NODE, DESCRIPTORS_FOR_THE_STORE, DESCRIPTORS_MIN, DESCRIPTORS_OUTGOING, STORE_FILES_CACHED_MIN,
};

/// The open files of the process, shared out at the start.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Descriptors {
    /// Files the process may have open.
    pub limit: u64,
    /// Files of the store: half of them stay open once read, the others are for what it writes and merges.
    pub store: usize,
    /// Connections of the HTTP API.
    pub http_connections: usize,
    /// Connections of clients.
    pub connections: usize,
}

impl Descriptors {
    /// Raises the soft limit of the process to the hard one and shares out what there is. The error says how few there are.
    pub fn of(config: &Config) -> Result<Descriptors, String> {
        Descriptors::share(raise(), config)
    }

    fn share(limit: u64, config: &Config) -> Result<Descriptors, String> {
        if limit < DESCRIPTORS_MIN {
            return Err(format!(
                "this process may have {limit} files open, and a node needs {DESCRIPTORS_MIN}: raise the hard limit (ulimit -Hn, \
                 or LimitNOFILE= in a systemd unit)"
            ));
        }
        let files = usize::try_from(limit).unwrap_or(usize::MAX);
        // The store's working set does not grow with the limit, only a small limit has it do with less.
        let store = if config.memory { 0 } else { DESCRIPTORS_FOR_THE_STORE.min(files / 4) };
        let http_connections = config.http.connections_max.min(files / 8);
        let node = DESCRIPTORS_FOR_THE_NODE + DESCRIPTORS_OUTGOING.min(files / 16);
        let left = files - store - http_connections - node;
        Ok(Descriptors { limit, store, http_connections, connections: config.limits.connections_max.min(left) })
    }

    /// Files the store may keep open between two uses.
    pub(crate) fn store_files_cached(&self) -> usize {
        (self.store / 2).max(STORE_FILES_CACHED_MIN)
    }

    /// Says in log and metrics what was shared out, and warns where the configuration wants more.
    pub(super) fn report(&self, config: &Config) {
        let Descriptors { limit, store, http_connections, connections } = *self;
        metrics::gauge!("chatroom_descriptors_max").set(limit as f64);
        metrics::gauge!("chatroom_connections_max").set(connections as f64);
        tracing::info!(limit, store, http_connections, connections, "open files shared out");
        // The default asks for more than any system gives, and means: as many as there may be.
        let wanted = config.limits.connections_max;
        if connections < wanted && wanted != crate::limits::CONNECTIONS_MAX {
            tracing::warn!(
                wanted,
                connections,
                limit,
                "limits.connections_max is more than the limit of open files allows; raise that (ulimit -Hn, LimitNOFILE=)"
            );
        }
    }
}

/// Raises the soft limit to the hard one, as programs may that do not use `select`. Returns the limit in force.
fn raise() -> u64 {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    let in_force = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        // A system may refuse "without limit" (macOS does); the soft limit then stays.
        Err(_) => limit.current,
    };
    in_force.unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn store_and_http_are_served_before_clients_and_nobody_gets_what_is_not_there() {
        for limit in [DESCRIPTORS_MIN, 1024, 4096, 20_000, 1 << 20, u64::MAX] {
            let shared = Descriptors::share(limit, &Config::default()).unwrap();
            let all = shared.store + shared.http_connections + shared.connections + DESCRIPTORS_FOR_THE_NODE;
            assert!(all as u64 <= limit, "{limit}: {shared:?}");
            assert!(shared.connections > 0 && shared.http_connections > 0 && shared.store_files_cached() <= shared.store);
        }
        let shared = Descriptors::share(20_000, &Config::default()).unwrap();
        assert!(shared.connections >= 17_000, "{shared:?}");
        assert!(Descriptors::share(DESCRIPTORS_MIN - 1, &Config::default()).unwrap_err().contains("ulimit -Hn"));
    }
}
