//! What holds for every call of the HTTP API, shown of every endpoint over HTTP: rest-api.md §1, §1.1, §1.3, §8.

use std::net::Ipv4Addr;
use std::time::Duration;

use crate::http_caller::{Caller, Request, now_seconds};
use crate::support::process::{APP_KEY, APP_SECRET, UNLIMITED};
use crate::support::{Server, Setup};
use chatroom::admin::endpoints;
use serde_json::{Value, json};

/// Three applications; `fenced` allows calls from one network only.
const APPS: &str = r#"
[[apps]]
key = "fenced"
secret = "test-secret-0123456789"
http_allowed = ["10.0.0.0/8", "127.9.0.0/16"]

[[apps]]
key = "closed"
secret = "test-secret-0123456789"
disabled = true
"#;

fn start(config: &str) -> Server {
    Server::start(Setup { config: format!("{config}{APPS}"), memory: true, ..Setup::default() })
}

fn paths() -> impl Iterator<Item = (usize, &'static str)> {
    let all = endpoints();
    assert_eq!(all.len(), all.iter().map(|(path, _)| path).collect::<std::collections::BTreeSet<_>>().len());
    all.into_iter().map(|(path, _)| path).enumerate()
}

/// An address nobody else calls from: who fails too often from one has to wait.
fn stranger(number: usize) -> Ipv4Addr {
    Ipv4Addr::new(127, 3, u8::try_from(number / 200).unwrap(), u8::try_from(number % 200 + 1).unwrap())
}

#[test]
fn every_endpoint_asks_who_calls_before_anything_else() {
    // S002-002, S002-003, S002-004
    let server = start(UNLIMITED);
    for (number, path) in paths() {
        let caller = Caller::from(server.admin, stranger(number));
        let signed = || Request::signed(path, "roomid=1");
        let bad_header = json!({ "code": 414, "desc": "bad http header" });
        for name in ["AppKey", "Nonce", "CurTime", "CheckSum"] {
            assert_eq!(caller.call(&signed().without(name)), bad_header, "{path} without {name}");
            assert_eq!(caller.call(&signed().with(name, "")), bad_header, "{path} with an empty {name}");
        }
        let refused = |request: Request, code: i64, what: &str| {
            let answer = caller.call(&request);
            assert!(
                answer["code"] == code && answer["desc"].as_str().is_some_and(|desc| desc.contains(what)),
                "{path}: {answer}"
            );
            assert!(answer.get("sub_code").is_none(), "{path}: {answer}");
        };
        refused(signed().with("AppKey", "nobody"), 403, "app key");
        refused(signed().with("AppKey", "closed"), 403, "app key");
        refused(Request::signed_at(path, "", APP_SECRET, now_seconds() - 400), 414, "CurTime");
        refused(Request::signed_at(path, "", APP_SECRET, now_seconds() + 400), 414, "CurTime");
        refused(Request::signed_at(path, "", "another secret", now_seconds()), 414, "CheckSum");
        refused(signed().with("CheckSum", "x"), 414, "CheckSum");
        refused(signed().with("CheckSum", &"0".repeat(40)), 414, "CheckSum");
    }
}

#[test]
fn every_endpoint_refuses_addresses_its_application_does_not_allow() {
    let server = start(UNLIMITED);
    for (number, path) in paths() {
        let request = || Request::signed(path, "").with("AppKey", "fenced");
        let refused = json!({ "code": 315, "desc": "the application does not allow calls from this address" });
        assert_eq!(Caller::from(server.admin, stranger(number)).call(&request()), refused, "{path}");
        let code = Caller::from(server.admin, Ipv4Addr::new(127, 9, 0, 1)).call(&request())["code"].clone();
        assert!(code != 315 && code != 403, "{path}: {code}");
    }
    // The words of whoever calls do not count, but those of the proxy that is trusted.
    let from_outside = Caller::from(server.admin, Ipv4Addr::new(127, 3, 9, 1));
    let claim = Request::signed("/chatroom/get.action", "").with("AppKey", "fenced").with("X-Forwarded-For", "10.0.0.1");
    assert_eq!(from_outside.call(&claim)["code"], 315);
}

