//! What a parameter of an endpoint is: one value from which both the check of every call and its description come.

use serde::de::IgnoredAny;
use serde_json::{Value, json};

use super::form::{Form, missing};
use crate::account::is_longer;
use crate::error::Status;
use crate::id::RoomId;
use crate::limits;

/// A parameter of an endpoint.
pub(super) struct Parameter {
    /// As the description spells it; [`Form`] knows the other spelling where there is one.
    pub(super) name: &'static str,
    /// What it holds.
    pub(super) kind: Kind,
    /// Whether a call without it is 414.
    pub(super) required: bool,
    /// For people, in the fewest words.
    pub(super) about: &'static str,
}

/// What a parameter holds. Limits of lists count items.
pub(super) enum Kind {
    /// The number of a room.
    Room,
    /// The name of an account, of at most 32 bytes.
    Account,
    /// The name of an account that is to be.
    NewAccount,
    /// A text of at most this many characters.
    Text(usize),
    /// A text of at most this many bytes.
    Bytes(usize),
    /// The address of a client.
    Address,
    /// A whole number within these bounds, both included.
    Whole(i64, i64),
    /// A whole number of any size.
    Integer,
    /// A JSON text of at most this many characters, whatever it holds.
    Json(usize),
    /// A moment in seconds or milliseconds; how far back it may lie, its reader says.
    Moment,
    /// One of these numbers.
    Pick(&'static [i64]),
    /// One of these words.
    Word(&'static [&'static str]),
    /// A number that need not be whole.
    Decimal,
    /// true or false in any case, or 1 or 0.
    Flag,
    /// Whole numbers with commas between them.
    Numbers,
    /// A JSON array of accounts.
    Accounts(usize),
    /// A JSON array of rooms.
    Rooms(usize),
    /// A JSON array of texts, so many at least and at most.
    Texts(usize, usize),
    /// A JSON array of objects that hold parameters of their own.
    Objects(usize),
    /// A JSON object of texts.
    Pairs(usize),
    /// A JSON object of true and false.
    Flags(&'static [&'static str]),
}

/// A parameter that must be there.
pub(super) const fn must(name: &'static str, kind: Kind, about: &'static str) -> Parameter {
    Parameter { name, kind, required: true, about }
}

/// A parameter that may be missing.
pub(super) const fn may(name: &'static str, kind: Kind, about: &'static str) -> Parameter {
    Parameter { name, kind, required: false, about }
}

impl Parameter {
    /// 414 unless the parameter is within what its description says. The insides of other JSON than lists of texts are left to
    /// who reads them.
    pub(super) fn check(&self, form: &Form) -> Result<(), Status> {
        let name = self.name;
        let Some(text) = form.text(name) else {
            return if self.required { Err(missing(name)) } else { Ok(()) };
        };
        let refuse = |what: String| Err(Status::bad_parameter(format!("{name} must be {what}")));
        match &self.kind {
            Kind::Room => form.number(name)?.map_or(Ok(()), |number| RoomId::new(number).map(drop)),
            Kind::Account | Kind::NewAccount => form.account(name).map(drop),
            Kind::Text(max) | Kind::Json(max) if is_longer(text, *max) => refuse(format!("at most {max} characters")),
            Kind::Json(_) if serde_json::from_str::<IgnoredAny>(text).is_err() => refuse("JSON".to_owned()),
            Kind::Integer if !is_integer(text) => refuse("a whole number".to_owned()),
            Kind::Bytes(max) if text.len() > *max => refuse(format!("at most {max} bytes")),
            Kind::Whole(min, max) => match form.number::<i64>(name)? {
                Some(number) if (*min..=*max).contains(&number) => Ok(()),
                _ => refuse(format!("{min}-{max}")),
            },
            Kind::Moment => form.number::<i64>(name).map(drop),
            Kind::Pick(numbers) => match form.number::<i64>(name)? {
                Some(number) if numbers.contains(&number) => Ok(()),
                _ => refuse(listed(&numbers.iter().map(i64::to_string).collect::<Vec<_>>())),
            },
            Kind::Word(words) if !words.contains(&text) => {
                refuse(listed(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>()))
            }
            Kind::Flag => form.flag(name).map(drop),
            Kind::Texts(min, max) => match form.required_json::<Vec<String>>(name)?.len() {
                items if (*min..=*max).contains(&items) => Ok(()),
                _ => refuse(format!("{min}-{max} items")),
            },
            Kind::Decimal => form.number::<f64>(name).map(drop),
            Kind::Numbers => form.numbers(name).map(drop),
            _ => Ok(()),
        }
    }

