//! The tables of chatroom.md §b, §b.1 and §c.2 as they stand there, and what their cells mean.
//!
//! Where a cell of §b gives a code and no sub code, the sub code follows from the first of these rules that fits:
//!
//! 1. Column Out: 6000321, as the row "exit" says.
//! 2. A code other than 403: what the first cell of that code in the same column says (the row "send").
//! 3. Recalls: 107315, the sub code §h has for a recall that is not allowed.
//! 4. An anonymous visitor refused what a visitor may do: 114303, as the row "send" says. So too an offer on behalf of another,
//!    which is an offer first.
//! 5. A 403 in a row that gives a sub code with a 403 for a role: that one.
//! 6. A row the creator alone may do: 114427; any other: 114432. Both as §h words them.

use std::collections::HashMap;

/// chatroom.md §b. Columns: Cr Ad Cm Vi An Mu Tm Tg Rm Bl Ro Out.
const MATRIX: &str = "
| enter (connect/login) | ✓ | ✓ | ✓ | ✓ | ✓ or 403 (114303) when anonymous is off | = | = | = | = | 13003 (114426) | n/a | ✓ |
| exit (logout/disconnect) | ✓ | ✓ | ✓ | ✓ | ✓ | = | = | = | = | n/a | n/a | 403 (6000321) |
| receive messages and notifications | ✓ | ✓ | ✓ | ✓ | ✓ | = | = | = | = | n/a | n/a | n/a |
| getChatroom | ✓ | ✓ | ✓ | ✓ | ✓ | = | = | = | = | n/a | n/a | 403 |
| getChatroomMembers / by tag / count by tag / by ids | ✓ | ✓ | ✓ | ✓ | ✓ | = | = | = | = | n/a | n/a | 403 |
| updateChatroom | ✓ | ✓ | 403 (114432) | 403 | 403 | 403 | = | = | = | n/a | 403 | 403 |
| closeChatroom | ✓ | 403 (114427) | 403 | 403 | 403 | 403 | = | = | = | n/a | 403 | 403 |
| updateTags (own connection) | ✓ | ✓ | ✓ | ✓ | ✓ | = | = | = | = | n/a | n/a | 403 |
| updateCoordinate (own connection) | ✓ | ✓ | ✓ | ✓ | ✓ | = | = | = | = | n/a | n/a | 403 |
| updateMyChatroomMemberInfo | ✓ | ✓ | ✓ | ✓ | 403 (114303) | = | = | = | = | n/a | ✓ (HTTP) | 403 |
| set/unset administrator | ✓ | 403 (114427) | 403 | 403 | 403 | 403 | = | = | = | n/a | 403 | 403 |
| set/unset ordinary member | ✓ | ✓ | 403 (114432) | 403 | 403 | 403 | = | = | = | n/a | 403 | 403 |
| blocklist / unblocklist | ✓ | ✓ | 403 | 403 | 403 | 403 | = | = | = | n/a | 403 | 403 |
| permanent mute / unmute | ✓ | ✓ | 403 | 403 | 403 | 403 | = | = | = | n/a | 403 | 403 |
| temporary mute / lift | ✓ | ✓ | 403 | 403 | 403 | 403 | = | = | = | n/a | 403 | 403 |
| tag temporary mute / lift | ✓ | ✓ | 403 | 403 | 403 | 403 | = | = | = | n/a | 403 | 403 |
| room mute / unmute | ✓ | ✓ | 403 | 403 | 403 | 403 | = | = | = | n/a | 403 | 403 |
| kick | ✓ | ✓ | 403 | 403 | 403 | 403 | = | = | = | n/a | 403 | 403 |
| send text/file/geo/tip/custom | ✓ | ✓ | ✓ | ✓ | 403 (114303) | 13004 (114421) | 13004 (113301) | 13004 (113302) | 13006 (113423) | 13003 (114426) | ✓ (HTTP) | 403 |
| send directed (`toAccids`) | ✓ | ✓ | ✓ | ✓ | 403 | 13004 | 13004 | 13004 | 13006 | 13003 | ✓ (HTTP) | 403 |
| send with highPriority | ✓ | ✓ | flag cleared | flag cleared | 403 | 13004 | 13004 | 13004 | 13006 | 13003 | ✓ (HTTP) | 403 |
| resendMsg | as send; a duplicate of an accepted message is 200 whatever the mute state | | | | | | | | | | | |
| recall own message (≤120 s) | ✓ | ✓ | ✓ | ✓ | n/a | = | = | = | = | n/a | ✓ (HTTP) | 403 |
| recall someone else's message | ✓ | ✓, not the creator's or another administrator's | 403 | 403 | 403 | 403 | = | = | = | n/a | 403 | 403 |
| getHistoryMsgs / by tags | ✓ | ✓ | ✓ | ✓ | ✓ | = | = | = | = | n/a | n/a | 403 |
| queueOffer / queueChange / queuePoll, queuelevel 0 | ✓ | ✓ | ✓ | ✓ | 403 (114303) | = | = | = | = | n/a | ✓ (HTTP) | 403 |
| queueOffer / queueChange / queuePoll, queuelevel 1 | ✓ | ✓ | 403 (113428) | 403 | 403 | 403 | = | = | = | n/a | 403 | 403 |
| queueOffer on behalf of another owner | ✓ | ✓ | 403 | 403 | 403 | 403 | = | = | = | n/a | 403 | 403 |
| queueList / peak / multiGet | ✓ | ✓ | ✓ | ✓ | ✓ | = | = | = | = | n/a | n/a | 403 |
| queueDrop | ✓ | ✓ | 403 (ext) | 403 | 403 | 403 | = | = | = | n/a | 403 | 403 |
| queueInit | ✓ | ✓ | 403 | 403 | 403 | 403 | = | = | = | n/a | 403 | 403 |
| set/delete room attributes | ✓ | ✓ | ✓ | ✓ | 403 | = | = | = | = | n/a | n/a | 403 (6000321) |
| set room-member attributes (any member) | ✓ | ✓ | ✓ | ✓ | 403 | = | = | = | = | n/a | n/a | 403 (6000321) |
| query (member) attributes | ✓ | ✓ | ✓ | ✓ | ✓ | = | = | = | = | n/a | n/a | 403 (6000321) |
| upload (previewFile) | ✓ | ✓ | ✓ | ✓ | 403 | = | = | = | = | n/a | n/a | ✓ when logged in |
";

