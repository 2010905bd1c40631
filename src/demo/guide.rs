//! The seven steps of the guide, each done by its persona.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use super::api_client::DemoApiClient;
use super::environment::{DemoEnvironment, MUNCHKIN_ID};
use super::figures::{expect, expect_count, read_count};
use super::report::DemoReport;
use super::{browser, mailbox};

use crate::clock::monotonic_now;

/// The Marketo admin who becomes the first user; the sandbox knows her in Marketo and in Salesforce.
const FIRST_USER: &str = "maria.admin@example.com";

const MARKETO_ADMIN: &str = "Marketo admin";
const EITHER_ADMIN: &str = "Marketo or Salesforce admin";
const SALESFORCE_ADMIN: &str = "Salesforce admin";

/// One run of the guide, as a client of the instance.
struct GuideRun<'a> {
    environment: &'a DemoEnvironment,
    /// How many people Marketo has.
    people: u64,
    api: DemoApiClient,
}

/// Runs all steps; returns a client of the instance.
///
/// # Errors
/// The step that failed, and why; also when a figure contradicts what was asked for.
pub(super) async fn run_guide(environment: &DemoEnvironment, people: u64, report: &mut DemoReport) -> Result<DemoApiClient, String> {
    let http = build_browser_client()?;
    let api = create_instance(environment, &http).await.map_err(|why| format!("creating the instance failed: {why}"))?;
    let run = GuideRun { environment, people, api };
    let steps: [(&str, &str); 7] = [
        (MARKETO_ADMIN, "Set up the Sales account"),
        (EITHER_ADMIN, "Connect the Sales account to Salesforce"),
        (MARKETO_ADMIN, "Connect the Sales account to Marketo"),
        (MARKETO_ADMIN, "Initiate data sync"),
        (MARKETO_ADMIN, "Invite users"),
        (SALESFORCE_ADMIN, "Install or upgrade the MSI package"),
        (SALESFORCE_ADMIN, "Configure MSI Actions in Salesforce"),
    ];
    for (number, (persona, title)) in (1..).zip(steps) {
        DemoReport::print_step(number, persona, title);
        let began = monotonic_now();
        let outcome = match number {
            1 => run.set_up_account().await,
            2 => run.connect_salesforce().await,
            3 => run.connect_marketo().await,
            4 => run.sync_people().await,
            5 => run.invite_users().await,
            6 => run.install_package().await,
            _ => run.configure_package().await,
        };
        let outcome = outcome.map_err(|why| format!("step {number} ({title}) failed: {why}"))?;
        report.add_step(number, persona, title, outcome, began.elapsed());
    }
    let onboarding = run.api.get("/v1/instance/onboarding").await?;
    if onboarding["complete"] == json!(true) { Ok(run.api) } else { Err(format!("the guide is not complete: {onboarding}")) }
}

fn build_browser_client() -> Result<reqwest::Client, String> {
    let upstream = crate::config::Settings::load(None, &[]).map_err(|error| error.to_string())?.upstream;
    upstream.http_client().map_err(|error| error.to_string())
}

/// The operator creates the instance; the client of the Marketo admin's page is limited to it.
async fn create_instance(environment: &DemoEnvironment, http: &reqwest::Client) -> Result<DemoApiClient, String> {
    let operator = DemoApiClient::log_in(http, environment.app.url(), &environment.operator, None).await?;
    let (client_id, client_secret) = &environment.marketo_credentials;
    let instance = json!({
        "munchkin_id": MUNCHKIN_ID, "name": "Demo", "environment": "production",
        "prerequisites": { "msi_actions_enabled": true, "salesforce_sync_configured": true },
        "marketo": { "client_id": client_id, "client_secret": client_secret },
    });
    let created = operator.post("/v1/instances", &instance).await.map_err(|why| format!("{why} The demo wants an empty database."))?;
    let resource = format!("urn:msi-actions:instance:{}", str_of(&created, "id"));
    DemoApiClient::log_in(http, environment.app.url(), &environment.operator, Some(&resource)).await
}

fn str_of<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

