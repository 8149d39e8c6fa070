//! Tag expressions say what chatroom.md §a.10 says, and nothing else is one.

use chatroom::error::Code;
use chatroom::room::{Expression, fuzz_expression};
use proptest::prelude::*;

fn holds(expression: &str, tags: &[&str]) -> bool {
    Expression::parse("field", expression).unwrap_or_else(|status| panic!("{expression}: {}", status.desc)).matches(tags)
}

/// Expression, sets of tags it holds for, sets it does not hold for.
type Meaning = (&'static str, &'static [&'static [&'static str]], &'static [&'static [&'static str]]);

const MEANINGS: &[Meaning] = &[
    // S002-049: the example matches exactly those with both.
    (r#"{"tag": "abc"} and {"tag": "def"}"#, &[&["abc", "def"], &["x", "def", "abc"]], &[&["abc"], &["def"], &[]]),
    (
        r#"({"tag":"abc"} or {"tag":"def"}) and {"tag":".*123","matchType":"regex"}"#,
        &[&["abc", "x123"], &["def", "123"]],
        &[&["abc"], &["x123"], &["abc", "123x"]],
    ),
    (r#"{"tag":"a"}"#, &[&["a"], &["b", "a"]], &[&["A"], &["ab"], &[]]),
    // Keys may be bare, and the order of pairs does not matter.
    (r#"{tag:"a"}"#, &[&["a"]], &[&["b"]]),
    (r#"{ matchType : "regex" , tag : "a+" }"#, &[&["aaa"]], &[&["aab"]]),
    (r#"{"matchType":"exact","tag":"a+"}"#, &[&["a+"]], &[&["aa"]]),
    // Precedence: not before and before or.
    (r#"{tag:"a"} or {tag:"b"} and {tag:"c"}"#, &[&["a"], &["b", "c"]], &[&["b"], &["c"]]),
    (r#"({tag:"a"} or {tag:"b"}) and {tag:"c"}"#, &[&["a", "c"], &["b", "c"]], &[&["a"], &["c"]]),
    (r#"not {tag:"a"} and {tag:"b"}"#, &[&["b"]], &[&["a", "b"], &[]]),
    (r#"not ({tag:"a"} and {tag:"b"})"#, &[&["a"], &["b"], &[]], &[&["a", "b"]]),
    (r#"not not {tag:"a"}"#, &[&["a"]], &[&[]]),
    (r#"not not not {tag:"a"}"#, &[&[]], &[&["a"]]),
    // Keywords in any case, white space where one likes or none at all.
    (r#"{tag:"a"}OR{tag:"b"}aNd NOT{tag:"c"}"#, &[&["a", "c"], &["b"]], &[&["b", "c"]]),
    ("\t{tag:\"a\"}\r\nand\n{tag:\"b\"} ", &[&["a", "b"]], &[&["a"]]),
    // A regular expression matches a whole tag, and never somebody without tags.
    (r#"{tag:".*",matchType:"regex"}"#, &[&["a"], &["標籤"]], &[&[]]),
    (r#"not {tag:".*",matchType:"regex"}"#, &[&[]], &[&["a"]]),
    (r#"{tag:"a|ab",matchType:"regex"}"#, &[&["ab"], &["a"]], &[&["abc"], &["xa"]]),
    (r#"{tag:"^a$",matchType:"regex"}"#, &[&["a"]], &[&["b", "aa"]]),
    (r#"{tag:"(?i)vip",matchType:"regex"}"#, &[&["VIP"]], &[&["vip1"]]),
    (r#"{tag:"\\d{2}",matchType:"regex"}"#, &[&["42"]], &[&["4"], &["421"]]),
    (r#"{tag:"\\p{Han}+",matchType:"regex"}"#, &[&["標籤"]], &[&["tag"]]),
    (r#"{tag:"標",matchType:"exact"}"#, &[&["標"]], &[&["籤"]]),
    // Strings and keys are JSON.
    (r#"{"t\u0061g":"say \"a\" \u00e9 }{"}"#, &[&["say \"a\" é }{"]], &[&["say"]]),
];

/// `CHATROOM_BLESS=1` writes them to where the fuzzer looks.
#[test]
fn expressions_mean_what_their_grammar_says() {
    if std::env::var_os("CHATROOM_BLESS").is_some() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/expression");
        std::fs::create_dir_all(&folder).unwrap();
        let texts = MEANINGS.iter().map(|meaning| meaning.0).chain(FAULTS.iter().map(|fault| fault.0));
        texts.enumerate().for_each(|(number, text)| std::fs::write(folder.join(format!("{number:03}")), text).unwrap());
    }
    for (expression, yes, no) in MEANINGS {
        yes.iter().for_each(|tags| assert!(holds(expression, tags), "{expression} holds for {tags:?}"));
        no.iter().for_each(|tags| assert!(!holds(expression, tags), "{expression} does not hold for {tags:?}"));
        fuzz_expression(expression.as_bytes());
    }
}

/// A text that is no expression, and a word of the reason.
const FAULTS: &[(&str, &str)] = &[
    ("", "expected"),
    (" ", "expected"),
    ("a", "expected"),
    ("\"a\"", "expected"),
    ("{}", "JSON string"),
    ("{tag}", ": is expected"),
    ("{tag:}", "JSON string"),
    ("{tag:a}", "JSON string"),
    ("{tag:1}", "JSON string"),
    ("{tag:'a'}", "JSON string"),
    (r#"{tag:"a}"#, "JSON string"),
    (r#"{tag:"\x"}"#, "JSON string"),
    ("{tag:\"a\nb\"}", "JSON string"),
    (r#"{tag:"a",}"#, "JSON string"),
    (r#"{tag:"a""#, "}"),
    (r#"{tag:"a" tag:"b"}"#, "}"),
    (r#"{"tag":"a"} x"#, "the end"),
    (r#"{tag:"a"} {tag:"b"}"#, "the end"),
    (r#"{tag:"a"})"#, "the end"),
    (r#"{tag:"a"} && {tag:"b"}"#, "the end"),
    (r#"{tag:"a"} and"#, "expected"),
    (r#"{tag:"a"} andnot {tag:"b"}"#, "the end"),
    (r#"or {tag:"a"}"#, "expected"),
    (r#"not"#, "expected"),
    (r#"notnot{tag:"a"}"#, "expected"),
    (r#"({tag:"a"}"#, ") is expected"),
    ("()", "expected"),
    // Full-width parentheses are none.
    (r#"（{tag:"a"}）"#, "expected"),
    (r#"{tag:""}"#, "empty"),
    (r#"{matchType:"exact"}"#, "missing"),
    (r#"{tag:"a",kind:"x"}"#, "key"),
    (r#"{Tag:"a"}"#, "key"),
    (r#"{tag:"a",tag:"b"}"#, "twice"),
    (r#"{tag:"a",matchType:"glob"}"#, "exact or regex"),
    (r#"{tag:"a",matchType:"Regex"}"#, "exact or regex"),
    (r#"{tag:"(",matchType:"regex"}"#, "regular"),
    (r#"{tag:"a)|(b",matchType:"regex"}"#, "regular"),
    (r#"{tag:"(a)\\1",matchType:"regex"}"#, "regular"),
    (r#"{tag:"(?=a)",matchType:"regex"}"#, "regular"),
    (r#"{tag:"(\\w{200}){200}",matchType:"regex"}"#, "regular"),
];

// S002-039: bad syntax is 414, and the answer names the field.
#[test]
fn whatever_else_is_said_is_refused_and_the_field_is_named() {
    for (text, reason) in FAULTS {
        let Err(status) = Expression::parse("notify_target_tags", text) else { panic!("{text} is no expression") };
        assert_eq!(status.code, Code::BadParameter);
        assert!(status.desc.starts_with("notify_target_tags: "), "{text}: {}", status.desc);
        assert!(status.desc.contains(reason), "{text}: {}", status.desc);
        fuzz_expression(text.as_bytes());
    }
}

// S002-039: over 128 characters is 414.
#[test]
fn limits_hold_at_the_limit_and_break_beyond_it() {
    let long = |chars: usize| format!("{{\"tag\":\"{}\"}}", "é".repeat(chars - 10));
    assert!(Expression::parse("field", &long(128)).is_ok());
    assert_eq!(Expression::parse("field", &long(129)).unwrap_err().code, Code::BadParameter);
    let nested = |depth: usize| format!("{}{{tag:\"a\"}}{}", "(".repeat(depth), ")".repeat(depth));
    assert!(Expression::parse("field", &nested(8)).is_ok());
    assert!(Expression::parse("field", &nested(9)).unwrap_err().desc.contains("nested"));
    // Beside one another they may be as many as fit.
    assert!(Expression::parse("field", &[r#"(({tag:"a"}))"#; 8].join("or")).is_ok());
}

#[test]
fn a_match_takes_time_in_proportion_to_the_tag() {
    // A backtracking engine would take 2^32 steps.
    assert!(!holds(r#"{tag:"(a*)*b",matchType:"regex"}"#, &[&"a".repeat(32)]));
}

fn text() -> impl Strategy<Value = String> {
    let words = prop::sample::select(vec![
        "{tag:\"a\"}",
        "{\"tag\":\"b\"}",
        "{tag:\"[ab]\",matchType:\"regex\"}",
        "{tag:\".*\",matchType:\"regex\"}",
        " and ",
        " or ",
        " not ",
        "(",
        ")",
        "{",
        "\"",
        "{tag:\"c\"}",
        ",",
        ":",
        "tag",
        "\\",
        "é",
    ]);
    prop::collection::vec(words, 0..14).prop_map(|words| words.concat())
}

fn expression() -> impl Strategy<Value = String> {
    let regex = |pattern: &str| format!("{{tag:\"{pattern}\",matchType:\"regex\"}}");
    let exact = prop::sample::select(vec!["a", "b", "c", "abc", "nobody"]).prop_map(|tag| format!("{{tag:\"{tag}\"}}"));
    let leaf = prop_oneof![3 => exact, 1 => prop::sample::select(vec![".*", "[ab]", "b.*", ".*3"]).prop_map(regex)];
    leaf.prop_recursive(3, 8, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|one| format!("not {one}")),
            (inner.clone(), inner.clone()).prop_map(|(one, two)| format!("({one}) and ({two})")),
            (inner.clone(), inner.clone(), inner).prop_map(|(one, two, three)| format!("({one} or {two}or{three})")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_read_or_refused(text in text()) {
        fuzz_expression(text.as_bytes());
    }

    #[test]
    fn the_index_finds_whom_asking_everybody_finds(text in expression()) {
        fuzz_expression(text.as_bytes());
    }
}
