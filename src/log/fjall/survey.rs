//! Looks at the files of a store before it is opened, and changes nothing. The store's library repairs without asking: it cuts
//! journals, and it deletes tables whose list it cannot find. What it would swallow is found here first.
//!
//! The rule. After a clean stop everything must be there. After a crash the last commit of the newest journal may be torn, if nothing
//! whole follows it: that end is cut, the original kept. After a power loss that holds for all commits the disk was not waited for.
//! Anything else is a problem, and the start is refused.

use std::path::{Path, PathBuf};

use super::commits::{self, Journal};
use super::state::{Mark, State, Word, boot, read_mark, read_state};
use super::tables::{self, Table, Trees};

/// The highest format this program knows.
pub(super) const FORMAT: u64 = 4;
/// Contents of the library's own version file.
const VERSION: &[u8] = b"FJL\x03";

/// How far a look goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Depth {
    /// Journals, lists of tables, and of the tables themselves as many bytes as this.
    Start(u64),
    /// Every byte.
    All,
}

/// Findings of a look at a folder.
#[derive(Debug)]
pub(super) struct Survey {
    pub state: Word<State>,
    pub mark: Word<Mark>,
    pub journals: Vec<Journal>,
    pub trees: Trees,
    /// Why the store must not be opened.
    pub problems: Vec<String>,
    /// Notes for the operator that do not keep the store from opening.
    pub notes: Vec<String>,
    /// The end of the newest journal is torn and may be cut.
    pub is_torn: bool,
    /// Commits that somebody was told of and the disk had.
    pub told: Option<u64>,
    /// Commits that somebody was told of, in this start of the machine: a killed process leaves these too.
    pub heard: Option<u64>,
    /// Commits that may be missing of them.
    pub slack: u64,
}

impl Survey {
    /// The count of the newest commit that can be read, as far as journals know: tables may have made all but the newest go.
    pub fn commits(&self) -> Option<u64> {
        let first = self.journals.first().filter(|journal| journal.number == 0 && journal.commits == 0);
        let newest = self.journals.iter().rev().find_map(|journal| journal.counted).map(|(_, last)| last);
        newest.or(first.map(|_| 0))
    }

    /// Message for a store in which fewer commits are found than were acknowledged: an error if the disk had been waited for.
    pub fn is_short(&self, found: u64) -> Option<Result<String, String>> {
        let heard = self.heard.max(self.told).filter(|heard| *heard > found)?;
        let words = format!("{found} of {heard} acknowledged commits can be read, {} are missing at the end", heard - found);
        let is_lost = self.told.is_some_and(|told| told > found.saturating_add(self.slack));
        Some(if is_lost { Err(words) } else { Ok(words) })
    }
}

/// Looks at a folder. `progress` is told how many bytes of tables were read, and of how many.
pub(super) fn survey(folder: &Path, depth: Depth, progress: &mut dyn FnMut(u64, u64)) -> std::io::Result<Survey> {
    let (state, mark) = (read_state(folder)?, read_mark(folder)?);
    let mut survey = Survey {
        state,
        mark,
        journals: Vec::new(),
        trees: Trees::default(),
        problems: Vec::new(),
        notes: Vec::new(),
        is_torn: false,
        told: None,
        heard: None,
        slack: 0,
    };
    let store = folder.join("store");
    (survey.told, survey.heard, survey.slack) = told(&survey.state, &survey.mark);
    if let Word::Said(state) = &survey.state
        && state.format > FORMAT
    {
        survey.problems.push(format!("it has format {}; this chatroomd reads formats 1 to {FORMAT}", state.format));
        return Ok(survey);
    }
    if !store.try_exists()? {
        if survey.state != Word::Missing || survey.mark != Word::Missing {
            let commits = survey.told.map_or("what it held".into(), |told| format!("its {told} commits"));
            survey.problems.push(format!("{} is missing, and {commits} with it", store.display()));
        }
        return Ok(survey);
    }
    if survey.state == Word::Damaged {
        survey.notes.push("store.state is damaged: nothing is known of the last stop".into());
    }
    match std::fs::read(store.join("version")) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => survey.problems.push("store/version is missing".into()),
        bytes => survey.problems.extend((bytes? != VERSION).then(|| "store/version is damaged".to_owned())),
    }
    read_journals(&store, &mut survey)?;
    let expected = match &survey.state {
        Word::Said(state) => state.keyspaces.clone(),
        Word::Missing | Word::Damaged => Vec::new(),
    };
    let (trees, tables) = tables::read(&store, &expected, &mut survey.problems)?;
    survey.trees = trees;
    check_tables(&store, &tables, depth, &mut survey.problems, progress)?;
    judge(&mut survey);
    if let Word::Said(state) = survey.state.clone()
        && state.clean
    {
        compare(&store, &state, &mut survey)?;
    }
    Ok(survey)
}

