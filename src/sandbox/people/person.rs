//! One person, computed from seed and index.

use std::fmt::Write as _;

use super::names::{self, Culture, SpelledName};
use super::seeded_random::SeededRandom;
use crate::sandbox::salesforce::ids::{self, KeyPrefix};
use crate::sandbox::timestamps::format_iso;

const KIND_TOPIC: u64 = 1;
const NAME_TOPIC: u64 = 2;
const EMAIL_TOPIC: u64 = 3;
const COMPANY_TOPIC: u64 = 4;
const WORK_TOPIC: u64 = 5;
const OWNER_TOPIC: u64 = 6;
const TIMES_TOPIC: u64 = 7;

/// People per company, and so contacts per account.
pub const PEOPLE_PER_COMPANY: u64 = 3;

/// Marketo id of the first person.
pub const FIRST_MARKETO_ID: u64 = 1001;

/// What Salesforce knows about a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PersonKind {
    /// Nothing: the person lives in Marketo only.
    MarketoOnly,
    Lead,
    Contact,
    /// A lead that was converted: the lead record stays and a contact exists too.
    Converted,
}

/// A person as both Marketo and Salesforce see it. Times are Unix seconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SandboxPerson {
    pub index: u64,
    pub kind: PersonKind,
    pub email: Option<String>,
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    pub company: Option<String>,
    pub title: Option<String>,
    pub phone: Option<String>,
    pub lead_source: Option<String>,
    pub linked_in_url: Option<String>,
    pub is_unsubscribed: bool,
    pub opportunity_id: Option<String>,
    /// Owner of the Salesforce record: a user (005…) or a queue (00G…).
    pub owner_id: Option<String>,
    pub created_at: i64,
    pub updated_at: i64,
    /// When the Salesforce record last changed (`SystemModstamp`).
    pub salesforce_updated_at: i64,
    pub is_deleted_in_salesforce: bool,
    /// What Marketo still takes the person for while it hasn't heard of a change in Salesforce; `None` when Marketo is up to date.
    pub known_to_marketo_as: Option<PersonKind>,
    /// Index of the person whose Salesforce record this one's was merged into.
    pub merged_into: Option<u64>,
}

impl SandboxPerson {
    /// Marketo's id.
    pub fn marketo_id(&self) -> u64 {
        self.index + FIRST_MARKETO_ID
    }

    /// The lead record's id, also after conversion.
    pub fn lead_id(&self) -> Option<String> {
        matches!(self.kind, PersonKind::Lead | PersonKind::Converted).then(|| ids::record_id(KeyPrefix::Lead, self.index))
    }

    /// The contact record's id.
    pub fn contact_id(&self) -> Option<String> {
        matches!(self.kind, PersonKind::Contact | PersonKind::Converted).then(|| ids::record_id(KeyPrefix::Contact, self.index))
    }

    /// The contact's account.
    pub fn account_id(&self) -> Option<String> {
        matches!(self.kind, PersonKind::Contact | PersonKind::Converted)
            .then(|| ids::record_id(KeyPrefix::Account, company_number(self.index)))
    }

    fn kind_in_marketo(&self) -> PersonKind {
        self.known_to_marketo_as.unwrap_or(self.kind)
    }

    /// Whether Marketo knows the person's lead, and whether it knows their contact.
    fn records_in_marketo(&self) -> (bool, bool) {
        let kind = self.kind_in_marketo();
        (matches!(kind, PersonKind::Lead | PersonKind::Converted), matches!(kind, PersonKind::Contact | PersonKind::Converted))
    }

    /// The value of a Marketo field by its REST name; `None` for an empty or unknown field.
    pub fn marketo_value(&self, field: &str) -> Option<String> {
        let (lead, contact) = self.records_in_marketo();
        let lead_id = || lead.then(|| ids::record_id(KeyPrefix::Lead, self.index));
        let contact_id = || contact.then(|| ids::record_id(KeyPrefix::Contact, self.index));
        match field {
            "id" => Some(self.marketo_id().to_string()),
            "email" => self.email.clone(),
            "firstName" => self.first_name.clone(),
            "lastName" => self.last_name.clone(),
            "company" => self.company.clone(),
            "title" => self.title.clone(),
            "phone" => self.phone.clone(),
            "leadSource" => self.lead_source.clone(),
            "linkedInURL" => self.linked_in_url.clone(),
            "unsubscribed" => Some(self.is_unsubscribed.to_string()),
            "createdAt" => Some(format_iso(self.created_at)),
            "updatedAt" => Some(format_iso(self.updated_at)),
            "sfdcType" => match self.kind_in_marketo() {
                PersonKind::MarketoOnly => None,
                PersonKind::Lead => Some("Lead".into()),
                PersonKind::Contact | PersonKind::Converted => Some("Contact".into()),
            },
            "sfdcId" => contact_id().or_else(lead_id),
            "sfdcLeadId" => lead_id(),
            "sfdcContactId" => contact_id(),
            "sfdcAccountId" => contact.then(|| ids::record_id(KeyPrefix::Account, company_number(self.index))),
            "sfdcOpptyId" => self.opportunity_id.clone(),
            "sfdcLeadOwnerId" => lead.then(|| self.owner_id.clone()).flatten(),
            "sfdcContactOwnerId" => contact.then(|| self.owner_id.clone()).flatten(),
            _ => None,
        }
    }
}

