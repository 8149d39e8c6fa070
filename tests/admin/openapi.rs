//! `/openapi.json` agrees with the server: it is valid, every parameter is as it says, the examples of docs/http.md are answers it
//! describes, and a fuzzer that makes up calls from it finds no defect and no answer it does not describe.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{Admin, Peer, Server, Setup};
use serde_json::{Map, Value, json};

use crate::support::process::{APP_KEY, APP_SECRET, UNLIMITED};

/// What the fuzzer looks at; the last one is of tests/admin/openapi/hooks.py.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,\
                      no_server_error_code";

#[test]
fn the_description_is_valid_and_describes_the_answers_of_the_documentation() {
    let server = server();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("openapi.json");
    fs::write(&file, description(&server).to_string()).unwrap();
    let mut conform = python("python");
    conform.arg(in_project("tests/admin/openapi/conform.py")).arg(file).arg(in_project("docs/http.md"));
    run(conform);
}

#[test]
fn the_description_needs_no_signature_and_stands_outside_the_base_path() {
    let server = server();
    assert_eq!(description(&server)["servers"][0]["url"], "/nimserver");
    let (status, answer) = server.admin().page("/nimserver/openapi.json");
    assert_eq!((status, serde_json::from_str::<Value>(&answer).unwrap()["code"].as_i64()), (405, Some(404)));
}

