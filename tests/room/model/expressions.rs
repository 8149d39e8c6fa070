//! Tag expressions (chatroom.md §a.10): a parser down the grammar, and regular expressions tried out by going back.

/// An expression, parsed.
#[derive(Clone, PartialEq, Debug)]
pub enum Expression {
    Exact(String),
    Regex(String),
    Not(Box<Expression>),
    And(Box<Expression>, Box<Expression>),
    Or(Box<Expression>, Box<Expression>),
}

impl Expression {
    /// `Ok(None)`: everyone.
    pub fn parse(text: &str) -> Result<Option<Expression>, ()> {
        if text.chars().count() > 128 {
            return Err(());
        }
        if text.is_empty() {
            return Ok(None);
        }
        let chars: Vec<char> = text.chars().collect();
        let mut reader = Reader { chars: &chars, at: 0, matchers: 0, nesting: 0 };
        let expression = reader.or()?;
        reader.space();
        if reader.at < chars.len() { Err(()) } else { Ok(Some(expression)) }
    }

    pub fn admits(&self, tags: &[String]) -> bool {
        match self {
            Expression::Exact(tag) => tags.contains(tag),
            Expression::Regex(pattern) => tags.iter().any(|tag| matches(pattern, tag)),
            Expression::Not(inner) => !inner.admits(tags),
            Expression::And(left, right) => left.admits(tags) && right.admits(tags),
            Expression::Or(left, right) => left.admits(tags) || right.admits(tags),
        }
    }
}

/// Whether the text admits a connection with these tags; an expression that was accepted before.
pub fn admits(text: &str, tags: &[String]) -> bool {
    match Expression::parse(text) {
        Ok(Some(expression)) => expression.admits(tags),
        Ok(None) => true,
        Err(()) => panic!("an expression that does not parse was kept: {text}"),
    }
}

struct Reader<'a> {
    chars: &'a [char],
    at: usize,
    matchers: usize,
    nesting: usize,
}

impl Reader<'_> {
    fn space(&mut self) {
        while self.chars.get(self.at).is_some_and(|char| char.is_whitespace()) {
            self.at += 1;
        }
    }

    fn take(&mut self, char: char) -> bool {
        self.space();
        let found = self.chars.get(self.at) == Some(&char);
        self.at += usize::from(found);
        found
    }

    fn word(&mut self, word: &str) -> bool {
        self.space();
        let found: String = self.chars[self.at..].iter().take(word.len()).collect();
        let is_it = found.eq_ignore_ascii_case(word);
        if is_it {
            self.at += word.len();
        }
        is_it
    }

    fn or(&mut self) -> Result<Expression, ()> {
        let mut left = self.and()?;
        while self.word("or") {
            left = Expression::Or(Box::new(left), Box::new(self.and()?));
        }
        Ok(left)
    }

    fn and(&mut self) -> Result<Expression, ()> {
        let mut left = self.not()?;
        while self.word("and") {
            left = Expression::And(Box::new(left), Box::new(self.not()?));
        }
        Ok(left)
    }

    fn not(&mut self) -> Result<Expression, ()> {
        let mut negations = 0;
        while self.word("not") {
            negations += 1;
        }
        let mut inner = self.primary()?;
        for _ in 0..negations {
            inner = Expression::Not(Box::new(inner));
        }
        Ok(inner)
    }

    fn primary(&mut self) -> Result<Expression, ()> {
        if self.take('(') {
            self.nesting += 1;
            if self.nesting > 8 {
                return Err(());
            }
            let inner = self.or()?;
            self.nesting -= 1;
            return if self.take(')') { Ok(inner) } else { Err(()) };
        }
        if !self.take('{') {
            return Err(());
        }
        self.matchers += 1;
        if self.matchers > 16 {
            return Err(());
        }
        let (mut tag, mut is_regex) = (None, None);
        loop {
            let key = if self.word("\"tag\"") || self.word("tag") {
                "tag"
            } else if self.word("\"matchType\"") || self.word("matchType") {
                "matchType"
            } else {
                return Err(());
            };
            if !self.take(':') {
                return Err(());
            }
            let value = self.string()?;
            match key {
                "tag" if tag.is_none() => tag = Some(value),
                "matchType" if is_regex.is_none() && (value == "regex" || value == "exact") => {
                    is_regex = Some(value == "regex")
                }
                _ => return Err(()),
            }
            if !self.take(',') {
                break;
            }
        }
        if !self.take('}') {
            return Err(());
        }
        let tag = tag.filter(|tag| !tag.is_empty()).ok_or(())?;
        if is_regex == Some(true) {
            return if is_regex_right(&tag) { Ok(Expression::Regex(tag)) } else { Err(()) };
        }
        Ok(Expression::Exact(tag))
    }

    /// A JSON string without escapes but `\"` and `\\`: the generator makes no others.
    fn string(&mut self) -> Result<String, ()> {
        if !self.take('"') {
            return Err(());
        }
        let mut text = String::new();
        while let Some(char) = self.chars.get(self.at).copied() {
            self.at += 1;
            match char {
                '"' => return Ok(text),
                '\\' => {
                    let escaped = self.chars.get(self.at).copied().filter(|char| matches!(char, '"' | '\\')).ok_or(())?;
                    self.at += 1;
                    text.push(escaped);
                }
                char => text.push(char),
            }
        }
        Err(())
    }
}

/// Patterns of the generator only: letters, digits, `.`, a star behind one of them, and `|` between alternatives.
fn is_regex_right(pattern: &str) -> bool {
    let is_plain = |char: char| char.is_alphanumeric() || char == '.';
    let mut before = None;
    for char in pattern.chars() {
        match char {
            '*' if before.is_some_and(is_plain) => {}
            '|' => {}
            char if is_plain(char) => {}
            _ => return false,
        }
        before = Some(char);
    }
    true
}

fn matches(pattern: &str, text: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    pattern.split('|').any(|one| follows(&one.chars().collect::<Vec<_>>(), &text))
}

fn follows(pattern: &[char], text: &[char]) -> bool {
    let Some(first) = pattern.first() else { return text.is_empty() };
    let fits = |char: &char| *first == '.' || first == char;
    if pattern.get(1) == Some(&'*') {
        return follows(&pattern[2..], text) || text.first().is_some_and(fits) && follows(pattern, &text[1..]);
    }
    text.first().is_some_and(fits) && follows(&pattern[1..], &text[1..])
}