/// The ids of those who may own records: users, and queues for leads.
#[derive(Debug, Clone)]
pub struct RecordOwners {
    pub users: Vec<String>,
    pub queues: Vec<String>,
}

/// The number of the company, and so of the account, of person `index`.
pub fn company_number(index: u64) -> u64 {
    index / PEOPLE_PER_COMPANY
}

/// The kind of person `index`: about 8 % Marketo only, 3 % converted, the rest half leads, half contacts.
pub fn generate_kind(seed: u64, index: u64) -> PersonKind {
    let mut random = SeededRandom::new(seed, index, KIND_TOPIC);
    match random.below(1000) {
        0..80 => PersonKind::MarketoOnly,
        80..110 => PersonKind::Converted,
        110..555 => PersonKind::Lead,
        _ => PersonKind::Contact,
    }
}

/// The name of company number `company`.
pub fn generate_company_name(seed: u64, company: u64) -> String {
    let mut random = SeededRandom::new(seed, company, COMPANY_TOPIC);
    let head = random.pick(names::COMPANY_HEADS);
    let tail = random.pick(names::COMPANY_TAILS);
    let form = random.pick(names::COMPANY_FORMS);
    match random.below(20) {
        0 => format!("\"{head}\" {tail}{form}"),
        1 => format!("{head}, {tail} & Partners{form}"),
        _ => format!("{head} {tail}{form}"),
    }
}

fn pick_names(seed: u64, index: u64) -> (&'static Culture, SpelledName, SpelledName) {
    let mut random = SeededRandom::new(seed, index, NAME_TOPIC);
    let culture = random.pick(names::CULTURES);
    let first = random.pick(culture.first);
    let last = random.pick(culture.last);
    (culture, first, last)
}

fn may_share_mailbox(seed: u64, index: u64) -> bool {
    index > 0 && SeededRandom::new(seed, index, EMAIL_TOPIC).happens(12)
}

/// Whose e-mail address person `index` uses: mostly their own, sometimes that of the person before.
fn mailbox_owner(seed: u64, index: u64) -> u64 {
    if may_share_mailbox(seed, index) && !may_share_mailbox(seed, index - 1) { index - 1 } else { index }
}

/// The generated e-mail address of person `index`, or `None` for the few without one.
pub fn generate_email(seed: u64, index: u64) -> Option<String> {
    let owner = mailbox_owner(seed, index);
    let mut random = SeededRandom::new(seed, owner, EMAIL_TOPIC + 100);
    if random.happens(15) {
        return None;
    }
    let (_, first, last) = pick_names(seed, owner);
    let domain = random.pick(names::DOMAINS);
    Some(match random.below(3) {
        0 => format!("{}.{}{owner}@{domain}", first.1, last.1),
        1 => format!("{}_{}{owner}@{domain}", first.1, last.1),
        _ => format!("{}{}.{owner}@{domain}", &first.1[..1], last.1),
    })
}

/// The index that stands in a generated address: the address may be that of this person, and of the next one if they share it.
pub fn mailbox_index(address: &str) -> Option<u64> {
    let local = address.split_once('@')?.0;
    let digits = local.len() - local.bytes().rev().take_while(u8::is_ascii_digit).count();
    local[digits..].parse().ok()
}

fn generate_phone(random: &mut SeededRandom, culture: &Culture) -> String {
    let mut text = String::with_capacity(20);
    for c in random.pick(culture.phones).chars() {
        if c == '#' {
            let _ = write!(text, "{}", random.below(10));
        } else {
            text.push(c);
        }
    }
    text
}

