//! Envelopes (rest-api.md §1.2): JSON with an int `code`, under HTTP status 200 whatever happened.

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use crate::error::{Code, Status};
use crate::wire::pb;

/// What a call came to: the number of its code, for the metrics, and the response.
pub(super) struct Answer {
    pub(super) code: i32,
    pub(super) response: Response,
}

/// Success with nothing to say.
pub(super) fn bare() -> Response {
    json(&Envelope::<()> { payload: None })
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

/// The room object of rest-api.md §3. Keys that do not belong to a call are `None` and left out.
#[derive(Serialize)]
pub(super) struct Room<'a> {
    roomid: i64,
    valid: bool,
    muted: bool,
    announcement: Option<&'a str>,
    name: &'a str,
    broadcasturl: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    onlineusercount: Option<u64>,
    ext: &'a str,
    creator: &'a str,
    queuelevel: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    ionotify: Option<bool>,
    #[serde(rename = "delayInfo", skip_serializing_if = "Option::is_none")]
    delay_info: Option<DelayInfo>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DelayInfo {
    delay_close_enable: bool,
    delay_close_policy: u32,
    delay_seconds: u32,
    start_time: i64,
}

impl<'a> Room<'a> {
    /// The object as `create` answers it.
    pub(super) fn new(info: &'a pb::RoomInfo) -> Room<'a> {
        let delay = info.delay_close.as_ref().filter(|delay| delay.policy != 0);
        Room {
            roomid: info.room_id,
            valid: info.valid,
            muted: info.muted,
            announcement: info.announcement.as_deref(),
            name: &info.name,
            broadcasturl: &info.broadcast_url,
            onlineusercount: None,
            ext: &info.ext,
            creator: &info.creator,
            queuelevel: info.queue_level,
            ionotify: None,
            delay_info: delay.map(|delay| DelayInfo {
                delay_close_enable: true,
                delay_close_policy: delay.policy,
                delay_seconds: delay.delay_seconds,
                start_time: delay.start_time_ms,
            }),
        }
    }

    /// The object as `get` answers it.
    pub(super) fn in_full(info: &'a pb::RoomInfo, with_online_count: bool) -> Room<'a> {
        let onlineusercount = with_online_count.then_some(info.online_count);
        Room { ionotify: Some(info.in_out_notification), onlineusercount, ..Room::new(info) }
    }
}
