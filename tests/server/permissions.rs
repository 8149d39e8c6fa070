//! Who may do what, cell by cell: the tables of chatroom.md §b, §b.1 and §c.2 walked over a real server.
//!
//! Each cell is tried in a room of its own, by a caller who stands as the cell's column says, and code and sub code are
//! compared with the specification. A refusal must leave no trace: the bystander of the room hears nothing of it. All wrong cells
//! are told at once.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use crate::matrix::operations::{Act, Variant, variants};
use crate::matrix::scene::Scene;
use crate::matrix::spec::{self, COLUMNS, Cell, Column, Row};
use crate::matrix::targets::{self, Is};
use crate::support::ask::{self, Came};
use crate::support::local::{APP_WITHOUT_ANONYMOUS, anonymous, came_of};
use crate::support::{LocalNode, Peer};
use chatroom::room::{Enter, Op};
use chatroom::wire::pb::{self, RoleChange};
use chatroom::wire::{Push, Request, Response};

/// Scenes that are played at the same time.
const THREADS: usize = 4;

/// What the walk has found.
#[derive(Default)]
struct Findings {
    cells: AtomicUsize,
    cases: AtomicUsize,
    wrong: Mutex<Vec<String>>,
}

impl Findings {
    fn note(&self, place: &str, result: Result<(), String>) {
        self.cases.fetch_add(1, Ordering::Relaxed);
        if let Err(why) = result {
            self.wrong.lock().expect("no thread panics with it").push(format!("{place}: {why}"));
        }
    }

    /// Tells how far the walk went, and all that was wrong.
    fn report(self, what: &str, began: Instant) {
        let (cells, cases) = (self.cells.into_inner(), self.cases.into_inner());
        println!("{what}: {cells} cells walked in {cases} cases, {:.1} s", began.elapsed().as_secs_f64());
        let mut wrong = self.wrong.into_inner().expect("no thread panics with it");
        wrong.sort();
        assert!(wrong.is_empty(), "{} of {cases} cases are wrong:\n{}", wrong.len(), wrong.join("\n"));
    }
}

/// Runs the work on several threads, each taking the next item. A panic in one case is a wrong case, not the end of the walk.
fn walk<T: Sync>(
    items: &[T],
    findings: &Findings,
    place: impl Fn(&T) -> String + Sync,
    work: impl Fn(&T) -> Result<(), String> + Sync,
) {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let tried = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| work(item)));
                    let result = tried.unwrap_or_else(|panic| {
                        let words = panic.downcast_ref::<String>().cloned();
                        Err(words.or_else(|| panic.downcast_ref::<&str>().map(|text| text.to_string())).unwrap_or_default())
                    });
                    findings.note(&place(item), result);
                }
            });
        }
    });
}

/// A cell of the matrix for one variant of its row and, in a column of a modifier, one kind of member.
struct Try<'a> {
    row: &'a Row,
    variant: &'a Variant,
    column: Column,
    /// What the caller is but for the modifier.
    base: Column,
}

impl Try<'_> {
    fn place(&self) -> String {
        let of = if self.base == self.column { String::new() } else { format!(" of a {:?}", self.base) };
        format!("{} ({}), {:?}{of}", self.row.operation, self.variant.name, self.column)
    }

    fn cell(&self, column: Column) -> Cell {
        self.row.cells[column as usize]
    }

    /// What the cell comes to, after `=` has been looked up where there is no modifier.
    fn expected(&self) -> Cell {
        match self.cell(self.column) {
            Cell::Same => self.cell(self.base),
            cell => cell,
        }
    }

    fn scene<'n>(&self, node: &'n LocalNode) -> Scene<'n> {
        let mut scene = Scene::new(node, self.column, self.variant.queue_level);
        scene.bring_caller(self.base);
        scene
    }
}

