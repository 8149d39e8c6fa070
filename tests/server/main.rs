//! The whole server as a process, over its sockets.
#![cfg(feature = "server")]

#[path = "../support/pki.rs"]
mod pki;
#[path = "../support/store_files.rs"]
mod store_files;
#[path = "../support/mod.rs"]
mod support;
#[path = "../support/wire_files.rs"]
mod wire_files;

mod answers_each_reading_case;
mod answers_fit_into_frames;
mod attributes;
mod bounds;
mod bounds_unfinished_frames;
mod carries_every_message_type;
mod cast;
mod checks_in_order;
mod client_rooms;
mod codes;
mod describes_rooms;
mod drains_on_sigterm;
mod enforces_roles;
mod hook;
mod keeps_its_folder;
mod keeps_what_it_acknowledged;
mod limits_connections;
mod limits_of_attributes;
mod limits_of_rooms;
mod login_callback;
mod logs_in;
mod matrix;
mod messages;
mod multi_client;
mod notifications;
mod notifications_by_tags;
mod notifications_of_attributes;
mod opens_older_folders;
mod orders_and_dedups;
mod permissions;
mod plays_the_dialogue;
mod queue;
#[cfg(target_os = "linux")]
mod reads_accounts;
mod reads_more_slowly;
mod receiver;
mod reports_its_health;
mod resumes_within_grace;
mod rooms_by_themselves;
mod send_callback;
mod starts_as_it_is_told;
#[cfg(target_os = "linux")]
mod store_comes_back;
mod tags;
mod tls;
mod webhooks;
mod webhooks_queue;
mod webhooks_spool;
mod webhooks_under_load;
