//! The protocol as constants: see `src/wire/operations.rs`.

use std::fmt::Write;

use protox::prost_reflect::{EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor};

use crate::described::{Protocol, WIRE, comment, snake};

/// The tables `OPERATIONS`, `PUSHES`, `MESSAGES` and `ENUMS`.
pub fn operations(protocol: &Protocol) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "/// Every operation, in the order of kinds.\npub static OPERATIONS: &[Operation] = &[");
    for operation in &protocol.operations {
        let _ = writeln!(
            out,
            "    Operation {{ kind: PacketKind::{}, name: {:?}, c_name: {:?}, subject: Subject::{}, does: Does::{}, logged: {}, \
             variant: {:?}, wrapped: {}, rights: &{:?}, http: &{:?}, request: &{}, response: &{} }},",
            operation.kind,
            operation.name,
            operation.c_name,
            camel(&operation.subject),
            camel(&operation.does),
            operation.logged,
            operation.variant,
            operation.wrapped,
            operation.rights,
            operation.http,
            constant(operation.request.name()),
            constant(operation.response.name()),
        );
    }
    let _ = writeln!(out, "];\n\n/// Every push, in the order of kinds.\npub static PUSHES: &[Pushed] = &[");
    for push in &protocol.pushes {
        let _ = writeln!(out, "    Pushed {{ kind: PacketKind::{}, message: &{} }},", push.kind, constant(push.message.name()));
    }
    let names = |names: Vec<String>| names.iter().map(|name| format!("&{name}")).collect::<Vec<_>>().join(", ");
    let messages = protocol.messages.iter().map(|message| constant(message.name())).collect();
    let enums = protocol.enums.iter().map(|it| constant(it.name())).collect();
    let _ =
        writeln!(out, "];\n\n/// Every message of the protocol.\npub static MESSAGES: &[&Message] = &[{}];", names(messages));
    let _ = writeln!(out, "\n/// Every enumeration of the protocol.\npub static ENUMS: &[&Enumeration] = &[{}];", names(enums));
    protocol.messages.iter().for_each(|message| self::message(&mut out, message));
    protocol.enums.iter().for_each(|it| enumeration(&mut out, it));
    out
}

fn message(out: &mut String, message: &MessageDescriptor) {
    let says = comment(&message.parent_file(), message.path());
    let _ = writeln!(
        out,
        "\nstatic {}: Message = Message {{ name: {:?}, says: {says:?}, fields: &[",
        constant(message.name()),
        message.name()
    );
    // In the order of the file, which says more than that of numbers.
    for written in &message.descriptor_proto().field {
        let field = message.get_field_by_name(written.name()).expect("a message has the fields it is written with");
        let says = comment(&message.parent_file(), field.path());
        let says = says.replace('\n', " ");
        let _ = writeln!(
            out,
            "    Field {{ name: {:?}, number: {}, says: {says:?}, shape: {}, label: Label::{}, oneof: {:?} }},",
            field.name(),
            field.number(),
            shape(&field),
            label(&field),
            field
                .containing_oneof()
                .filter(|_| !written.proto3_optional())
                .map(|oneof| oneof.name().to_owned())
                .unwrap_or_default(),
        );
    }
    out.push_str("] };\n");
}

fn enumeration(out: &mut String, it: &EnumDescriptor) {
    let says = comment(&it.parent_file(), it.path());
    let _ = writeln!(
        out,
        "\nstatic {}: Enumeration = Enumeration {{ name: {:?}, says: {says:?}, values: &[",
        constant(it.name()),
        it.name()
    );
    let prefix = format!("{}_", snake(it.name()).to_ascii_uppercase());
    for written in &it.enum_descriptor_proto().value {
        let value = it.get_value_by_name(written.name()).expect("an enumeration has the values it is written with");
        let says = comment(&it.parent_file(), value.path()).replace('\n', " ");
        let name = value.name().trim_start_matches(&prefix);
        let _ = writeln!(out, "    EnumValue {{ name: {name:?}, number: {}, says: {says:?} }},", value.number());
    }
    out.push_str("] };\n");
}

fn label(field: &FieldDescriptor) -> &'static str {
    if field.is_map() || field.is_list() {
        "Repeated"
    } else if field.supports_presence() && !matches!(field.kind(), Kind::Message(_)) {
        "Optional"
    } else {
        "Single"
    }
}

fn shape(field: &FieldDescriptor) -> String {
    let scalar = match field.kind() {
        Kind::Double => "Double",
        Kind::Float => "Float",
        Kind::Int32 => "Int32",
        Kind::Int64 => "Int64",
        Kind::Uint32 => "Uint32",
        Kind::Uint64 => "Uint64",
        Kind::Sint32 => "Sint32",
        Kind::Sint64 => "Sint64",
        Kind::Fixed32 => "Fixed32",
        Kind::Fixed64 => "Fixed64",
        Kind::Sfixed32 => "Sfixed32",
        Kind::Sfixed64 => "Sfixed64",
        Kind::Bool => "Bool",
        Kind::String => "Text",
        Kind::Bytes => "Bytes",
        Kind::Enum(it) => return format!("Shape::Enum(&{})", constant(it.name())),
        Kind::Message(entry) if entry.is_map_entry() => {
            let (key, value) = (entry.map_entry_key_field(), entry.map_entry_value_field());
            return format!("Shape::Map(&{}, &{})", shape(&key), shape(&value));
        }
        Kind::Message(message) => {
            assert_eq!(message.package_name(), WIRE, "{} is of another package", message.full_name());
            return format!("Shape::Message(&{})", constant(message.name()));
        }
    };
    format!("Shape::{scalar}")
}

/// The static of a message or an enumeration.
fn constant(name: &str) -> String {
    snake(name).to_ascii_uppercase()
}

/// `COMMAND` as `Command`.
fn camel(word: &str) -> String {
    let (first, rest) = word.split_at(1);
    format!("{first}{}", rest.to_ascii_lowercase())
}
