//! Parameters of a call: the body's and the query string's, in `application/x-www-form-urlencoded` (rest-api.md §1).

use std::borrow::Cow;
use std::collections::HashSet;
use std::str::FromStr;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::error::Status;
use crate::id::AccountId;
use crate::limits;

/// Names real callers spell in two ways; each is looked up under both.
const ALIASES: [(&str, &str); 6] = [
    ("roomid", "roomId"),
    ("useYiDun", "useYidun"),
    ("clienttype", "clientType"),
    ("clientip", "clientIp"),
    ("optvalue", "optValue"),
    ("endtime", "endTime"),
];

/// The parameters of one call. Unknown ones are never asked for, and so ignored.
pub(super) struct Form {
    pairs: Vec<(String, String)>,
}

impl Form {
    /// Reads body and query string; of a name that stands there twice the first counts, the body's before the query's.
    pub(super) fn parse(body: &[u8], query: &str) -> Result<Form, Status> {
        let parts = body.split(|byte| *byte == b'&').chain(query.as_bytes().split(|byte| *byte == b'&'));
        let mut pairs = Vec::new();
        for part in parts.filter(|part| !part.is_empty()) {
            if pairs.len() == limits::HTTP_PARAMETERS_MAX {
                return Err(Status::bad_parameter("more than 256 parameters"));
            }
            let equals = part.iter().position(|byte| *byte == b'=').unwrap_or(part.len());
            let (name, value) = part.split_at(equals);
            pairs.push((decode(name)?, decode(value.get(1..).unwrap_or_default())?));
        }
        Ok(Form { pairs })
    }

    /// The same parameters, those of `object` before them: a message of a batch has its own and shares the rest. What is no text is
    /// taken as its JSON text, which is how a form would have it.
    pub(super) fn with(&self, object: &Map<String, Value>) -> Form {
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let own = object.iter().filter(|(_, value)| !value.is_null()).map(|(name, value)| (name.clone(), text(value)));
        Form { pairs: own.chain(self.pairs.iter().cloned()).collect() }
    }

    /// A parameter that may be missing; an empty one counts as missing.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.given(name).filter(|value| !value.is_empty())
    }

    /// A parameter that may be missing, and whose being empty means something.
    pub(super) fn given(&self, name: &str) -> Option<&str> {
        let other = ALIASES.iter().find_map(|(one, other)| match name {
            _ if *one == name => Some(*other),
            _ if *other == name => Some(*one),
            _ => None,
        });
        let found = self.pairs.iter().find(|(known, _)| known == name || Some(known.as_str()) == other);
        found.map(|(_, value)| value.as_str())
    }

    /// A parameter that must be there.
    pub(super) fn required(&self, name: &str) -> Result<&str, Status> {
        self.text(name).ok_or_else(|| missing(name))
    }

    /// A parameter that may be missing, as an owned text; missing is empty.
    pub(super) fn owned(&self, name: &str) -> String {
        self.text(name).unwrap_or_default().to_owned()
    }

    /// A whole number that may be missing.
    pub(super) fn number<T: FromStr>(&self, name: &str) -> Result<Option<T>, Status> {
        let Some(text) = self.text(name) else { return Ok(None) };
        text.trim().parse().map(Some).map_err(|_| Status::bad_parameter(format!("{name} must be a whole number in range")))
    }

    /// A whole number that must be there.
    pub(super) fn required_number<T: FromStr>(&self, name: &str) -> Result<T, Status> {
        self.number(name)?.ok_or_else(|| missing(name))
    }

    /// How many items are wanted at most: 1 to `max`, and required.
    pub(super) fn limit(&self, max: u32) -> Result<u32, Status> {
        let limit = self.required_number("limit")?;
        if (1..=max).contains(&limit) { Ok(limit) } else { Err(Status::bad_parameter(format!("limit must be 1-{max}"))) }
    }

    /// An account that must be named.
    pub(super) fn account(&self, name: &str) -> Result<AccountId, Status> {
        account(name, self.required(name)?)
    }

    /// 1 to `max` accounts, as a JSON array of texts.
    pub(super) fn accounts(&self, name: &str, max: usize) -> Result<Vec<AccountId>, Status> {
        let names: Vec<String> = self.required_json(name)?;
        in_number(name, names.len(), max)?;
        names.iter().map(|text| account(name, text)).collect()
    }

    /// 1 to `max` numbers of rooms, as a JSON array, in quotes or not; of one that stands there twice the first counts. There need be
    /// no such room, and there may be none that has such a number.
    pub(super) fn rooms(&self, name: &str, max: usize) -> Result<Vec<i64>, Status> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Id {
            Bare(i64),
            Quoted(String),
        }
        let ids: Vec<Id> = self.required_json(name)?;
        in_number(name, ids.len(), max)?;
        let id = |id: &Id| match id {
            Id::Bare(number) => Ok(*number),
            Id::Quoted(text) => text.trim().parse().map_err(|_| malformed(name)),
        };
        let mut seen = HashSet::new();
        let ids: Vec<i64> = ids.iter().map(id).collect::<Result<_, Status>>()?;
        Ok(ids.into_iter().filter(|id| seen.insert(*id)).collect())
    }

    /// Whole numbers, separated by commas; missing: none.
    pub(super) fn numbers(&self, name: &str) -> Result<Vec<i32>, Status> {
        let number = |text: &str| {
            text.trim().parse().map_err(|_| Status::bad_parameter(format!("{name} must be numbers, separated by commas")))
        };
        self.text(name).map_or(Ok(Vec::new()), |text| text.split(',').map(number).collect())
    }

    /// JSON text that must be there.
    pub(super) fn required_json<T: DeserializeOwned>(&self, name: &str) -> Result<T, Status> {
        self.json(name)?.ok_or_else(|| missing(name))
    }

    /// JSON text that may be missing.
    pub(super) fn json<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, Status> {
        self.text(name).map(|text| serde_json::from_str(text).map_err(|_| malformed(name))).transpose()
    }

    /// true or false that must be there.
    pub(super) fn required_flag(&self, name: &str) -> Result<bool, Status> {
        self.flag(name)?.ok_or_else(|| missing(name))
    }

    /// true or false in any case, or 1 or 0; may be missing.
    pub(super) fn flag(&self, name: &str) -> Result<Option<bool>, Status> {
        match self.text(name) {
            None => Ok(None),
            Some(text) if text == "1" || text.eq_ignore_ascii_case("true") => Ok(Some(true)),
            Some(text) if text == "0" || text.eq_ignore_ascii_case("false") => Ok(Some(false)),
            Some(_) => Err(Status::bad_parameter(format!("{name} must be true or false"))),
        }
    }
}

