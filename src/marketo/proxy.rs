use super::client::{MarketoClient, check_refusal, retry_after};
use super::error::MarketoError;
use crate::upstream::{PeekedResponse, ProxyRequest, ProxyResponse};

impl MarketoClient {
    /// Proxies a call and returns the response unchanged, whatever its status. A refused token (601 or 602 with status 200) is
    /// refreshed once and the call repeated; a call with a streamed body can't be repeated, so its refusal is returned after the
    /// refresh.
    ///
    /// # Errors
    /// [`MarketoError::ShareUsedUp`], [`MarketoError::TokenUnavailable`]; [`MarketoError::Unreachable`] when no answer came.
    pub async fn proxy(&self, mut call: ProxyRequest) -> Result<ProxyResponse, MarketoError> {
        // Refusals are parsed and the bytes of files counted here, so the response must not be compressed.
        call.refuse_compression();
        if call.method == "POST" && begins_export(&call.path) {
            self.tracker.admit_export().await?;
        }
        let file = is_file(&call.path);
        let mut token = self.tokens.token().await?;
        let mut refreshed = false;
        loop {
            let permit = self.permit().await?;
            let sent = call.request(&self.http, &self.base, &token).send().await;
            let response = sent.map_err(MarketoError::unreachable).inspect_err(|error| self.report(error))?;
            let failed = !response.status().is_success();
            // A refusal is a small JSON object; a large one is what was asked for.
            let wanted = |start: &[u8]| failed || start.iter().find(|byte| !byte.is_ascii_whitespace()).is_none_or(|byte| *byte == b'{');
            let answer = PeekedResponse::read(response, wanted).await;
            let answer = answer.map_err(MarketoError::unreachable).inspect_err(|error| self.report(error))?;
            let refusal = refusal(&answer);
            if let Some(error) = &refusal {
                self.report(error);
            }
            let into_response = |answer: PeekedResponse, permit| {
                let tracker = self.tracker.clone();
                answer.into_answer(permit, move |bytes| {
                    if file && !failed {
                        tracker.exported(bytes);
                    }
                })
            };
            if !matches!(refusal, Some(MarketoError::TokenRefused(_))) || refreshed {
                return Ok(into_response(answer, permit));
            }
            token = self.tokens.replace_rejected(&token).await?;
            refreshed = true;
            if !call.is_repeatable() {
                return Ok(into_response(answer, permit));
            }
        }
    }
}

/// The refusal that an answer is, if it is one.
fn refusal(answer: &PeekedResponse) -> Option<MarketoError> {
    let status = answer.status();
    let judged = if answer.whole { check_refusal(&answer.start, answer.headers()).err() } else { None };
    judged.or_else(|| {
        (!status.is_success()).then(|| MarketoError::from_status(status.as_u16(), String::new(), retry_after(answer.headers())))
    })
}

/// Whether a call has Marketo write a file, which counts towards the day's exports: `/bulk/v1/…/export/create.json` and
/// `…/enqueue.json`.
fn begins_export(path: &str) -> bool {
    let begins = path.ends_with("/create.json") || path.ends_with("/enqueue.json");
    begins && path.starts_with("/bulk/") && path.contains("/export/")
}

/// Whether a path is that of an export's file.
fn is_file(path: &str) -> bool {
    path.starts_with("/bulk/") && path.contains("/export/") && path.ends_with("/file.json")
}
