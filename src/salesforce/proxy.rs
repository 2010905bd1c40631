use super::client::{Failure, SalesforceClient};
use super::error::SalesforceError;
use crate::upstream::{PeekedResponse, ProxyRequest, ProxyResponse};

impl SalesforceClient {
    /// Proxies a call and returns the response unchanged, whatever its status. A refused token is refreshed once and the call
    /// repeated; a call with a streamed body can't be repeated, so its 401 is returned after the refresh.
    ///
    /// # Errors
    /// [`SalesforceError::ShareUsedUp`], [`SalesforceError::TokenUnavailable`]; [`SalesforceError::Unreachable`] and
    /// [`SalesforceError::AnswerLost`] when no answer came.
    pub async fn proxy(&self, mut call: ProxyRequest) -> Result<ProxyResponse, SalesforceError> {
        let mut token = self.tokens.token().await?;
        let mut refreshed = false;
        loop {
            let permit = self.tracker.admit(self.max_wait).await?;
            let harmless = call.is_safe();
            let sent = call.request(&self.http, &self.instance_url, &token).send().await;
            let to_error = |error| if harmless { SalesforceError::unreachable(error) } else { SalesforceError::lost(error) };
            let response = sent.map_err(to_error).inspect_err(|error| self.report(error))?;
            self.note_usage(response.headers());
            if response.status().as_u16() < 400 {
                // Nothing of it is read ahead.
                let open = PeekedResponse::read(response, |_| false).await.map_err(to_error)?;
                return Ok(open.into_answer(permit, |_| ()));
            }
            let refusal = PeekedResponse::read(response, |_| true).await.map_err(to_error).inspect_err(|error| self.report(error))?;
            let error = Failure::from_parts(refusal.status().as_u16(), refusal.headers(), refusal.start.clone()).into_error();
            self.report(&error);
            if !matches!(error, SalesforceError::SessionInvalid(_)) || refreshed {
                return Ok(refusal.into_answer(permit, |_| ()));
            }
            token = self.tokens.replace_rejected(&token).await?;
            refreshed = true;
            if !call.is_repeatable() {
                return Ok(refusal.into_answer(permit, |_| ()));
            }
        }
    }
}