/// chatroom.md §b.1. Columns: target is the creator, an administrator, Cm/Vi/LIMITED, anonymous, the operator itself.
const TARGETS: &str = "
| set administrator | 403 | Cr: 417 (114405) | Cr ✓; LIMITED ⇒ 13003 or 13004 (ext) | 404 (114303) | 403 (114429) |
| unset administrator | 403 | Cr ✓ ⇒ becomes COMMON (ext) | 417 | 404 | 403 |
| set ordinary | 403 | 403 (ext: unset administrator first) | Vi ✓; Cm 417; LIMITED ⇒ 13003/13004 (ext) | 404 | 403 |
| unset ordinary | 403 | 403 | Cm ✓ ⇒ visitor; others 417 | 404 | 403 |
| blocklist / mute | 403 | Cr ✓, Ad 403 (ext) | ✓; already set 417 | block ✓ by connection (kick only, nothing persisted); mute 404 | 403 |
| unblocklist / unmute | 403 | n/a | ✓; not set 417 | 404 | 403 |
| temporary mute | 403 | Cr ✓, Ad 403 (ext) | ✓, in the room or not: the mute waits for him (vendor's tests); blocklisted or permanently muted ⇒ 417 (ext); unknown account ⇒ 404 | 404 | 403 (ext) |
| kick | 403 | Cr ✓, Ad 403 | in room ✓; offline ⇒ 404 (114304) (ext) | ✓ | 403 |
";

/// chatroom.md §c.2, "State transitions". Columns: set mgr, unset mgr, set common, unset common, block, unblock, mute, unmute.
const TRANSITIONS: &str = "
| visitor / never seen | MANAGER | 417 | COMMON | 417 | LIMITED(b) + kicked | 417 | LIMITED(m) | 417 |
| COMMON | MANAGER | 417 | 417 | visitor | LIMITED(b) + kicked | 417 | LIMITED(m) | 417 |
| MANAGER | 417 | COMMON (ext) | 403 | 403 | LIMITED(b) + kicked (by Cr) | 417 | LIMITED(m) (by Cr) | 417 |
| LIMITED(b) | 13003 (ext) | 417 | 13003 | 417 | 417 | visitor (ext) | LIMITED(b+m) (decided) | 417 |
| LIMITED(m) | 13004 (ext) | 417 | 13004 | 417 | LIMITED(b+m) + kicked | 417 | 417 | visitor (ext) |
| LIMITED(b+m) | 13003 | 417 | 13003 | 417 | 417 | LIMITED(m) | 417 | LIMITED(b) |
| CREATOR | 403 | 403 | 403 | 403 | 403 | 403 | 403 | 403 |
";

/// The columns of §b, in their order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Column {
    Cr,
    Ad,
    Cm,
    Vi,
    An,
    Mu,
    Tm,
    Tg,
    Rm,
    Bl,
    Ro,
    Out,
}

use Column::{Ad, An, Bl, Cm, Cr, Mu, Out, Rm, Ro, Tg, Tm, Vi};

pub const COLUMNS: [Column; 12] = [Cr, Ad, Cm, Vi, An, Mu, Tm, Tg, Rm, Bl, Ro, Out];

/// What a cell of §b says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cell {
    /// Allowed.
    Yes,
    /// Allowed, as an ordinary message.
    WithoutPriority,
    /// Allowed for messages of anybody but the creator and other administrators.
    UnlessAuthorProtected,
    /// As without the modifier.
    Same,
    /// Cannot occur.
    Never,
    /// Refused with this code and sub code.
    No(i32, i32),
}

/// A row of §b: the operation as the table words it, and its twelve cells.
pub struct Row {
    pub operation: &'static str,
    pub cells: [Cell; 12],
}

