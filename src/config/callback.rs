//! The address of an application's callback.

use std::fmt;

use axum::http::Uri;
use serde::Deserialize;

use crate::limits::CALLBACK_URL_BYTES_MAX;

/// Where an application is asked: `http://host:port/path` or the same with `https`. What stands behind the host may be a secret and is not shown.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct CallbackUrl(Uri);

impl CallbackUrl {
    /// The address.
    pub fn uri(&self) -> &Uri {
        &self.0
    }
}

impl TryFrom<String> for CallbackUrl {
    type Error = String;

    /// The words do not quote the address: it may hold a secret.
    fn try_from(text: String) -> Result<CallbackUrl, String> {
        let refused = |reason: &str| Err(format!("the address of a callback {reason}"));
        if text.len() > CALLBACK_URL_BYTES_MAX {
            return refused(&format!("must be at most {CALLBACK_URL_BYTES_MAX} bytes"));
        }
        let Ok(uri) = text.parse::<Uri>() else { return refused("must be like \"http://127.0.0.1:8080/check\"") };
        match uri.scheme_str() {
            Some("http" | "https") => {}
            _ => return refused("must begin with http:// or https://, as in \"http://127.0.0.1:8080/check\""),
        }
        match uri.authority() {
            Some(authority) if authority.as_str().contains('@') => refused("must not hold a name and password"),
            Some(authority) if !authority.host().is_empty() => Ok(CallbackUrl(uri)),
            _ => refused("must name a host, as in \"http://127.0.0.1:8080/check\""),
        }
    }
}

impl fmt::Debug for CallbackUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}://{}/…",
            self.0.scheme_str().unwrap_or("http"),
            self.0.authority().map_or("", |authority| authority.as_str())
        )
    }
}
