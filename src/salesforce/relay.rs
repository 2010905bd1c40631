use super::client::{Failure, SalesforceClient};
use super::error::SalesforceError;
use crate::upstream::{Peeked, RelayAnswer, RelayCall};

impl SalesforceClient {
    /// Passes a call on and hands out the answer as it is, of whatever status. A refused token is renewed once and the call
    /// repeated; a call whose body was streamed can't be, so its 401 is handed out once the token is renewed.
    ///
    /// # Errors
    /// [`SalesforceError::ShareUsedUp`], [`SalesforceError::TokenUnavailable`]; [`SalesforceError::Unreachable`] and
    /// [`SalesforceError::AnswerLost`] when no answer came.
    pub async fn relay(&self, mut call: RelayCall) -> Result<RelayAnswer, SalesforceError> {
        let mut token = self.tokens.token().await?;
        let mut renewed = false;
        loop {
            let turn = self.ledger.admit(self.patience).await?;
            let harmless = call.is_safe();
            let sent = call.request(&self.http, &self.instance_url, &token).send().await;
            let told = |error| if harmless { SalesforceError::unreachable(error) } else { SalesforceError::lost(error) };
            let response = sent.map_err(told).inspect_err(|error| self.report(error))?;
            self.note_usage(response.headers());
            if response.status().as_u16() < 400 {
                // Nothing of it is read ahead.
                let open = Peeked::read(response, |_| false).await.map_err(told)?;
                return Ok(open.into_answer(turn, |_| ()));
            }
            let refusal = Peeked::read(response, |_| true).await.map_err(told).inspect_err(|error| self.report(error))?;
            let error = Failure::of(refusal.status().as_u16(), refusal.headers(), refusal.start.clone()).into_error();
            self.report(&error);
            if !matches!(error, SalesforceError::SessionInvalid(_)) || renewed {
                return Ok(refusal.into_answer(turn, |_| ()));
            }
            token = self.tokens.renew(&token).await?;
            renewed = true;
            if !call.is_repeatable() {
                return Ok(refusal.into_answer(turn, |_| ()));
            }
        }
    }
}