#[test]
fn every_parameter_is_required_and_bounded_as_described() {
    let server = server();
    let admin = server.admin();
    let description = description(&server);
    let (mut compared, mut wrong) = (0, Vec::new());
    for (path, body) in bodies(&description) {
        let endpoint = path.trim_matches('/').trim_end_matches(".action");
        let properties = body["properties"].as_object().unwrap();
        let required: Vec<&str> = body["required"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        let good: Vec<(&str, String)> = required.iter().map(|name| (*name, within(&properties[*name]))).collect();
        for name in &required {
            let others: Vec<_> = good.iter().filter(|(other, _)| other != name).cloned().collect();
            if !refuses(&admin, endpoint, &others, name) {
                wrong.push(format!("{endpoint} does without {name}"));
            }
        }
        for (name, schema) in properties {
            let with = |value: String| {
                let others = good.iter().filter(|(other, _)| *other != name).cloned();
                others.chain([(name.as_str(), value)]).collect::<Vec<_>>()
            };
            for value in limits(schema) {
                if refuses(&admin, endpoint, &with(value.clone()), name) {
                    wrong.push(format!("{endpoint} refuses {name}={value:.80}"));
                }
                compared += 1;
            }
            for value in beyond(schema) {
                if !refuses(&admin, endpoint, &with(value.clone()), name) {
                    wrong.push(format!("{endpoint} takes {name}={value:.80}"));
                }
                compared += 1;
            }
        }
        let mut with_unknown = good.clone();
        with_unknown.push(("nobodyKnowsThis", "1".to_owned()));
        assert!(!refuses(&admin, endpoint, &with_unknown, "nobodyKnowsThis"), "{endpoint} minds an unknown parameter");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(compared > 500, "only {compared} values were tried");
}

#[test]
fn a_fuzzer_finds_no_defect_and_no_answer_that_is_not_described() {
    let server = server();
    let folder = tempfile::tempdir().unwrap();
    let (world, seen) = (folder.path().join("world.json"), folder.path().join("seen.json"));
    let (values, _peers) = furnish(&server);
    fs::write(&world, values.to_string()).unwrap();
    let mut fuzzer = python("schemathesis");
    fuzzer
        .args(["run", &format!("http://{}/openapi.json", server.admin), "--seed", "4", "--max-examples", "30"])
        .args(["--phases", "examples,coverage,fuzzing", "--mode", "all", "--workers", "1", "--warnings", "off"])
        .args(["--checks", CHECKS])
        .args(["--suppress-health-check", "all", "--generation-database", "none", "--request-timeout", "20", "--no-color"])
        .env("SCHEMATHESIS_HOOKS", "hooks")
        .env("PYTHONPATH", in_project("tests/admin/openapi"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("CHATROOM_OPENAPI_WORLD", &world)
        .env("CHATROOM_OPENAPI_SEEN", &seen)
        .current_dir(folder.path());
    run(fuzzer);
    let seen: Map<String, Value> = serde_json::from_str(&fs::read_to_string(seen).unwrap()).unwrap();
    let description = description(&server);
    let endpoints = bodies(&description).map(|(path, _)| path.trim_matches('/').trim_end_matches(".action"));
    let never: Vec<&str> = endpoints.filter(|endpoint| !seen.contains_key(&format!("{endpoint} 200"))).collect();
    assert!(never.is_empty(), "the fuzzer never got a good answer from {never:?}");
}

/// A server with no limit on how often an endpoint may be called.
fn server() -> Server {
    let every = "calls_per_second = 0\nhistory_calls_per_minute = 0\nbroadcast_calls_per_minute = 0";
    Server::start(Setup { config: UNLIMITED.replace("calls_per_second = 0", every), memory: true, ..Setup::default() })
}

fn description(server: &Server) -> Value {
    let (status, text) = server.admin().page("/openapi.json");
    assert_eq!(status, 200);
    serde_json::from_str(&text).unwrap()
}

/// The paths with the schemas of their bodies.
fn bodies(description: &Value) -> impl Iterator<Item = (&String, &Value)> {
    let body = "/post/requestBody/content/application~1x-www-form-urlencoded/schema";
    description["paths"].as_object().unwrap().iter().map(move |(path, item)| (path, item.pointer(body).unwrap()))
}

/// Whether a call is 414 on account of the parameter.
fn refuses(admin: &Admin, endpoint: &str, parameters: &[(&str, String)], name: &str) -> bool {
    let parameters: Vec<(&str, &str)> = parameters.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let answer = admin.call(endpoint, &parameters);
    let blamed = |desc: &str| {
        if desc.contains("is not an account") {
            return false;
        }
        // What makes a room's number calls it so.
        let made = name.starts_with("roomid") && desc.starts_with("room_id ");
        desc.split(|c: char| !c.is_ascii_alphanumeric()).next() == Some(name) || made
    };
    answer["code"] == 414 && answer["desc"].as_str().is_some_and(blamed)
}

/// A value that is well within what a schema asks for.
fn within(schema: &Value) -> String {
    limits(schema).into_iter().next().expect("every kind has a value")
}

/// Values at the limits of a schema.
fn limits(schema: &Value) -> Vec<String> {
    if let Some(values) = schema["enum"].as_array() {
        return values.iter().map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned)).collect();
    }
    if let Some(items) = schema["contentSchema"]["maxItems"].as_u64() {
        return vec![array(schema, 1), array(schema, items)];
    }
    if let Some(pairs) = schema["contentSchema"]["maxProperties"].as_u64() {
        return vec![object(1), object(pairs)];
    }
    if schema.get("contentSchema").is_some() {
        return vec![r#"{"creator":true}"#.into()];
    }
    if let (Some(_), Some(max)) = (schema.get("contentMediaType"), schema["maxLength"].as_u64()) {
        return vec!["[null]".into(), format!("\"{}\"", "x".repeat(max as usize - 2))];
    }
    match schema["type"].as_str() {
        Some("boolean") => ["true", "false", "1", "0", "TRUE"].map(str::to_owned).into(),
        Some("number") => vec!["1.5".into(), "-3".into()],
        Some("integer") => {
            let ends = ["minimum", "maximum"].map(|end| schema[end].as_i64().map(|end| end.to_string()));
            let within: Vec<String> = ends.into_iter().flatten().collect();
            if within.is_empty() && schema.get("format").is_none() { vec!["-7".into(), "1".repeat(40)] } else { within }
        }
        _ => match (schema["maxLength"].as_u64(), schema["pattern"].as_str(), schema.get("anyOf")) {
            (Some(max), ..) => vec!["x".into(), "x".repeat(max as usize)],
            (_, Some(pattern), _) if pattern.contains(",32}") => vec!["x".into(), "x".repeat(32)],
            (_, Some(_), _) => vec!["0".into(), "0,100".into()],
            _ => vec!["127.0.0.1".into(), "::1".into()],
        },
    }
}

/// Values just beyond the limits of a schema.
fn beyond(schema: &Value) -> Vec<String> {
    if schema.get("enum").is_some() {
        return vec!["77".into(), "x".into()];
    }
    if let Some(items) = schema["contentSchema"]["maxItems"].as_u64() {
        let fewer = schema["contentSchema"]["minItems"].as_u64().and_then(|least| least.checked_sub(1));
        let lists = fewer.into_iter().chain([items + 1]).map(|items| array(schema, items));
        return lists.chain(["x".into(), "{}".into()]).collect();
    }
    if let Some(pairs) = schema["contentSchema"]["maxProperties"].as_u64() {
        return vec![object(0), object(pairs + 1), "x".into(), "[]".into()];
    }
    if schema.get("contentSchema").is_some() {
        return vec!["x".into(), "{}".into()];
    }
    if let (Some(_), Some(max)) = (schema.get("contentMediaType"), schema["maxLength"].as_u64()) {
        return vec!["x".into(), "{".into(), format!("\"{}\"", "x".repeat(max as usize - 1))];
    }
    match schema["type"].as_str() {
        Some("boolean") => vec!["yes".into(), "2".into()],
        Some("number") => vec!["x".into()],
        Some("integer") => {
            let below = schema["minimum"].as_i64().and_then(|min| min.checked_sub(1));
            let above = schema["maximum"].as_i64().and_then(|max| max.checked_add(1));
            below.into_iter().chain(above).map(|number| number.to_string()).chain(["x".into(), "1.5".into()]).collect()
        }
        _ => match (schema["maxLength"].as_u64(), schema["pattern"].as_str(), schema.get("anyOf")) {
            (Some(max), ..) => vec!["x".repeat(max as usize + 1)],
            (_, Some(pattern), _) if pattern.contains(",32}") => vec!["x".repeat(33), "a b".into()],
            (_, Some(_), _) => vec!["0,x".into()],
            _ => vec!["localhost".into()],
        },
    }
}

fn array(schema: &Value, items: u64) -> String {
    let items = (1..=items).map(|number| match schema["contentSchema"]["items"]["type"].as_str() {
        Some("integer") => json!(number),
        Some("object") => json!({ "key": format!("k{number}"), "value": "v", "msgId": number, "msgType": 0 }),
        _ => json!(format!("x{number}")),
    });
    Value::Array(items.collect()).to_string()
}

fn object(pairs: u64) -> String {
    Value::Object((0..pairs).map(|number| (format!("k{number}"), json!("v"))).collect()).to_string()
}

/// Makes accounts, rooms and messages for the fuzzer to find, which tests/admin/openapi/hooks.py reads, and members who are here.
fn furnish(server: &Server) -> (Value, Vec<Peer>) {
    let admin = server.admin();
    let names = ["alice", "bob", "carol", "dave", "erin", "gina", "frank", "mallory"];
    names.iter().for_each(|name| drop(admin.create_user(name)));
    let rooms = |count| (0..count).map(|_| admin.create_room("alice", "fuzzed").to_string()).collect::<Vec<_>>();
    let (main, spare, closed) = (rooms(1), rooms(4), rooms(8));
    for room in &closed {
        admin.call("chatroom/toggleCloseStat", &[("roomid", room), ("operator", "alice"), ("valid", "false")]);
    }
    let room = main[0].parse().unwrap();
    let peers = names[1..6].iter().map(|name| Peer::join(server, name, room)).collect();
    let sent = |count: usize| -> (Vec<String>, Vec<Value>) {
        let send = |number| {
            let id = format!("{count}-{number}");
            let to = [("roomid", main[0].as_str()), ("fromAccid", "bob"), ("msgId", &id), ("msgType", "0"), ("attach", "hi")];
            let answer = admin.call("chatroom/sendMsg", &to);
            assert_eq!(answer["code"], 200, "{answer}");
            (id, answer["desc"]["time"].clone())
        };
        (0..count).map(send).unzip()
    };
    let ((recalled, recalled_at), (_, deleted_at)) = (sent(40), sent(41));
    let values = json!({
        "app": APP_KEY, "secret": APP_SECRET, "room": main[0], "spare": spare, "closed": closed,
        "recalled": recalled, "recalled_at": recalled_at, "deleted_at": deleted_at,
    });
    (values, peers)
}

/// A program that `make setup` has installed.
fn python(program: &str) -> Command {
    let path = in_project("target/python/bin").join(program);
    assert!(path.exists(), "{} is absent: run `make setup`", path.display());
    Command::new(path)
}

fn in_project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Runs a program that must succeed.
fn run(mut command: Command) {
    let output = command.output().expect("the program can be started");
    let (said, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{}:\n{said}\n{errors}", output.status);
    println!("{said}");
}
