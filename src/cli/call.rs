//! `chatroom call` and `chatroom operations`: any operation by its name, with its fields as words of the command line.

use std::collections::BTreeMap;

use bytes::Bytes;
use clap::Args;

use super::failure::Failure;
use super::text::printable;
use super::who::{LoggedIn, Login, in_time};
use crate::client::Client;
use crate::error::Status;
use crate::wire::fields::{self, Value};
use crate::wire::operations::{Field, Label, Message, OPERATIONS, Operation, Shape, Subject};
use crate::wire::{Packet, Request, describe_fields, pb};

/// The most messages in one field: more belong into a program.
const MESSAGES_MAX: usize = 1000;

#[derive(Args)]
pub(super) struct Flags {
    #[command(flatten)]
    login: Login,
    /// The room, for operations of a room: it is entered first
    #[arg(long, value_name = "ID", env = "CHATROOM_ROOM", value_parser = clap::value_parser!(i64).range(1..))]
    room: Option<i64>,
    /// Which operation: `chatroom operations` lists them
    operation: String,
    /// Fields of the request: key=mic, tags=red tags=blue, attributes.colour=red, elements.0.key=mic, location.x=1.5
    #[arg(value_name = "FIELD=VALUE")]
    fields: Vec<String>,
}

#[derive(Args)]
pub(super) struct ListFlags {
    /// Describe this operation and its fields
    operation: Option<String>,
}

/// Asks, and prints the fields of the answer.
pub(super) async fn run(mut flags: Flags) -> Result<(), Failure> {
    let operation = find(&flags.operation)?;
    let mut draft = Draft::new(operation.request);
    for assignment in &flags.fields {
        let (path, text) = assignment.split_once('=').ok_or_else(|| wrong(assignment, "FIELD=VALUE is expected"))?;
        draft.set(path, text).map_err(|expected| wrong(assignment, &expected))?;
    }
    let of_room = operation.subject == Subject::Room;
    let room = flags.room.filter(|_| of_room);
    if let Some(room) = room.filter(|_| operation.request.field("room_id").is_some() && !draft.names("room_id")) {
        draft.set("room_id", &room.to_string()).map_err(Failure::usage)?;
    }
    let request = Request::decode(operation.kind as u16, Bytes::from(draft.encode()));
    let request = request.map_err(|error| Failure::usage(error.to_string()))?;
    let LoggedIn { client, events, deadline, .. } = flags.login.start(async |client| enter(client, room).await).await?;
    // The answer is all that is wanted here.
    drop(events);
    let answer = in_time(deadline, client.request(request)).await;
    client.disconnect().await;
    for line in describe_fields(&Packet::Response { sequence: 1, response: answer? }).lines() {
        println!("{}", printable(line));
    }
    Ok(())
}

async fn enter(client: &Client, room: Option<i64>) -> Result<(), Status> {
    let Some(room_id) = room else { return Ok(()) };
    client.enter(pb::RoomEnterRequest { room_id, ..Default::default() }).await.map(drop)
}

/// Prints what operations there are, or what one of them takes.
pub(super) fn list(flags: &ListFlags) -> Result<(), Failure> {
    match &flags.operation {
        None => {
            for operation in callable() {
                println!("{:26}  {}", operation.name, operation.request.sentence());
            }
        }
        Some(name) => {
            let operation = find(name)?;
            println!("{}", operation.request.says);
            for field in operation.request.fields {
                println!("  {:26}  {:22}  {}", field.name, kind_of(field), field.says);
            }
        }
    }
    Ok(())
}

/// Logging in and out, and new tokens, are what the client does by itself.
fn callable() -> impl Iterator<Item = &'static Operation> {
    OPERATIONS.iter().filter(|operation| operation.subject != Subject::Connection)
}

fn find(name: &str) -> Result<&'static Operation, Failure> {
    let unknown = || Failure::usage(format!("{name:?} is no operation: `chatroom operations` lists them"));
    callable().find(|operation| operation.name == name).ok_or_else(unknown)
}

fn wrong(assignment: &str, expected: &str) -> Failure {
    Failure::usage(format!("{assignment:?}: {expected}"))
}

/// The type of a field, for people.
fn kind_of(field: &Field) -> String {
    let one = match field.shape {
        Shape::Bool => "true or false".to_owned(),
        Shape::Double | Shape::Float => "number".to_owned(),
        Shape::Text | Shape::Bytes => "text".to_owned(),
        Shape::Enum(it) => it.name.to_owned(),
        Shape::Message(message) => message.name.to_owned(),
        Shape::Map(..) => return "map".to_owned(),
        _ => "whole number".to_owned(),
    };
    if field.label == Label::Repeated { format!("{one}, repeated") } else { one }
}

/// A message on its way from words to bytes.
struct Draft {
    message: &'static Message,
    fields: BTreeMap<&'static str, Vec<Content>>,
}

enum Content {
    Value(Value),
    Message(Draft),
}

impl Draft {
    fn new(message: &'static Message) -> Draft {
        Draft { message, fields: BTreeMap::new() }
    }

    fn names(&self, field: &str) -> bool {
        self.fields.contains_key(field)
    }