/// What a call without a parameter that must be there comes to.
pub(super) fn missing(name: &str) -> Status {
    Status::bad_parameter(format!("{name} is missing"))
}

fn malformed(name: &str) -> Status {
    Status::bad_parameter(format!("{name} is not the JSON it must be"))
}

fn account(name: &str, text: &str) -> Result<AccountId, Status> {
    AccountId::parse(text).map_err(|status| {
        Status::bad_parameter(format!("{name} {}", status.desc.strip_prefix("account ").unwrap_or("is malformed")))
    })
}

/// A list has 1 to `max` items.
pub(super) fn in_number(name: &str, items: usize, max: usize) -> Result<(), Status> {
    if (1..=max).contains(&items) { Ok(()) } else { Err(Status::bad_parameter(format!("{name} must hold 1-{max} items"))) }
}

/// Undoes the encoding: `+` is a blank, `%` and two hex digits a byte; any other `%` stands for itself.
fn decode(text: &[u8]) -> Result<String, Status> {
    let text: Vec<u8> = text.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
    let decoded = percent_encoding::percent_decode(&text).decode_utf8();
    decoded.map(Cow::into_owned).map_err(|_| Status::bad_parameter("parameters must be UTF-8"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::error::Code;

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(body in any::<Vec<u8>>(), query in ".*") {
            let _ = Form::parse(&body, &query);
        }

        #[test]
        fn what_is_encoded_comes_back(text in ".+") {
            let encoded: String = text.bytes().map(|byte| format!("%{byte:02X}")).collect();
            let form = Form::parse(format!("x={encoded}").as_bytes(), "").unwrap();
            prop_assert_eq!(form.text("x"), Some(text.as_str()));
        }
    }

    fn form(body: &str, query: &str) -> Form {
        Form::parse(body.as_bytes(), query).unwrap()
    }

    #[test]
    fn the_body_wins_over_the_query_string() {
        let form = form("name=a&&ext=", "name=b&creator=c");
        assert_eq!(form.text("name"), Some("a"));
        assert_eq!(form.text("creator"), Some("c"));
        assert_eq!(form.text("ext"), None);
        assert_eq!(form.text("missing"), None);
        assert_eq!(form.required("ext").unwrap_err().desc, "ext is missing");
    }

    #[test]
    fn names_and_values_are_decoded_once() {
        // S002-001
        let form = form("n%61me=my+chat%20room%2B%e4%BD%a0&ext=100%&sign=a%zz%2", "");
        assert_eq!(form.text("name"), Some("my chat room+你"));
        assert_eq!(form.text("ext"), Some("100%"));
        assert_eq!(form.text("sign"), Some("a%zz%2"));
        assert_eq!(Form::parse(b"name=%ff", "").map(drop).unwrap_err().code, Code::BadParameter);
    }

    #[test]
    fn names_with_two_spellings_are_found_under_both_and_all_others_under_one() {
        assert_eq!(form("roomId=5", "").text("roomid"), Some("5"));
        assert_eq!(form("roomid=5", "").text("roomid"), Some("5"));
        assert_eq!(form("roomid=5", "").text("roomId"), Some("5"));
        assert_eq!(form("Name=5", "").text("name"), None);
    }

    #[test]
    fn booleans_are_true_false_one_or_zero_in_any_case() {
        for (text, expected) in [("true", true), ("TRUE", true), ("1", true), ("False", false), ("0", false)] {
            assert_eq!(form(&format!("x={text}"), "").flag("x").unwrap(), Some(expected));
        }
        assert_eq!(form("x=", "").flag("x").unwrap(), None);
        for text in ["yes", "2", "tru"] {
            assert_eq!(form(&format!("x={text}"), "").flag("x").unwrap_err().code, Code::BadParameter);
        }
    }

    #[test]
    fn numbers_are_whole_and_in_range() {
        assert_eq!(form("x=-5", "").number::<i64>("x").unwrap(), Some(-5));
        assert_eq!(form("x=", "").number::<i64>("x").unwrap(), None);
        for text in ["1.5", "abc", "99999999999999999999", "0x10"] {
            assert!(form(&format!("x={text}"), "").number::<i64>("x").is_err(), "{text}");
        }
        assert!(form("x=-1", "").number::<u32>("x").is_err());
    }

    #[test]
    fn more_parameters_than_the_limit_are_refused() {
        let many = |count| "a=1&".repeat(count);
        assert!(Form::parse(many(limits::HTTP_PARAMETERS_MAX).as_bytes(), "").is_ok());
        assert!(Form::parse(many(limits::HTTP_PARAMETERS_MAX + 1).as_bytes(), "").is_err());
    }
}
