//! Reads Marketo's logs: people who changed, are new, were deleted or merged.

use super::IncrementalRun;
use super::round::SyncRound;
use crate::marketo::{ActivityPage, MarketoError};
use crate::people::SyncField;
use crate::sync::SyncError;
use crate::sync::cursor::TOKEN_MARGIN;
use crate::sync::gap::SyncGap;

/// The most pages of each log that a round reads; a page has up to 300 activities.
const MAX_PAGES: usize = 10;

/// Marketo's logs of activities.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ActivityLog {
    Changes,
    Deletions,
    Merges,
}

impl IncrementalRun {
    /// Reads the next pages of Marketo's logs; `true` when there is more.
    pub(super) async fn read_marketo(&mut self, round: &mut SyncRound) -> Result<bool, SyncError> {
        let began = self.now();
        let mut has_more = false;
        round.add_people(self.cursor.look_up_again.drain(..).collect(), false);
        for log in [ActivityLog::Changes, ActivityLog::Deletions, ActivityLog::Merges] {
            has_more |= self.read_log(log, round).await?;
        }
        // The run that makes up for an unreadable log reads from where the log was last read to its end.
        if !has_more && !round.has_unreadable_log {
            // Our clock may be ahead of Marketo's; a token made from this time must not leave anything out.
            self.cursor.marketo_until = began;
        }
        Ok(has_more)
    }

    async fn read_log(&mut self, log: ActivityLog, round: &mut SyncRound) -> Result<bool, SyncError> {
        for _ in 0..MAX_PAGES {
            let Some(page) = self.read_page_or_replace_token(log).await? else {
                round.has_unreadable_log = true;
                return Ok(false);
            };
            *self.paging_token_of(log) = page.token;
            let count = i64::try_from(page.activities.len()).unwrap_or(i64::MAX);
            match log {
                ActivityLog::Changes => {
                    let new = i64::try_from(page.activities.iter().filter(|one| one.is_new).count()).unwrap_or(i64::MAX);
                    self.changes_report().people_new += new;
                    self.changes_report().people_changed += count - new;
                    round.add_people(page.activities.iter().map(|one| one.person).collect(), true);
                }
                ActivityLog::Deletions => {
                    self.changes_report().people_deleted += count;
                    round.add_people(page.activities.iter().map(|one| one.person).collect(), false);
                }
                ActivityLog::Merges => {
                    self.changes_report().merges += count;
                    if page.activities.iter().any(|one| one.merged.is_empty()) {
                        self.add_gap(SyncGap::merged_unnamed());
                    }
                    for one in page.activities {
                        round.add_people(vec![one.person], true);
                        round.add_people(one.merged, false);
                    }
                }
            }
            if !page.more {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn paging_token_of(&mut self, log: ActivityLog) -> &mut String {
        match log {
            ActivityLog::Changes => &mut self.cursor.changes,
            ActivityLog::Deletions => &mut self.cursor.deletions,
            ActivityLog::Merges => &mut self.cursor.merges,
        }
    }

    /// Reads the next page. A refused paging token is replaced once by a new one from the time up to which the log was read; none when
    /// Marketo refuses that one, too.
    async fn read_page_or_replace_token(&mut self, log: ActivityLog) -> Result<Option<ActivityPage>, SyncError> {
        let refused = match self.read_page(log).await {
            Err(error) if error.refuses_value() => error,
            outcome => return Ok(Some(outcome?)),
        };
        let since = self.cursor.marketo_until - TOKEN_MARGIN;
        let token = self.marketo.paging_token(since.instant()).await?;
        *self.paging_token_of(log) = token;
        match self.read_page(log).await {
            Err(error) if error.refuses_value() => {
                self.add_gap(SyncGap::log_unreadable(log == ActivityLog::Changes, since, &error.to_string()));
                Ok(None)
            }
            outcome => {
                let page = outcome?;
                self.add_gap(SyncGap::token_refused(since, &refused.to_string()));
                Ok(Some(page))
            }
        }
    }

    async fn read_page(&self, log: ActivityLog) -> Result<ActivityPage, MarketoError> {
        match log {
            ActivityLog::Changes => {
                let fields = self.cursor.fields.iter().filter(|field| field.field != SyncField::MarketoId);
                let fields: Vec<&str> = fields.map(|field| field.rest_name.as_str()).collect();
                self.marketo.lead_changes(&self.cursor.changes, &fields).await
            }
            ActivityLog::Deletions => self.marketo.deleted_leads(&self.cursor.deletions).await,
            ActivityLog::Merges => self.marketo.merged_leads(&self.cursor.merges).await,
        }
    }
}