/// §b. The row "resendMsg" says "as send" and stands here with the cells of "send".
pub fn matrix() -> Vec<Row> {
    let table = rows(MATRIX);
    let send = table.iter().position(|row| row[0].starts_with("send text")).expect("the table has the row send");
    let texts = table.iter().map(|row| match row[1] {
        text if text.starts_with("as send") => (row[0], &table[send][1..]),
        _ => (row[0], &row[1..]),
    });
    texts.map(|(operation, texts)| Row { operation, cells: cells(operation, texts, &table) }).collect()
}

fn cells(operation: &str, texts: &[&str], table: &[Vec<&str>]) -> [Cell; 12] {
    assert_eq!(texts.len(), 12, "{operation}");
    let is_allowed = |column: Column| texts[column as usize].starts_with('✓') || texts[column as usize] == "flag cleared";
    let of_row = texts[..11].iter().filter_map(|text| number(text)).find_map(|(code, sub)| sub.filter(|_| code == 403));
    std::array::from_fn(|place| {
        let (text, column) = (texts[place], COLUMNS[place]);
        match text {
            "=" => return Cell::Same,
            "n/a" => return Cell::Never,
            "flag cleared" => return Cell::WithoutPriority,
            _ if text.starts_with("✓, not the creator's") => return Cell::UnlessAuthorProtected,
            _ if text.starts_with('✓') => return Cell::Yes,
            _ => {}
        }
        let (code, sub) = number(text).unwrap_or_else(|| panic!("{operation}, {column:?}: {text}"));
        let of_column = || table.iter().filter_map(|row| number(row.get(place + 1)?)).find(|found| found.0 == code)?.1;
        let derived = || match code {
            _ if column == Out => Some(6000321),
            403 if operation.starts_with("recall") => Some(107315),
            403 if column == An && (is_allowed(Vi) || operation.starts_with("queueOffer on behalf")) => Some(114303),
            403 => of_row.or(Some(if is_allowed(Ad) { 114432 } else { 114427 })),
            _ => of_column(),
        };
        Cell::No(code, sub.or_else(derived).unwrap_or_else(|| panic!("{operation}, {column:?}: no sub code for {text}")))
    })
}

/// The rows of §b.1: the action, and the words of its five cells.
pub fn targets() -> Vec<(&'static str, Vec<&'static str>)> {
    rows(TARGETS).into_iter().map(|row| (row[0], row[1..].to_vec())).collect()
}

/// What an account is in a room, in the words of §c.2.
pub const STATES: [&str; 7] =
    ["visitor / never seen", "COMMON", "MANAGER", "LIMITED(b)", "LIMITED(m)", "LIMITED(b+m)", "CREATOR"];

/// What a change of role comes to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Change {
    /// The target becomes this, one of [`STATES`].
    To(&'static str),
    /// Refused with this code.
    No(i32),
}

/// A cell of §c.2.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Transition {
    pub change: Change,
    /// The target is put out of the room.
    pub kicked: bool,
    /// Only the creator may.
    pub by_creator: bool,
}

/// §c.2 "State transitions": what somebody is, and what the eight changes come to.
pub fn transitions() -> Vec<(&'static str, Vec<Transition>)> {
    let cell = |text: &'static str| {
        let what = text.split(" (").next().unwrap_or(text).split(" + ").next().unwrap_or(text).trim();
        let state = |what: &str| STATES.into_iter().find(|state| *state == what || state.starts_with(&format!("{what} /")));
        let change = match what.parse() {
            Ok(code) => Change::No(code),
            Err(_) => Change::To(state(what).unwrap_or_else(|| panic!("{text} is no state"))),
        };
        Transition { change, kicked: text.contains("+ kicked"), by_creator: text.contains("(by Cr)") }
    };
    let table = rows(TRANSITIONS).into_iter();
    table.map(|row| (row[0], row[1..].iter().map(|text| cell(text)).collect())).collect()
}

/// The cells of a table's lines, without the bars at its sides.
fn rows(table: &'static str) -> Vec<Vec<&'static str>> {
    let lines = table.lines().filter(|line| !line.is_empty());
    lines.map(|line| line.trim_matches('|').split('|').map(str::trim).collect()).collect()
}

/// The code a cell begins with, and the number in brackets after it.
fn number(cell: &str) -> Option<(i32, Option<i32>)> {
    let mut words = cell.split([' ', '(', ')']).filter(|word| !word.is_empty());
    let code = words.next()?.parse().ok()?;
    Some((code, words.next().and_then(|word| word.parse().ok())))
}

/// How often each kind of cell stands in §b, for the report.
pub fn census(rows: &[Row]) -> HashMap<&'static str, usize> {
    let mut census = HashMap::new();
    for cell in rows.iter().flat_map(|row| row.cells) {
        let name = match cell {
            Cell::Yes | Cell::WithoutPriority | Cell::UnlessAuthorProtected => "allowed",
            Cell::Same => "same",
            Cell::Never => "never",
            Cell::No(..) => "refused",
        };
        *census.entry(name).or_default() += 1;
    }
    census
}
