//! Keeps applications and accounts in the node's store, and reads them back at the start.

use std::sync::Arc;

use prost::Message;

use crate::account::{Account, App, Directory, Keeper, MutedIn, Secret, Urgency};
use crate::error::{Code, Status};
use crate::id::{AccountId, UnixMs};
use crate::limits::FIRST_APP_MADE_MS;
use crate::log::{LogError, Space, Store};
use crate::wire::store;

/// Rows read at once at the start.
const ROWS_AT_ONCE: usize = 1024;

/// The node's store as the keeper of its accounts.
pub(super) struct StoreKeeper(pub(super) Arc<dyn Store>);

impl Keeper for StoreKeeper {
    fn keep_app(&self, app: &App) -> Result<(), Status> {
        let row = store::App {
            app_key: app.key.clone(),
            app_secret: app.secret.reveal().to_owned(),
            disabled: app.disabled,
            anonymous_refused: !app.anonymous_enabled,
            http_allowed: app.http_allowed.iter().map(ToString::to_string).collect(),
            made_ms: app.made.map_or(0, |made| made.0),
            vendor_tokens_refused: !app.tokens.vendor,
            token_ttls: app.tokens.listed.clone(),
            tokens_since_ms: app.tokens.since.map(|since| since.0),
        };
        self.0.put(Space::Apps, app.key.as_bytes(), &row.encode_to_vec()).map_err(failed)
    }

    fn keep_account(&self, app_key: &str, account: &Account, urgency: Urgency) -> Result<(), Status> {
        let key = account_key(app_key, &account.id);
        let row = row_of(app_key, account).encode_to_vec();
        match urgency {
            Urgency::Now => self.0.put(Space::Accounts, &key, &row),
            Urgency::Soon => self.0.put_soon(Space::Accounts, &key, &row),
        }
        .map_err(failed)
    }

    fn read_account(&self, app_key: &str, id: &AccountId) -> Result<Option<Account>, Status> {
        let key = account_key(app_key, id);
        let row = self.0.get(Space::Accounts, &key).map_err(failed)?;
        row.map(|row| account_of(store::Account::decode(row).map_err(unreadable)?)).transpose()
    }
}

/// Fills a directory with what the store holds: all applications, and as many accounts as there is room for.
pub(super) fn fill(directory: &Directory, store: &dyn Store) -> Result<(), Status> {
    for (_, row) in store.scan(Space::Apps).map_err(failed)? {
        let row = store::App::decode(row).map_err(unreadable)?;
        let mut app = App::new(row.app_key, Secret::new(row.app_secret))?;
        app.disabled = row.disabled;
        app.anonymous_enabled = !row.anonymous_refused;
        app.made = Some(UnixMs(if row.made_ms == 0 { FIRST_APP_MADE_MS } else { row.made_ms }));
        app.tokens.vendor = !row.vendor_tokens_refused;
        app.tokens.listed = row.token_ttls;
        app.tokens.since = row.tokens_since_ms.map(UnixMs);
        let networks = row.http_allowed.iter().map(|network| network.parse()).collect::<Result<_, _>>();
        app.http_allowed =
            networks.map_err(|_| Status::new(Code::ServerError, "an application in the store cannot be read"))?;
        directory.insert_app(app);
    }
    let mut after = Vec::new();
    while directory.has_room() {
        let rows = store.scan_after(Space::Accounts, &after, ROWS_AT_ONCE).map_err(failed)?;
        let Some((last, _)) = rows.last() else { return Ok(()) };
        after = last.to_vec();
        for (key, row) in rows {
            let mut row = store::Account::decode(row).map_err(unreadable)?;
            if row.number == 0 {
                // A row of before accounts had numbers. Durable before anything that names the number.
                row.number = directory.new_number()?;
                store.put_soon(Space::Accounts, &key, &row.encode_to_vec()).map_err(failed)?;
            }
            let app_key = row.app_key.clone();
            // The application may have been taken out of the configuration: its accounts wait for its return.
            if directory.app(&app_key).is_some() {
                directory.load_account(&app_key, account_of(row)?)?;
            }
        }
    }
    directory.expect_more();
    Ok(())
}

fn account_key(app_key: &str, id: &AccountId) -> Vec<u8> {
    [app_key.as_bytes(), &[0], id.as_str().as_bytes()].concat()
}

fn row_of(app_key: &str, account: &Account) -> store::Account {
    store::Account {
        app_key: app_key.to_owned(),
        account: account.id.as_str().to_owned(),
        number: account.number,
        token: account.token.reveal().to_owned(),
        name: account.name.clone(),
        icon: account.icon.clone(),
        ext: account.ext.clone(),
        sign: account.sign.clone(),
        email: account.email.clone(),
        birth: account.birth.clone(),
        mobile: account.mobile.clone(),
        gender: account.gender,
        blocked: account.blocked,
        muted: account.muted,
        muted_in_peers: account.muted_in.peers,
        muted_in_teams: account.muted_in.teams,
        muted_in_rooms: account.muted_in.rooms,
        muted_in_circles: account.muted_in.circles,
    }
}

fn account_of(row: store::Account) -> Result<Account, Status> {
    Ok(Account {
        id: AccountId::parse(&row.account)?,
        number: row.number,
        token: Secret::new(row.token),
        name: row.name,
        icon: row.icon,
        ext: row.ext,
        sign: row.sign,
        email: row.email,
        birth: row.birth,
        mobile: row.mobile,
        gender: row.gender,
        blocked: row.blocked,
        muted: row.muted,
        muted_in: MutedIn {
            peers: row.muted_in_peers,
            teams: row.muted_in_teams,
            rooms: row.muted_in_rooms,
            circles: row.muted_in_circles,
        },
    })
}

fn failed(error: LogError) -> Status {
    tracing::error!(%error, "the store failed");
    Status::new(Code::ServerError, "the store failed")
}

fn unreadable(error: prost::DecodeError) -> Status {
    tracing::error!(%error, "an account in the store cannot be read");
    Status::new(Code::ServerError, "an account in the store cannot be read")
}
