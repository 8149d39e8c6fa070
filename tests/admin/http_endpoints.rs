//! Every endpoint of the HTTP API: its good answer with exact JSON, each code it has, each limit of each parameter, over HTTP.
//!
//! What is expected stands in tests/data/http_endpoints.txt, whose head says how to read it. The tests at the end hold that file to
//! the endpoints there are, to the codes they list, and to the parameters docs/http.md names.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::support::admin::{dynamic_token, unix_ms};
use crate::support::peer::login;
use crate::support::process::{APP_SECRET, UNLIMITED};
use crate::support::{Admin, Peer, Server, Setup};
use serde_json::{Value, json};

const DATA: &str = include_str!("../data/http_endpoints.txt");

/// An application whose rooms hold little.
const TIGHT: &str = "\n[[apps]]\nkey = \"tight\"\nsecret = \"test-secret-0123456789\"\nfixed_members_max = 2\nrobots_max = 1\nhigh_priority_per_second = 0\n";

/// Codes that any call can be answered with, and the test that shows it of every endpoint.
const OF_EVERY_CALL: [(i64, &str); 7] = [
    (315, "every_endpoint_refuses_addresses_its_application_does_not_allow"),
    (403, "every_endpoint_asks_who_calls_before_anything_else"),
    (413, "every_endpoint_takes_bodies_of_a_mebibyte"),
    (414, "every_endpoint_asks_who_calls_before_anything_else"),
    (416, "every_endpoint_has_a_rate_of_its_own"),
    (431, "every_endpoint_knows_a_call_it_has_seen"),
    (503, "what_can_not_be_remembered_is_refused"),
];

/// What a defect or a failing disk comes to; tests/dispatch/hub.rs has a disk that fails.
const DEFECT: i64 = 500;

/// An endpoint of the file.
#[derive(Default)]
struct Section {
    path: String,
    line: usize,
    setups: Vec<String>,
    call: Vec<(String, String)>,
    answer: Value,
    /// Each with the number of its line.
    checks: Vec<(usize, Check)>,
    /// Of `codes` and of `not`.
    named: BTreeSet<i64>,
    excused: BTreeSet<i64>,
}

impl Section {
    /// The parameters its lines name.
    fn names(&self) -> impl Iterator<Item = &str> {
        let tried = self.checks.iter().flat_map(|(_, check)| &check.changes).map(|(name, _)| name.as_str());
        self.call.iter().map(|(name, _)| name.as_str()).chain(tried)
    }
}

/// A call that differs a little from the good one.
#[derive(Clone, Default)]
struct Check {
    code: i64,
    sub: Option<i64>,
    setups: Vec<String>,
    changes: Vec<(String, Option<String>)>,
}

impl Check {
    fn of(code: i64, changes: &[(&str, Option<&str>)]) -> Check {
        let changes = changes.iter().map(|(name, value)| ((*name).to_owned(), value.map(str::to_owned))).collect();
        Check { code, changes, ..Check::default() }
    }
}

/// The whole file.
struct File {
    setups: BTreeMap<String, String>,
    sections: Vec<Section>,
}