/// How many commits somebody was told of that the disk had, how many in all, and how many of the first may be missing: the last one
/// may have been torn on a disk that said it had it.
fn told(state: &Word<State>, mark: &Word<Mark>) -> (Option<u64>, Option<u64>, u64) {
    let mark = match mark {
        Word::Said(mark) => Some(*mark),
        Word::Missing | Word::Damaged => None,
    };
    let synced = mark.map(|mark| mark.synced);
    match state {
        Word::Said(state) if state.clean => (Some(state.commits), None, 0),
        Word::Said(state) => {
            let is_same_boot = !state.boot.is_empty() && state.boot == boot();
            (synced.or(Some(state.commits)), mark.map(|mark| mark.commits).filter(|_| is_same_boot), 1)
        }
        Word::Missing | Word::Damaged => (synced, None, 1),
    }
}

fn read_journals(store: &Path, survey: &mut Survey) -> std::io::Result<()> {
    for (number, path) in commits::journals(store)? {
        let before = survey.journals.last();
        if let Some(before) = before.filter(|before| number != before.number + 1) {
            survey.problems.push(format!("a journal is missing between store/{}.jnl and store/{number}.jnl", before.number));
        }
        let journal = commits::read(number, path, before)?;
        survey.journals.push(journal);
    }
    if survey.journals.is_empty() {
        survey.problems.push("no journal is there: store/NUMBER.jnl is missing".into());
    }
    Ok(())
}

/// Decides what damage of the journals means.
fn judge(survey: &mut Survey) {
    let Survey { state, journals, problems, notes, told, slack, .. } = survey;
    let is_clean = matches!(state, Word::Said(state) if state.clean);
    // Where starts of the machine have no names, nothing rules it out.
    let may_have_lost_power =
        matches!(state, Word::Said(state) if !is_clean && (state.boot.is_empty() || state.boot != boot()));
    let count = journals.len();
    let (mut last, mut whole) = (None, 0);
    for (at, journal) in journals.iter().enumerate() {
        whole += journal.commits;
        last = journal.counted.map(|(_, last)| last).or(last);
        let Some(damage) = &journal.damage else { continue };
        let after = last.map_or(format!("{whole} whole commits"), |last| format!("commit {last}"));
        let of = told.map_or(String::new(), |told| format!(" of at least {told}"));
        let words = format!(
            "store/{}.jnl is damaged after {after}{of}, at byte {}: {}; {} bytes behind it are not read",
            journal.number, journal.end, damage.reason, damage.bytes
        );
        let covers = |slack: u64| told.is_none_or(|told| last.is_none_or(|last| last.saturating_add(slack) >= told));
        let goes_on =
            journals.get(at + 1).and_then(|next| next.counted).zip(last).is_some_and(|((first, _), last)| first == last + 1);
        let was_unsynced = may_have_lost_power && told.is_some() && last.is_some() && covers(0);
        if at + 1 < count && goes_on {
            notes.push(format!("{words}; the next journal goes on where it ends"));
        } else if at + 1 == count && (!damage.whole_after && covers(*slack) || was_unsynced) {
            survey.is_torn = true;
            notes.push(words);
        } else if at + 1 == count && !damage.whole_after {
            problems.push(format!("{words}; more is missing than the last commit"));
        } else {
            problems.push(format!("{words}, and whole commits are among them"));
        }
    }
    if problems.is_empty()
        && let Some(found) = survey.commits()
    {
        match survey.is_short(found) {
            None => {}
            Some(Ok(words)) => survey.notes.push(words),
            Some(Err(words)) => survey.problems.push(words),
        }
    }
}

