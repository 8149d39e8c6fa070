//! Expressions out of random texts.

use crate::room::expression::Expression;
use crate::room::tags::assert_index_agrees;

/// Entry point of the fuzzer: whatever the bytes, reading them never panics; what was read means the opposite of its negation,
/// and the same whether connections are looked at one by one or found through the index of tags.
pub fn fuzz_expression(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(expression) = Expression::parse("expression", text) else { return };
    let negation = Expression::read(&format!("not ({text})"));
    let carried: [&[&str]; 7] = [&[], &["a"], &["b"], &["a", "b"], &["abc", "b123"], &["a", "b", "c"], &["標", "{\"tag\""]];
    for tags in carried {
        if let Ok(negation) = &negation {
            assert_ne!(expression.matches(tags), negation.matches(tags), "not means the opposite");
        }
    }
    assert_index_agrees(&expression, &carried);
    // Among these everybody carries a tag.
    assert_index_agrees(&expression, &[carried[1], carried[3], carried[5]]);
}