/// Members a modifier can apply to, else the column itself.
fn bases(column: Column) -> &'static [Column] {
    match column {
        Column::Mu | Column::Tm | Column::Tg | Column::Rm => &[Column::Cm, Column::Vi],
        Column::Cr => &[Column::Cr],
        Column::Ad => &[Column::Ad],
        Column::Cm => &[Column::Cm],
        _ => &[Column::Vi],
    }
}

// S000-021, S000-028, S000-048, S003-009, S003-011, S003-021, S003-022, S003-025
#[test]
fn every_cell_of_the_matrix_is_as_the_specification_says() {
    let began = Instant::now();
    let node = LocalNode::start(|_| {});
    let rows = spec::matrix();
    let of_rows: Vec<Vec<Variant>> = rows.iter().map(|row| variants(row.operation).unwrap_or_default()).collect();
    let findings = Findings::default();
    let mut tries = Vec::new();
    for (row, variants) in rows.iter().zip(&of_rows) {
        if variants.is_empty() {
            println!("not an operation of a room: {}", row.operation);
            continue;
        }
        findings.cells.fetch_add(COLUMNS.len(), Ordering::Relaxed);
        for column in COLUMNS {
            for base in bases(column) {
                tries.extend(variants.iter().map(|variant| Try { row, variant, column, base: *base }));
            }
        }
    }
    walk(&tries, &findings, Try::place, |cell| try_cell(&node, cell));
    println!("cells of §b: {:?}", spec::census(&rows));
    findings.report("§b", began);
}

fn try_cell(node: &LocalNode, cell: &Try<'_>) -> Result<(), String> {
    let is_never = cell.cell(cell.column) == Cell::Never;
    if is_never && cell.column == Column::An && cell.row.operation.starts_with("recall own") {
        return anonymous_visitors_have_no_messages_of_their_own(node, cell);
    }
    match (cell.expected(), cell.column) {
        (Cell::Never, Column::Bl) => the_blocklisted_are_out(node, cell),
        (Cell::Never, Column::Ro) => robots_have_no_connection(node, cell),
        (Cell::Never, Column::Out) => who_is_out_hears_nothing(node, cell),
        (Cell::Never, column) => Err(format!("nothing shows why {column:?} cannot occur")),
        (expected, _) => match cell.variant.act {
            Act::Ask(request) => asked(node, cell, expected, request),
            Act::Hear(request) => heard(node, cell, request),
        },
    }
}

/// The caller asks, and the answer is what the cell says.
fn asked(node: &LocalNode, cell: &Try<'_>, expected: Cell, request: fn(&Scene<'_>) -> Request) -> Result<(), String> {
    let mut scene = cell.scene(node);
    (cell.variant.before)(&mut scene);
    scene.apply_modifier();
    (cell.variant.after)(&mut scene);
    let _ = scene.heard_by_bystander();
    let request = request(&scene);
    let is_protected = cell.variant.protected && expected == Cell::UnlessAuthorProtected;
    let expected: Came = match expected {
        Cell::No(code, sub) => (code, sub),
        _ if is_protected => (403, 107315),
        _ => ask::OK,
    };
    // Rule 6 of §c.0 stands before rule 8: over the wire the blocklisted are out of the room, and only who has the application's
    // authority gets as far as the list.
    if cell.column == Column::Bl && cell.row.operation.starts_with(['s', 'r']) {
        let over_http = node.came_of(scene.over_http(), request.clone());
        compare(over_http, expected)?;
        compare(scene.ask(request), (403, 6000321))?;
    } else if scene.has_connection() {
        let response = scene.caller().call(request);
        compare(ask::came(&response), expected)?;
        priority(cell, &response)?;
    } else {
        let answer = node.answer_to(scene.over_http(), request);
        compare(came_of(&answer), expected)?;
        answer.map_or(Ok(()), |response| priority(cell, &response))?;
    }
    if expected != ask::OK {
        let heard = scene.heard_by_bystander();
        if !heard.is_empty() {
            return Err(format!("refused, and yet everybody hears {heard:?}"));
        }
    }
    Ok(())
}

