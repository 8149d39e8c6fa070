//! Who may call the HTTP API: every failure of rest-api.md §1.1 in its order, and what holds for all answers (§1, §1.2).

use std::sync::atomic::Ordering;

use crate::listener::{Call, call, now_seconds, page, serve, serve_with};
use chatroom::config::Http;

const GET: &str = "/chatroom/get.action";

fn get() -> Call {
    call(GET, "roomid=1")
}

#[test]
fn a_failure_is_http_200_with_an_int_code_and_words() {
    // S002-001, S002-004
    let api = serve();
    let answer = get().send(&api);
    assert_eq!(answer.status, 200);
    assert!(answer.head.contains("content-type: application/json; charset=utf-8"), "{}", answer.head);
    assert_eq!(answer.body, r#"{"code":404,"desc":"room missing","sub_code":113404}"#);
}

#[test]
fn a_missing_or_malformed_header_is_414() {
    // S002-002
    let api = serve();
    let long = Some("n".repeat(4097));
    for call in [
        Call { app_key: None, ..get() },
        Call { nonce: None, ..get() },
        Call { cur_time: None, ..get() },
        Call { check_sum: None, ..get() },
        Call { nonce: Some(String::new()), ..get() },
        Call { cur_time: Some("yesterday".to_owned()), ..get() }.signed(),
        Call { cur_time: Some(format!("0{}", now_seconds())), ..get() }.signed(),
        Call { nonce: long, ..get() }.signed(),
        Call { nonce: Some("naïve".to_owned()), ..get() }.signed(),
        Call { more_headers: format!("RequestId: {}\r\n", "r".repeat(65)), ..get() },
    ] {
        assert_eq!(call.send(&api).body, r#"{"code":414,"desc":"bad http header"}"#);
    }
    assert_eq!(Call { nonce: Some("n".repeat(4096)), ..get() }.signed().send(&api).code(), 404);
}

#[test]
fn each_check_of_the_headers_comes_before_those_behind_it() {
    let api = serve();
    let (nobody, old) = (Some("nobody".to_owned()), Some("1451217360".to_owned()));
    let wrong_in_everything = Call { app_key: nobody, nonce: None, cur_time: old, check_sum: Some("x".to_owned()), ..get() };
    assert_eq!(wrong_in_everything.send(&api).code(), 414);
    let call = Call { nonce: Some("n".to_owned()), ..wrong_in_everything };
    assert!(call.send(&api).body.contains("app key"));
    let call = Call { app_key: Some("closed".to_owned()), ..call };
    assert!(call.send(&api).body.contains("app key"));
    let call = Call { app_key: Some("demo".to_owned()), ..call };
    assert!(call.send(&api).body.contains("CurTime"));
    let call = Call { cur_time: Some(now_seconds().to_string()), ..call };
    assert!(call.send(&api).body.contains("CheckSum"));
    assert_eq!(call.send(&api).code(), 414);
    assert_eq!(call.signed().send(&api).code(), 404);
}

#[test]
fn the_published_vector_is_five_minutes_and_years_too_old() {
    // S002-003
    let api = serve();
    let vector = Call {
        nonce: Some("12345".to_owned()),
        cur_time: Some("1451217360".to_owned()),
        check_sum: Some("0687168be8ee7e9b57a548e644b310ffa9e7fc39".to_owned()),
        ..get()
    };
    assert_eq!(vector.clone().signed().check_sum, vector.check_sum);
    assert!(vector.send(&api).body.contains("CurTime"));
    for (off, expected) in [(-295, 404), (295, 404), (-310, 414), (310, 414)] {
        let call = Call { cur_time: Some((now_seconds() + off).to_string()), ..get() }.signed();
        assert_eq!(call.send(&api).code(), expected, "{off} s");
    }
}

#[test]
fn header_names_and_the_checksum_are_taken_in_either_case() {
    let api = serve();
    let Call { nonce, cur_time, check_sum, .. } = get();
    let lower = format!(
        "appkey: demo\r\nnonce: {}\r\ncurtime: {}\r\nchecksum: {}\r\n",
        nonce.unwrap(),
        cur_time.unwrap(),
        check_sum.unwrap().to_uppercase()
    );
    let call = Call { app_key: None, nonce: None, cur_time: None, check_sum: None, more_headers: lower, ..get() };
    assert_eq!(call.send(&api).code(), 404);
}

#[test]
fn a_call_that_was_made_before_is_431_and_changes_nothing() {
    let api = serve();
    let create = call("/chatroom/create.action", "creator=alice&name=a");
    assert_eq!(create.send(&api).code(), 200);
    let again = create.send(&api);
    assert_eq!((again.code(), api.rooms.len()), (431, 1));
    assert!(again.body.contains("Nonce"));
    // The same signature on another path is another call, and a new nonce a new one.
    assert_eq!(Call { path: format!("/nimserver{GET}"), body: b"roomid=1".to_vec(), ..create.clone() }.send(&api).code(), 200);
    assert_eq!(call("/chatroom/create.action", "creator=alice&name=a").send(&api).code(), 200);
}

#[test]
fn a_signature_that_is_used_again_with_another_body_is_another_call() {
    // Sample code signs with a constant nonce, and all its calls of a second are signed alike.
    let api = serve();
    let signed = Call { nonce: Some("123456789".to_owned()), ..get() }.signed();
    let with = |path: &str, body: &str| {
        Call { path: format!("/nimserver{path}"), body: body.as_bytes().to_vec(), ..signed.clone() }.send(&api).code()
    };
    for name in ["a", "b", "c"] {
        assert_eq!(with("/chatroom/create.action", &format!("creator=alice&name={name}")), 200, "{name}");
    }
    assert_eq!((with("/chatroom/create.action", "creator=alice&name=b"), api.rooms.len()), (431, 3));
    // Parameters in the query are a call's body where it has none, and make no other call of one that has.
    assert_eq!(with(&format!("{GET}?roomid=1"), ""), 200);
    assert_eq!(with(&format!("{GET}?roomid=2"), ""), 200);
    assert_eq!(with(&format!("{GET}?roomid=1"), ""), 431);
    assert_eq!(with("/chatroom/create.action?x=1", "creator=alice&name=b"), 431);
}

#[test]
fn a_digit_that_moves_between_nonce_and_time_makes_no_other_call() {
    let api = serve();
    let now = now_seconds().to_string();
    let create = call("/chatroom/create.action", "creator=alice&name=a");
    let signed = Call { nonce: Some("4711".to_owned()), cur_time: Some(now.clone()), ..create }.signed();
    assert_eq!(signed.send(&api).code(), 200);
    let cut = |nonce: String, time: String| Call { nonce: Some(nonce), cur_time: Some(time), ..signed.clone() };
    let recut = [
        cut("471".to_owned(), format!("1{now}")),
        cut(format!("4711{}", &now[..1]), now[1..].to_owned()),
        cut("4711".to_owned(), now.clone()),
    ];
    assert_eq!(recut.map(|call| call.send(&api).code()), [414, 414, 431]);
    assert_eq!(api.rooms.len(), 1);
}

#[test]
fn a_request_id_is_good_once_a_minute_on_its_path_and_changes_nothing_again() {
    // S002-005
    let api = serve();
    let with_id = |endpoint: &str, body: &str| Call { more_headers: "RequestId: r-1\r\n".to_owned(), ..call(endpoint, body) };
    assert_eq!(with_id("/chatroom/create.action", "creator=alice&name=a").send(&api).code(), 200);
    assert_eq!(with_id("/chatroom/create.action", "creator=alice&name=a").send(&api).code(), 431);
    assert_eq!(api.rooms.len(), 1);
    assert_eq!(with_id(GET, "roomid=1").send(&api).code(), 200);
}

#[test]
fn too_many_calls_of_an_endpoint_are_416_and_block_it_for_their_application_only() {
    // S002-006
    let api = serve_with(Http { calls_per_second: 1, block_ms: 600_000, ..Http::default() });
    assert_eq!(get().send(&api).code(), 404);
    // A slow machine may take a second for a call or two; not for sixty in a row.
    assert!((0..60).any(|_| get().send(&api).code() == 416));
    assert_eq!(get().send(&api).code(), 416);
    assert_eq!(call("/user/create.action", "accid=bob").send(&api).code(), 200);
    assert_eq!(Call { app_key: Some("other".to_owned()), ..get() }.send(&api).code(), 404);
}

#[test]
fn an_unknown_path_is_404_and_only_post_is_taken() {
    let api = serve();
    assert_eq!(call("/chatroom/explode.action", "").send(&api).code(), 404);
    assert_eq!(Call { path: "/chatroom/get.action".to_owned(), ..get() }.send(&api).code(), 404);
    assert_eq!(Call { method: "PUT", ..get() }.send(&api).code(), 414);
}

#[test]
fn the_base_path_is_configurable() {
    let api = serve_with(Http { base: String::new(), ..Http::default() });
    assert_eq!(
        Call { path: GET.to_owned(), ..get() }.send(&api).body,
        r#"{"code":404,"desc":"room missing","sub_code":113404}"#
    );
    assert!(get().send(&api).body.contains("no such endpoint"));
}

#[test]
fn a_body_may_have_a_mebibyte_and_a_larger_one_is_413_and_its_caller_hears_so() {
    let api = serve();
    let body = |bytes: usize| {
        let mut body = b"roomid=1&ext=".to_vec();
        body.resize(bytes, b'x');
        body
    };
    assert_eq!(Call { body: body(1 << 20), ..get() }.send(&api).code(), 404);
    for bytes in [(1 << 20) + 1, 8 << 20] {
        assert_eq!(Call { body: body(bytes), ..get() }.send(&api).code(), 413, "{bytes}");
    }
    let mut chunked = format!("{:x}\r\n", (1 << 20) + 1).into_bytes();
    chunked.extend(body((1 << 20) + 1));
    chunked.extend(b"\r\n0\r\n\r\n");
    let call = Call { body: chunked, more_headers: "Transfer-Encoding: chunked\r\n".to_owned(), ..get() };
    assert_eq!(call.send(&api).code(), 413);
}

#[test]
fn a_caller_who_is_refused_by_the_headers_hears_so_however_much_it_sends() {
    let api = serve();
    let refused = Call { body: vec![b'x'; 1 << 20], check_sum: Some("x".to_owned()), ..get() };
    assert_eq!(refused.send(&api).code(), 414);
}

#[test]
fn parameters_come_from_the_body_or_the_query_and_the_body_wins() {
    let api = serve();
    assert_eq!(call("/chatroom/create.action?creator=alice&name=query", "name=body").send(&api).code(), 200);
    assert_eq!(api.rooms.last().name, "body");
    assert_eq!(call("/chatroom/get.action?roomId=1", "").send(&api).code(), 200);
}

#[test]
fn health_needs_no_signature_and_readiness_ends_with_the_drain() {
    let api = serve();
    let health = page(&api, "/healthz");
    assert_eq!((health.status, health.body.as_str()), (200, "ok\n"));
    assert_eq!(page(&api, "/health/liveness.action").body, r#"{"code":200}"#);
    assert_eq!(page(&api, "/readyz").status, 200);
    api.ready.store(false, Ordering::Release);
    assert_eq!((page(&api, "/readyz").status, page(&api, "/healthz").status), (503, 200));
    let metrics = page(&api, "/metrics");
    assert_eq!((metrics.status, metrics.body.as_str()), (200, "chatroom_connections 3\n"));
    assert!(metrics.head.contains("content-type: text/plain; version=0.0.4"));
}
