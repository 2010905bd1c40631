use std::sync::Arc;

use super::error::StartError;
use crate::auth::http::Federation;
use crate::auth::{self, TrustedIssuers};
use crate::clock::SharedClock;
use crate::config::Settings;
use crate::connections::Connections;
use crate::context::Context;
use crate::db::{Db, WriteProbe};
use crate::dead_letters::DeadLetters;
use crate::http::{Authenticate, EventStreams, RateLimits, idempotency};
use crate::imports::{self, ImportSubject};
use crate::invites::{self, InvitationWatcher};
use crate::jobs::JobSubject;
use crate::mail::{self, MailSubject};
use crate::members::{self, AutoLogin, PasswordResetSubject};
use crate::sync::{self, SyncRunSubject};
use crate::tasks::Shutdown;
use crate::wiring::Wiring;

/// The dead letters, with what each kind of job is about.
#[must_use]
pub fn dead_letters(db: Db, clock: SharedClock) -> DeadLetters {
    let subjects: Vec<Arc<dyn JobSubject>> =
        vec![Arc::new(MailSubject), Arc::new(PasswordResetSubject), Arc::new(ImportSubject), Arc::new(SyncRunSubject)];
    DeadLetters::new(db, clock, subjects)
}

/// Wires every feature, each after those it uses. Answers with what authenticates requests, too.
pub(super) async fn wire_features(
    settings: &Settings,
    context: &Context,
    shutdown: &Shutdown,
) -> Result<(Wiring, Arc<dyn Authenticate>), StartError> {
    let Context { db, clock, .. } = context;
    let connections = Connections::new(settings, context, shutdown)?;
    connections.suspend_lost_refreshes().await?;
    let http = settings.upstream.http_client()?;
    let token_endpoint = context.public_url.join("/oauth/token");
    let issuers = TrustedIssuers::new(&settings.auth.trusted_issuers, &token_endpoint, &http, db.clone(), clock.clone())?;
    let members = Arc::new(AutoLogin { db: db.clone(), connections: connections.clone() });
    let (auth, authenticate) = auth::wire(context, Federation { members, issuers }, &shutdown.maintenance).await?;
    let stopping = shutdown.jobs.stopping();
    let wiring = auth
        .with(mail::wire(settings, context, vec![Arc::new(InvitationWatcher(clock.clone()))])?)
        .with(members::wire(context))
        .with(invites::wire(context))
        .with(imports::wire(context, settings.retention))
        .with(sync::wire(settings, context, &connections, stopping.clone()).await?)
        .with(idempotency::wire(context))
        .with_state(connections)
        .with_state(dead_letters(db.clone(), clock.clone()))
        .with_state(EventStreams::new(stopping.clone()))
        .with_state(RateLimits::new(settings.rate_limits, clock.clone()))
        .with_state(WriteProbe::new(db.clone(), clock.clone()))
        .with_state(context.clone());
    Ok((wiring, authenticate))
}
