//! The profile of a user (im.md §2.2, im-operations.md §12): what an account shows of itself.

use super::command::Query;
use super::state::{Entry, Outcome, User};
use crate::error::{Code, Status};
use crate::id::{AccountId, UnixMs};
use crate::limits;
use crate::subject::{Actor, Answer, Origin, check};
use crate::wire::{Response, pb, store};

impl User {
    pub(super) fn user_update_self(&mut self, entry: &Entry, request: &pb::UserUpdateSelfRequest) -> Result<Outcome, Status> {
        check_update(request)?;
        let begun = self.begun.as_deref().ok_or_else(not_begun)?;
        let mut changed = begun.clone();
        put_into(&mut changed, request);
        if changed == *begun {
            return Err(Status::new(Code::NoChange, "the profile has these values already"));
        }
        // What the application itself says is its own affair.
        if entry.command.actor.origin == Origin::Member
            && let Some(moderator) = &self.settings.moderator
        {
            let texts = [&request.nick, &request.avatar, &request.sign, &request.ext];
            moderator.profile(&texts.map(|text| text.as_deref().unwrap_or_default()))?;
        }
        self.note_user_update_self(entry, request);
        let user = self.begun.as_deref().and_then(|begun| begun.profile.clone());
        let (epoch, seq) = (entry.epoch.0, entry.seq.0);
        let response = pb::UserUpdateSelfResponse { user, epoch, seq, ..Default::default() };
        Ok(Outcome { durable: true, ..Outcome::reply(Response::UserUpdateSelf(Box::new(response))) })
    }

    /// The profile of this user alone; nothing until its log has one.
    pub(super) fn user_lookup_query(&self, _: UnixMs, _: &Actor, _: &pb::UserLookupRequest) -> Answer {
        let profile = self.begun.as_ref().and_then(|begun| begun.profile.clone());
        let users = profile.into_iter().collect();
        Ok(Response::UserLookup(pb::UserLookupResponse { users, ..Default::default() }))
    }

    pub(super) fn note_user_update_self(&mut self, entry: &Entry, request: &pb::UserUpdateSelfRequest) {
        let Some(begun) = self.begun.as_deref_mut() else { return };
        put_into(begun, request);
        let profile = begun.profile.get_or_insert_default();
        // It rises with every change: of two copies the later one is known by it.
        profile.update_time_ms = entry.stamp.time.0.max(profile.update_time_ms.saturating_add(1));
    }
}

impl Query {
    /// The accounts whose users are asked, each once; 414 if it names none or too many. What is no name of an account is left out.
    pub fn accounts(&self) -> Result<Vec<AccountId>, Status> {
        let Query::UserLookup(request) = self else { return Err(Status::bad_parameter("the question names no accounts")) };
        if !(1..=limits::PROFILES_PER_LOOKUP_MAX).contains(&request.accounts.len()) {
            return Err(Status::bad_parameter(format!("accounts must name 1-{}", limits::PROFILES_PER_LOOKUP_MAX)));
        }
        let mut accounts: Vec<AccountId> = Vec::with_capacity(request.accounts.len());
        for account in request.accounts.iter().filter_map(|name| AccountId::parse(name).ok()) {
            if !accounts.contains(&account) {
                accounts.push(account);
            }
        }
        Ok(accounts)
    }
}

/// 414, naming the first field that is out of bounds.
fn check_update(request: &pb::UserUpdateSelfRequest) -> Result<(), Status> {
    check::nick(request.nick.as_deref().unwrap_or_default())?;
    let texts = [
        ("avatar", &request.avatar, limits::AVATAR_CHARS_MAX),
        ("sign", &request.sign, limits::SIGN_CHARS_MAX),
        ("email", &request.email, limits::EMAIL_CHARS_MAX),
        ("birth", &request.birth, limits::BIRTH_CHARS_MAX),
        ("tel", &request.tel, limits::MOBILE_CHARS_MAX),
        ("ext", &request.ext, limits::ACCOUNT_EXT_CHARS_MAX),
        ("moderation_id", &request.moderation_id, limits::MODERATION_ID_CHARS_MAX),
    ];
    for (field, text, chars_max) in texts {
        check::chars(field, text.as_deref().unwrap_or_default(), chars_max)?;
    }
    if request.gender.is_some_and(|gender| gender > 2) {
        return Err(Status::bad_parameter("gender must be 0, 1 or 2"));
    }
    if *request == pb::UserUpdateSelfRequest::default() {
        return Err(Status::bad_parameter("nick, avatar, sign, gender, email, birth, tel, ext or moderation_id must be given"));
    }
    Ok(())
}

/// Puts those fields that are given into the state.
fn put_into(begun: &mut store::UserBegin, request: &pb::UserUpdateSelfRequest) {
    let profile = begun.profile.get_or_insert_default();
    let fields = [
        (&mut profile.nick, &request.nick),
        (&mut profile.avatar, &request.avatar),
        (&mut profile.sign, &request.sign),
        (&mut profile.email, &request.email),
        (&mut profile.birth, &request.birth),
        (&mut profile.tel, &request.tel),
        (&mut profile.ext, &request.ext),
        (&mut begun.moderation_id, &request.moderation_id),
    ];
    for (field, text) in fields {
        if let Some(text) = text {
            field.clone_from(text);
        }
    }
    profile.gender = request.gender.unwrap_or(profile.gender);
}

fn not_begun() -> Status {
    Status::new(Code::ServerError, "the user has not begun")
}
