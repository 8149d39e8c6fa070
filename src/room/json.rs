//! Whether a text is a JSON object, and what single members of it hold. Builds no tree and allocates nothing.

/// How deep arrays and objects may stand within one another: bounds the recursion.
const DEPTH_MAX: u32 = 64;

/// A value of a member at the top of an object.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Value<'a> {
    /// A number.
    Number(f64),
    /// A string, as written between its quotes.
    Text(&'a str),
    /// Anything else.
    Other,
}

/// Reads a text that must be one JSON object (RFC 8259), and tells `member` of each of its members: name as written, value.
/// False if it is none.
pub(super) fn object<'a>(text: &'a str, mut member: impl FnMut(&'a str, Value<'a>)) -> bool {
    let mut reader = Reader { text, at: 0 };
    reader.blank();
    reader.members(0, &mut member).is_some() && {
        reader.blank();
        reader.at == text.len()
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }

    fn skip(&mut self, is: impl Fn(u8) -> bool) -> usize {
        let from = self.at;
        while self.peek().is_some_and(&is) {
            self.at += 1;
        }
        self.at - from
    }

    fn blank(&mut self) {
        self.skip(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r'));
    }

    fn members(&mut self, depth: u32, member: &mut dyn FnMut(&'a str, Value<'a>)) -> Option<()> {
        self.take(b'{')?;
        self.blank();
        if self.take(b'}').is_some() {
            return Some(());
        }
        loop {
            self.blank();
            let name = self.string()?;
            self.blank();
            self.take(b':')?;
            let value = self.value(depth + 1)?;
            member(name, value);
            if self.take(b',').is_none() {
                return self.take(b'}');
            }
        }
    }

    fn elements(&mut self, depth: u32) -> Option<()> {
        self.take(b'[')?;
        self.blank();
        if self.take(b']').is_some() {
            return Some(());
        }
        loop {
            self.value(depth + 1)?;
            if self.take(b',').is_none() {
                return self.take(b']');
            }
        }
    }

    /// One value and the blanks around it.
    fn value(&mut self, depth: u32) -> Option<Value<'a>> {
        if depth > DEPTH_MAX {
            return None;
        }
        self.blank();
        let value = match self.peek()? {
            b'{' => self.members(depth, &mut |_, _| {}).map(|()| Value::Other),
            b'[' => self.elements(depth).map(|()| Value::Other),
            b'"' => self.string().map(Value::Text),
            b't' => self.word("true"),
            b'f' => self.word("false"),
            b'n' => self.word("null"),
            _ => self.number(),
        }?;
        self.blank();
        Some(value)
    }

    fn word(&mut self, word: &str) -> Option<Value<'a>> {
        self.text.get(self.at..)?.starts_with(word).then(|| self.at += word.len())?;
        Some(Value::Other)
    }

    fn number(&mut self) -> Option<Value<'a>> {
        let from = self.at;
        let _ = self.take(b'-');
        if self.take(b'0').is_none() && self.skip(|byte| byte.is_ascii_digit()) == 0 {
            return None;
        }
        if self.take(b'.').is_some() && self.skip(|byte| byte.is_ascii_digit()) == 0 {
            return None;
        }
        if self.take(b'e').or_else(|| self.take(b'E')).is_some() {
            self.skip(|byte| matches!(byte, b'+' | b'-'));
            if self.skip(|byte| byte.is_ascii_digit()) == 0 {
                return None;
            }
        }
        self.text.get(from..self.at)?.parse().ok().map(Value::Number)
    }

    fn string(&mut self) -> Option<&'a str> {
        self.take(b'"')?;
        let from = self.at;
        loop {
            self.skip(|byte| byte >= 0x20 && byte != b'"' && byte != b'\\');
            if self.take(b'"').is_some() {
                return self.text.get(from..self.at - 1);
            }
            self.take(b'\\')?;
            match self.peek()? {
                b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => self.at += 1,
                b'u' => {
                    let digits = self.text.as_bytes().get(self.at + 1..self.at + 5)?;
                    digits.iter().all(u8::is_ascii_hexdigit).then(|| self.at += 5)?;
                }
                _ => return None,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_object(text: &str) -> bool {
        object(text, |_, _| {})
    }

    #[test]
    fn objects_are_told_from_everything_else() {
        for text in [
            "{}",
            " {\"a\":1} ",
            "{\"a\":[1,{\"b\":null}],\"c\":\"\\u00e9\\n\"}",
            "{\"é\":-0.5e+10,\"t\":true}",
            "{\"a\" : [ ] }",
        ] {
            assert!(is_object(text), "{text}");
        }
        for text in [
            "",
            "[]",
            "1",
            "{",
            "{}}",
            "{\"a\"}",
            "{\"a\":01}",
            "{\"a\":1,}",
            "{'a':1}",
            "{\"a\":.5}",
            "{\"a\":\"\n\"}",
            "{\"a\":1ee5}",
            "{\"a\":\"\\x\"}",
            "{\"a\":tru}",
        ] {
            assert!(!is_object(text), "{text}");
        }
    }

    #[test]
    fn members_at_the_top_are_told_with_their_values() {
        let mut found = Vec::new();
        assert!(object("{\"lng\": 13.4, \"deep\": {\"lat\": 1}, \"title\":\"here\"}", |name, value| found.push((name, value))));
        assert_eq!(found, [("lng", Value::Number(13.4)), ("deep", Value::Other), ("title", Value::Text("here"))]);
    }

    #[test]
    fn depth_is_bounded() {
        let nested = |depth: usize| format!("{{\"a\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
        assert!(is_object(&nested(60)));
        assert!(!is_object(&nested(100_000)));
    }
}