fn file() -> File {
    let (mut setups, mut sections) = (BTreeMap::new(), Vec::<Section>::new());
    for (number, line) in DATA.lines().enumerate().map(|(at, line)| (at + 1, line)) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (kind, rest) = line.split_once(' ').unwrap_or_else(|| panic!("line {number}: {line}"));
        if kind == "setup" {
            let (name, steps) = rest.split_once(' ').unwrap_or_else(|| panic!("line {number}: {line}"));
            assert!(setups.insert(name.to_owned(), steps.to_owned()).is_none(), "line {number}: {name} stands there twice");
            continue;
        }
        if kind == "endpoint" {
            sections.push(Section { path: rest.to_owned(), line: number, ..Section::default() });
            continue;
        }
        let section = sections.last_mut().unwrap_or_else(|| panic!("line {number}: no endpoint yet"));
        match kind {
            "codes" => section.named.extend(rest.split(' ').map(|code| code.parse::<i64>().expect("a code is a number"))),
            "not" => drop(section.excused.insert(rest.split(' ').next().unwrap().parse().expect("a code is a number"))),
            "answer" => section.answer = serde_json::from_str(rest).unwrap_or_else(|error| panic!("line {number}: {error}")),
            "call" => {
                let call = changed(rest);
                section.setups = call.setups;
                section.call = call.changes.into_iter().map(|(name, value)| (name, value.unwrap_or_default())).collect();
            }
            "code" => {
                let (code, rest) = rest.split_once(' ').unwrap_or((rest, ""));
                let (code, sub) = code.split_once('/').map_or((code, None), |(code, sub)| (code, Some(sub.parse().unwrap())));
                let check = Check { code: code.parse().unwrap(), sub, ..changed(rest) };
                section.checks.push((number, check));
            }
            _ => {
                let checks = limits(kind, rest).unwrap_or_else(|| panic!("line {number}: {line}"));
                section.checks.extend(checks.into_iter().map(|check| (number, check)));
            }
        }
    }
    File { setups, sections }
}

/// Setups and changed parameters. No value holds a blank, but within a JSON object.
fn changed(text: &str) -> Check {
    let mut check = Check::default();
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        match word.split_once('=') {
            Some((name, value)) => check.changes.push((name.to_owned(), Some(value.to_owned()))),
            None => match word.strip_prefix('-') {
                Some(name) => check.changes.push((name.to_owned(), None)),
                None => check.setups.push(word.to_owned()),
            },
        }
    }
    check
}

/// The calls at the limits of a parameter and beyond them.
fn limits(kind: &str, rest: &str) -> Option<Vec<Check>> {
    let (kind, required) = kind.strip_suffix('!').map_or((kind, false), |kind| (kind, true));
    let mut words = rest.split(' ');
    let name = words.next()?;
    let mut number = || words.next().and_then(|word| word.parse::<i64>().ok());
    let mut checks = Vec::new();
    let mut put = |code: i64, value: &str| checks.push(Check::of(code, &[(name, Some(value))]));
    match kind {
        "free" => put(200, "anything"),
        "text" | "bytes" | "word" => {
            let (max, letter) = (number()?, if kind == "text" { "é" } else { "k" });
            put(200, &format!("{letter}*{max}"));
            put(414, &format!("{letter}*{}", max + 1));
        }
        "json" => {
            let max = number()? - 2;
            put(200, &format!("\"é*{max}\""));
            put(414, &format!("\"é*{}\"", max + 1));
        }
        "int" => {
            let (min, max) = (number()?, number()?);
            for (code, value) in [(200, min), (200, max), (414, min - 1), (414, max + 1)] {
                put(code, &value.to_string());
            }
            ["x", "1.5", "99999999999999999999"].iter().for_each(|value| put(414, value));
        }
        "integer" => {
            ["0", "-1", "7", "99999999999999999999"].iter().for_each(|value| put(200, value));
            ["x", "1.5", "0x1"].iter().for_each(|value| put(414, value));
        }
        "flag" => {
            ["true", "TRUE", "True", "1", "false", "False", "0"].iter().for_each(|value| put(200, value));
            ["maybe", "2", "yes"].iter().for_each(|value| put(414, value));
        }
        "account" => ["a b", "a*33"].iter().for_each(|value| put(414, value)),
        "accounts" => {
            let max = number()?;
            let first = words.next().unwrap_or("a");
            let list = |count: i64| {
                let more = (1..count).map(|number| format!("\"a{number}\""));
                [format!("\"{first}\"")].into_iter().chain(more).collect::<Vec<_>>().join(",")
            };
            put(200, &format!("[{}]", list(max)));
            put(414, &format!("[{}]", list(max + 1)));
            ["[]", "{}", "bob", "[1]", "[\"a b\"]", "[\"bob\""].iter().for_each(|value| put(414, value));
        }
        "room" => {
            ["x", "0", "-1", "1.5", "99999999999999999999"].iter().for_each(|value| put(414, value));
            let other = if name == "roomid" { "roomId" } else { "roomid" };
            checks.push(Check::of(200, &[(name, None), (other, Some("$room"))]));
        }
        _ => return None,
    }
    if required {
        checks.push(Check::of(414, &[(name, None)]));
        checks.push(Check::of(414, &[(name, Some(""))]));
    } else if kind != "free" {
        // Nothing counts as missing; where it means that the field is cleared, that is no failure either.
        if name != "name" {
            checks.push(Check::of(200, &[(name, Some(""))]));
        }
    }
    // What else the parameter needs to be looked at.
    let more = changed(&words.collect::<Vec<_>>().join(" "));
    for check in &mut checks {
        check.setups.extend(more.setups.clone());
        check.changes.splice(..0, more.changes.clone());
    }
    Some(checks)
}

