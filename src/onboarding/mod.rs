//! The set-up guide: two prerequisites and seven steps, each with the persona who does it. Derived from facts every time.

pub mod http;
mod store;

use serde::Serialize;

use self::store::{ConnectionFact, Facts};
use crate::clock::Timestamp;
use crate::connections::ConnectionState;
use crate::instances::{Instance, Prerequisites};
use crate::invites::InviteState;
use crate::package::{LOWEST_PACKAGE_VERSION, is_package_version_supported};
use crate::sync::RunState;

/// Who does a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Persona {
    MarketoAdmin,
    MarketoOrSalesforceAdmin,
    SalesforceAdmin,
}

/// How far a step is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnboardingStepState {
    /// Something before it is not done.
    Blocked,
    /// It can be done now.
    Ready,
    /// It was begun and goes on by itself or waits for a person.
    InProgress,
    Done,
    /// It was tried and went wrong.
    Failed,
}

/// A prerequisite.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Prerequisite {
    /// `msi_actions_enabled` or `salesforce_sync_configured`.
    pub name: &'static str,
    pub met: bool,
    /// What holds or what to do.
    pub reason: &'static str,
}

/// A step of the guide.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[schema(as = OnboardingStep)]
pub struct Step {
    /// 1 to 7.
    pub step_number: u8,
    pub title: &'static str,
    pub persona: Persona,
    pub state: OnboardingStepState,
    /// Why it is in this state, and what to do next.
    pub reason: String,
    /// The request that moves the step on, for example `POST /v1/connections/salesforce`.
    pub action: &'static str,
    /// Its address.
    pub link: String,
}

/// The guide's progress.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Onboarding {
    pub prerequisites: Vec<Prerequisite>,
    pub steps: Vec<Step>,
    /// Whether everything is done.
    pub complete: bool,
}

fn prerequisites(met: Prerequisites) -> Vec<Prerequisite> {
    let enabled = if met.msi_actions_enabled {
        "MSI Actions is enabled for this Marketo subscription."
    } else {
        "Ask your Marketo account team to enable MSI Actions."
    };
    let configured = if met.salesforce_sync_configured {
        "The sync between Marketo and Salesforce is configured."
    } else {
        "Set up the Salesforce sync in Marketo's admin area."
    };
    vec![
        Prerequisite { name: "msi_actions_enabled", met: met.msi_actions_enabled, reason: enabled },
        Prerequisite { name: "salesforce_sync_configured", met: met.salesforce_sync_configured, reason: configured },
    ]
}

type StepAssessment = (OnboardingStepState, String);

fn judged(state: OnboardingStepState, reason: impl Into<String>) -> StepAssessment {
    (state, reason.into())
}

fn first_invite(facts: &Facts) -> StepAssessment {
    match &facts.first_invite {
        None => judged(OnboardingStepState::Ready, "Choose a person from GET /v1/marketo/admins and invite them."),
        Some(invite) => match invite.status {
            InviteState::Sent | InviteState::Accepted => judged(OnboardingStepState::Done, "The first user has been sent the invitation."),
            InviteState::Revoked => judged(
                OnboardingStepState::Ready,
                "The invitation was revoked. Choose a person from GET /v1/marketo/admins and invite them.",
            ),
            InviteState::Bounced => {
                judged(OnboardingStepState::Failed, invite.send_error.clone().unwrap_or_else(|| "The invitation could not be sent.".into()))
            }
            InviteState::Pending | InviteState::Expired => judged(OnboardingStepState::InProgress, "The invitation is on its way."),
        },
    }
}

fn connection(fact: Option<&ConnectionFact>, vendor: &str) -> StepAssessment {
    match fact {
        None => judged(OnboardingStepState::Ready, format!("Connect {vendor}.")),
        Some(fact) if fact.state != ConnectionState::Active => {
            judged(OnboardingStepState::Failed, fact.last_error.clone().unwrap_or_else(|| format!("{vendor} refused; connect it again.")))
        }
        Some(ConnectionFact { last_tested_at: Some(at), last_error: None, .. }) => {
            judged(OnboardingStepState::Done, format!("{vendor} is connected; a test call succeeded at {at}."))
        }
        Some(_) => judged(OnboardingStepState::InProgress, format!("{vendor} is connected, but no test call has succeeded yet; make one.")),
    }
}

fn sync(facts: &Facts) -> StepAssessment {
    let done = |at: Timestamp| judged(OnboardingStepState::Done, format!("The first full sync completed; the newest at {at}."));
    match (&facts.last_run, facts.full_sync_completed_at) {
        (_, Some(at)) => done(at),
        (None, None) => judged(OnboardingStepState::Ready, "Look at the field preview, then start the sync."),
        (Some(run), None) if run.state == RunState::Failed => {
            judged(OnboardingStepState::Failed, run.error.clone().unwrap_or_else(|| "The sync failed; see the run.".into()))
        }
        (Some(run), None) if run.state == RunState::Canceled => {
            judged(OnboardingStepState::Ready, "The first sync was canceled; start it again.")
        }
        (Some(run), None) => {
            judged(OnboardingStepState::InProgress, format!("The first sync is {}; see /v1/sync/runs/{}.", run.state.as_str(), run.id))
        }
    }
}

