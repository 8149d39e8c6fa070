//! Messages written field by field, out of the tables of [`operations`](super::operations): for programs and tests that treat all
//! operations alike.

use prost::encoding::{WireType, encode_key, encode_varint};

use super::operations::{Enumeration, Shape};

/// The value of a field.
#[derive(Clone, PartialEq, Debug)]
pub enum Value {
    /// Of a whole number, a truth value (0 or 1) or an enumeration.
    Whole(i128),
    /// Of a `double` or `float`.
    Real(f64),
    /// Of a text, of bytes, or of a message that is encoded already.
    Bytes(Vec<u8>),
    /// Key and value of a map.
    Pair(Box<Value>, Box<Value>),
}

/// Appends one value under a field's number. A value of another kind than the shape's is written as 0, or as no bytes.
pub fn append(out: &mut Vec<u8>, number: u32, shape: &Shape, value: &Value) {
    let whole = if let Value::Whole(whole) = value { *whole } else { 0 };
    // The low 64 bits are what travels: negative numbers in two's complement.
    let bits = whole as u64;
    let wire_type = match shape {
        Shape::Double | Shape::Fixed64 | Shape::Sfixed64 => WireType::SixtyFourBit,
        Shape::Float | Shape::Fixed32 | Shape::Sfixed32 => WireType::ThirtyTwoBit,
        Shape::Text | Shape::Bytes | Shape::Message(_) | Shape::Map(..) => WireType::LengthDelimited,
        _ => WireType::Varint,
    };
    encode_key(number, wire_type, out);
    match (shape, value) {
        (Shape::Double, Value::Real(real)) => out.extend_from_slice(&real.to_le_bytes()),
        (Shape::Float, Value::Real(real)) => out.extend_from_slice(&(*real as f32).to_le_bytes()),
        (Shape::Double | Shape::Fixed64 | Shape::Sfixed64, _) => out.extend_from_slice(&bits.to_le_bytes()),
        (Shape::Float | Shape::Fixed32 | Shape::Sfixed32, _) => out.extend_from_slice(&(bits as u32).to_le_bytes()),
        (Shape::Sint32 | Shape::Sint64, _) => encode_varint(((whole << 1) ^ (whole >> 127)) as u64, out),
        (Shape::Map(key, held), Value::Pair(name, content)) => {
            let mut entry = Vec::new();
            append(&mut entry, 1, key, name);
            append(&mut entry, 2, held, content);
            append_bytes(out, &entry);
        }
        (Shape::Text | Shape::Bytes | Shape::Message(_), Value::Bytes(bytes)) => append_bytes(out, bytes),
        (Shape::Text | Shape::Bytes | Shape::Message(_) | Shape::Map(..), _) => append_bytes(out, &[]),
        _ => encode_varint(bits, out),
    }
}

fn append_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    encode_varint(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}

/// Reads a value that a person has written; the error says what was expected. Messages have no such form.
pub fn parse(shape: &Shape, text: &str) -> Result<Value, String> {
    let whole = |least: i128, most: i128| match text.parse::<i128>() {
        Ok(number) if (least..=most).contains(&number) => Ok(Value::Whole(number)),
        _ => Err(format!("a whole number from {least} to {most} is expected")),
    };
    match shape {
        Shape::Double | Shape::Float => text.parse().map(Value::Real).map_err(|_| "a number is expected".to_owned()),
        Shape::Int32 | Shape::Sint32 | Shape::Sfixed32 => whole(i32::MIN.into(), i32::MAX.into()),
        Shape::Int64 | Shape::Sint64 | Shape::Sfixed64 => whole(i64::MIN.into(), i64::MAX.into()),
        Shape::Uint32 | Shape::Fixed32 => whole(0, u32::MAX.into()),
        Shape::Uint64 | Shape::Fixed64 => whole(0, u64::MAX.into()),
        Shape::Bool => match text {
            "true" | "yes" | "1" => Ok(Value::Whole(1)),
            "false" | "no" | "0" => Ok(Value::Whole(0)),
            _ => Err("true or false is expected".to_owned()),
        },
        Shape::Text | Shape::Bytes => Ok(Value::Bytes(text.as_bytes().to_vec())),
        Shape::Enum(it) => of_enumeration(it, text),
        Shape::Message(message) => Err(format!("{} is a message: name one of its fields behind a dot", message.name)),
        Shape::Map(..) => Err("a map is expected: name a key behind a dot".to_owned()),
    }
}

fn of_enumeration(it: &Enumeration, text: &str) -> Result<Value, String> {
    let named = it.values.iter().find(|value| value.name.eq_ignore_ascii_case(text));
    let number = named.map(|value| value.number).or_else(|| text.parse().ok());
    number.map(|number| Value::Whole(number.into())).ok_or_else(|| {
        let names: Vec<String> = it.values.iter().map(|value| value.name.to_ascii_lowercase()).collect();
        format!("one of {} is expected", names.join(", "))
    })
}