/// Computes person `index`, created at `created_at` and last changed no later than `latest`.
pub fn generate_person(seed: u64, index: u64, created_at: i64, latest: i64, owners: &RecordOwners) -> SandboxPerson {
    let kind = generate_kind(seed, index);
    let (culture, first, last) = pick_names(seed, index);
    let mut work = SeededRandom::new(seed, index, WORK_TOPIC);
    let is_filled = |random: &mut SeededRandom, empty_per_thousand: u64| !random.happens(empty_per_thousand);
    let first_name = is_filled(&mut work, 20).then(|| first.0.to_owned());
    let title = is_filled(&mut work, 120).then(|| work.pick(names::TITLES).to_owned());
    let has_phone = is_filled(&mut work, 180);
    let number = generate_phone(&mut work, culture);
    let lead_source = is_filled(&mut work, 250).then(|| work.pick(names::LEAD_SOURCES).to_owned());
    let linked_in = work.happens(600).then(|| format!("https://www.linkedin.com/in/{}-{}-{index}", first.1, last.1));
    let is_unsubscribed = work.happens(40);
    let in_salesforce = kind != PersonKind::MarketoOnly;
    // Salesforce requires a lead's company; Marketo-only people may lack one.
    let company = (in_salesforce || work.happens(700)).then(|| generate_company_name(seed, company_number(index)));
    let has_opportunity = matches!(kind, PersonKind::Contact | PersonKind::Converted) && work.happens(100);

    let mut ownership = SeededRandom::new(seed, index, OWNER_TOPIC);
    let owner_id = in_salesforce.then(|| {
        let is_queued = kind == PersonKind::Lead && !owners.queues.is_empty() && ownership.happens(90);
        let position = |count: usize, number: u64| usize::try_from(number % count.max(1) as u64).unwrap_or(0);
        if is_queued {
            owners.queues[position(owners.queues.len(), ownership.next())].clone()
        } else {
            owners.users[position(owners.users.len(), ownership.next())].clone()
        }
    });

    let mut times = SeededRandom::new(seed, index, TIMES_TOPIC);
    let seconds = u64::try_from(latest - created_at).unwrap_or(0);
    // A third were never touched again.
    let updated_at = if times.happens(330) { created_at } else { created_at + i64::try_from(times.below(seconds + 1)).unwrap_or(0) };

    SandboxPerson {
        index,
        kind,
        email: generate_email(seed, index),
        first_name,
        last_name: Some(last.0.to_owned()),
        company,
        title,
        phone: has_phone.then_some(number),
        lead_source,
        linked_in_url: linked_in,
        is_unsubscribed,
        opportunity_id: has_opportunity.then(|| ids::record_id(KeyPrefix::Opportunity, index)),
        owner_id,
        created_at,
        updated_at,
        salesforce_updated_at: updated_at,
        is_deleted_in_salesforce: false,
        known_to_marketo_as: None,
        merged_into: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owners() -> RecordOwners {
        RecordOwners { users: vec!["005A".into(), "005B".into()], queues: vec!["00GA".into()] }
    }

    #[test]
    fn the_same_seed_and_index_give_the_same_person() {
        for index in [0, 1, 77, 1_499_999] {
            assert_eq!(generate_person(7, index, 1000, 2000, &owners()), generate_person(7, index, 1000, 2000, &owners()));
        }
        assert_ne!(generate_person(7, 3, 1000, 2000, &owners()), generate_person(8, 3, 1000, 2000, &owners()));
    }

    #[test]
    fn kinds_have_the_documented_shares() {
        let count = |wanted: PersonKind| (0..20_000).filter(|&index| generate_kind(1, index) == wanted).count();
        assert!((1_300..1_900).contains(&count(PersonKind::MarketoOnly)), "{}", count(PersonKind::MarketoOnly));
        assert!((450..750).contains(&count(PersonKind::Converted)), "{}", count(PersonKind::Converted));
        assert!((8_300..9_500).contains(&count(PersonKind::Lead)));
        assert!((8_300..9_500).contains(&count(PersonKind::Contact)));
    }

    #[test]
    fn an_address_leads_back_to_the_people_who_share_it() {
        let mut shared = 0;
        for index in 1..5_000 {
            let Some(address) = generate_email(1, index) else { continue };
            let mailbox = mailbox_index(&address).expect("a generated address holds its number");
            assert!(mailbox == index || mailbox + 1 == index, "{address} of {index}");
            assert!(address.is_ascii() && address.contains("example."), "{address}");
            shared += u32::from(Some(address) == generate_email(1, index - 1));
        }
        assert!((20..120).contains(&shared), "{shared}");
    }

    #[test]
    fn only_leads_are_owned_by_queues() {
        for index in 0..5_000 {
            let person = generate_person(1, index, 1000, 2000, &owners());
            match (person.kind, person.owner_id.as_deref()) {
                (PersonKind::MarketoOnly, owner) => assert_eq!(owner, None),
                (PersonKind::Lead, owner) => assert!(owner.is_some()),
                (_, owner) => assert!(owner.is_some_and(|id| id.starts_with("005"))),
            }
        }
    }
}
