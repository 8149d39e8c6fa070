//! Characters that show nothing, turn a line around, or look like others. Open to every module.
//!
//! Which characters these are is Unicode's to say: the tables are those of the crates `regex`, `unicode-normalization` and `caseless`.

use std::sync::LazyLock;

use caseless::Caseless;
use regex::Regex;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::{canonical_combining_class, compose};

/// Characters without a shape of their own: controls, those that join, part or turn what stands beside them, tags, variation selectors and
/// fillers. The marks of Arabic and Syriac numbers are formats too, and are seen.
const HIDDEN: &str = r"[[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\p{Noncharacter_Code_Point}\x{16FE4}]--\p{Prepended_Concatenation_Mark}]";

static IS_HIDDEN: LazyLock<Regex> = LazyLock::new(|| pattern(&format!("^{HIDDEN}$")));
/// A character that can be seen and stands by itself: none that is hidden, blank, or put onto the one before it.
static IS_SEEN: LazyLock<Regex> =
    LazyLock::new(|| pattern(&format!(r"[^{HIDDEN}\p{{White_Space}}\p{{Mn}}\p{{Me}}\x{{2800}}\x{{1D159}}]")));

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("the pattern is written here and a test compiles it")
}

/// True if a character shows nothing by itself or turns the direction of the line around.
pub(crate) fn is_hidden(letter: char) -> bool {
    !letter.is_ascii_graphic() && letter != ' ' && IS_HIDDEN.is_match(letter.encode_utf8(&mut [0; 4]))
}

/// True if a text has characters, and none of them can be seen.
pub(crate) fn is_blank(text: &str) -> bool {
    !text.is_empty() && !text.bytes().any(|byte| byte.is_ascii_graphic()) && !IS_SEEN.is_match(text)
}

/// A text in the form in which words are compared: compatibility characters and widths replaced, composed, in one case, without what is hidden
/// (Unicode's NFKC_Casefold).
pub(crate) struct Folded {
    pub(crate) text: String,
    /// For each piece of the original, where it ends there, and where it ends here. What is in a piece is compared as one.
    pub(crate) pieces: Vec<(usize, usize)>,
}

/// Folds a text.
pub(crate) fn fold(text: &str) -> Folded {
    let mut folded = Folded { text: String::with_capacity(text.len()), pieces: Vec::with_capacity(text.len()) };
    if text.is_ascii() && !text.bytes().any(|byte| byte.is_ascii_control()) {
        folded.text.extend(text.chars().map(|letter| letter.to_ascii_lowercase()));
        folded.pieces.extend((1..=text.len()).map(|end| (end, end)));
        return folded;
    }
    let mut piece = String::new();
    for (start, letter) in text.char_indices() {
        if is_hidden(letter) {
            // It belongs to what stands before it, or to what follows.
            continue;
        }
        if !piece.is_empty() && !joins(&piece, letter) {
            folded.close(&mut piece, start);
        }
        piece.push(letter);
    }
    folded.close(&mut piece, text.len());
    folded
}

impl Folded {
    fn close(&mut self, piece: &mut String, end: usize) {
        let caseless = piece.nfkd().default_case_fold();
        self.text.extend(caseless.nfkc());
        self.pieces.push((end, self.text.len()));
        piece.clear();
    }
}

/// True if a character combines with the text before it, or composes one character with it.
fn joins(piece: &str, letter: char) -> bool {
    let Some(first) = std::iter::once(letter).nfkd().next() else { return false };
    let composes = || piece.nfkc().last().is_some_and(|last| compose(last, first).is_some());
    !letter.is_ascii() && (canonical_combining_class(first) != 0 || composes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_shows_nothing_is_hidden_and_what_is_read_is_not() {
        for hidden in [
            '\0',
            '\u{7}',
            '\n',
            '\u{7F}',
            '\u{85}',
            '\u{AD}',
            '\u{34F}',
            '\u{61C}',
            '\u{115F}',
            '\u{180E}',
            '\u{200B}',
            '\u{200C}',
            '\u{200D}',
            '\u{200E}',
            '\u{200F}',
            '\u{2028}',
            '\u{2029}',
            '\u{202A}',
            '\u{202E}',
            '\u{2060}',
            '\u{2064}',
            '\u{2066}',
            '\u{2069}',
            '\u{206F}',
            '\u{3164}',
            '\u{FE00}',
            '\u{FE0F}',
            '\u{FEFF}',
            '\u{FFA0}',
            '\u{FFF9}',
            '\u{FFFE}',
            '\u{16FE4}',
            '\u{1D173}',
            '\u{E0001}',
            '\u{E0041}',
            '\u{E007F}',
            '\u{E0100}',
            '\u{E01EF}',
        ] {
            assert!(is_hidden(hidden), "U+{:04X}", u32::from(hidden));
        }
        for seen in [' ', 'a', '~', 'é', 'ς', '界', '\u{3000}', '\u{301}', '\u{600}', '\u{6DD}', '👩', '\u{E000}', '\u{FFFD}']
        {
            assert!(!is_hidden(seen), "U+{:04X}", u32::from(seen));
        }
    }

    #[test]
    fn a_text_of_blanks_controls_and_joiners_is_blank() {
        for blank in [
            " ",
            "\t\n",
            "\u{200B}",
            "\u{2800}",
            "\u{3164}\u{FFA0}",
            "\u{3000}\u{A0}",
            "\u{E0041}",
            "\u{301}",
            "\u{202E} \u{2066}",
            "\u{1D159}",
        ] {
            assert!(is_blank(blank), "{blank:?}");
        }
        for seen in ["", "a", " a ", "\u{200B}.", "界", "👩\u{200D}💻", "e\u{301}", "가", "\u{600}", "\u{E000}"] {
            assert!(!is_blank(seen), "{seen:?}");
        }
    }

    #[test]
    fn texts_that_look_alike_fold_alike() {
        for (one, other) in [
            ("ΣΊΣΥΦΟΣ", "σίσυφος"),
            ("σίσυφοσ", "σίσυφος"),
            ("ＳＣＡＭ", "scam"),
            ("ｽｷﾞ", "スギ"),
            ("e\u{301}té", "ÉTÉ"),
            ("STRASSE", "straße"),
            ("ﬁnd", "FIND"),
            ("s\u{200B}c\u{AD}a\u{E0041}m\u{FE0F}", "scam"),
            ("\u{1112}\u{1161}\u{11AB}", "한"),
            ("K", "k"),
            ("①", "1"),
        ] {
            assert_eq!(fold(one).text, fold(other).text, "{one} {other}");
        }
        for (one, other) in [("cafe", "café"), ("ı", "i"), ("a b", "ab")] {
            assert_ne!(fold(one).text, fold(other).text, "{one} {other}");
        }
        assert_eq!(fold("\u{200B}\u{200D}").text, "");
    }

    #[test]
    fn the_pieces_of_a_folded_text_cover_both() {
        for text in ["", "abc", "e\u{301}a", "\u{200B}a\u{200B}", "İﬁ", "ｽｷﾞ한\u{1112}\u{1161}", "\u{301}\u{302}", "\u{200B}"]
        {
            let folded = fold(text);
            let ends = folded.pieces.last().copied().unwrap_or_default();
            assert_eq!(ends, (text.len(), folded.text.len()), "{text:?}");
            assert!(folded.pieces.is_sorted() && folded.pieces.iter().all(|(end, _)| text.is_char_boundary(*end)), "{text:?}");
        }
    }
}
