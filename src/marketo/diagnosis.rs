use crate::upstream::{Category, CodeExplanation};
use Category::{AccessValidation, Authentication, Intermittent, Other};

/// One row of the table: codes, category, what it means, what to do.
type MarketoDiagnosis = (&'static [&'static str], Category, &'static str, &'static str);

pub(super) const CONNECT_AGAIN: &str = "Connect Marketo again.";
pub(super) const GRANT_ACCESS: &str = "Give the role of the API user the missing permission in Marketo, and add this service's addresses if API access is limited by address.";
pub(super) const WAIT_A_MOMENT: &str =
    "Wait a moment; if it goes on, other integrations of the subscription leave no room: lower their rate or ours.";
pub(super) const WAIT_FOR_CALLS: &str =
    "Wait until midnight US Central time, when the subscription's calls start afresh, or raise the quota with Marketo.";
pub(super) const CREATION_DATE: &str = "Export by creation date, or ask Marketo's support to enable the filter.";
pub(super) const LESS_OR_MENDED: &str = "Ask for less at once, or mend the data of the request.";
pub(super) const SEE_MESSAGE: &str = "See Marketo's message; if it doesn't explain itself, give Marketo's support the request id.";
pub(super) const LATER: &str = "Try again in some minutes.";
pub(super) const CHECK_REACH: &str = "Check the address of the Marketo REST API and that this service may reach it, then try again.";
pub(super) const CHECK_ADDRESS: &str =
    "Check the address: it is the REST API endpoint shown in Marketo under Admin > Integration > Web Services.";
pub(super) const CHECK_ID: &str =
    "Check the client id: it is shown in Marketo under Admin > Integration > LaunchPoint > View Details, in the same subscription.";
pub(super) const COPY_SECRET: &str =
    "Copy the client secret again from Marketo's Admin > Integration > LaunchPoint > View Details; a new one replaces the old.";
pub(super) const COPY_BOTH: &str =
    "Copy client id and client secret again from Marketo's Admin > Integration > LaunchPoint > View Details.";
pub(super) const ASK_FOR_THE_STATUS: &str = "Ask for the job's status; a file is kept for 7 days after the job has completed.";
pub(super) const DOWNLOAD_AGAIN: &str = "Download the file again.";
pub(super) const REPORT: &str = "Report this to the maintainers of this service.";

/// Names of ours for failures that Marketo gives no code for.
pub(super) const UNREACHABLE: &str = "UNREACHABLE";
pub(super) const NOT_MARKETO: &str = "NOT_MARKETO";
pub(super) const UNKNOWN_CLIENT: &str = "UNKNOWN_CLIENT";
pub(super) const WRONG_SECRET: &str = "WRONG_SECRET";
pub(super) const CLIENT_REFUSED: &str = "CLIENT_REFUSED";
pub(super) const FILE_NOT_READY: &str = "FILE_NOT_READY";
pub(super) const DOWNLOAD_CUT: &str = "DOWNLOAD_CUT";
pub(super) const FILE_CORRUPT: &str = "FILE_CORRUPT";
pub(super) const UNEXPECTED_ANSWER: &str = "UNEXPECTED_ANSWER";
pub(super) const EXPORT_FAILED: &str = "EXPORT_FAILED";

const TABLE: &[MarketoDiagnosis] = &[
    (
        &["601", "602"],
        Authentication,
        "Marketo doesn't accept the access token any more; it is renewed and the call repeated.",
        CONNECT_AGAIN,
    ),
    (
        &["603"],
        AccessValidation,
        "The role of the API user lacks a permission, or an allow-list of addresses leaves this service out.",
        GRANT_ACCESS,
    ),
    (&["606"], Intermittent, "All integrations of the subscription together made too many calls in 20 seconds.", WAIT_A_MOMENT),
    (&["607"], Intermittent, "The subscription's calls of the day are used up.", WAIT_FOR_CALLS),
    (&["615"], Intermittent, "All integrations of the subscription together had too many calls under way at once.", WAIT_A_MOMENT),
    (
        &["1029"],
        Intermittent,
        "Too many export jobs are queued, or the day's export quota is used up.",
        "Wait some minutes for the queue, or until midnight US Central time for the quota.",
    ),
    (&["502", "604", "608", "611", "614", "713"], Intermittent, "Marketo is in trouble for a moment; the call is repeated.", LATER),
    (&["610"], Other, "There is no such resource.", SEE_MESSAGE),
    (&["701"], AccessValidation, "A field is blank that must not be.", LESS_OR_MENDED),
    (&["702"], Other, "There is no such record.", SEE_MESSAGE),
    (&["703"], AccessValidation, "A feature is switched off in the subscription.", "Ask Marketo's support to enable the feature."),
    (&["709"], AccessValidation, "A business rule of the subscription refuses the call.", SEE_MESSAGE),
    (&["1003"], AccessValidation, "The data of the request is invalid, or too many results match.", LESS_OR_MENDED),
    (&["1035"], AccessValidation, "The subscription doesn't offer this filter for exports.", CREATION_DATE),
    (&[UNREACHABLE], Intermittent, "Marketo can't be reached, or the connection to it broke.", CHECK_REACH),
    (&[NOT_MARKETO], Other, "What answers at the address isn't Marketo.", CHECK_ADDRESS),
    (&[UNKNOWN_CLIENT], Authentication, "Marketo doesn't know the client id.", CHECK_ID),
    (&[WRONG_SECRET], Authentication, "Marketo refuses the client secret.", COPY_SECRET),
    (&[CLIENT_REFUSED], Authentication, "Marketo refuses the client id or the client secret.", COPY_BOTH),
    (&[FILE_NOT_READY], Other, "Marketo has no file for the export.", ASK_FOR_THE_STATUS),
    (&[DOWNLOAD_CUT], Intermittent, "The download of an export was cut; it goes on where it ended.", DOWNLOAD_AGAIN),
    (&[FILE_CORRUPT], Intermittent, "The file of an export isn't what Marketo announced.", DOWNLOAD_AGAIN),
    (&[UNEXPECTED_ANSWER], Other, "The answer doesn't have the documented form.", REPORT),
    (
        &[EXPORT_FAILED],
        Other,
        "An export job ended without a file.",
        "Nothing, if it happens now and then: it is made again. If it goes on, give the job's id to Marketo's support.",
    ),
];

/// What `code` means and what to do about it; of a code in no row, that it is unknown.
#[must_use]
pub fn explain(code: &str) -> CodeExplanation {
    let row = TABLE.iter().find(|(codes, ..)| codes.contains(&code));
    row.map_or_else(
        || CodeExplanation::unknown(code),
        |(_, category, meaning, remedy)| CodeExplanation { category: *category, meaning, remedy },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_that_the_client_knows_is_explained_once() {
        let mut seen = std::collections::HashSet::new();
        for (codes, _, meaning, remedy) in TABLE {
            assert!(codes.iter().all(|code| seen.insert(*code)), "{codes:?}");
            assert!(meaning.ends_with('.') && remedy.ends_with('.'), "{codes:?}");
        }
        assert_eq!(explain("603").category, AccessValidation);
    }

    #[test]
    fn a_code_in_no_row_is_to_be_quoted_to_support() {
        let unknown = explain("4711");
        assert_eq!(unknown.category, Other);
        assert!(unknown.remedy.contains("support"), "{unknown:?}");
        assert_eq!(explain("503").category, Intermittent, "a bare HTTP status says what kind of trouble it is");
    }
}