/// Whether the message went out with high priority, where the row is about that.
fn priority(cell: &Try<'_>, response: &Response) -> Result<(), String> {
    let Response::MessageSend(sent) = response else { return Ok(()) };
    let granted = cell.row.operation == "send with highPriority" && cell.expected() == Cell::Yes;
    if sent.high_priority == granted { Ok(()) } else { Err(format!("high priority is {}", sent.high_priority)) }
}

fn compare(found: Came, expected: Came) -> Result<(), String> {
    if found == expected { Ok(()) } else { Err(format!("came to {found:?}, not {expected:?}")) }
}

/// The creator does something, and the caller hears it.
fn heard(node: &LocalNode, cell: &Try<'_>, request: fn(&Scene<'_>) -> Request) -> Result<(), String> {
    let mut scene = cell.scene(node);
    scene.apply_modifier();
    let request = request(&scene);
    // What the creator does, the creator's own connection hears only when it is a notification; a message it has by its answer.
    let is_own = cell.column == Column::Cr && matches!(request, Request::MessageSend(_));
    let (room, name) = (scene.room, scene.name.clone());
    let mut second = is_own.then(|| on_other_device(node, &name, room));
    scene.creator.done(request);
    let peer = second.as_mut().unwrap_or_else(|| scene.caller());
    loop {
        match peer.try_push(crate::support::PATIENCE) {
            Ok(push) if is_the_one(&push) => return Ok(()),
            Ok(_) => {}
            Err(error) => return Err(format!("hears nothing: {error}")),
        }
    }
}

fn on_other_device(node: &LocalNode, name: &str, room: i64) -> Peer {
    let (peer, answer) =
        node.log_in(pb::LoginRequest { device_id: "another".into(), ..crate::support::peer::login(name, Some(room)) });
    assert_eq!(answer.code, 0, "{answer:?}");
    peer
}

/// Whether this is what a variant of the row "receive" sends.
fn is_the_one(push: &Push) -> bool {
    match push {
        Push::Message(message) => message.message_id == "heard",
        Push::Notification(notice) => {
            notice.room_updated.as_ref().is_some_and(|changed| changed.ext.as_deref() == Some("heard"))
        }
        _ => false,
    }
}

/// Column Bl, n/a: who is put on the blocklist is put out at once, is as anybody outside, and does not come in again.
fn the_blocklisted_are_out(node: &LocalNode, cell: &Try<'_>) -> Result<(), String> {
    let mut scene = cell.scene(node);
    (cell.variant.before)(&mut scene);
    scene.apply_modifier();
    let (room, hears) = (scene.room, matches!(cell.variant.act, Act::Hear(_)));
    match cell.variant.act {
        Act::Ask(request) => {
            let request = request(&scene);
            compare(scene.caller().came(request), (403, 6000321))?;
        }
        Act::Hear(request) => {
            let request = request(&scene);
            scene.creator.done(request);
        }
    }
    compare(scene.caller().came(ask::enter(room)), (13003, 114426))?;
    let heard = scene.caller().pushes_so_far();
    if hears && heard.iter().any(is_the_one) { Err(format!("hears {heard:?}")) } else { Ok(()) }
}

/// Column Ro, n/a: a robot has no connection, so nothing can be asked or heard on one. As a member it is nowhere, and no one but a
/// connection enters.
fn robots_have_no_connection(node: &LocalNode, cell: &Try<'_>) -> Result<(), String> {
    let mut scene = cell.scene(node);
    (cell.variant.before)(&mut scene);
    let Act::Ask(request) = cell.variant.act else {
        let mut listed = lookup(&mut scene)?;
        return if listed.pop().is_none_or(|member| member.connections.is_empty()) {
            Ok(())
        } else {
            Err("a robot has a connection to hear on".into())
        };
    };
    let request = request(&scene);
    let actor = scene.without_connection();
    if let Request::RoomEnter(request) = request {
        let enter = Enter { app_key: crate::support::process::APP_KEY.into(), ..Enter::from_request(*request) };
        let refused = node.apply_as(scene.room, actor, Op::Enter(Box::new(enter))).err().map(|status| status.code.number());
        return if refused == Some(414) { Ok(()) } else { Err(format!("enters: {refused:?}")) };
    }
    compare(node.came_of(actor, request), (403, 6000321))
}

