//! Envelopes (rest-api.md §1.2): JSON with an int `code`, under HTTP status 200 whatever happened.

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use crate::error::{Code, Status};

/// What a call came to: the number of its code, for the metrics, and the response.
pub(super) struct Answer {
    pub(super) code: i32,
    pub(super) response: Response,
}

/// Success with nothing to say.
pub(super) fn bare() -> Response {
    json(&Envelope::<()> { payload: None })
}

/// Success with nothing to say, as the answer of a call.
pub(super) fn done() -> Answer {
    Answer { code: Code::Ok.number(), response: bare() }
}

/// Success with a `desc` object.
pub(super) fn desc(value: &impl Serialize) -> Answer {
    success("desc", value)
}

/// Success with a list under `desc.data`.
pub(super) fn list(data: &[impl Serialize]) -> Answer {
    #[derive(Serialize)]
    struct List<'a, T> {
        data: &'a [T],
    }
    desc(&List { data })
}

/// Success with the keys of `value` beside the code.
pub(super) fn top(value: &impl Serialize) -> Answer {
    #[derive(Serialize)]
    struct Top<'a, T> {
        #[serde(flatten)]
        value: &'a T,
        code: i32,
    }
    let code = Code::Ok.number();
    Answer { code, response: json(&Top { value, code }) }
}

/// Success with one object under `key`, before the code.
pub(super) fn success(key: &'static str, value: &impl Serialize) -> Answer {
    Answer { code: Code::Ok.number(), response: json(&Envelope { payload: Some((key, value)) }) }
}

/// Success with facts about an account, which come after the code (rest-api.md §6).
pub(super) fn info(info: &impl Serialize) -> Answer {
    #[derive(Serialize)]
    struct Info<'a, T> {
        code: i32,
        info: &'a T,
    }
    let code = Code::Ok.number();
    Answer { code, response: json(&Info { code, info }) }
}

/// A failure: `desc` is always a text.
pub(super) fn failure(status: &Status) -> Answer {
    #[derive(Serialize)]
    struct Failure<'a> {
        code: i32,
        desc: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        sub_code: Option<i32>,
    }
    let desc = if status.desc.is_empty() { status.code.row().meaning } else { &status.desc };
    let failure = Failure { code: status.number(), desc, sub_code: status.sub.map(|sub| sub.number()) };
    Answer { code: failure.code, response: json(&failure) }
}

/// A failure after which the connection is closed.
pub(super) fn last(status: &Status) -> Answer {
    let mut answer = failure(status);
    answer.response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    answer
}

struct Envelope<'a, T> {
    payload: Option<(&'static str, &'a T)>,
}

impl<T: Serialize> Serialize for Envelope<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if let Some((key, value)) = self.payload {
            map.serialize_entry(key, value)?;
        }
        map.serialize_entry("code", &Code::Ok.number())?;
        map.end()
    }
}

fn json(value: &impl Serialize) -> Response {
    let body = serde_json::to_vec(value).expect("every answer is made of texts, numbers and maps with text keys");
    let content_type = HeaderValue::from_static("application/json; charset=utf-8");
    ([(header::CONTENT_TYPE, content_type)], body).into_response()
}
