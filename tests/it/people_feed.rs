//! The feed of changes of people.

use std::collections::BTreeMap;

use msi_actions::db::Tx;
use msi_actions::ids::InstanceId;
use msi_actions::people::next_change;
use reqwest::Method;
use serde_json::{Value, json};

use crate::people::{add, synced};
use crate::support::{TestApp, on_both_engines};

/// Reads the feed to its end; returns the changes and the cursor behind them.
async fn follow(app: &TestApp, token: &str, from: &str) -> (Vec<Value>, String) {
    let (mut all, mut query) = (Vec::new(), from.to_owned());
    loop {
        let page = app.call(token, Method::GET, &format!("/v1/people/changes?limit=7&{query}"), None).await.expect(200);
        all.extend(page["data"].as_array().unwrap().clone());
        let cursor = page["next_cursor"].as_str().unwrap().to_owned();
        if !page["has_more"].as_bool().unwrap() {
            return (all, cursor);
        }
        query = format!("cursor={cursor}");
    }
}

fn short(changes: &[Value]) -> Vec<(i64, &str)> {
    changes.iter().map(|change| (change["marketo_id"].as_i64().unwrap(), change["kind"].as_str().unwrap())).collect()
}

on_both_engines! {
    async fn the_feed_gives_everybody_first_and_then_only_changes(engine: Engine) {
        let (app, token) = synced(engine).await;
        let (first, cursor) = follow(&app, &token, "").await;
        let mut copy: BTreeMap<i64, Value> = first.iter().map(|change| (change["marketo_id"].as_i64().unwrap(), change["person"].clone())).collect();
        assert_eq!(copy.len(), first.len(), "each person once");
        assert_eq!(copy.values().cloned().collect::<Vec<_>>(), app.people(&token).await);

        let (nothing, same) = follow(&app, &token, &format!("cursor={cursor}")).await;
        assert!(nothing.is_empty());
        assert_eq!(same, cursor);

        let ids: Vec<_> = copy.keys().copied().collect();
        app.clock.advance(time::Duration::minutes(1));
        app.tell_sandbox(&format!("people/{}", ids[3]), json!({ "title": "Chief" })).await;
        app.delete_in_sandbox(&json!(ids[5]), "both").await;
        app.sync(&token).await;
        let (later, end) = follow(&app, &token, &format!("cursor={cursor}")).await;
        assert_eq!(short(&later), [(ids[3], "changed"), (ids[5], "removed")]);
        assert_eq!(later[0]["person"]["title"], "Chief");
        assert!(later[1].get("person").is_none());
        for change in later {
            let id = change["marketo_id"].as_i64().unwrap();
            match change.get("person") {
                Some(person) => copy.insert(id, person.clone()),
                None => copy.remove(&id),
            };
        }
        assert_eq!(copy.into_values().collect::<Vec<_>>(), app.people(&token).await);
        assert!(follow(&app, &token, &format!("cursor={end}")).await.0.is_empty());
        app.stop().await;
    }

    async fn the_feed_from_now_gives_only_later_changes(engine: Engine) {
        let (app, token) = synced(engine).await;
        let (nothing, cursor) = follow(&app, &token, "start_at=now").await;
        assert!(nothing.is_empty());
        let id = app.people(&token).await[0]["marketo_id"].as_i64().unwrap();
        app.clock.advance(time::Duration::minutes(1));
        app.tell_sandbox(&format!("people/{id}"), json!({ "title": "Chief" })).await;
        app.sync(&token).await;
        assert_eq!(short(&follow(&app, &token, &format!("cursor={cursor}")).await.0), [(id, "changed")]);
        app.stop().await;
    }

    async fn one_change_of_many_people_is_paged_by_marketo_id(engine: Engine) {
        let (app, token) = synced(engine).await;
        let (_, cursor) = follow(&app, &token, "").await;
        add(&app, &vec![("Of", "OneLoad"); 50]).await;
        app.sql("UPDATE people_feeds SET last_change = last_change + 1").await;
        app.sql("UPDATE people SET change_number = (SELECT MAX(last_change) FROM people_feeds) WHERE marketo_id > 9000000").await;
        let (changes, _) = follow(&app, &token, &format!("cursor={cursor}")).await;
        assert_eq!(short(&changes), (9_000_001..=9_000_050).map(|id| (id, "changed")).collect::<Vec<_>>());
        app.stop().await;
    }

    async fn the_feed_gives_a_change_once_it_is_committed(engine: Engine) {
        let (app, token) = synced(engine).await;
        let (_, cursor) = follow(&app, &token, "").await;
        let id = app.people(&token).await[0]["marketo_id"].as_i64().unwrap();
        let instance = app.call(&token, Method::GET, "/v1/instance", None).await.expect(200)["id"].as_str().unwrap().to_owned();
        let instance: InstanceId = instance.parse().unwrap();
        let mut tx = app.db().begin().await.unwrap();
        let change = next_change(&mut tx, instance).await.unwrap();
        let update = sqlx::AssertSqlSafe(format!("UPDATE people SET change_number = {change} WHERE marketo_id = {id}"));
        match &mut tx {
            Tx::Sqlite(tx) => drop(sqlx::query(update).execute(&mut **tx).await.unwrap()),
            Tx::Postgres(tx) => drop(sqlx::query(update).execute(&mut **tx).await.unwrap()),
        }
        let (before, same) = follow(&app, &token, &format!("cursor={cursor}")).await;
        assert!(before.is_empty());
        let now = follow(&app, &token, "start_at=now").await.1;
        tx.commit().await.unwrap();
        for cursor in [same, now] {
            assert_eq!(short(&follow(&app, &token, &format!("cursor={cursor}")).await.0), [(id, "changed")]);
        }
        app.stop().await;
    }

    async fn a_cursor_ahead_of_all_changes_is_refused_with_a_remedy(engine: Engine) {
        let (app, token) = synced(engine).await;
        let (_, cursor) = follow(&app, &token, "").await;
        // As after restoring an older backup of the database.
        app.sql("UPDATE people_feeds SET last_change = 0").await;
        let gone = app.call(&token, Method::GET, &format!("/v1/people/changes?cursor={cursor}"), None).await.problem(410, "cursor_gone");
        assert!(gone["detail"].as_str().unwrap().contains("start_at=beginning"), "{gone}");
        app.call(&token, Method::GET, "/v1/people/changes?cursor=nonsense", None).await.problem(422, "invalid_input");
        app.call(&token, Method::GET, "/v1/people/changes?start_at=yesterday", None).await.problem(422, "invalid_input");
        app.stop().await;
    }

    async fn the_feed_of_another_instance_is_empty(engine: Engine) {
        let (app, _) = synced(engine).await;
        let (_, other) = app.instance("321-CBA-654").await;
        assert!(follow(&app, &other, "").await.0.is_empty());
        app.stop().await;
    }
}
