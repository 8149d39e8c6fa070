//! A difference is made as small as it goes, and shown.

use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};

use chatroom::room::Op;

use super::World;
use super::commands::{Step, What};
use super::life::{Difference, Life};

/// The first difference of a life, a panic included.
pub fn first_difference(world: &World, steps: &[Step]) -> Option<Difference> {
    difference_of(world, steps, None)
}

/// As `first_difference`; with a kind, others that leave the state the same are passed over.
fn difference_of(world: &World, steps: &[Step], kind: Option<&str>) -> Option<Difference> {
    let mut at = 0;
    let lived = catch_unwind(AssertUnwindSafe(|| {
        let mut life = Life::new(world);
        life.survey = kind.map(|_| Vec::new());
        for step in steps {
            at += 1;
            life.step(step)?;
            if let Some(found) = &mut life.survey
                && let Some(same) = found.drain(..).find(|found| Some(found.kind.as_str()) == kind)
            {
                return Err(same);
            }
        }
        life.end()
    }));
    match lived {
        Ok(result) => result.err(),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| text.to_string())).unwrap_or_default();
            Some(Difference { step: at.max(1) - 1, kind: "panic".into(), expected: "no panic".into(), got: text })
        }
    }
}

/// The same difference with as few and as plain steps as can be found.
pub fn shrink(world: &World, steps: &[Step], found: &Difference) -> (Vec<Step>, Difference) {
    shrink_as(world, steps, found, false)
}

pub fn shrink_as(world: &World, steps: &[Step], found: &Difference, survey: bool) -> (Vec<Step>, Difference) {
    let kind = survey.then_some(found.kind.as_str());
    let still = |steps: &[Step]| difference_of(world, steps, kind).filter(|other| other.kind == found.kind);
    let mut best: Vec<Step> = steps[..(found.step + 1).min(steps.len())].to_vec();
    let Some(mut difference) = still(&best) else { return (steps.to_vec(), found.clone()) };
    let mut chunk = best.len() / 2;
    while chunk > 0 {
        let mut start = 0;
        while start < best.len() {
            let mut fewer = best.clone();
            fewer.drain(start..(start + chunk).min(fewer.len()));
            match still(&fewer) {
                Some(smaller) => {
                    fewer.truncate(smaller.step + 1);
                    (best, difference) = (fewer, smaller);
                }
                None => start += chunk,
            }
        }
        chunk = if chunk == 1 { 0 } else { chunk.div_ceil(2) };
    }
    for place in 0..best.len() {
        for plainer in plainer(&best[place]) {
            let mut tried = best.clone();
            tried[place] = plainer;
            if let Some(same) = still(&tried).filter(|same| same.step == difference.step) {
                (best, difference) = (tried, same);
            }
        }
    }
    (best, difference)
}

/// Forms of a step that hold less.
fn plainer(step: &Step) -> Vec<Step> {
    let mut forms = vec![Step { advance: 0, ..step.clone() }, Step { random: 0, ..step.clone() }];
    if let What::Command(command) = &step.what {
        let mut plain = command.clone();
        match &mut plain.op {
            Op::Enter(enter) => {
                enter.request.ext.clear();
                enter.request.enter_ext.clear();
                enter.request.avatar.clear();
            }
            Op::Send(request) => {
                request.ext.clear();
                request.sub_type = 0;
            }
            Op::Update(request) => request.notify_ext.clear(),
            Op::SetRole(request) => request.notify_ext.clear(),
            Op::UpdateSelf(request) => request.notify_ext.clear(),
            _ => {}
        }
        forms.push(Step { what: What::Command(plain), ..step.clone() });
    }
    forms
}

/// Debug text without the fields that hold their defaults.
pub fn terse(text: &str) -> String {
    let defaults = [": \"\"", ": 0", ": false", ": None", ": []", ": b\"\"", ": {}", ": 0.0"];
    let mut out = String::new();
    for (number, part) in text.split(", ").enumerate() {
        let ends = part.trim_end_matches([' ', '}', ')', ']']);
        let closing = &part[ends.len()..];
        let is_default = defaults.iter().any(|default| part.ends_with(default) || ends.ends_with(default));
        // A part that also opens something is kept: it carries a name.
        if is_default && !part.contains('{') && !part.contains('(') {
            if defaults.iter().any(|default| part.ends_with(default)) {
                continue;
            }
            out.push_str(closing);
            continue;
        }
        if number > 0 {
            out.push_str(", ");
        }
        if part.len() > 200 {
            let _ = write!(out, "{}… ({} B)", part.chars().take(60).collect::<String>(), part.len());
        } else {
            out.push_str(part);
        }
    }
    out
}

pub fn describe(steps: &[Step], difference: &Difference) -> String {
    let mut text = String::new();
    for step in steps {
        let what = match &step.what {
            What::Command(command) => format!("{} {:?}", who(&command.actor), command.op),
            What::Query(actor, query) => format!("{} asks {query:?}", who(actor)),
        };
        let _ = writeln!(text, "  +{} ms, random {}: {}", step.advance, step.random % 10_000, terse(&what));
    }
    let Difference { kind, expected, got, .. } = difference;
    let _ = writeln!(text, "differs in: {kind}\n  expected {expected}\n  got      {got}");
    text
}

fn who(actor: &chatroom::room::Actor) -> String {
    let place = actor.connection.map(|id| format!("#{}", id.slot())).unwrap_or_default();
    let muted = if actor.globally_muted { " (muted everywhere)" } else { "" };
    format!("{:?} {}{place}{muted}", actor.origin, actor.account)
}