fn lookup(scene: &mut Scene<'_>) -> Result<Vec<pb::Member>, String> {
    let request = pb::MemberLookupRequest { room_id: scene.room, accounts: vec![scene.name.clone()] };
    match scene.creator.done(Request::MemberLookup(request)) {
        Response::MemberLookup(found) => Ok(found.members),
        other => Err(format!("a look-up is answered with {other:?}")),
    }
}

/// Column Out, n/a: who is not in the room hears nothing of it.
fn who_is_out_hears_nothing(node: &LocalNode, cell: &Try<'_>) -> Result<(), String> {
    let mut scene = cell.scene(node);
    let Act::Hear(request) = cell.variant.act else { return Err("is nothing to hear".into()) };
    let request = request(&scene);
    scene.creator.done(request);
    let _ = scene.heard_by_bystander();
    let heard = scene.caller().pushes_so_far();
    if heard.is_empty() { Ok(()) } else { Err(format!("hears {heard:?}")) }
}

/// Column An of "recall own message", n/a: an anonymous visitor has none, because it cannot send.
fn anonymous_visitors_have_no_messages_of_their_own(node: &LocalNode, cell: &Try<'_>) -> Result<(), String> {
    let mut scene = cell.scene(node);
    let request = ask::send(ask::text(scene.room, "own", "words"));
    compare(scene.caller().came(request), (403, 114303))
}

// S000-028, S000-029, S003-012, S003-021, S003-022
#[test]
fn every_cell_of_operator_and_target_is_as_the_specification_says() {
    let began = Instant::now();
    let node = LocalNode::start(|_| {});
    let findings = Findings::default();
    let mut cases = Vec::new();
    for (operation, cells) in spec::targets() {
        assert_eq!(cells.len(), 5, "{operation}");
        for (column, words) in cells.into_iter().enumerate() {
            findings.cells.fetch_add(1, Ordering::Relaxed);
            let of_cell = targets::cases(operation, column, words);
            assert!(!of_cell.is_empty(), "{operation}, column {column}");
            cases.extend(of_cell.into_iter().map(|case| (operation, case)));
        }
    }
    let place = |(operation, case): &(&str, targets::Case)| {
        format!("{operation}: {:?} does {:?} to {:?}", case.operator, case.action, case.target)
    };
    walk(&cases, &findings, place, |(_, case)| targets::try_case(Scene::new(&node, targets::NO_COLUMN, 0), case));
    findings.report("§b.1", began);
}

// S000-027, S000-028, S000-029, S000-030, S000-031: on the wire the four calls and markChatroomIdentity are one request.
#[test]
fn every_cell_of_the_transitions_is_as_the_specification_says() {
    let began = Instant::now();
    let node = LocalNode::start(|_| {});
    let findings = Findings::default();
    let mut tries = Vec::new();
    for (state, cells) in spec::transitions() {
        assert!(spec::STATES.contains(&state) && cells.len() == targets::CHANGES.len(), "{state}");
        for (action, cell) in targets::CHANGES.into_iter().zip(cells) {
            findings.cells.fetch_add(1, Ordering::Relaxed);
            for target in targets::targets_in(state) {
                tries.extend([Is::Creator, Is::Administrator].map(|operator| (operator, state, *target, action, cell)));
            }
        }
    }
    let place = |(operator, state, target, action, _): &(Is, &str, Is, targets::Action, spec::Transition)| {
        format!("{state} ({target:?}), {action:?} by {operator:?}")
    };
    walk(&tries, &findings, place, |(operator, state, target, action, cell)| {
        targets::try_transition(Scene::new(&node, targets::NO_COLUMN, 0), *operator, state, *target, *action, *cell)
    });
    findings.report("§c.2", began);
}

