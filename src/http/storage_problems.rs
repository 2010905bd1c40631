//! What callers are told when the database or a sealed value in it can't be used.

use actix_web::http::header;

use super::{AsProblem, Code, Problem};
use crate::db::DbError;
use crate::vault::SealError;

/// Seconds after which a database that could not be reached may be there again: connections are tried anew within two.
const RETRY_DATABASE: &str = "2";
/// Seconds after which there may be room on the disk. Somebody has to make it, but it is noticed at once.
const RETRY_STORAGE: &str = "5";

impl AsProblem for DbError {
    fn as_problem(&self) -> Problem {
        match self {
            Self::Unreachable(_) => Problem::new(Code::Unavailable, "The database can't be reached. Try again in a few seconds.")
                .with_header(header::RETRY_AFTER, RETRY_DATABASE),
            Self::Unavailable(_) => Problem::new(Code::Unavailable, "The database can't do this right now. Try again in a few seconds.")
                .with_header(header::RETRY_AFTER, RETRY_DATABASE),
            Self::StorageFull(_) => {
                let detail = "The disk of the database is full. What is there can be read. Try again when the operator has made room.";
                Problem::new(Code::StorageFull, detail).with_header(header::RETRY_AFTER, RETRY_STORAGE)
            }
            Self::Conflict { .. } | Self::Migration(_) | Self::StatementLost(_) | Self::Statement(_) => {
                Problem::new(Code::Internal, "Something went wrong on our side. Quote the request id when you ask for help.")
            }
        }
    }
}

impl AsProblem for SealError {
    fn as_problem(&self) -> Problem {
        Problem::new(Code::Internal, "A stored secret does not open. Quote the request id when you ask for help.")
    }
}