/// Reads tables to their end, small ones first, as far as the depth goes; of the others their last bytes.
fn check_tables(
    store: &Path,
    tables: &[Table],
    depth: Depth,
    problems: &mut Vec<String>,
    progress: &mut dyn FnMut(u64, u64),
) -> std::io::Result<()> {
    let mut tables: Vec<&Table> = tables.iter().collect();
    tables.sort_by_key(|table| table.bytes);
    let total: u64 = tables.iter().map(|table| table.bytes).sum();
    let (mut done, mut budget) = (
        0,
        match depth {
            Depth::Start(bytes) => bytes,
            Depth::All => u64::MAX,
        },
    );
    for table in tables {
        let wrong = if table.bytes <= budget { table.is_damaged()? } else { table.is_cut()? };
        budget = budget.saturating_sub(table.bytes);
        done += table.bytes;
        progress(done, total);
        if let Some(wrong) = wrong {
            let name = table.path.strip_prefix(store).unwrap_or(&table.path).display();
            problems.push(format!("store/{name} is damaged: {wrong}"));
        }
    }
    Ok(())
}

/// Compares what is there with what the clean stop wrote down.
fn compare(store: &Path, state: &State, survey: &mut Survey) -> std::io::Result<()> {
    let version_of = |digits: &str| {
        let bytes: Vec<u8> = (0..8).filter_map(|at| u8::from_str_radix(digits.get(2 * at..2 * at + 2)?, 16).ok()).collect();
        <[u8; 8]>::try_from(bytes).map(u64::from_le_bytes).ok()
    };
    // Another program may have opened the store since and merged tables: an older chatroomd does before it refuses.
    let mut moved_on: Vec<PathBuf> = Vec::new();
    for kept in state.files.iter().filter(|kept| !kept.content.is_empty()) {
        let path = store.join(&kept.name);
        let now = std::fs::read(&path).map(|bytes| super::state::hex(&bytes)).unwrap_or_default();
        if now == kept.content {
            continue;
        }
        match version_of(&now).zip(version_of(&kept.content)) {
            Some((now, then)) if now > then => moved_on.extend(path.parent().map(Path::to_owned)),
            Some((now, then)) => {
                survey.problems.push(format!("store/{} is an older one: it names version {now}, not {then}", kept.name))
            }
            None => {} // Missing or damaged, which is said where the tables are read.
        }
    }
    if !moved_on.is_empty() {
        survey.notes.push(format!("another program has changed {} tables of the store since the last stop", moved_on.len()));
    }
    for kept in &state.files {
        let path = store.join(&kept.name);
        let is_journal = path.extension().is_some_and(|end| end == "jnl");
        if moved_on.iter().any(|folder| path.starts_with(folder)) {
            continue;
        }
        let Some(bytes) = survey.length(&path, is_journal)? else {
            // Missing tables and lists are told where they are read. What no list names, the library removes when it opens a store.
            if is_journal && moved_on.is_empty() {
                survey.problems.push(format!("store/{} is missing; it had {} bytes", kept.name, kept.bytes));
            }
            continue;
        };
        if bytes < kept.bytes || bytes > kept.bytes && !is_journal {
            survey.problems.push(format!("store/{} has {bytes} of {} bytes that can be read", kept.name, kept.bytes));
        }
    }
    Ok(())
}

impl Survey {
    /// The length of a file, of a journal that of its whole commits; `None` if there is no such file.
    fn length(&self, path: &Path, is_journal: bool) -> std::io::Result<Option<u64>> {
        if is_journal {
            return Ok(self.journals.iter().find(|journal| journal.path == path).map(|journal| journal.end));
        }
        match std::fs::metadata(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            known => Ok(Some(known?.len())),
        }
    }
}