/// A server with its accounts.
struct World<'a> {
    server: Server,
    file: &'a File,
}

/// A call about to be made: the application, the room, and whoever has to stay connected meanwhile.
struct Stage {
    admin: Admin,
    app_key: &'static str,
    room: String,
    time: String,
    fresh: String,
    _peers: Vec<Peer>,
}

impl World<'_> {
    fn new(file: &File) -> World<'_> {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let words = folder.path().join("words");
        std::fs::write(&words, "forbidden\n").expect("the temporary folder is writable");
        let moderation = format!("\n[moderation]\nrefused_words = {words:?}\n");
        let per_minute = ["http.broadcast_calls_per_minute=0", "http.history_calls_per_minute=0"];
        let server = Server::start(Setup {
            config: format!("{UNLIMITED}{moderation}{TIGHT}"),
            memory: true,
            arguments: per_minute.iter().flat_map(|rate| ["--set".to_owned(), (*rate).to_owned()]).collect(),
            ..Setup::default()
        });
        for admin in [server.admin(), Admin::new(server.admin, "tight", "test-secret-0123456789")] {
            for account in ["alice", "bob", "carol", "dave", "silent", "outlaw"] {
                let name = format!("{}{}", account[..1].to_uppercase(), &account[1..]);
                assert_eq!(admin.call("user/create", &[("accid", account), ("name", &name)])["code"], 200);
            }
            assert_eq!(admin.call("user/mute", &[("accid", "silent"), ("mute", "true")])["code"], 200);
            assert_eq!(admin.call("user/block", &[("accid", "outlaw")])["code"], 200);
        }
        World { server, file }
    }

    /// A room and whatever the setups say.
    fn stage<'s>(&self, setups: impl Iterator<Item = &'s String>) -> Stage {
        static FRESH: AtomicU64 = AtomicU64::new(0);
        let setups: Vec<&str> = setups.map(String::as_str).collect();
        let (app_key, admin) = match setups.contains(&"@tight") {
            true => ("tight", Admin::new(self.server.admin, "tight", "test-secret-0123456789")),
            false => (crate::support::process::APP_KEY, self.server.admin()),
        };
        let room = admin.create_quiet_room("alice", "lobby").to_string();
        let fresh = format!("fresh{}", FRESH.fetch_add(1, Ordering::Relaxed));
        let mut stage = Stage { admin, app_key, room, time: String::new(), fresh, _peers: Vec::new() };
        for name in setups.into_iter().filter(|name| *name != "@tight") {
            let step = self.file.setups.get(name).unwrap_or_else(|| panic!("there is no setup {name}"));
            let mut words = step.split(' ');
            match words.next() {
                Some("join") => stage.join(&self.server, words.next().unwrap(), words.next()),
                Some(endpoint) => stage.set_up(endpoint, words),
                None => unreachable!("split gives something"),
            }
        }
        stage
    }

    /// Makes the call of a section with changes; what it was answered, and the parameters as they were sent.
    fn call(&self, section: &Section, check: &Check) -> (Value, Vec<(String, String)>, Stage) {
        let stage = self.stage(section.setups.iter().chain(&check.setups));
        let mut parameters = section.call.clone();
        for (name, value) in &check.changes {
            parameters.retain(|(known, _)| known != name);
            parameters.extend(value.iter().map(|value| (name.clone(), value.clone())));
        }
        let parameters: Vec<(String, String)> = parameters.into_iter().map(|(name, value)| (name, stage.say(&value))).collect();
        if parameters.iter().any(|(_, value)| *value == stage.fresh) {
            // A setup may have made it already.
            stage.admin.call("user/create", &[("accid", &stage.fresh)]);
        }
        let given: Vec<(&str, &str)> = parameters.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        (stage.admin.call(&section.path, &given), parameters.clone(), stage)
    }
}

