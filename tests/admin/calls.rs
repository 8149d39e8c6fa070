//! What the endpoints take and answer, to the byte: rest-api.md §4.1, §4.2 and §6.

use crate::listener::{Api, Call, call, serve};
use chatroom::account::{Account, Login, Secret};
use chatroom::error::{Code, Status};
use chatroom::id::{AccountId, UnixMs};

fn create_user(api: &Api, body: &str) -> String {
    call("/user/create.action", body).send(api).body
}

fn create_room(api: &Api, body: &str) -> String {
    call("/chatroom/create.action", body).send(api).body
}

fn get_room(api: &Api, body: &str) -> String {
    call("/chatroom/get.action", body).send(api).body
}

#[test]
fn a_new_account_is_answered_with_its_name_and_token() {
    let api = serve();
    let body = create_user(&api, "accid=Bob&name=Bob+B&token=t0k3n&icon=http%3A%2F%2Fi&gender=1&unknown=x");
    assert_eq!(body, r#"{"code":200,"info":{"accid":"bob","name":"Bob B","token":"t0k3n"}}"#);
    let account = api.accounts.profile("demo", &AccountId::parse("bob").unwrap()).unwrap().unwrap();
    assert_eq!((account.icon.as_str(), account.gender), ("http://i", 1));
    let login = Login { app_key: "demo", account: "bob", token: "t0k3n", device_id: "d", ..Login::default() };
    assert_eq!(api.accounts.verify_login(&login, UnixMs(0)).unwrap().nick, "Bob B");
}

#[test]
fn a_new_account_without_token_gets_one_of_32_hex_digits() {
    let api = serve();
    let answer: serde_json::Value = serde_json::from_str(&create_user(&api, "accid=bob&token=")).unwrap();
    let token = answer["info"]["token"].as_str().unwrap();
    assert!(token.len() == 32 && token.bytes().all(|digit| digit.is_ascii_hexdigit()), "{token}");
    assert_eq!(answer["info"]["name"], "");
}

#[test]
fn an_account_that_exists_or_has_a_bad_value_is_414() {
    let api = serve();
    assert_eq!(create_user(&api, "accid=ALICE"), r#"{"code":414,"desc":"already register"}"#);
    assert_eq!(create_user(&api, ""), r#"{"code":414,"desc":"accid is missing"}"#);
    assert_eq!(create_user(&api, "accid="), r#"{"code":414,"desc":"accid is missing"}"#);
    for body in ["accid=a+b", "accid=a%2Fb", "accid=bob&gender=3", "accid=bob&gender=x", "accid=bob&name=%ff"] {
        assert!(create_user(&api, body).starts_with(r#"{"code":414,"#), "{body}");
    }
    let long = format!("accid=bob&birth={}", "1".repeat(17));
    assert_eq!(create_user(&api, &long), r#"{"code":414,"desc":"birth must be at most 16 characters"}"#);
    assert!(api.accounts.account("demo", &AccountId::parse("bob").unwrap()).unwrap().is_none());
}

#[test]
fn a_new_room_is_answered_as_the_chatroom_object() {
    // S002-008
    let api = serve();
    let body = create_room(&api, "name=my+chat+room&announcement=&broadcasturl=xxxxxx&creator=Alice");
    let expected = concat!(
        r#"{"chatroom":{"roomid":1,"valid":true,"muted":false,"announcement":null,"name":"my chat room","#,
        r#""broadcasturl":"xxxxxx","ext":"","creator":"alice","queuelevel":0},"code":200}"#
    );
    assert_eq!(body, expected);
    let created = api.rooms.last();
    assert_eq!((created.app_key.as_str(), created.creator.as_str(), created.silent_in_out), ("demo", "alice", false));
}

#[test]
fn every_parameter_of_a_new_room_reaches_it() {
    let api = serve();
    let body =
        "creator=alice&name=n&announcement=a&broadcasturl=u&ext=e&queuelevel=1&bid=b&inOutNotification=0&delayClosePolicy=0";
    assert!(create_room(&api, body).ends_with(r#""code":200}"#));
    let created = api.rooms.last();
    assert_eq!((created.announcement.as_deref(), created.broadcast_url.as_str(), created.ext.as_str()), (Some("a"), "u", "e"));
    assert_eq!((created.queue_level, created.moderation_id.as_str(), created.silent_in_out), (1, "b", true));
}

#[test]
fn a_room_needs_a_name_and_an_existing_creator_who_is_not_blocked() {
    let api = serve();
    let mallory = Account { blocked: true, ..Account::new(AccountId::parse("mallory").unwrap()) };
    api.accounts.load_account("demo", mallory).unwrap();
    assert_eq!(create_room(&api, "creator=alice"), r#"{"code":414,"desc":"name is missing"}"#);
    assert_eq!(create_room(&api, "name=n"), r#"{"code":414,"desc":"creator is missing"}"#);
    assert!(create_room(&api, "name=n&creator=nobody").starts_with(r#"{"code":414,"desc":"creator is not an account"#));
    assert_eq!(create_room(&api, "name=n&creator=mallory"), r#"{"code":403,"desc":"creator is blocked"}"#);
    for body in ["queuelevel=x", "queuelevel=-1", "inOutNotification=maybe"] {
        assert!(create_room(&api, &format!("name=n&creator=alice&{body}")).starts_with(r#"{"code":414,"#), "{body}");
    }
    for body in ["delayClosePolicy=3", "delayClosePolicy=x", "delayClosePolicy=1&delaySeconds=604801"] {
        assert!(create_room(&api, &format!("name=n&creator=alice&{body}")).starts_with(r#"{"code":414,"#), "{body}");
    }
    assert_eq!(api.rooms.len(), 0);
}

#[test]
fn what_the_rooms_refuse_is_passed_on() {
    let api = serve();
    *api.rooms.refusal.lock() = Some(Status::new(Code::Busy, ""));
    assert_eq!(create_room(&api, "name=n&creator=alice"), r#"{"code":503,"desc":"busy"}"#);
}

#[test]
fn a_room_is_looked_up_with_its_online_count_on_request() {
    // S002-009
    let api = serve();
    create_room(&api, "name=n&creator=alice&announcement=a&ext=%22%7B");
    let plain = concat!(
        r#"{"chatroom":{"roomid":1,"valid":true,"muted":false,"announcement":"a","name":"n","broadcasturl":"","#,
        r#""ext":"\"{","creator":"alice","queuelevel":0,"ionotify":true},"code":200}"#
    );
    let counted = plain.replace(r#""broadcasturl":"","#, r#""broadcasturl":"","onlineusercount":7,"#);
    for body in ["roomid=1", "roomId=1", "roomid=1&needOnlineUserCount=", "roomid=1&needOnlineUserCount=false"] {
        assert_eq!(get_room(&api, body), plain, "{body}");
    }
    for body in ["roomid=1&needOnlineUserCount=true", "roomid=1&needOnlineUserCount=TRUE", "roomid=1&needOnlineUserCount=1"] {
        assert_eq!(get_room(&api, body), counted, "{body}");
    }
}

#[test]
fn a_room_that_is_missing_is_404_and_one_that_cannot_be_414() {
    // S002-009
    let api = serve();
    assert_eq!(get_room(&api, "roomid=99"), r#"{"code":404,"desc":"room missing","sub_code":113404}"#);
    for body in ["", "roomid=", "roomid=x", "roomid=0", "roomid=-1", "roomid=1.0", "roomid=1&needOnlineUserCount=maybe"] {
        assert!(get_room(&api, body).starts_with(r#"{"code":414,"#), "{body}");
    }
}

#[test]
fn an_application_sees_neither_rooms_nor_accounts_of_another() {
    let api = serve();
    create_room(&api, "name=n&creator=alice");
    let of_other =
        |endpoint: &str, body: &str| Call { app_key: Some("other".to_owned()), ..call(endpoint, body) }.send(&api).code();
    assert_eq!(of_other("/chatroom/get.action", "roomid=1"), 404);
    assert_eq!(of_other("/chatroom/create.action", "name=n&creator=alice"), 414);
    assert_eq!(of_other("/user/create.action", "accid=alice"), 200);
}

#[test]
fn a_token_given_by_the_caller_is_in_no_debug_output() {
    let api = serve();
    create_user(&api, "accid=bob&token=hush-hush");
    let account = api.accounts.profile("demo", &AccountId::parse("bob").unwrap()).unwrap().unwrap();
    assert!(account.token == Secret::new("hush-hush") && !format!("{account:?}").contains("hush-hush"));
}