#[test]
fn a_trusted_proxy_says_where_a_call_comes_from() {
    let trusted = UNLIMITED.replace("[http]\n", "[http]\ntrusted_proxies = \"127.0.0.1, 192.0.2.0/24\"\n");
    let server = start(&trusted);
    let code = |from: Ipv4Addr, forwarded: &str| {
        let request = Request::signed("/chatroom/get.action", "").with("AppKey", "fenced").with("X-Forwarded-For", forwarded);
        Caller::from(server.admin, from).call(&request)["code"].as_i64().unwrap()
    };
    let proxy = Ipv4Addr::LOCALHOST;
    assert_eq!(code(proxy, "10.1.2.3"), 414);
    assert_eq!(code(proxy, "198.51.100.1, 10.1.2.3, 192.0.2.9"), 414);
    assert_eq!(code(proxy, "10.1.2.3, 198.51.100.1"), 315);
    assert_eq!(code(proxy, ""), 315);
    assert_eq!(code(Ipv4Addr::new(127, 3, 9, 2), "10.1.2.3"), 315);
}

#[test]
fn the_allowed_addresses_change_while_the_server_runs_and_outlive_it() {
    let folder = tempfile::tempdir().unwrap();
    let setup = |config: &str| Setup { config: config.into(), data: Some(folder.path().join("data")), ..Setup::default() };
    let app = |allowed: &str| {
        format!("{UNLIMITED}\n[[apps]]\nkey = \"fenced\"\nsecret = \"{APP_SECRET}\"\nhttp_allowed = [{allowed}]\n")
    };
    let code = |server: &Server| {
        let request = Request::signed("/chatroom/get.action", "").with("AppKey", "fenced");
        Caller::from(server.admin, Ipv4Addr::LOCALHOST).call(&request)["code"].as_i64().unwrap()
    };
    let server = Server::start(setup(&app("")));
    assert_eq!(code(&server), 414);
    server.reconfigure(&app("\"2001:db8::/32\""));
    crate::support::wait_until("the new list to be in force", || code(&server) == 315);
    server.reconfigure(&app("\"127.0.0.0/8\""));
    crate::support::wait_until("the newer list to be in force", || code(&server) == 414);
    server.reconfigure(&app("\"10.0.0.0/8\""));
    crate::support::wait_until("the newest list to be in force", || code(&server) == 315);
    drop(server);
    // Even when the configuration has forgotten the application.
    assert_eq!(code(&Server::start(setup(UNLIMITED))), 315);
    let refused = Server::try_start(setup(&app("\"10.0.0.1/8\""))).map(drop).unwrap_err();
    assert!(refused.contains("10.0.0.1/8"), "{refused}");
}

#[test]
fn every_endpoint_knows_a_call_it_has_seen() {
    // S002-005
    let server = start(UNLIMITED);
    let caller = Caller::from(server.admin, Ipv4Addr::LOCALHOST);
    for (number, path) in paths() {
        let id = format!("request-{number}");
        let with_id = || Request::signed(path, "").with("RequestId", &id);
        assert_ne!(caller.call(&with_id())["code"], 431, "{path}");
        let seen = json!({ "code": 431, "desc": "this RequestId was used within the last 60 s" });
        assert_eq!(caller.call(&with_id()), seen, "{path}");
        let once = Request::signed(path, "");
        assert_ne!(caller.call(&once)["code"], 431, "{path}");
        let replayed = json!({ "code": 431, "desc": "this call was made before: every call needs a fresh Nonce" });
        assert_eq!(caller.call(&once), replayed, "{path}");
        assert_eq!(caller.call(&once.with("RequestId", "another")), replayed, "{path}");
        let bad = json!({ "code": 414, "desc": "bad http header" });
        assert_eq!(caller.call(&Request::signed(path, "").with("RequestId", &"r".repeat(65))), bad, "{path}");
        // The id is free still: what was refused has left no trace.
        assert_ne!(caller.call(&Request::signed(path, "").with("RequestId", "another"))["code"], 431, "{path}");
    }
}

