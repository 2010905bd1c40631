//! `/rest/v1/stats…`: calls and errors of today and of the last seven days (the vendor's page "Usage").

use std::collections::BTreeMap;

use actix_web::{HttpResponse, web};
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::call::PlainCall;
use super::envelope::success;
use super::identity::API_USER;
use super::quota::central_day;
use crate::sandbox::world::World;

/// Days told of.
const DAYS: i64 = 7;

/// What one day saw.
#[derive(Debug, Default, Clone)]
struct Day {
    calls: u64,
    errors: BTreeMap<String, u64>,
}

/// Calls and errors by the number of the day, in US Central time as the quotas.
#[derive(Debug, Default)]
pub struct Usage(BTreeMap<i64, Day>);

impl Usage {
    /// Counts a call at `now` (Unix seconds).
    pub fn count_call(&mut self, now: i64) {
        self.day(now).calls += 1;
    }

    /// Counts an error that was answered.
    pub fn count_error(&mut self, now: i64, code: &str) {
        *self.day(now).errors.entry(code.to_owned()).or_default() += 1;
    }

    fn day(&mut self, now: i64) -> &mut Day {
        let today = central_day(now);
        self.0.retain(|&day, _| day > today - DAYS);
        self.0.entry(today).or_default()
    }

    /// The last `days` days, today first, also those on which nothing happened.
    fn last(&self, days: i64, now: i64) -> Vec<(String, Day)> {
        let today = central_day(now);
        (0..days)
            .map(|back| {
                let at = OffsetDateTime::from_unix_timestamp((today - back) * 86_400).unwrap_or(OffsetDateTime::UNIX_EPOCH);
                (at.date().to_string(), self.0.get(&(today - back)).cloned().unwrap_or_default())
            })
            .collect()
    }
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/rest/v1/stats/usage.json", web::get().to(async |call: PlainCall| calls(&call.world, 1)))
        .route("/rest/v1/stats/usage/last7days.json", web::get().to(async |call: PlainCall| calls(&call.world, DAYS)))
        .route("/rest/v1/stats/errors.json", web::get().to(async |call: PlainCall| errors(&call.world, 1)))
        .route("/rest/v1/stats/errors/last7days.json", web::get().to(async |call: PlainCall| errors(&call.world, DAYS)));
}

fn calls(world: &World, days: i64) -> HttpResponse {
    let shown: Vec<Value> = world
        .usage()
        .last(days, world.now())
        .into_iter()
        .map(|(date, day)| {
            let users = if day.calls == 0 { json!([]) } else { json!([{"userId": API_USER, "count": day.calls}]) };
            json!({"date": date, "total": day.calls, "users": users})
        })
        .collect();
    success(world, json!({"result": shown}))
}

fn errors(world: &World, days: i64) -> HttpResponse {
    let shown: Vec<Value> = world
        .usage()
        .last(days, world.now())
        .into_iter()
        .map(|(date, day)| {
            let errors: Vec<Value> = day.errors.iter().map(|(code, count)| json!({"errorCode": code, "count": count})).collect();
            json!({"date": date, "total": day.errors.values().sum::<u64>(), "errors": errors})
        })
        .collect();
    success(world, json!({"result": shown}))
}