impl GuideRun<'_> {
    async fn set_up_account(&self) -> Result<String, String> {
        let admins = self.api.get("/v1/marketo/admins").await?;
        let emails: Vec<_> = admins["data"].as_array().into_iter().flatten().map(|one| str_of(one, "email")).collect();
        DemoReport::print_detail(&format!("Marketo has {} admins to choose from: {}", emails.len(), emails.join(", ")));
        self.api.post("/v1/invites/first", &json!({ "email": FIRST_USER })).await?;
        let link = mailbox::wait_for_activation_link(&self.environment.mail_directory(), FIRST_USER).await?;
        DemoReport::print_detail(&format!("{FIRST_USER} was sent the invitation"));
        let card = self.api.post("/v1/instance/integration-information/reveal-secret", &json!({})).await?;
        DemoReport::print_detail(&format!(
            "Integration Information shows the client id {} and, this once, its secret",
            str_of(&card, "client_id")
        ));
        let begun = self.api.http.post(&link).json(&json!({ "method": "salesforce" })).header("accept", "application/json").send().await;
        let begun: Value = begun.map_err(|error| error.to_string())?.json().await.map_err(|error| error.to_string())?;
        let address = begun["authorization_url"].as_str().ok_or_else(|| format!("the activation link gave no address: {begun}"))?;
        browser::authorize(&self.api.http, address, FIRST_USER).await?;
        DemoReport::print_detail(&format!("{FIRST_USER} activated the account by logging in at Salesforce"));
        Ok(format!("{FIRST_USER} was invited and is active"))
    }

    async fn connect_salesforce(&self) -> Result<String, String> {
        let begun = self.api.post("/v1/connections/salesforce", &json!({ "host": "production" })).await?;
        browser::authorize(&self.api.http, str_of(&begun, "authorization_url"), FIRST_USER).await?;
        let connection = self.api.get("/v1/connections/salesforce").await?;
        self.test_connection("/v1/connections/salesforce/test").await?;
        DemoReport::print_detail(&format!(
            "connected as {} to the organization {}; a test call succeeded",
            str_of(&connection, "username"),
            str_of(&connection, "organization_id")
        ));
        Ok(format!("connected to {}", str_of(&connection, "organization_id")))
    }

    async fn connect_marketo(&self) -> Result<String, String> {
        let connection = self.api.post("/v1/connections/marketo", &json!({})).await?;
        self.test_connection("/v1/connections/marketo/test").await?;
        DemoReport::print_detail(&format!("connected with one click as {}; a test call succeeded", str_of(&connection, "api_user")));
        Ok(format!("connected to {MUNCHKIN_ID}"))
    }

    async fn test_connection(&self, path: &str) -> Result<(), String> {
        let result = self.api.post(path, &json!({})).await?;
        if result["ok"] == json!(true) { Ok(()) } else { Err(format!("the test call failed: {result}")) }
    }

    async fn sync_people(&self) -> Result<String, String> {
        let preview = self.api.get("/v1/sync/preview").await?;
        let fields = preview["fields"].as_array().map(Vec::as_slice).unwrap_or_default();
        let available = fields.iter().filter(|field| field["state"] == "available").count();
        DemoReport::print_detail(&format!("the preview shows {} fields, {available} of them available", fields.len()));
        let run = self.api.post("/v1/sync/runs", &json!({})).await?;
        let path = format!("/v1/sync/runs/{}", str_of(&run, "id"));
        let run = self.watch_run(&path).await?;
        let read = expect_count("people read", &run, "/report/read", self.people)?;
        let qualified = read_count("people who qualify", &run, "/report/qualified")?;
        let loaded = self.count_people().await?;
        let outcome = format!("{read} people read, {} synced", expect("people synced", loaded, qualified)?);
        DemoReport::print_detail(&outcome);
        let people = self.api.get("/v1/people?limit=3").await?;
        let rendered: Vec<_> = people["data"].as_array().into_iter().flatten().map(|one| str_of(one, "email")).collect();
        DemoReport::print_detail(&format!("the first of them: {}", rendered.join(", ")));
        Ok(outcome)
    }

    /// Shows a run's progress until it ends.
    async fn watch_run(&self, path: &str) -> Result<Value, String> {
        let bar = ProgressBar::new(0);
        // A template of ours is always well formed; the default one would do as well.
        let style = ProgressStyle::with_template("  {msg:<12} [{bar:40}] {pos}/{len}").unwrap_or_else(|_| ProgressStyle::default_bar());
        bar.set_style(style);
        loop {
            let run = self.api.get(path).await?;
            bar.set_message(str_of(&run, "state").to_owned());
            bar.set_length(run["total"].as_u64().unwrap_or(0));
            bar.set_position(run["done"].as_u64().unwrap_or(0));
            match str_of(&run, "state") {
                "completed" => {
                    bar.finish_and_clear();
                    return Ok(run);
                }
                "failed" => {
                    bar.finish_and_clear();
                    return Err(format!("the sync failed: {}", run["error"]));
                }
                _ => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        }
    }

    async fn invite_users(&self) -> Result<String, String> {
        let list = json!({ "emails": ["sam.sales@example.com", "priya.rep@example.com"] });
        let answer = self.api.post("/v1/invites", &list).await?;
        let results = answer["data"].as_array().map(Vec::as_slice).unwrap_or_default();
        let by_list = results.iter().filter(|one| one["outcome"] == "invited").count();
        DemoReport::print_detail(&format!(
            "{} of 2 addresses of a list were invited",
            expect("addresses of the list invited", by_list, 2)?
        ));

        let csv = "First Name;Last Name;Email;Role\nZoë;Ångström;zoe@example.com;user\n\"O'Neil, Pat\";Doe;pat@example.com;admin\nNo;Address;nowhere;user\n";
        let import = self.api.post_csv("/v1/invite-imports", csv).await?;
        let rows = expect_count("rows of the CSV file", &import, "/rows", 3)?;
        let valid = expect_count("rows of the CSV file that can be invited", &import, "/valid_rows", 2)?;
        DemoReport::print_detail(&format!("a CSV file was read: {valid} of its {rows} rows can be invited"));
        let path = format!("/v1/invite-imports/{}", str_of(&import, "id"));
        self.api.post(&format!("{path}/confirm"), &json!({})).await?;
        let import = self.wait_for_import(&path).await?;
        expect_count("rows with a result", &import, "/rows_done", rows)?;
        let by_file = expect_count("rows invited", &import, "/counts/invited", valid)?;
        expect_count("invalid rows", &import, "/counts/invalid", rows - valid)?;
        let refused = self.api.get(&format!("{path}/results?outcome=invalid")).await?;
        let row = expect_count("the row that was not invited", &refused, "/data/0/row", 4)?;
        let reason = refused["data"][0]["reason"].as_str().unwrap_or_default();
        if !reason.contains("address") {
            return Err(format!("row {row} has no valid address, but the reason given is another: {reason}"));
        }
        DemoReport::print_detail(&format!("{by_file} of {rows} rows were invited; row {row} has no valid address"));

        let invited = by_list as u64 + by_file;
        let members = self.api.get("/v1/members?limit=500").await?;
        let members = members["data"].as_array().map_or(0, Vec::len) as u64;
        expect("members", members, 1 + invited)?;
        Ok(format!("{invited} more people were invited"))
    }

    /// Waits until every row of an import has a result: confirming it only starts the work.
    async fn wait_for_import(&self, path: &str) -> Result<Value, String> {
        self.api
            .wait_until(path, |import| match str_of(import, "state") {
                "completed" => Some(Ok(import.clone())),
                "failed" => Some(Err(format!("the import failed: {}", import["error"]))),
                _ => None,
            })
            .await?
    }

    /// How many people the API lists.
    async fn count_people(&self) -> Result<u64, String> {
        let (mut people, mut path) = (0, "/v1/people?limit=500".to_owned());
        loop {
            let page = self.api.get(&path).await?;
            people += page["data"].as_array().map_or(0, Vec::len) as u64;
            match page["next_cursor"].as_str() {
                Some(cursor) => path = format!("/v1/people?limit=500&cursor={cursor}"),
                None => return Ok(people),
            }
        }
    }

    async fn install_package(&self) -> Result<String, String> {
        let configuration = self.api.get("/v1/package/configuration").await?;
        DemoReport::print_detail(&format!(
            "the package reads its configuration: version {} or later is wanted",
            str_of(&configuration, "min_package_version")
        ));
        let received = self.send_heartbeat(false).await?;
        if received["package_version_supported"] != json!(true) {
            return Err(format!("the package's version is not supported: {received}"));
        }
        Ok("the package reported version 3.2".into())
    }

    async fn configure_package(&self) -> Result<String, String> {
        self.send_heartbeat(true).await?;
        DemoReport::print_detail("Remote Sites are in place, the API Secret Key is accepted, \"Enable MSI Actions\" is ticked");
        Ok("the package reports that everything is configured".into())
    }

    async fn send_heartbeat(&self, configured: bool) -> Result<Value, String> {
        let connection = self.api.get("/v1/connections/salesforce").await?;
        let report = json!({
            "organization_id": str_of(&connection, "organization_id"), "edition": "Enterprise Edition", "package_version": "3.2",
            "configured": {
                "identity_remote_site": configured, "api_remote_site": configured,
                "api_secret_key_accepted": configured, "msi_actions_enabled": configured,
            },
        });
        self.api.post("/v1/package/heartbeat", &report).await
    }
}
