//! Every citation of a section leads to a section that is there.
//!
//! The form is the page, then the section: `chatroom.md §d.1`. Further sections on the same line belong to the page named last before
//! them. A line that names no page before its section cites the page itself, in docs/, or the one page that the file's head names
//! with a section. `row 12` or `note 5` behind a section is looked up as well.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// Folders without texts of ours; neither have those that begin with a dot.
const LEFT_OUT: [&str; 3] = ["target", "build", "data"];
/// The two halves of one document, whose sections are numbered through.
const HALVES: [&str; 2] = ["im.md", "im-operations.md"];

/// The sections of a page: `d.1`, and as `d.1 12` the rows and the items of lists in it.
#[derive(Default)]
struct Page {
    sections: BTreeSet<String>,
}

impl Page {
    fn of(text: &str) -> Self {
        let mut page = Self::default();
        let mut section = String::new();
        let mut is_code = false;
        for line in text.lines() {
            is_code ^= line.starts_with("```");
            if is_code {
                continue;
            }
            if let Some(title) = line.strip_prefix('#') {
                let name = section_of(title.trim_start_matches('#').trim_start());
                if !name.is_empty() {
                    page.sections.insert(name.to_owned());
                    name.clone_into(&mut section);
                }
            } else if let Some(row) = line.strip_prefix("| ").and_then(|line| line.split(" |").next()) {
                page.sections.insert(format!("{section} {row}"));
            } else if let Some((item, _)) = line.split_once(". ") {
                page.sections.insert(format!("{section} {item}"));
                page.sections.insert(format!("{section}.{item}"));
            }
        }
        page
    }
}

/// The section that a text begins with: a letter or a number, then numbers, with dots between them. Empty if there is none.
fn section_of(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '.').unwrap_or(text.len());
    let name = text[..end].trim_end_matches('.');
    let mut parts = name.split('.');
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let is_letter = |part: &str| part.len() == 1 && part.as_bytes()[0].is_ascii_lowercase();
    let is_section = parts.next().is_some_and(|first| is_number(first) || is_letter(first)) && parts.all(is_number);
    if is_section { name } else { "" }
}

/// The row or note that a text goes on with: `row 12`, `, note 5`.
fn row_of(text: &str) -> Option<&str> {
    let text = text.trim_start_matches(',').trim_start();
    let number = text.strip_prefix("row ").or_else(|| text.strip_prefix("note "))?;
    let end = number.find(|c: char| !c.is_ascii_digit()).unwrap_or(number.len());
    (end > 0).then(|| &number[..end])
}

/// The page that a text ends with, without its folder: `chatroom.md`.
fn page_before(text: &str) -> Option<&str> {
    let end = text.rfind(".md")? + ".md".len();
    let begin = text[..end - ".md".len()].rfind(|c: char| !c.is_ascii_alphanumeric() && c != '-').map_or(0, |at| at + 1);
    Some(&text[begin..end])
}

/// True if a text ends with a name of an RFC: its sections are not ours.
fn is_rfc_before(text: &str) -> bool {
    let mut words = text.split_whitespace().rev();
    words.next().is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
        && words.next().is_some_and(|name| name.trim_start_matches('(') == "RFC")
}

/// The section that a line names behind a page without the sign: `chatroom.md d.1`.
fn section_without_sign(line: &str) -> Option<&str> {
    let behind = line.match_indices(".md ").map(|(at, page)| section_of(&line[at + page.len()..]));
    behind.into_iter().find(|section| section.contains('.'))
}

/// One citation: the page it names on its line, the section, and the row in it.
struct Citation<'a> {
    page: Option<&'a str>,
    section: &'a str,
    row: Option<&'a str>,
}

fn citations(line: &str) -> impl Iterator<Item = Citation<'_>> {
    let ours = line.match_indices('§').filter(|(at, _)| !is_rfc_before(&line[..*at]));
    ours.map(|(at, sign)| {
        let rest = &line[at + sign.len()..];
        let section = section_of(rest);
        Citation { page: page_before(&line[..at]), section, row: row_of(&rest[section.len()..]) }
    })
}

/// The one page that the comment at the head of a file cites; nothing if it cites several.
fn page_of_head(text: &str) -> Option<&str> {
    let is_comment = |line: &&str| ["//", "/*", " *", "#"].iter().any(|mark| line.starts_with(mark));
    let head = text.lines().take_while(is_comment);
    let mut pages: Vec<_> = head.flat_map(citations).filter_map(|citation| citation.page).collect();
    pages.sort_unstable();
    pages.dedup();
    if let [page] = pages[..] { Some(page) } else { None }
}