#[test]
fn every_endpoint_has_a_rate_of_its_own() {
    // S002-006
    let config =
        "[http]\ncalls_per_second = 1\nblock_ms = 600000\nhistory_calls_per_minute = 1\nbroadcast_calls_per_minute = 1\n";
    let server = start(config);
    let caller = Caller::from(server.admin, Ipv4Addr::LOCALHOST);
    for (_, path) in paths() {
        let code = || caller.call(&Request::signed(path, ""))["code"].clone();
        assert_ne!(code(), 416, "the first call of {path}");
        // A slow machine may take a second for a call or two; not for sixty in a row.
        assert!((0..60).any(|_| code() == 416), "{path}");
        assert_eq!(code(), 416, "{path} is blocked");
        // What it is refused for takes no part of what others have.
        let other = caller.call(&Request::signed(path, "").with("AppKey", "fenced"));
        assert_eq!(other["code"], 315, "{path}");
    }
}

#[test]
fn every_endpoint_takes_bodies_of_a_mebibyte() {
    // S002-001
    let server = start(UNLIMITED);
    let caller = Caller::from(server.admin, Ipv4Addr::LOCALHOST);
    let too_long = vec![b'x'; (1 << 20) + 1];
    for (_, path) in paths() {
        let refused = json!({ "code": 413, "desc": "the body is larger than 1 MiB" });
        assert_eq!(caller.call(&Request::signed(path, "").with_body(&too_long)), refused, "{path}");
        assert_ne!(caller.call(&Request::signed(path, "").with_body(&too_long[1..]))["code"], 413, "{path}");
    }
}

#[test]
fn every_endpoint_answers_http_200_to_post_and_405_to_other_methods() {
    // S002-001, S002-004
    let server = start(UNLIMITED);
    let caller = Caller::from(server.admin, Ipv4Addr::LOCALHOST);
    for (number, path) in paths() {
        let caller = Caller::from(server.admin, stranger(number));
        for method in ["GET", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"] {
            let answer = caller.answer(&Request::signed(path, "").with_method(method));
            assert_eq!((answer.status, answer.content_type()), (405, "application/json; charset=utf-8"), "{method} {path}");
            assert!(answer.head.contains("\nallow: post"), "{method} {path}: {}", answer.head);
            if method == "HEAD" {
                assert!(answer.body.is_empty());
            } else {
                assert_eq!(answer.json(), json!({ "code": 414, "desc": "use POST" }), "{method} {path}");
            }
        }
        for body in [&b"roomid=%ff"[..], b"roomid=\xff", b"&&&=&%%%", b"{\"roomid\":1}", b"\0"] {
            let answer = caller.answer(&Request::signed(path, "").with_body(body));
            // One endpoint can do without parameters; then what it does not know is ignored, but for what is no text.
            let expected = if path.ends_with("/topn.action") && !body.starts_with(b"roomid=") { 200 } else { 414 };
            assert_eq!((answer.status, answer.json()["code"].as_i64()), (200, Some(expected)), "{path} {body:?}");
        }
    }
    let unknown = caller.answer(&Request::signed("/chatroom/nothing.action", ""));
    assert_eq!((unknown.status, unknown.json()["code"].as_i64()), (200, Some(404)));
}

#[test]
fn the_body_is_read_whatever_its_type_says_and_however_it_comes() {
    // S002-001, S002-007
    let server = start(UNLIMITED);
    let caller = Caller::from(server.admin, Ipv4Addr::LOCALHOST);
    caller.call(&Request::signed("/user/create.action", "accid=alice"));
    let created = |request: Request| {
        let answer = caller.answer(&request);
        assert_eq!((answer.status, answer.json()["code"].as_i64()), (200, Some(200)), "{}", answer.body);
        assert_eq!(answer.content_type(), "application/json; charset=utf-8");
        answer.json()["chatroom"]["name"].as_str().unwrap().to_owned()
    };
    let create = |body: &str| Request::signed("/chatroom/create.action", body);
    let plain = "creator=alice&name=%E4%BD%A0+x%26";
    for kind in [
        "application/x-www-form-urlencoded",
        "application/x-www-form-urlencoded;charset=utf-8",
        "application/x-www-form-urlencoded; charset=UTF-8",
        "APPLICATION/X-WWW-FORM-URLENCODED;Charset=\"utf-8\"",
        "application/x-www-form-urlencoded;charset=utf8;",
        "text/plain",
    ] {
        assert_eq!(created(create(plain).with("Content-Type", kind)), "你 x&", "{kind}");
    }
    assert_eq!(created(create(plain).without("Content-Type")), "你 x&");
    // Of a parameter that is there twice the first counts, and the body's before the address's.
    assert_eq!(created(create("creator=alice&name=a&name=b")), "a");
    assert_eq!(created(Request::signed("/chatroom/create.action?name=q&creator=alice", "name=a")), "a");
    assert_eq!(created(Request::signed("/chatroom/create.action?name=q+%E4%BD%A0&creator=alice", "")), "q 你");
    assert_eq!(created(create(plain).chunked(7)), "你 x&");
    assert_eq!(created(create(plain).with("Expect", "100-continue")), "你 x&");
    assert_eq!(created(create(plain).with("X-Padding", &"p".repeat(30_000))), "你 x&");
    let multipart = "--b\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\nn\r\n--b--\r\n";
    let answer = caller.call(&create(multipart).with("Content-Type", "multipart/form-data; boundary=b"));
    assert_eq!(answer["code"], 414);
    // A head beyond all bounds is no request: HTTP's own status, and the connection is closed.
    let huge = caller.connect().try_answer(&create(plain).with("X-Padding", &"p".repeat(1_000_000)));
    assert!(huge.is_none_or(|answer| (400..500).contains(&answer.status)));
}

