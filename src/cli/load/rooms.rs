//! Rooms for a run, made over HTTP.

use super::super::failure::Failure;
use super::super::http::Caller;
use super::super::who::Where;

/// Makes rooms of a new account's, which tell nobody who comes and goes.
pub(super) fn create(admin: &str, place: &Where, secret: &str, count: u32) -> Result<Vec<i64>, Failure> {
    let caller = Caller::new(admin, place.ca.as_deref(), place.timeout, &place.app, secret)?.outlasting_blocks();
    let owner = format!("load-owner-{:08x}", fastrand::u32(..));
    caller.call("user/create", &[("accid", &owner)])?;
    (1..=count)
        .map(|number| {
            let name = format!("load {number}");
            let parameters = [("creator", owner.as_str()), ("name", &name), ("inOutNotification", "0")];
            let answer = caller.call("chatroom/create", &parameters)?;
            let id = answer["chatroom"]["roomid"].as_i64();
            id.ok_or_else(|| Failure::failed(format!("chatroom/create answered without a room: {answer}")))
        })
        .collect()
}