// S000-006, S003-025
#[test]
fn anonymous_visitors_stay_out_where_the_application_does_not_want_them() {
    let node = LocalNode::start(|_| {});
    node.create_account("owner");
    let room = node.create_room_with("owner", |create| create.app_key = APP_WITHOUT_ANONYMOUS.into());
    let enter = pb::RoomEnterRequest { room_id: room, nick: "nobody".into(), ..Default::default() };
    let login = pb::LoginRequest { app_key: APP_WITHOUT_ANONYMOUS.into(), ..anonymous("", Some(enter)) };
    let (_, refused) = node.log_in(login);
    assert_eq!((refused.code, refused.sub), (403, 114303));
}

/// A room with its creator and an administrator.
fn with_administrator<'a>(node: &'a LocalNode) -> (Scene<'a>, String, Peer) {
    let mut scene = Scene::new(node, Column::Cr, 0);
    let name = scene.named("administrator");
    let administrator = node.join_with(&name, pb::RoomEnterRequest { room_id: scene.room, ..Default::default() });
    scene.grant(&name, RoleChange::Administrator);
    (scene, name, administrator)
}

// S003-010
#[test]
fn a_temporary_mute_silences_administrators_too_and_leaves_them_their_role() {
    // Note 2 of §b.
    let node = LocalNode::start(|_| {});
    let (mut scene, name, mut administrator) = with_administrator(&node);
    scene.creator.done(ask::temp_mute(scene.room, &name, 600));
    assert_eq!(administrator.came(ask::send(ask::text(scene.room, "a", "words"))), (13004, 113301));
    assert_eq!(administrator.came(ask::update_ext(scene.room, "changed")), ask::OK);
}

// S003-011
#[test]
fn a_muted_room_is_not_muted_for_creator_and_administrators() {
    // Note 3 of §b.
    let node = LocalNode::start(|_| {});
    let (mut scene, _, mut administrator) = with_administrator(&node);
    scene.creator.done(ask::mute_room(scene.room, true));
    assert_eq!(administrator.came(ask::send(ask::text(scene.room, "a", "words"))), ask::OK);
    assert_eq!(scene.creator.came(ask::send(ask::text(scene.room, "b", "words"))), ask::OK);
}

#[test]
fn an_account_muted_everywhere_is_muted_even_as_creator() {
    // Note 4 of §b.
    let node = LocalNode::start(|_| {});
    node.change_account("owner", |account| account.muted = true);
    let room = node.create_room("owner");
    let mut owner = node.join("owner", room);
    assert_eq!(owner.came(ask::send(ask::text(room, "a", "words"))), (423, 102421));
    assert_eq!(owner.came(ask::update_ext(room, "changed")), ask::OK, "it silences and does no more");
}

// S000-043
#[test]
fn a_message_that_was_accepted_is_accepted_again_whatever_mutes_there_are_now() {
    // The row "resendMsg" of §b.
    let node = LocalNode::start(|_| {});
    for column in [Column::Cr, Column::Ad, Column::Cm, Column::Vi, Column::Mu, Column::Tm, Column::Rm] {
        let mut scene = Scene::new(&node, column, 0);
        scene.bring_caller(bases(column)[0]);
        scene.say("again");
        scene.apply_modifier();
        let said_ms = scene.said_ms;
        let request = ask::send(pb::MessageSendRequest { resend: true, ..ask::text(scene.room, "again", "words") });
        let Response::MessageSend(sent) = scene.caller().call(request) else { panic!("a send is answered so") };
        assert_eq!((sent.code, sent.duplicate, sent.time_ms), (0, true, said_ms), "{column:?}");
    }
}

