//! The protocol of one connection, without the connection.

#[path = "../support/link.rs"]
mod link;

mod answers_each_request_once;
mod closes_what_breaks_the_protocol;
mod collects_attributes;
mod comes_back_to_rooms_made_by_clients;
mod keeps_its_times;
mod resumes_where_it_was;