#[test]
fn connect_is_405_and_opens_no_tunnel() {
    let server = start("");
    let mut caller = Caller::from(server.admin, Ipv4Addr::LOCALHOST).connect();
    caller.write(b"CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\n\r\n");
    assert_eq!(caller.read(true).map(|answer| answer.status), Some(405));
    for (method, path) in [("POST", "/metrics"), ("DELETE", "/healthz"), ("TRACE", "/"), ("PUT", "/health/liveness.action")] {
        let mut caller = Caller::from(server.admin, Ipv4Addr::LOCALHOST).connect();
        caller.write(format!("{method} {path} HTTP/1.1\r\nHost: chat\r\n\r\n").as_bytes());
        assert_eq!(caller.read(false).map(|answer| answer.status), Some(405), "{method} {path}");
    }
}

#[test]
fn a_request_of_http_1_1_names_its_host() {
    let server = start("");
    let status = |request: &str| {
        let mut caller = Caller::from(server.admin, Ipv4Addr::LOCALHOST).connect();
        caller.write(request.as_bytes());
        caller.read(false).map(|answer| answer.status)
    };
    assert_eq!(status("GET /healthz HTTP/1.1\r\n\r\n"), Some(400));
    assert_eq!(status("GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"), Some(400));
    assert_eq!(status("POST /nimserver/chatroom/get.action HTTP/1.1\r\nContent-Length: 0\r\n\r\n"), Some(400));
    assert_eq!(status("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"), Some(200));
    assert_eq!(status("GET /healthz HTTP/1.0\r\n\r\n"), Some(200));
}

#[test]
fn a_head_may_have_64_kib_and_a_larger_one_is_431() {
    let server = start("");
    let caller = Caller::from(server.admin, Ipv4Addr::LOCALHOST);
    let status = |head: String| {
        let mut caller = caller.connect();
        caller.write(head.as_bytes());
        caller.read(false).map(|answer| answer.status)
    };
    let in_header = |bytes: usize| {
        let head = |padding: &str| format!("GET /healthz HTTP/1.1\r\nHost: a\r\nX: {padding}\r\n\r\n");
        head(&"p".repeat(bytes - head("").len()))
    };
    let in_target = |bytes: usize| {
        let head = |padding: &str| format!("GET /healthz?{padding} HTTP/1.1\r\nHost: a\r\n\r\n");
        head(&"p".repeat(bytes - head("").len()))
    };
    const MAX: usize = 64 * 1024;
    assert_eq!((status(in_header(MAX)), status(in_target(60_000))), (Some(200), Some(200)));
    for bytes in [MAX + 1, MAX + 4096, 100_000, 130_000, 500_000] {
        assert_eq!((status(in_header(bytes)), status(in_target(bytes))), (Some(431), Some(431)), "{bytes}");
    }
    let many: String = (0..101).map(|number| format!("X{number}: x\r\n")).collect();
    assert_eq!(status(format!("GET /healthz HTTP/1.1\r\nHost: a\r\n{many}\r\n")), Some(431));
}

