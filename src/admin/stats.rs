//! Calls about what happens in rooms (rest-api.md §4.14).

use serde::Serialize;

use super::Rooms;
use super::answer::{self, Answer};
use super::call::Call;
use crate::error::Status;
use crate::figures::{Period, TopOrder, TopQuery};
use crate::id::UnixMs;
use crate::limits;

/// Times from here on are in milliseconds, smaller ones in seconds.
const MS_FROM: i64 = 100_000_000_000;

/// `/stats/chatroom/topn.action`.
pub(super) async fn top<R: Rooms>(call: &Call<'_, R>) -> Result<Answer, Status> {
    #[derive(Serialize)]
    struct Room {
        #[serde(rename = "activeNums")]
        active: u32,
        /// Seconds.
        datetime: i64,
        #[serde(rename = "enterNums")]
        enters: u32,
        #[serde(rename = "joinNums", skip_serializing_if = "Option::is_none")]
        joins: Option<u32>,
        msgs: u32,
        period: &'static str,
        #[serde(rename = "roomId")]
        room: i64,
    }
    let form = &call.form;
    let count: u32 = form.number("topn")?.unwrap_or(limits::TOP_ROOMS);
    if !(1..=limits::TOP_ROOMS_MAX).contains(&count) {
        return Err(Status::bad_parameter(format!("topn must be 1-{}", limits::TOP_ROOMS_MAX)));
    }
    let ms = |time: i64| UnixMs(if time < MS_FROM { time.saturating_mul(1000) } else { time });
    let (period, name) = match form.text("period") {
        None | Some("hour") => (Period::Hour, "HOUR"),
        Some("day") => (Period::Day, "DAY"),
        Some(_) => return Err(Status::bad_parameter("period must be hour or day")),
    };
    let order = match form.text("orderby") {
        None | Some("active") => TopOrder::Active,
        Some("enter" | "join") => TopOrder::Enters,
        Some("message") => TopOrder::Messages,
        Some(_) => return Err(Status::bad_parameter("orderby must be active, enter, join or message")),
    };
    let query = TopQuery { period, at: form.number("timestamp")?.map(ms), order, count: count as usize };
    let found = call.api.rooms.top_rooms(call.app_key, query).await?;
    let room = |figures: &crate::figures::RoomFigures| Room {
        active: figures.active,
        datetime: found.start.0 / 1000,
        enters: figures.enters,
        joins: call.api.http.seed_aliases.then_some(figures.enters),
        msgs: figures.messages,
        period: name,
        room: figures.room.get(),
    };
    Ok(answer::success("data", &found.rooms.iter().map(room).collect::<Vec<_>>()))
}
