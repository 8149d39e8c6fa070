//! Statuses as they arrive: any response can be read as one (wire.md §3).

use bytes::Bytes;
use prost::Message as _;

use crate::error::{CALLBACK_CODES, Code, Status, Sub};
use crate::wire::pb;

/// Reads the status at the head of a response's body; `None` if the body is not protobuf.
pub(super) fn head_of(body: &Bytes) -> Option<Status> {
    pb::Status::decode(body.clone()).ok().map(|status| status_of(&status))
}

/// Reads a `Status` that arrived as a message of its own.
pub fn status_of(status: &pb::Status) -> Status {
    let mut read = status_from_parts(status.code, status.sub, status.desc.clone());
    read.retry_after_ms = status.retry_after_ms;
    read
}

/// Codes newer than this build become 500, with the number in the words, because nobody here can know what they ask for.
pub(super) fn status_from_parts(code: i32, sub: i32, desc: String) -> Status {
    let known = if code == 0 { Some(Code::Ok) } else { Code::from_number(code) };
    let mut status = match known {
        // A server sends none of the codes a client gives itself: here these numbers are a callback's.
        _ if CALLBACK_CODES.contains(&code) => Status { chosen: Some(code), ..Status::new(Code::CallbackRefused, desc) },
        Some(Code::Ok) => Status::OK,
        Some(code) => Status::new(code, desc),
        None => Status::new(Code::ServerError, format!("unknown code {code}: {desc}")),
    };
    status.sub = Sub::from_number(sub);
    status
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_response_can_be_read_as_a_status() {
        let login = pb::LoginResponse { account: "alice".into(), connection_id: "7".into(), ..Default::default() };
        assert_eq!(head_of(&login.encode_to_vec().into()), Some(Status::OK));
        let refused = pb::LoginResponse { code: 302, account: "\u{1}".into(), ..Default::default() };
        assert_eq!(head_of(&refused.encode_to_vec().into()).unwrap().code, Code::WrongToken);
    }

    #[test]
    fn a_refusal_keeps_its_sub_code_and_the_time_to_wait() {
        let mut status = Status::with_sub(Code::TooFrequent, Sub::MessageRate);
        status.retry_after_ms = 40;
        let body = pb::Status::from(&status).encode_to_vec();
        assert_eq!(head_of(&body.into()), Some(status));
    }

    #[test]
    fn a_number_that_a_callback_chose_is_a_refusal_by_it() {
        for number in [20_000, 20_001, 20_042, 20_099] {
            let status = status_of(&pb::Status { code: number, ..Default::default() });
            assert_eq!((status.code, status.number()), (Code::CallbackRefused, number));
            assert_eq!(pb::Status::from(&status).code, number);
        }
    }

    #[test]
    fn a_code_from_the_future_is_a_server_error_that_names_it() {
        let status = status_of(&pb::Status { code: 777, desc: "later".into(), ..Default::default() });
        assert_eq!(status.code, Code::ServerError);
        assert!(status.desc.contains("777"));
    }
}