#[test]
fn a_body_that_is_declared_too_large_is_413_before_any_of_it_is_sent() {
    let server = start(UNLIMITED);
    let caller = Caller::from(server.admin, Ipv4Addr::LOCALHOST);
    let head = |request: Request, length: usize, more: &str| {
        let request = request.with("Content-Length", &length.to_string());
        let request = if more.is_empty() { request } else { request.with("Expect", more) };
        let mut caller = caller.connect();
        caller.write(&request.bytes());
        caller.read(false).expect("an answer without a body")
    };
    let call = || Request::signed("/chatroom/get.action", "");
    for expect in ["", "100-continue", "100-Continue"] {
        for request in [call(), call().with("CheckSum", "x"), call().with_method("PUT")] {
            let answer = head(request, (1 << 20) + 1, expect);
            assert_eq!((answer.status, answer.json()["code"].as_i64()), (413, Some(413)), "{expect}");
            assert!(!answer.was_asked_to_go_on);
        }
    }
    // A call that is refused for another reason is not asked for its body either; a good one is.
    let refused = head(call().with("CheckSum", "x"), 5, "100-continue");
    assert!(refused.json()["code"] != 200 && !refused.was_asked_to_go_on);
    let mut good = caller.connect();
    good.write(&call().with("Content-Length", "8").with("Expect", "100-continue").bytes());
    good.write(b"roomid=9");
    let answer = good.read(false).unwrap();
    assert!(answer.json()["code"] == 404 && answer.was_asked_to_go_on);
}

#[test]
fn the_sign_of_life_also_stands_below_the_base() {
    for (base, config) in [("/nimserver", ""), ("/api/v1", "[http]\nbase = \"/api/v1\"\n"), ("", "[http]\nbase = \"\"\n")] {
        let server = start(config);
        for path in ["/health/liveness.action".to_owned(), format!("{base}/health/liveness.action")] {
            for method in ["GET", "POST"] {
                let mut caller = Caller::from(server.admin, Ipv4Addr::LOCALHOST).connect();
                caller.write(format!("{method} {path} HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n").as_bytes());
                let answer = caller.read(false).unwrap();
                assert_eq!((answer.status, answer.json()), (200, json!({ "code": 200 })), "{method} {path}");
            }
        }
    }
}

#[test]
fn a_connection_serves_one_call_after_the_other() {
    let server = start(UNLIMITED);
    let caller = Caller::from(server.admin, Ipv4Addr::LOCALHOST);
    let mut kept = caller.connect();
    for account in ["a", "b", "c"] {
        let answer = kept.answer(&Request::signed("/user/create.action", &format!("accid={account}")));
        assert_eq!(answer.json()["info"]["accid"], account);
    }
    // A failure, of either kind, is no reason to part.
    assert_eq!(kept.answer(&Request::signed("/chatroom/get.action", "roomid=9")).json()["code"], 404);
    assert_eq!(kept.answer(&Request::signed("/chatroom/get.action", "").with("CheckSum", "x")).json()["code"], 414);
    assert_eq!(kept.answer(&Request::signed("/chatroom/get.action", "").with_method("GET")).json()["code"], 414);
    let too_long = vec![b'x'; 2 << 20];
    assert_eq!(kept.answer(&Request::signed("/chatroom/get.action", "").with_body(&too_long)).json()["code"], 413);
    assert_eq!(kept.answer(&Request::signed("/user/create.action", "accid=d")).json()["code"], 200);
}

#[test]
fn who_is_slow_is_cut_after_the_time_it_has() {
    let config = "[http]\nhead_timeout_ms = 800\nbody_timeout_ms = 800\n";
    let server = start(config);
    let caller = Caller::from(server.admin, Ipv4Addr::LOCALHOST);
    // Nothing at all, half a head, and a kept connection that lies idle: the connection ends.
    caller.connect().expect_end();
    let mut half = caller.connect();
    half.write(b"POST /nimserver/chatroom/get.action HTTP/1.1\r\nHost: chat\r\nAppKey: ");
    half.expect_end();
    let mut idle = caller.connect();
    assert_eq!(idle.answer(&Request::signed("/chatroom/get.action", "roomid=9")).json()["code"], 404);
    idle.expect_end();
    // A body that does not come: 408, and so for a caller that is refused anyway.
    let slow = Request::signed("/chatroom/get.action", "").with("Content-Length", "10");
    let mut caller_of_half = caller.connect();
    assert_eq!(caller_of_half.answer(&slow).json()["code"], 408);
    let mut refused = caller.connect();
    assert_eq!(refused.answer(&slow.with("CheckSum", "x")).json()["code"], 414);
    // Others are served meanwhile and after.
    assert_eq!(caller.call(&Request::signed("/chatroom/get.action", "roomid=9"))["code"], 404);
}

