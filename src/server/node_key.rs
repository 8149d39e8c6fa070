//! Keys that last as long as the store.

use crate::error::{Code, Status};
use crate::log::{Space, Store};

/// A random key that lasts as long as the store, kept under `name`; made at the first start.
pub(super) fn node_key<const BYTES: usize>(store: &dyn Store, name: &[u8]) -> Result<[u8; BYTES], Status> {
    let failed = |error: &dyn std::fmt::Display| Status::new(Code::ServerError, error.to_string());
    let kept = store.scan(Space::Node).map_err(|error| failed(&error))?;
    if let Some((_, value)) = kept.iter().find(|(key, _)| &key[..] == name) {
        let name = String::from_utf8_lossy(name);
        return value[..].try_into().map_err(|_| failed(&format!("{name} in the store is no key")));
    }
    let key = random()?;
    store.put(Space::Node, name, &key).map_err(|error| failed(&error))?;
    Ok(key)
}

/// A random key.
pub(super) fn random<const BYTES: usize>() -> Result<[u8; BYTES], Status> {
    let mut key = [0; BYTES];
    getrandom::fill(&mut key).map_err(|_| Status::new(Code::ServerError, "the system gives no random numbers"))?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::MemoryLog;

    #[test]
    fn a_key_is_the_same_for_as_long_as_its_store() {
        let (log, other) = (MemoryLog::new().unwrap(), MemoryLog::new().unwrap());
        let key: [u8; 32] = node_key(&log, b"one").unwrap();
        assert_eq!(node_key(&log, b"one").unwrap(), key);
        assert_ne!(node_key(&log, b"two").unwrap(), key);
        assert_ne!(node_key(&other, b"one").unwrap(), key);
    }
}
