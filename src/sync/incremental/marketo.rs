//! Reads Marketo's logs: people who changed, are new, were deleted or merged.

use super::IncrementalRun;
use super::round::Round;
use crate::marketo::{ActivityPage, MarketoError};
use crate::sync::SyncError;
use crate::sync::cursor::MARGIN;
use crate::sync::fields::SyncField;
use crate::sync::gap::SyncGap;

/// The most pages of each log that a round reads; a page has up to 300 activities.
const PAGES: usize = 10;

/// Marketo's logs of activities.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Log {
    Changes,
    Deletions,
    Merges,
}

impl IncrementalRun {
    /// Reads the next pages of Marketo's logs; `true` when there is more.
    pub(super) async fn read_marketo(&mut self, round: &mut Round) -> Result<bool, SyncError> {
        let began = self.now();
        let mut more = false;
        round.expect(self.cursor.ask_again.drain(..).collect(), false);
        for log in [Log::Changes, Log::Deletions, Log::Merges] {
            more |= self.read_log(log, round).await?;
        }
        // The run that makes up for an unreadable log reads from where the log was last read to its end.
        if !more && !round.has_unread_log {
            // Our clock may be ahead of Marketo's; a token made from this time must not leave anything out.
            self.cursor.marketo_until = began;
        }
        Ok(more)
    }

    async fn read_log(&mut self, log: Log, round: &mut Round) -> Result<bool, SyncError> {
        for _ in 0..PAGES {
            let Some(page) = self.page_or_again(log).await? else {
                round.has_unread_log = true;
                return Ok(false);
            };
            *self.token(log) = page.token;
            let count = i64::try_from(page.activities.len()).unwrap_or(i64::MAX);
            match log {
                Log::Changes => {
                    let new = i64::try_from(page.activities.iter().filter(|one| one.is_new).count()).unwrap_or(i64::MAX);
                    self.report().people_new += new;
                    self.report().people_changed += count - new;
                    round.expect(page.activities.iter().map(|one| one.person).collect(), true);
                }
                Log::Deletions => {
                    self.report().people_deleted += count;
                    round.expect(page.activities.iter().map(|one| one.person).collect(), false);
                }
                Log::Merges => {
                    self.report().merges += count;
                    if page.activities.iter().any(|one| one.merged.is_empty()) {
                        self.gap(SyncGap::merged_unnamed());
                    }
                    for one in page.activities {
                        round.expect(vec![one.person], true);
                        round.expect(one.merged, false);
                    }
                }
            }
            if !page.more {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn token(&mut self, log: Log) -> &mut String {
        match log {
            Log::Changes => &mut self.cursor.changes,
            Log::Deletions => &mut self.cursor.deletions,
            Log::Merges => &mut self.cursor.merges,
        }
    }

    /// Reads the next page. A refused paging token is replaced once by a new one from the time up to which the log was read; none when
    /// Marketo refuses that one, too.
    async fn page_or_again(&mut self, log: Log) -> Result<Option<ActivityPage>, SyncError> {
        let refused = match self.page(log).await {
            Err(error) if error.refuses_value() => error,
            outcome => return Ok(Some(outcome?)),
        };
        let since = self.cursor.marketo_until - MARGIN;
        let token = self.marketo.paging_token(since.instant()).await?;
        *self.token(log) = token;
        match self.page(log).await {
            Err(error) if error.refuses_value() => {
                self.gap(SyncGap::log_unreadable(log == Log::Changes, since, &error.to_string()));
                Ok(None)
            }
            outcome => {
                let page = outcome?;
                self.gap(SyncGap::token_refused(since, &refused.to_string()));
                Ok(Some(page))
            }
        }
    }

    async fn page(&self, log: Log) -> Result<ActivityPage, MarketoError> {
        match log {
            Log::Changes => {
                let fields = self.cursor.fields.iter().filter(|field| field.field != SyncField::MarketoId);
                let fields: Vec<&str> = fields.map(|field| field.rest_name.as_str()).collect();
                self.marketo.lead_changes(&self.cursor.changes, &fields).await
            }
            Log::Deletions => self.marketo.deleted_leads(&self.cursor.deletions).await,
            Log::Merges => self.marketo.merged_leads(&self.cursor.merges).await,
        }
    }
}