fn package_installed(facts: &Facts) -> StepAssessment {
    match &facts.package {
        None => judged(OnboardingStepState::Ready, "Install or upgrade the managed package; it reports by itself."),
        Some(package) if is_package_version_supported(&package.package_version) => {
            judged(OnboardingStepState::Done, format!("The package reported the supported version {}.", package.package_version))
        }
        Some(package) => {
            let (major, minor) = LOWEST_PACKAGE_VERSION;
            judged(
                OnboardingStepState::Failed,
                format!("Version {} is too old; upgrade to {major}.{minor} or later.", package.package_version),
            )
        }
    }
}

fn package_configured(facts: &Facts) -> StepAssessment {
    let Some(package) = &facts.package else {
        return judged(OnboardingStepState::Blocked, "The package has not reported yet.");
    };
    let checks = [
        (package.identity_remote_site, "add the Remote Site of the identity endpoint"),
        (package.api_remote_site, "add the Remote Site of the Actions API"),
        (package.api_secret_key_accepted, "enter the API Secret Key"),
        (package.msi_actions_enabled, "tick \"Enable MSI Actions\""),
    ];
    let missing: Vec<_> = checks.iter().filter(|(fine, _)| !fine).map(|(_, what)| *what).collect();
    if missing.is_empty() {
        judged(OnboardingStepState::Done, "The package reports that everything is configured.")
    } else if missing.len() == checks.len() {
        judged(OnboardingStepState::Ready, format!("In Salesforce: {}.", missing.join(", ")))
    } else {
        judged(OnboardingStepState::InProgress, format!("Still to do in Salesforce: {}.", missing.join(", ")))
    }
}

/// Blocks a step that was not begun while something before it is not done.
fn after(before: &[(OnboardingStepState, &str)], judgment: StepAssessment) -> StepAssessment {
    let waiting = matches!(judgment.0, OnboardingStepState::Ready | OnboardingStepState::Blocked);
    match before.iter().find(|(state, _)| *state != OnboardingStepState::Done) {
        Some((_, what)) if waiting => judged(OnboardingStepState::Blocked, format!("First: {what}.")),
        _ => judgment,
    }
}

/// The guide's progress of an instance. `address` makes a full address of a path.
fn derive(instance: &Instance, facts: &Facts, address: impl Fn(&str) -> String) -> Onboarding {
    let met = instance.prerequisites.check().is_ok();
    let ground = (if met { OnboardingStepState::Done } else { OnboardingStepState::Blocked }, "meet the prerequisites");

    let one = after(&[ground], first_invite(facts));
    let account = (one.0, "set up the Sales account (step 1)");
    let two = after(&[ground, account], connection(facts.salesforce.as_ref(), "Salesforce"));
    let three = after(&[ground, account], connection(facts.marketo.as_ref(), "Marketo"));
    let connected = [ground, (two.0, "connect Salesforce (step 2)"), (three.0, "connect Marketo (step 3)")];
    let four = after(&connected, sync(facts));
    let invited = match facts.further_invites {
        0 => judged(OnboardingStepState::Ready, "Invite users by a list of e-mail addresses or by CSV."),
        1 => judged(OnboardingStepState::Done, "One more user was invited."),
        more => judged(OnboardingStepState::Done, format!("{more} more users were invited.")),
    };
    let five = after(&[ground, account], invited);
    let six = after(&[ground], package_installed(facts));
    let seven = after(&[ground, (six.0, "install the package (step 6)")], package_configured(facts));

    let step = |number, title, persona, judgment: StepAssessment, action: &'static str| {
        let path = action.split_once(' ').map_or(action, |(_, path)| path);
        Step { step_number: number, title, persona, state: judgment.0, reason: judgment.1, action, link: address(path) }
    };
    let steps = vec![
        step(1, "Set up the Sales account", Persona::MarketoAdmin, one, "POST /v1/invites/first"),
        step(2, "Connect the Sales account to Salesforce", Persona::MarketoOrSalesforceAdmin, two, "POST /v1/connections/salesforce"),
        step(3, "Connect the Sales account to Marketo", Persona::MarketoAdmin, three, "POST /v1/connections/marketo"),
        step(4, "Initiate data sync", Persona::MarketoAdmin, four, "POST /v1/sync/runs"),
        step(5, "Invite users", Persona::MarketoAdmin, five, "POST /v1/invites"),
        step(6, "Install or upgrade the MSI package", Persona::SalesforceAdmin, six, "POST /v1/package/heartbeat"),
        step(7, "Configure MSI Actions in Salesforce", Persona::SalesforceAdmin, seven, "POST /v1/package/heartbeat"),
    ];
    let complete = met && steps.iter().all(|step| step.state == OnboardingStepState::Done);
    Onboarding { prerequisites: prerequisites(instance.prerequisites), steps, complete }
}
