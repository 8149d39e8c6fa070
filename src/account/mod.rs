//! Who may come in: applications, accounts, tokens and checksums (chatroom.md §a.1, §a.2, §d.1; rest-api.md §1.1).
//!
//! Knows no room and no connection, and touches no disk: what has to last goes through a [`Keeper`]. The clock is the caller's.
//! May use: nothing but `error`, `limits` and `id`.

mod cache;
mod directory;
mod fuzzing;
mod jwt;
mod known;
mod login;
mod model;
mod secret;
mod token;
mod vendor;

pub use directory::{Directory, HttpCall, Keeper, Look, Urgency};
pub use fuzzing::fuzz_token;
pub use jwt::{JwtKeys, jwt};
pub use known::Known;
pub use login::{CALLBACK, Changed, Claim, Login, Seen, TokenKind, Verified};
pub(crate) use model::is_longer;
pub use model::{Account, App, MutedIn, NewAccount};
pub use secret::{Secret, random_hex};
pub(crate) use token::wrong_token;
pub use token::{Term, TokenRules, body_digest, check_sum};
pub use vendor::dynamic_token;