#[test]
fn connections_are_bounded_and_places_come_free() {
    let config = "[http]\nconnections_max = 4\n";
    let server = start(config);
    let caller = Caller::from(server.admin, Ipv4Addr::LOCALHOST);
    let get = || Request::signed("/chatroom/get.action", "roomid=9");
    let mut held: Vec<_> = (0..4).map(|_| caller.connect()).collect();
    for connection in &mut held {
        assert_eq!(connection.answer(&get()).json()["code"], 404);
    }
    caller.connect().expect_end();
    held.pop();
    crate::support::wait_until("a place to come free", || caller.connect().try_answer(&get()).is_some());
    for connection in &mut held {
        assert_eq!(connection.answer(&get()).json()["code"], 404);
    }
}

#[test]
fn who_fails_too_often_waits_and_nobody_else_does() {
    let server = start(UNLIMITED);
    let (bad, good) = (stranger(0), Ipv4Addr::new(127, 3, 9, 9));
    let wrong = || Request::signed("/chatroom/get.action", "").with("CheckSum", &"0".repeat(40));
    let caller = Caller::from(server.admin, bad);
    // Fifty at once are answered at once; a slow machine may let some more through meanwhile.
    let (mut kept, mut failures) = (caller.connect(), 0);
    let last = loop {
        let began = std::time::Instant::now();
        let answer = kept.answer(&wrong());
        assert_eq!(answer.json()["code"], 414);
        failures += 1;
        assert!(failures < 2_000, "never slowed down");
        if began.elapsed() >= Duration::from_millis(900) {
            break answer;
        }
    };
    assert!(failures > 50, "slowed down after {failures}");
    assert!(last.head.contains("connection: close"), "{}", last.head);
    kept.expect_end();
    let delayed = server.admin().page("/metrics").1;
    assert!(delayed.contains("chatroom_http_failures_delayed_total"), "{delayed}");
    // Another address fails without waiting, and the same one succeeds, if a little late.
    let at_once = || {
        let began = std::time::Instant::now();
        assert_eq!(Caller::from(server.admin, good).call(&wrong())["code"], 414);
        began.elapsed() < Duration::from_millis(900)
    };
    assert!((0..5).any(|_| at_once()));
    assert_eq!(caller.call(&Request::signed("/user/create.action", "accid=late"))["code"], 200);
}

