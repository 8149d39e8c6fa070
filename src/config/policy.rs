//! The multi-client policy as text: `coexist`, `single`, `one_desktop_one_mobile`, `same_type`, or `custom(16>4,4>16)`.

use serde::{Deserialize, Serialize};

use crate::limits::MULTI_CLIENT_PAIRS_MAX;
use crate::room::MultiClient;

/// The multi-client policy of an application (chatroom.md §d.4).
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Policy(pub MultiClient);

impl TryFrom<String> for Policy {
    type Error = String;

    fn try_from(text: String) -> Result<Policy, String> {
        Ok(Policy(match text.as_str() {
            "coexist" => MultiClient::Coexist,
            "single" => MultiClient::Single,
            "one_desktop_one_mobile" => MultiClient::OneDesktopOneMobile,
            "same_type" => MultiClient::SameType,
            other => MultiClient::Custom(pairs(other).ok_or_else(|| {
                format!(
                    "'{other}' is no multi-client policy: write coexist, single, one_desktop_one_mobile, same_type, or \
                     custom(NEW>OLD,…) with numbers of client types, as in custom(16>4,4>16), and at most \
                     {MULTI_CLIENT_PAIRS_MAX} pairs"
                )
            })?),
        }))
    }
}

fn pairs(text: &str) -> Option<Vec<(u32, u32)>> {
    let inner = text.strip_prefix("custom(")?.strip_suffix(')')?;
    let pair = |text: &str| {
        let (new, old) = text.split_once('>')?;
        let number = |text: &str| text.trim().parse::<u16>().ok().map(u32::from);
        Some((number(new)?, number(old)?))
    };
    let pairs: Vec<(u32, u32)> = inner.split(',').map(pair).collect::<Option<_>>()?;
    (pairs.len() <= MULTI_CLIENT_PAIRS_MAX).then_some(pairs)
}

impl From<Policy> for String {
    fn from(policy: Policy) -> String {
        match policy.0 {
            MultiClient::Coexist => "coexist".to_owned(),
            MultiClient::Single => "single".to_owned(),
            MultiClient::OneDesktopOneMobile => "one_desktop_one_mobile".to_owned(),
            MultiClient::SameType => "same_type".to_owned(),
            MultiClient::Custom(pairs) => {
                let pairs: Vec<String> = pairs.iter().map(|(new, old)| format!("{new}>{old}")).collect();
                format!("custom({})", pairs.join(","))
            }
        }
    }
}