// S000-027
#[test]
fn a_target_that_is_no_account_is_not_found_by_those_who_may_and_told_to_nobody_else() {
    // chatroom.md §c.2 "Target must be an existing account (404)", §f.2 "elementAccount unknown"; §c.0 row 9 stands before row 10.
    let node = LocalNode::start(|_| {});
    let mut scene = Scene::new(&node, Column::Vi, 0);
    scene.bring_caller(Column::Vi);
    let room = scene.room;
    let mut requests = vec![
        ask::temp_mute(room, "nobody", 60),
        ask::kick(room, "nobody"),
        Request::QueueOffer(Box::new(pb::QueueOfferRequest {
            room_id: room,
            key: "key".into(),
            owner: "nobody".into(),
            ..Default::default()
        })),
        ask::batch_offer(room, vec![pb::QueueElement { owner: "nobody".into(), ..ask::element("key", "value") }], ""),
    ];
    for change in [RoleChange::Administrator, RoleChange::Common, RoleChange::Blocklist, RoleChange::Mute] {
        requests.extend([true, false].map(|set| ask::set_role(room, "nobody", change, set)));
    }
    for request in requests {
        assert_eq!(scene.creator.came(request.clone()).0, 404, "{request:?}");
        assert_eq!(scene.caller().came(request.clone()).0, 403, "{request:?}");
    }
    // An account that has never been here is one all the same.
    node.create_account("nobody");
    assert_eq!(scene.creator.came(ask::set_role(room, "nobody", RoleChange::Common, true)), ask::OK);
}

// S000-030, S003-008
#[test]
fn a_blocklisted_account_cannot_log_in_to_the_room() {
    let node = LocalNode::start(|_| {});
    let mut scene = Scene::new(&node, Column::Bl, 0);
    scene.bring_caller(Column::Vi);
    scene.apply_modifier();
    let (name, room) = (scene.name.clone(), scene.room);
    let (_, refused) = node.log_in(crate::support::peer::login(&name, Some(room)));
    assert_eq!((refused.code, refused.sub), (13003, 114426));
    scene.creator.done(ask::set_role(room, &name, RoleChange::Blocklist, false));
    node.join(&name, room);
}

// S004-158
#[test]
fn rooms_made_by_clients_know_no_management_and_give_everybody_the_rest() {
    // Note 6 of §b: the rows of management and of the queue do not exist there; sending and attributes are everybody's.
    let node = LocalNode::start(|_| {});
    let mut scene = Scene::new(&node, Column::Cr, 0);
    let request = pb::RoomCreateRequest { alias: "lobby".into(), ..Default::default() };
    let Response::RoomCreate(made) = scene.creator.done(Request::RoomCreate(Box::new(request))) else {
        panic!("making a room is answered so")
    };
    scene.said_ms = crate::support::admin::unix_ms() as i64;
    scene.room = made.room.expect("a room that is made describes itself").room_id;
    let mut guest = node.log_in_only("guest");
    guest.done(Request::RoomEnter(Box::new(pb::RoomEnterRequest { alias: "lobby".into(), ..Default::default() })));
    let (mut unknown, mut given) = (0, 0);
    for row in spec::matrix() {
        let is_management = matches!(row.cells[Column::Cm as usize], Cell::No(..)) || row.operation.starts_with("queue");
        for variant in variants(row.operation).unwrap_or_default() {
            let Act::Ask(request) = variant.act else { continue };
            let asked = request(&scene);
            let expected = match row.operation {
                operation if operation.starts_with("recall") => (514, 6000013),
                _ if is_management => (404, 0),
                operation if operation.starts_with("send") || operation.contains("attributes") => ask::OK,
                _ => continue,
            };
            // What one has set, another may not change, which is no matter of rights; so one asks, who has made nothing.
            let is_owned = row.operation.starts_with("set/delete room attributes");
            let peers = [("another", &mut guest), ("its maker", &mut scene.creator)];
            for (who, peer) in peers.into_iter().take(if is_owned { 1 } else { 2 }) {
                let place = format!("{} ({}) by {who}", row.operation, variant.name);
                assert_eq!(peer.came(asked.clone()), expected, "{place}");
            }
            if is_management { unknown += 1 } else { given += 1 }
        }
    }
    assert!(unknown > 20 && given > 8, "{unknown} are unknown there, {given} given");
}