#[test]
fn applications_share_nothing() {
    // S002-009
    let arguments = vec!["--app".to_owned(), format!("second:{APP_SECRET}")];
    let config = "[http]\ncalls_per_second = 400\nblock_ms = 600000\n";
    let server = Server::start(Setup { config: config.into(), memory: true, arguments, ..Setup::default() });
    let caller = Caller::from(server.admin, Ipv4Addr::LOCALHOST);
    let of = |app: &str, path: &str, body: &str| caller.call(&Request::signed(path, body).with("AppKey", app));
    let code = |app: &str, path: &str, body: &str| of(app, path, body)["code"].as_i64().unwrap();
    for app in [APP_KEY, "second"] {
        assert_eq!(code(app, "/user/create.action", "accid=alice&token=t"), 200);
    }
    assert_eq!(code(APP_KEY, "/user/create.action", "accid=bob"), 200);
    let room = of(APP_KEY, "/chatroom/create.action", "creator=alice&name=ours")["chatroom"]["roomid"].as_i64().unwrap();
    let sent =
        of(APP_KEY, "/chatroom/sendMsg.action", &format!("roomid={room}&fromAccid=alice&msgId=m&msgType=0&attach=secret"));
    assert_eq!(sent["code"], 200);
    assert_eq!(code(APP_KEY, "/chatroom/queueOffer.action", &format!("roomid={room}&key=k&value=v")), 200);
    let before = of(APP_KEY, "/chatroom/get.action", &format!("roomid={room}"));

    // Every call about a room, made with all the rights of the other application: there is no such room.
    let rest = "operator=alice&creator=alice&accid=alice&target=alice&targetAccid=alice&opt=2&optvalue=true&valid=false&mute=true&name=n\
        &muteDuration=60&targetTag=t&tag=t&tags=%5B%22t%22%5D&endtime=0&limit=10&type=0&timetag=0&close=true&accids=%5B%22alice%22%5D\
        &roles=%7B%22mute%22%3Atrue%7D&nick=n&delayClosePolicy=1&fromAccid=alice&msgId=m&msgType=0&attach=hi&toAccids=%5B%22alice%22%5D\
        &msgList=%5B%7B%22msgId%22%3A%22m%22%2C%22msgType%22%3A0%2C%22attach%22%3A%22x%22%7D%5D&key=k&value=w&keys=%5B%22k%22%5D\
        &fromAcc=alice&operatorAcc=alice&clienttype=2";
    let time = sent["desc"]["time"].as_str().unwrap();
    let mut rooms_asked = 0;
    for (_, path) in paths().filter(|(_, path)| !path.starts_with("/user/")) {
        let elements = if path.ends_with("Elements.action") {
            "%7B%22k%22%3A%22w%22%7D"
        } else {
            "%5B%7B%22key%22%3A%22k%22%2C%22value%22%3A%22w%22%7D%5D"
        };
        let body = format!("roomid={room}&roomids=%5B{room}%5D&msgTimetag={time}&elements={elements}&{rest}");
        let answer = of("second", path, &body);
        match path {
            "/chatroom/create.action" => assert_eq!(answer["code"], 200),
            "/chatroom/queryUserRoomIds.action" => {
                assert!(!answer["desc"]["roomids"].to_string().contains(&format!("\"{room}\"")))
            }
            "/chatroom/getBatch.action" => {
                assert_eq!((&answer["noExistRooms"], &answer["succRooms"]), (&json!([room]), &json!([])))
            }
            // To its own rooms, and of its own rooms.
            "/chatroom/broadcast.action" => assert_eq!(answer["code"], 200),
            "/stats/chatroom/topn.action" => {
                let rooms = answer["data"].as_array().unwrap();
                assert!(rooms.iter().all(|leading| leading["roomId"] != room), "{answer}");
            }
            _ => {
                assert_eq!(answer["sub_code"], 113404, "{path}: {answer}");
                rooms_asked += 1;
            }
        }
    }
    assert_eq!(rooms_asked, 38);
    assert_eq!(of(APP_KEY, "/chatroom/get.action", &format!("roomid={room}")), before);
    let list = of(APP_KEY, "/chatroom/queueList.action", &format!("roomid={room}"));
    assert_eq!(list["desc"]["list"], json!([{ "k": "v" }]));

    // Accounts of one name are two accounts.
    assert_eq!(of("second", "/user/update.action", "accid=bob&token=t")["desc"], "bob not register");
    assert_eq!(of("second", "/user/getUinfos.action", "accids=%5B%22bob%22%5D")["desc"], "bob not register");
    assert_eq!(code("second", "/user/block.action", "accid=alice"), 200);
    assert_eq!(of(APP_KEY, "/user/getUinfos.action", "accids=%5B%22alice%22%5D")["uinfos"][0]["valid"], true);
    let online: Value = of("second", "/user/userOnlineStatus.action", "accids=%5B%22bob%22%5D");
    assert_eq!(online["data"]["invalidAccids"], json!(["bob"]));

    // So are request ids, nonces and rates.
    let same = Request::signed("/chatroom/get.action", "roomid=9").with("RequestId", "r");
    assert_eq!(caller.call(&same)["code"], 404);
    assert_eq!(caller.call(&same.clone().with("AppKey", "second"))["code"], 404);
    assert_eq!(caller.call(&same)["code"], 431);
    assert!((0..20_000).any(|_| code(APP_KEY, "/chatroom/get.action", "roomid=9") == 416));
    assert_eq!(code("second", "/chatroom/get.action", "roomid=9"), 404);
}
