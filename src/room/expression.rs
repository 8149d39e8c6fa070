//! Tag expressions: the grammar of chatroom.md §a.10, and what it says of a set of tags.

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use regex::{Regex, RegexBuilder};

use super::check;
use crate::error::Status;
use crate::limits;

/// A tag expression, read and compiled: which connections it means, by their tags.
#[derive(Clone, Debug)]
pub struct Expression {
    root: Node,
    regexes: usize,
}

/// A part of an expression.
#[derive(Clone, Debug)]
pub(super) enum Node {
    /// The tag is carried.
    Exact(Box<str>),
    /// Some tag that is carried matches from its beginning to its end.
    Regex(Regex),
    Not(Box<Node>),
    /// `and`: never fewer than two.
    All(Vec<Node>),
    /// `or`: never fewer than two.
    Any(Vec<Node>),
}

/// Why a text is no expression.
type Fault = &'static str;

impl Expression {
    /// Reads an expression that somebody gave in `field`: 1 to 128 characters, at most 16 matchers, at most 8 parentheses within
    /// one another. Anything else is 414, and says where it is wrong.
    pub fn parse(field: &'static str, text: &str) -> Result<Expression, Status> {
        check::chars(field, text, limits::EXPRESSION_CHARS_MAX)?;
        Expression::read(text).map_err(|desc| Status::bad_parameter(format!("{field}: {desc}")))
    }

    /// Reads an expression of any length: one that a room has made itself is longer than what a client may give.
    pub fn read(text: &str) -> Result<Expression, String> {
        let mut reader = Reader { text, at: 0, matchers: 0, regexes: 0 };
        let whole = reader.expression(0).and_then(|root| {
            reader.skip_blanks();
            if reader.rest().is_empty() { Ok(root) } else { Err("and, or or the end is expected") }
        });
        match whole {
            Ok(root) => Ok(Expression { root, regexes: reader.regexes }),
            Err(fault) => Err(format!("{fault}, at character {}", reader.text[..reader.at].chars().count() + 1)),
        }
    }

    /// True if a connection with these tags is meant.
    pub fn matches<T: AsRef<str>>(&self, tags: &[T]) -> bool {
        self.root.matches(tags)
    }

    /// True if there is a regular expression in it: reading it takes a while.
    pub fn has_regex(&self) -> bool {
        self.regexes > 0
    }

    pub(super) fn root(&self) -> &Node {
        &self.root
    }
}

impl Node {
    pub(super) fn matches<T: AsRef<str>>(&self, tags: &[T]) -> bool {
        match self {
            Node::Exact(tag) => tags.iter().any(|own| own.as_ref() == &**tag),
            Node::Regex(regex) => tags.iter().any(|own| regex.is_match(own.as_ref())),
            Node::Not(node) => !node.matches(tags),
            Node::All(nodes) => nodes.iter().all(|node| node.matches(tags)),
            Node::Any(nodes) => nodes.iter().any(|node| node.matches(tags)),
        }
    }
}

/// The expression that means connections with all of these tags; empty, which means everyone, without tags.
pub(super) fn all_of<T: AsRef<str>>(tags: &[T]) -> String {
    let matcher = |tag: &T| format!("{{\"tag\":{}}}", serde_json::Value::from(tag.as_ref()));
    tags.iter().map(matcher).collect::<Vec<_>>().join(" and ")
}