    /// Sets the field at the end of a path; the error says what was expected.
    fn set(&mut self, path: &str, text: &str) -> Result<(), String> {
        let (name, rest) = path.split_once('.').map_or((path, None), |(name, rest)| (name, Some(rest)));
        let Some(field) = self.message.field(name) else {
            let names: Vec<&str> = self.message.fields.iter().map(|field| field.name).collect();
            return Err(format!("{} has no field {name:?}, but {}", self.message.name, names.join(", ")));
        };
        let contents = self.fields.entry(field.name).or_default();
        match (&field.shape, rest) {
            (Shape::Map(key, held), Some(rest)) => {
                let (key, held) = (fields::parse(key, rest)?, fields::parse(held, text)?);
                contents.push(Content::Value(Value::Pair(Box::new(key), Box::new(held))));
            }
            (Shape::Message(message), Some(rest)) => {
                let (place, rest) = match field.label {
                    Label::Repeated => {
                        let (place, rest) = rest.split_once('.').ok_or("a number and a field are expected behind it")?;
                        (place.parse::<usize>().map_err(|_| format!("{place:?} is no number"))?, rest)
                    }
                    _ => (0, rest),
                };
                if place >= MESSAGES_MAX {
                    return Err(format!("a field takes at most {MESSAGES_MAX} messages"));
                }
                while contents.len() <= place {
                    contents.push(Content::Message(Draft::new(message)));
                }
                if let Some(Content::Message(draft)) = contents.get_mut(place) {
                    draft.set(rest, text)?;
                }
            }
            (_, Some(_)) => return Err(format!("{name} has no fields")),
            (shape, None) => {
                let value = Content::Value(fields::parse(shape, text)?);
                if field.label != Label::Repeated {
                    contents.clear();
                }
                contents.push(value);
            }
        }
        Ok(())
    }

    fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for field in self.message.fields {
            for content in self.fields.get(field.name).into_iter().flatten() {
                match content {
                    Content::Value(value) => fields::append(&mut out, field.number, &field.shape, value),
                    Content::Message(draft) => {
                        fields::append(&mut out, field.number, &field.shape, &Value::Bytes(draft.encode()));
                    }
                }
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(operation: &str, fields: &[&str]) -> Result<Request, String> {
        let operation = find(operation).unwrap();
        let mut draft = Draft::new(operation.request);
        for assignment in fields {
            let (path, text) = assignment.split_once('=').unwrap();
            draft.set(path, text)?;
        }
        Ok(Request::decode(operation.kind as u16, draft.encode().into()).unwrap())
    }

    #[test]
    fn words_become_the_request_they_spell() {
        let offer =
            pb::QueueOfferRequest { room_id: 7, key: "mic".into(), value: "a=b".into(), transient: true, ..Default::default() };
        let words = ["room_id=7", "key=mic", "value=a=b", "transient=true"];
        assert_eq!(request("queue_offer", &words), Ok(Request::QueueOffer(Box::new(offer))));

        let element =
            |key: &str, value: &'static str| pb::QueueElement { key: key.into(), value: value.into(), ..Default::default() };
        let elements = vec![element("a", "1"), element("b", "")];
        let change = pb::QueueChangeRequest { elements, ..Default::default() };
        let words = ["elements.0.key=a", "elements.1.key=b", "elements.0.value=1"];
        assert_eq!(request("queue_change", &words), Ok(Request::QueueChange(change)));

        let location = pb::Location { x: Some(-1.5), enabled: Some(false), ..Default::default() };
        let place = pb::MemberUpdateLocationRequest { location: Some(location), ..Default::default() };
        let words = ["location.x=-1.5", "location.enabled=false"];
        assert_eq!(request("update_location", &words), Ok(Request::MemberUpdateLocation(place)));

        let attributes = [("a.b".to_owned(), "c".to_owned())].into();
        let set = pb::AttributesSetRequest { attributes, ..Default::default() };
        assert_eq!(request("set_attributes", &["attributes.a.b=c"]), Ok(Request::AttributesSet(set)));

        let tags = pb::MemberUpdateTagsRequest { tags: vec!["red".into(), "blue".into()], ..Default::default() };
        assert_eq!(request("update_tags", &["tags=red", "tags=blue"]), Ok(Request::MemberUpdateTags(Box::new(tags))));

        let role = pb::MemberSetRoleRequest { change: pb::RoleChange::Mute as i32, ..Default::default() };
        for word in ["change=mute", "change=4"] {
            assert_eq!(request("set_role", &[word]), Ok(Request::MemberSetRole(role.clone())), "{word}");
        }
    }

    #[test]
    fn what_does_not_fit_says_what_is_expected() {
        for (operation, word, expected) in [
            ("queue_offer", "colour=red", "has no field \"colour\", but room_id, key"),
            ("queue_offer", "transient=perhaps", "true or false"),
            ("queue_offer", "key.x=1", "key has no fields"),
            ("temp_mute", "seconds=-1", "from 0 to 4294967295"),
            ("set_role", "change=king", "administrator, common, blocklist, mute"),
            ("update_location", "location=here", "Location is a message"),
            ("queue_change", "elements.a.key=1", "\"a\" is no number"),
            ("queue_change", "elements.1000.key=1", "at most 1000"),
            ("set_attributes", "attributes=1", "a key behind a dot"),
        ] {
            let error = request(operation, &[word]).unwrap_err();
            assert!(error.contains(expected), "{word}: {error}");
        }
    }

    #[test]
    fn every_operation_but_those_of_the_connection_can_be_called() {
        let names: Vec<&str> = callable().map(|operation| operation.name).collect();
        assert!(names.contains(&"queue_offer") && !names.contains(&"login"), "{names:?}");
        assert!(find("nothing").is_err());
    }
}