impl Stage {
    fn join(&mut self, server: &Server, account: &str, tag: Option<&str>) {
        let mut request = login(account, Some(self.room.parse().unwrap()));
        request.app_key = self.app_key.to_owned();
        request.token = dynamic_token(self.app_key, APP_SECRET, account, 3600);
        request.enter.as_mut().unwrap().tags = tag.iter().map(|tag| (*tag).to_owned()).collect();
        let (peer, answer) = Peer::log_in(server, request);
        assert_eq!(answer.code, 0, "{}", answer.desc);
        self._peers.push(peer);
    }

    fn set_up<'w>(&mut self, endpoint: &str, words: impl Iterator<Item = &'w str>) {
        let given: Vec<(&str, String)> =
            words.filter_map(|word| word.split_once('=')).map(|(name, value)| (name, self.say(value))).collect();
        if given.iter().any(|(_, value)| *value == self.fresh) {
            self.admin.call("user/create", &[("accid", &self.fresh)]);
        }
        let given: Vec<(&str, &str)> = given.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let answer = self.admin.call(endpoint, &given);
        assert_eq!(answer["code"], 200, "{endpoint} {given:?}: {answer}");
        if let Some(time) = answer["desc"]["time"].as_str() {
            self.time = time.to_owned();
        }
    }

    /// A value with everything put in that stands for something else.
    fn say(&self, value: &str) -> String {
        let many = |count: usize, item: fn(usize) -> String| (0..count).map(item).collect::<Vec<_>>().join(",");
        let element = |number| format!(r#"{{"key":"k{number}","value":"v"}}"#);
        let pair = |number| format!(r#""k{number}":"v""#);
        let key = |number| format!(r#""k{number}""#);
        let value = match value {
            "$elements100" => format!("[{}]", many(100, element)),
            "$elements101" => format!("[{}]", many(101, element)),
            "$pairs100" => format!("{{{}}}", many(100, pair)),
            "$pairs101" => format!("{{{}}}", many(101, pair)),
            "$keys100" => format!("[{}]", many(100, key)),
            "$keys101" => format!("[{}]", many(101, key)),
            "$new32" => format!("{:x<32}", format!("new{}", &self.fresh[5..])),
            "$new" => format!("new{}", &self.fresh[5..]),
            value => value.replace("$room", &self.room).replace("$time", &self.time).replace("$fresh", &self.fresh),
        };
        let days_ago = |days: i64| (unix_ms() as i64 / 1000 - days * 86_400).to_string();
        let value = [("$days5", 5), ("$days29", 29), ("$days31", 31), ("$tomorrow", -1)]
            .iter()
            .fold(value, |value, (name, days)| value.replace(name, &days_ago(*days)));
        repeated(&value)
    }
}

/// A text in which `C*N` is written out.
fn repeated(text: &str) -> String {
    let Some((before, after)) = text.split_once('*') else { return text.to_owned() };
    let digits = after.len() - after.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (Some(letter), Ok(count)) = (before.chars().last(), after[..digits].parse::<usize>()) else { return text.to_owned() };
    format!("{}{}{}", &before[..before.len() - letter.len_utf8()], letter.to_string().repeat(count), &after[digits..])
}

/// Whether an answer is what was expected, placeholders put in.
fn is_like(expected: &Value, found: &Value, stage: &Stage, wire: &str) -> bool {
    let is_time = |number: Option<i64>| number.is_some_and(|number| number > 1_700_000_000_000);
    match expected {
        Value::String(text) => match text.as_str() {
            "$number" => found.as_i64().is_some_and(|number| number > 0),
            "$ms" => is_time(found.as_i64()),
            "$qms" => is_time(found.as_str().and_then(|text| text.parse().ok())),
            "$room" => *found == json!(stage.room.parse::<i64>().unwrap()),
            "$qroom" => *found == json!(stage.room),
            "$wire" => *found == json!(wire),
            "$text" => found.as_str().is_some_and(|text| !text.is_empty()),
            "$token" => {
                found.as_str().is_some_and(|text| text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit()))
            }
            "$new" | "$fresh" => *found == json!(stage.say(text)),
            _ => expected == found,
        },
        Value::Array(items) => found.as_array().is_some_and(|found| {
            items.len() == found.len() && items.iter().zip(found).all(|(item, found)| is_like(item, found, stage, wire))
        }),
        Value::Object(fields) => found.as_object().is_some_and(|found| {
            fields.len() == found.len()
                && fields.iter().all(|(key, value)| found.get(key).is_some_and(|found| is_like(value, found, stage, wire)))
        }),
        _ => expected == found,
    }
}

#[test]
fn every_endpoint_answers_a_good_call_with_exactly_this() {
    let file = file();
    let world = World::new(&file);
    let wire = world.server.wire.to_string();
    let mut wrong = Vec::new();
    for section in &file.sections {
        let (found, _, stage) = world.call(section, &Check::default());
        if !is_like(&section.answer, &found, &stage, &wire) {
            wrong.push(format!("line {}: {} answers {found}\n  instead of {}", section.line, section.path, section.answer));
        }
    }
    assert!(wrong.is_empty(), "{} of {} endpoints:\n{}", wrong.len(), file.sections.len(), wrong.join("\n"));
}

#[test]
fn every_endpoint_has_its_codes_and_every_parameter_its_limits() {
    let file = file();
    let world = World::new(&file);
    let (mut wrong, mut calls) = (Vec::new(), 0);
    for section in &file.sections {
        for (line, check) in &section.checks {
            let (found, parameters, _) = world.call(section, check);
            calls += 1;
            let is_sub = check.sub.is_none_or(|sub| found["sub_code"] == sub);
            let is_failure = found["code"] == 200 || found["desc"].as_str().is_some_and(|desc| !desc.is_empty());
            // A refusal of a parameter says which, in the words of the API; no parameter has a line in its name (rest-api.md §1).
            let is_named = found["code"] != 414 || found.get("sub_code").is_some() || {
                let desc = found["desc"].as_str().unwrap_or_default();
                let names = section.names().chain(check.changes.iter().map(|(name, _)| name.as_str()));
                let is_ours = desc == "already register" || names.into_iter().any(|name| desc.contains(name));
                !desc.replace("'_'", "").contains('_') && is_ours
            };
            if found["code"] != check.code || !is_sub || !is_failure || !is_named {
                let mut text = format!("line {line}: {} {parameters:?}", section.path);
                text.truncate(text.floor_char_boundary(300));
                wrong.push(format!("{text}: {found}, not {}/{:?}", check.code, check.sub));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {calls} calls:\n{}", wrong.len(), wrong.join("\n"));
    println!("{} endpoints, {calls} calls", file.sections.len());
}

#[test]
fn every_endpoint_and_every_code_it_lists_has_its_lines() {
    let file = file();
    let mut wrong = Vec::new();
    let offered = chatroom::admin::endpoints();
    for (path, listed) in &offered {
        let name = path.trim_start_matches('/').trim_end_matches(".action");
        let Some(section) = file.sections.iter().find(|section| section.path == name) else {
            wrong.push(format!("{name} has no section"));
            continue;
        };
        let listed: BTreeSet<i64> = match listed {
            Some(codes) => codes.iter().map(|code| i64::from(*code)).collect(),
            None => section.named.clone(),
        };
        let shown: BTreeSet<i64> = section.checks.iter().map(|(_, check)| check.code).collect();
        let of_every_call = |code: &i64| *code == DEFECT || OF_EVERY_CALL.iter().any(|(known, _)| known == code);
        for code in listed.iter().filter(|code| !shown.contains(code) && !section.excused.contains(code)) {
            // What every call can come to is shown of every endpoint; a code of the endpoint's own needs a line.
            if !of_every_call(code) {
                wrong.push(format!("{name}: nothing brings about {code}, and nothing says why"));
            }
        }
        for code in shown.iter().filter(|code| **code != 200 && **code != 414 && !listed.contains(code)) {
            wrong.push(format!("{name}: {code} is not in its list"));
        }
        wrong.extend(section.excused.intersection(&shown).map(|code| format!("{name}: {code} comes about after all")));
    }
    let elsewhere = concat!(include_str!("http_calls.rs"), include_str!("../../src/admin/gate.rs"));
    wrong.extend(
        OF_EVERY_CALL
            .iter()
            .filter(|(_, test)| !elsewhere.contains(&format!("fn {test}(")))
            .map(|(_, test)| (*test).to_owned()),
    );
    assert_eq!(file.sections.len(), offered.len(), "as many sections as endpoints");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_documented_parameter_is_tried() {
    let file = file();
    let docs = include_str!("../../docs/http.md");
    let mut wrong = Vec::new();
    for section in &file.sections {
        let row = docs.lines().find_map(|line| line.strip_prefix(&format!("| `{}` | ", section.path)));
        let cell = row.and_then(|row| row.split(" | ").next()).unwrap_or_else(|| panic!("{} is not documented", section.path));
        let tried: BTreeSet<&str> = section.call.iter().map(|(name, _)| name.as_str()).collect();
        let tried: BTreeSet<&str> =
            section.checks.iter().flat_map(|(_, check)| &check.changes).map(|(name, _)| name.as_str()).chain(tried).collect();
        let mut names: Vec<&str> = cell.split('`').skip(1).step_by(2).collect();
        if cell.contains("*notify*") || cell.contains("notify (") {
            names.extend(["needNotify", "notifyExt"]);
        }
        let is_parameter = |name: &&str| {
            name.starts_with(|c: char| c.is_ascii_lowercase()) && name.bytes().all(|byte| byte.is_ascii_alphanumeric())
        };
        // What stands in a parameter or in the answer, and names of other endpoints and values.
        let inside = [
            "sendMsg",
            "hour",
            "day",
            "active",
            "enter",
            "join",
            "message",
            "user",
            "msgList",
            "true",
            "false",
            "accid",
            "onlineusercount",
            "creator",
            "manager",
            "blacklist",
            "mute",
            "key",
            "value",
        ];
        let is_inside = |name: &str| {
            inside.contains(&name)
                || section.path == "chatroom/addRobot" && name == "ext"
                || section.path == "chatroom/batchSendMsg" && ["msgId", "msgType", "attach"].contains(&name)
        };
        let unseen = |name: &&str| is_parameter(name) && !is_inside(name) && !tried.contains(name);
        wrong.extend(names.into_iter().filter(unseen).map(|name| format!("{}: {name}", section.path)));
    }
    assert!(wrong.is_empty(), "documented, and never tried:\n{}", wrong.join("\n"));
}