struct Reader<'a> {
    text: &'a str,
    /// Byte at which reading goes on.
    at: usize,
    matchers: usize,
    regexes: usize,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn skip_blanks(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start_matches([' ', '\t', '\n', '\r']).len();
    }

    /// Goes past a character, if it comes next.
    fn takes(&mut self, wanted: char) -> bool {
        self.skip_blanks();
        let is_next = self.rest().starts_with(wanted);
        self.at += if is_next { wanted.len_utf8() } else { 0 };
        is_next
    }

    fn expect(&mut self, wanted: char, fault: Fault) -> Result<(), Fault> {
        if self.takes(wanted) { Ok(()) } else { Err(fault) }
    }

    /// The letters that come next.
    fn word(&mut self) -> &'a str {
        self.skip_blanks();
        let rest = self.rest();
        &rest[..rest.bytes().take_while(u8::is_ascii_alphabetic).count()]
    }

    fn keyword(&mut self, wanted: &str) -> bool {
        let word = self.word();
        let is_next = word.eq_ignore_ascii_case(wanted);
        self.at += if is_next { word.len() } else { 0 };
        is_next
    }

    fn expression(&mut self, depth: usize) -> Result<Node, Fault> {
        let mut nodes = vec![self.conjunction(depth)?];
        while self.keyword("or") {
            nodes.push(self.conjunction(depth)?);
        }
        Ok(join(nodes, Node::Any))
    }

    fn conjunction(&mut self, depth: usize) -> Result<Node, Fault> {
        let mut nodes = vec![self.negation(depth)?];
        while self.keyword("and") {
            nodes.push(self.negation(depth)?);
        }
        Ok(join(nodes, Node::All))
    }

    fn negation(&mut self, depth: usize) -> Result<Node, Fault> {
        let mut is_negated = false;
        while self.keyword("not") {
            is_negated = !is_negated;
        }
        let node = self.primary(depth)?;
        Ok(if is_negated { Node::Not(Box::new(node)) } else { node })
    }

    fn primary(&mut self, depth: usize) -> Result<Node, Fault> {
        if !self.takes('(') {
            return self.matcher();
        }
        if depth >= limits::EXPRESSION_NESTING_MAX {
            return Err("parentheses are nested too deep");
        }
        let node = self.expression(depth + 1)?;
        self.expect(')', "and, or or ) is expected")?;
        Ok(node)
    }

    fn matcher(&mut self) -> Result<Node, Fault> {
        self.expect('{', "( or { is expected")?;
        self.matchers += 1;
        if self.matchers > limits::EXPRESSION_MATCHERS_MAX {
            return Err("there are too many matchers");
        }
        let (mut tag, mut match_type) = (None, None);
        loop {
            let place = match &*self.key()? {
                "tag" => &mut tag,
                "matchType" => &mut match_type,
                _ => return Err("a key is tag or matchType"),
            };
            self.expect(':', ": is expected")?;
            if place.replace(self.string()?).is_some() {
                return Err("a key is given twice");
            }
            if !self.takes(',') {
                break;
            }
        }
        self.expect('}', ", or } is expected")?;
        let tag = tag.filter(|tag: &String| !tag.is_empty()).ok_or("tag is missing or empty")?;
        match match_type.as_deref() {
            None | Some("exact") => Ok(Node::Exact(tag.into())),
            Some("regex") => {
                self.regexes += 1;
                whole_match(&tag).map(Node::Regex).ok_or("the regular expression is invalid or too large")
            }
            Some(_) => Err("matchType is exact or regex"),
        }
    }

    fn key(&mut self) -> Result<String, Fault> {
        let word = self.word();
        if word.is_empty() {
            return self.string();
        }
        self.at += word.len();
        Ok(word.into())
    }

    /// A JSON string.
    fn string(&mut self) -> Result<String, Fault> {
        self.skip_blanks();
        let mut values = serde_json::Deserializer::from_str(self.rest()).into_iter::<String>();
        match values.next() {
            Some(Ok(text)) => {
                self.at += values.byte_offset();
                Ok(text)
            }
            _ => Err("a JSON string is expected"),
        }
    }
}

fn join(mut nodes: Vec<Node>, kind: fn(Vec<Node>) -> Node) -> Node {
    match nodes.pop() {
        Some(only) if nodes.is_empty() => only,
        last => {
            nodes.extend(last);
            kind(nodes)
        }
    }
}

/// The regular expression that matches a tag from its beginning to its end.
fn whole_match(pattern: &str) -> Option<Regex> {
    const BYTES_MAX: usize = limits::EXPRESSION_REGEX_BYTES_MAX;
    let compile = |pattern: &str| RegexBuilder::new(pattern).size_limit(BYTES_MAX).dfa_size_limit(BYTES_MAX).build().ok();
    // By itself first: `a)|(b` becomes valid, and something else, only within the parentheses.
    compile(pattern)?;
    compile(&format!(r"\A(?:{pattern})\z"))
}

/// Expressions that were used lately, compiled, by their text. What is at hand changes nothing but the time a look-up takes.
#[derive(Default)]
pub(super) struct Expressions(RefCell<Option<Box<Compiled>>>);

#[derive(Default)]
struct Compiled {
    by_text: HashMap<Arc<str>, Kept>,
    /// The oldest first.
    order: VecDeque<Arc<str>>,
    /// Regular expressions in all of them.
    regexes: usize,
}

struct Kept {
    expression: Arc<Expression>,
    /// Since [`Expressions::forget_unused`] looked last.
    is_used: bool,
}

