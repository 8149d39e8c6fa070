//! The description of the API in OpenAPI 3.1, made from the tables the calls are checked with.

use serde_json::{Map, Value, json};

use super::described::{Described, TABLE};
use super::{Rooms, endpoint, shapes};
use crate::error::{CODES, Code};
use crate::limits;

/// The description, as JSON text. `base` is where the endpoints are.
pub(super) fn print<R: Rooms>(base: &str) -> String {
    let paths: Map<String, Value> =
        TABLE.iter().map(|row| (row.path.to_owned(), json!({ "post": operation::<R>(row) }))).collect();
    let header = |name: &str, about: &str| json!({ "type": "apiKey", "in": "header", "name": name, "description": about });
    let description = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "chatroomd",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Every answer has HTTP status 200; `code` says what happened.",
        },
        "servers": [{ "url": base }],
        "security": [{ "AppKey": [], "Nonce": [], "CurTime": [], "CheckSum": [] }],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "AppKey": header("AppKey", "The application."),
                "Nonce": header("Nonce", "A fresh random text of at most 128 characters."),
                "CurTime": header("CurTime", "Unix time in seconds."),
                "CheckSum": header("CheckSum", "SHA1(secret + Nonce + CurTime) in hex."),
            },
            "schemas": shapes::shared(),
        },
    });
    description.to_string()
}

fn operation<R: Rooms>(row: &Described) -> Value {
    let properties: Map<String, Value> =
        row.parameters().map(|parameter| (parameter.name.to_owned(), parameter.schema())).collect();
    let required: Vec<&str> = row.parameters().filter(|parameter| parameter.required).map(|parameter| parameter.name).collect();
    let body = json!({ "type": "object", "properties": properties, "required": required });
    let id = row.path.trim_start_matches('/').trim_end_matches(".action").replace('/', "_");
    json!({
        "operationId": id,
        "summary": row.about,
        "tags": [id.split('_').next()],
        "parameters": [{
            "name": "RequestId",
            "in": "header",
            "required": false,
            "description": "A call that repeats it within 60 s is 431.",
            "schema": { "type": "string", "maxLength": limits::REQUEST_ID_CHARS_MAX },
        }],
        "requestBody": {
            "required": !required.is_empty(),
            "content": { "application/x-www-form-urlencoded": { "schema": body } },
        },
        "responses": { "200": {
            "description": "What `code` says.",
            "content": { "application/json": { "schema": { "oneOf": [(row.gives)(), failure(&codes::<R>(row.path))] } } },
        } },
    })
}

/// What a call comes to that does not succeed.
fn failure(codes: &[i32]) -> Value {
    let meaning = |number: &i32| Code::from_number(*number).map_or("", |code| code.row().meaning);
    let meanings: Vec<String> = codes.iter().map(|number| format!("{number} {}", meaning(number))).collect();
    json!({
        "type": "object",
        "properties": {
            "code": { "type": "integer", "enum": codes, "description": meanings.join("; ") },
            "desc": { "type": "string" },
            "sub_code": { "type": "integer" },
        },
        "required": ["code", "desc"],
        "additionalProperties": false,
    })
}

/// The codes of failures an endpoint may answer, in their order.
fn codes<R: Rooms>(path: &str) -> Vec<i32> {
    let own = endpoint::codes::<R>(path).unwrap_or(UNLISTED);
    let known = CODES.iter().map(|row| row.number);
    known.filter(|number| ANYWHERE.contains(number) || own.contains(number)).collect()
}

/// Codes any endpoint may answer: those of authentication, of limits, of a server in trouble, and of what is not offered.
const ANYWHERE: &[i32] = &[315, 403, 408, 413, 414, 416, 431, 463, 500, 503, 514];

/// Codes of endpoints for which rest-api.md lists none: those of the room and of accounts.
const UNLISTED: &[i32] = &[302, 404, 406, 417, 419, 422, 423, 13002, 13003, 13004, 13005, 13006];

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::server::Engine;

    #[test]
    fn every_endpoint_is_described_once_and_nothing_else_is() {
        assert_eq!(TABLE.iter().map(|row| row.path).collect::<HashSet<_>>().len(), TABLE.len());
        assert_eq!(TABLE.len(), 53);
        assert!(TABLE.iter().all(|row| endpoint::find::<Engine>(row.path).is_some()));
    }

    #[test]
    fn no_endpoint_names_a_parameter_twice() {
        for row in TABLE {
            let mut seen = HashSet::new();
            assert!(row.parameters().all(|parameter| seen.insert(parameter.name)), "{}", row.path);
        }
    }

    #[test]
    fn every_code_that_is_described_is_one_there_is() {
        for row in TABLE {
            let own = endpoint::codes::<Engine>(row.path).unwrap_or(UNLISTED);
            assert!(own.iter().chain(ANYWHERE).all(|number| Code::from_number(*number).is_some()), "{}", row.path);
        }
    }
}