    /// The schema of the parameter in an OpenAPI 3.1 description.
    pub(super) fn schema(&self) -> Value {
        let json_text =
            |inside: Value| json!({ "type": "string", "contentMediaType": "application/json", "contentSchema": inside });
        let some = |items: Value, min: usize, max: &usize| {
            json_text(json!({ "type": "array", "items": items, "minItems": min, "maxItems": max }))
        };
        let array = |items: Value, max: &usize| some(items, 1, max);
        let least = u8::from(self.required);
        let account = || json!({ "type": "string", "pattern": format!("^[!-~]{{1,{}}}$", limits::ACCOUNT_BYTES_MAX) });
        let mut schema = match &self.kind {
            Kind::Room => json!({ "type": "integer", "format": "int64", "minimum": 1 }),
            Kind::Account => account(),
            Kind::NewAccount => {
                json!({ "type": "string", "pattern": format!("^[A-Za-z0-9_@.-]{{1,{}}}$", limits::ACCOUNT_BYTES_MAX) })
            }
            Kind::Text(max) | Kind::Bytes(max) => json!({ "type": "string", "minLength": least, "maxLength": max }),
            Kind::Address => json!({ "type": "string", "anyOf": [{ "format": "ipv4" }, { "format": "ipv6" }] }),
            Kind::Whole(min, max) => json!({ "type": "integer", "format": "int64", "minimum": min, "maximum": max }),
            Kind::Integer => json!({ "type": "integer" }),
            Kind::Json(max) => json!({ "type": "string", "maxLength": max, "contentMediaType": "application/json" }),
            Kind::Moment => json!({ "type": "integer", "format": "int64" }),
            Kind::Pick(numbers) => json!({ "type": "integer", "enum": numbers }),
            Kind::Word(words) => json!({ "type": "string", "enum": words }),
            Kind::Decimal => json!({ "type": "number", "format": "double" }),
            Kind::Flag => json!({ "type": "boolean" }),
            Kind::Numbers => json!({ "type": "string", "pattern": "^-?[0-9]{1,9}(,-?[0-9]{1,9})*$" }),
            Kind::Accounts(max) => array(account(), max),
            Kind::Rooms(max) => array(json!({ "type": "integer", "format": "int64" }), max),
            Kind::Texts(min, max) => some(json!({ "type": "string" }), *min, max),
            Kind::Objects(max) => array(json!({ "type": "object" }), max),
            Kind::Pairs(max) => json_text(json!({
                "type": "object", "additionalProperties": { "type": "string" }, "minProperties": 1, "maxProperties": max
            })),
            Kind::Flags(names) => {
                let flags = names.iter().map(|name| ((*name).to_owned(), json!({ "type": "boolean" })));
                json_text(json!({ "type": "object", "properties": flags.collect::<serde_json::Map<_, _>>() }))
            }
        };
        schema["description"] = json!(self.about);
        schema
    }
}

/// A whole number in decimal digits, however many.
fn is_integer(text: &str) -> bool {
    let digits = text.trim().trim_start_matches(['+', '-']);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// `1, 2 or 3`.
fn listed(words: &[String]) -> String {
    match words {
        [some @ .., last] if !some.is_empty() => format!("{} or {last}", some.join(", ")),
        _ => words.concat(),
    }
}