impl Expressions {
    /// Lets go of the expressions that nobody has used since this was called last.
    pub fn forget_unused(&self) {
        let mut compiled = self.0.borrow_mut();
        let Some(Compiled { by_text, order, regexes }) = compiled.as_deref_mut() else { return };
        by_text.retain(|_, kept| std::mem::take(&mut kept.is_used));
        order.retain(|text| by_text.contains_key(text));
        *regexes = by_text.values().map(|kept| kept.expression.regexes).sum();
        if by_text.is_empty() {
            *compiled = None;
        }
    }

    /// Checks an expression that somebody gave in `field`; 414 otherwise. Empty, it means everyone and is not one.
    pub fn check(&self, field: &'static str, text: &str) -> Result<(), Status> {
        check::chars(field, text, limits::EXPRESSION_CHARS_MAX)?;
        if !text.is_empty() && self.found(text).is_none() {
            self.keep(text, Arc::new(Expression::parse(field, text)?));
        }
        Ok(())
    }

    /// The expression behind a text that was checked; `None` for the empty one, which means everyone.
    pub fn compiled(&self, text: &str) -> Option<Arc<Expression>> {
        if text.is_empty() {
            return None;
        }
        if let Some(expression) = self.found(text) {
            return Some(expression);
        }
        // What is no expression, which nobody could have given, means nobody.
        let nobody = |_| Expression { root: Node::Any(Vec::new()), regexes: 0 };
        Some(self.keep(text, Arc::new(Expression::read(text).unwrap_or_else(nobody))))
    }

    /// Takes over what was compiled elsewhere, for many rooms at once.
    pub fn lend(&self, text: &str, expression: &Arc<Expression>) {
        if self.found(text).is_none() {
            self.keep(text, expression.clone());
        }
    }

    fn found(&self, text: &str) -> Option<Arc<Expression>> {
        self.0.borrow_mut().as_deref_mut()?.found(text)
    }

    fn keep(&self, text: &str, expression: Arc<Expression>) -> Arc<Expression> {
        self.0.borrow_mut().get_or_insert_default().keep(text, expression)
    }
}

impl Compiled {
    fn found(&mut self, text: &str) -> Option<Arc<Expression>> {
        let kept = self.by_text.get_mut(text)?;
        kept.is_used = true;
        Some(kept.expression.clone())
    }

    fn keep(&mut self, text: &str, expression: Arc<Expression>) -> Arc<Expression> {
        while self.order.len() >= limits::EXPRESSIONS_CACHED || self.regexes + expression.regexes > limits::EXPRESSIONS_CACHED {
            let Some(oldest) = self.order.pop_front() else { break };
            self.regexes -= self.by_text.remove(&oldest).map_or(0, |oldest| oldest.expression.regexes);
        }
        self.regexes += expression.regexes;
        let text: Arc<str> = text.into();
        self.by_text.insert(text.clone(), Kept { expression: expression.clone(), is_used: true });
        self.order.push_back(text);
        expression
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matchers_end_at_their_limit() {
        let of = |count: usize| Expression::read(&vec!["{tag:\"a\"}"; count].join("or"));
        assert!(of(limits::EXPRESSION_MATCHERS_MAX).is_ok());
        assert!(of(limits::EXPRESSION_MATCHERS_MAX + 1).unwrap_err().starts_with("there are too many matchers"));
    }

    #[test]
    fn a_room_keeps_a_bounded_number_of_expressions_at_hand() {
        let expressions = Expressions::default();
        let text = |number: usize| format!("{{\"tag\":\"{number}\"}}");
        (0..1000).for_each(|number| expressions.check("field", &text(number)).unwrap());
        let kept = || expressions.0.borrow().as_ref().map(|kept| (kept.by_text.len(), kept.order.len()));
        assert_eq!(kept(), Some((limits::EXPRESSIONS_CACHED, limits::EXPRESSIONS_CACHED)));
        assert!(expressions.compiled(&text(3)).unwrap().matches(&["3"]));
        assert!(expressions.compiled("").is_none());
        // What is used stays, what is not goes with the second look.
        expressions.forget_unused();
        assert!(expressions.compiled(&text(3)).is_some());
        expressions.forget_unused();
        assert_eq!(kept(), Some((1, 1)));
        expressions.forget_unused();
        assert_eq!(kept(), None);
    }

    #[test]
    fn the_expression_of_many_tags_means_all_of_them() {
        let tags = ["a", "say \"b\"", "c\\"];
        let expression = Expression::read(&all_of(&tags)).unwrap();
        assert!(expression.matches(&tags) && !expression.matches(&tags[..2]));
        assert_eq!(all_of::<&str>(&[]), "");
    }
}