/// Every text below `folder`, with its path from the root.
fn texts(folder: &str, found: &mut Vec<(String, String)>) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let entries = fs::read_dir(root.join(folder)).expect("a folder can be listed").flatten();
    let mut names: Vec<_> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.retain(|name| !name.starts_with('.') && !LEFT_OUT.contains(&name.as_str()));
    names.sort();
    for name in names {
        let path = if folder.is_empty() { name } else { format!("{folder}/{name}") };
        if root.join(&path).is_dir() {
            texts(&path, found);
        } else {
            // What is no UTF-8 is no text, and cites nothing.
            found.extend(fs::read_to_string(root.join(&path)).ok().map(|text| (path, text)));
        }
    }
}

#[test]
fn every_citation_leads_to_a_section_that_is_there() {
    let mut all = Vec::new();
    texts("", &mut all);
    let name = |path: &str| path.rsplit('/').next().unwrap_or(path).to_owned();
    let is_page = |path: &str| path.starts_with("docs/") && path.ends_with(".md") && !path.ends_with("/README.md");
    let pages: BTreeMap<String, Page> =
        all.iter().filter(|(path, _)| is_page(path)).map(|(path, text)| (name(path), Page::of(text))).collect();
    assert!(pages.len() > 15, "docs/ was not found where it belongs");
    let has = |page: &str, section: &str| pages.get(page).is_some_and(|page| page.sections.contains(section));

    let (mut seen, mut found) = (0, Vec::new());
    for (path, text) in all.iter().filter(|(path, _)| !path.ends_with("/citations.rs")) {
        let own = is_page(path).then(|| name(path));
        let default = own.as_deref().or_else(|| page_of_head(text));
        for (number, line) in text.lines().enumerate() {
            if let Some(section) = section_without_sign(line) {
                found.push(format!("{path}:{}: write §{section}", number + 1));
            }
            for Citation { page, section, row } in citations(line) {
                seen += 1;
                let place = format!("{path}:{}", number + 1);
                let Some(mut page) = page.or(default) else {
                    found.push(format!("{place}: name the page: `FILE.md §{section}`"));
                    continue;
                };
                if own.as_deref().is_some_and(|own| HALVES.contains(&own)) && HALVES.contains(&page) {
                    page = HALVES.into_iter().find(|half| has(half, section)).unwrap_or(page);
                }
                if section.is_empty() || !has(page, section) {
                    found.push(format!("{place}: {page} has no §{section}"));
                } else if let Some(row) = row.filter(|row| !has(page, &format!("{section} {row}"))) {
                    found.push(format!("{place}: {page} §{section} has no row or note {row}"));
                }
            }
        }
    }
    println!("{seen} citations");
    assert!(seen > 400, "only {seen} citations were found");
    assert!(found.is_empty(), "{} citations lead nowhere:\n  {}", found.len(), found.join("\n  "));
}

#[test]
fn sections_rows_and_pages_are_read_as_they_are_written() {
    let begins = ["d.1 Token", "2.7.1 Flags", "b. Rights", "0.", "Notes", "e.g. this", "d.1)"];
    assert_eq!(begins.map(section_of), ["d.1", "2.7.1", "b", "0", "", "", "d.1"]);
    assert_eq!(
        [row_of(", row 12)"), row_of(" note 5."), row_of(", §b"), row_of(" rows 4")],
        [Some("12"), Some("5"), None, None]
    );
    assert_eq!([section_without_sign("wire.md 4.4"), section_without_sign("wire.md §4.4, 2.0")], [Some("4.4"), None]);
    assert_eq!(page_before("see docs/spec/im-operations.md "), Some("im-operations.md"));
    let cited: Vec<_> = citations("(§a, chatroom.md §b note 5, §c.0)").map(|c| (c.page, c.section, c.row)).collect();
    assert_eq!(cited, [(None, "a", None), (Some("chatroom.md"), "b", Some("5")), (Some("chatroom.md"), "c.0", None)]);
    assert_eq!(citations("(RFC 8305 §5) of 12 §3").count(), 1);
    assert_eq!(page_of_head("//! One (wire.md §1).\n\n// im.md §2"), Some("wire.md"));
    assert_eq!(page_of_head("//! Two (wire.md §1, im.md §2).\n"), None);
    let page = Page::of("## c. Rules\n\n1. First.\n\n### c.0 Order\n\n| 12 | state | 417 |\n```\n9. no\n```\n");
    assert!(["c", "c.1", "c 1", "c.0", "c.0 12"].iter().all(|wanted| page.sections.contains(*wanted)));
    assert!(!page.sections.contains("c.0.9"));
}
