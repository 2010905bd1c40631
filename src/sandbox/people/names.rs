//! The names, companies and titles that people are made of. Each name comes with its spelling in e-mail addresses.

/// A name as written, and in plain ASCII.
pub type SpelledName = (&'static str, &'static str);

/// Names and phone number formats that belong together. `#` in a phone format stands for a digit.
pub struct Culture {
    pub first: &'static [SpelledName],
    pub last: &'static [SpelledName],
    pub phones: &'static [&'static str],
}

/// Cultures, each as often as it is to be drawn.
pub const CULTURES: &[&Culture] = &[
    &ENGLISH, &ENGLISH, &ENGLISH, &ENGLISH, &GERMAN, &GERMAN, &FRENCH, &FRENCH, &SPANISH, &SPANISH, &NORDIC, &SLAVIC, &INDIAN, &JAPANESE,
    &CYRILLIC, &TURKISH,
];

// The tables read better in rows than one name a line.
#[rustfmt::skip]
const ENGLISH: Culture = Culture {
    first: &[
        ("James", "james"), ("Olivia", "olivia"), ("Noah", "noah"), ("Emma", "emma"), ("Liam", "liam"), ("Ava", "ava"), ("Zoë", "zoe"),
        ("Mary-Jane", "mary-jane"), ("D'Andre", "dandre"), ("Siobhán", "siobhan"), ("Seán", "sean"), ("Grace", "grace"), ("Michael", "michael"),
        ("Jean-Luc", "jean-luc"), ("Chloe", "chloe"), ("Ethan", "ethan"), ("Ruth", "ruth"), ("Oscar", "oscar"), ("Beth", "beth"), ("Kofi", "kofi"),
    ],
    last: &[
        ("Smith", "smith"), ("O'Connor", "oconnor"), ("O'Neill", "oneill"), ("Taylor", "taylor"), ("Brown", "brown"), ("Smith-Jones", "smith-jones"),
        ("Walker", "walker"), ("MacDonald", "macdonald"), ("Robinson", "robinson"), ("Wright", "wright"), ("D'Arcy", "darcy"), ("Clarke", "clarke"),
        ("Okafor", "okafor"), ("Evans", "evans"), ("Baker, Jr.", "baker"), ("Fitzgerald", "fitzgerald"), ("Lloyd-Webber", "lloyd-webber"), ("Young", "young"),
    ],
    phones: &["+1 (###) 555-01##", "(###) 555-01##", "###.555.01##", "+1-###-555-01## x###", "+44 20 7946 0###"],
};

#[rustfmt::skip]
const GERMAN: Culture = Culture {
    first: &[
        ("Jürgen", "juergen"), ("Käthe", "kaethe"), ("Lukas", "lukas"), ("Anna-Lena", "anna-lena"), ("Björn", "bjoern"), ("Sophie", "sophie"),
        ("Götz", "goetz"), ("Marlene", "marlene"), ("Felix", "felix"), ("Hans-Peter", "hans-peter"), ("Ute", "ute"), ("Jörg", "joerg"),
    ],
    last: &[
        ("Müller", "mueller"), ("Weiß", "weiss"), ("Schröder", "schroeder"), ("von der Heide", "vonderheide"), ("Krüger", "krueger"), ("Keller", "keller"),
        ("Groß", "gross"), ("Meyer-Lüdenscheidt", "meyer-luedenscheidt"), ("Jäger", "jaeger"), ("Vogel", "vogel"), ("Böhm", "boehm"), ("Fuchs", "fuchs"),
    ],
    phones: &["+49 30 23125 ###", "030/23125 ###", "+49 (0)89 99998 ###", "0171 39200 ##"],
};

#[rustfmt::skip]
const FRENCH: Culture = Culture {
    first: &[
        ("Éloïse", "eloise"), ("François", "francois"), ("Hélène", "helene"), ("Jérôme", "jerome"), ("Anaïs", "anais"), ("Gaël", "gael"),
        ("Marie-Noëlle", "marie-noelle"), ("Benoît", "benoit"), ("Camille", "camille"), ("Théo", "theo"), ("Agnès", "agnes"), ("Cédric", "cedric"),
    ],
    last: &[
        ("Lefèvre", "lefevre"), ("d'Aubigné", "daubigne"), ("L'Hôpital", "lhopital"), ("Bézier", "bezier"), ("Dupont", "dupont"), ("Le Goff", "legoff"),
        ("Châtelain", "chatelain"), ("Noël", "noel"), ("de La Tour", "delatour"), ("Garçon", "garcon"), ("Œuvrard", "oeuvrard"), ("Moreau", "moreau"),
    ],
    phones: &["+33 1 99 00 ## ##", "01 99 00 ## ##", "+33 (0)6 39 98 ## ##"],
};

#[rustfmt::skip]
const SPANISH: Culture = Culture {
    first: &[
        ("José", "jose"), ("María José", "mariajose"), ("Begoña", "begona"), ("Andrés", "andres"), ("Lucía", "lucia"), ("Ángel", "angel"),
        ("João", "joao"), ("Inês", "ines"), ("Iñaki", "inaki"), ("Sofía", "sofia"), ("Martín", "martin"), ("Conceição", "conceicao"),
    ],
    last: &[
        ("Núñez", "nunez"), ("García Márquez", "garciamarquez"), ("Peña", "pena"), ("Gonçalves", "goncalves"), ("Fernández", "fernandez"), ("Muñoz", "munoz"),
        ("Araújo", "araujo"), ("Ibáñez", "ibanez"), ("Ruiz", "ruiz"), ("Simões", "simoes"), ("López", "lopez"), ("Aránguiz", "aranguiz"),
    ],
    phones: &["+34 900 111 ###", "91 111 0###", "+351 21 000 0###", "+52 55 5550 01##"],
};

#[rustfmt::skip]
const NORDIC: Culture = Culture {
    first: &[("Åsa", "asa"), ("Søren", "soren"), ("Þóra", "thora"), ("Jānis", "janis"), ("Øyvind", "oyvind"), ("Päivi", "paivi"), ("Björk", "bjork"), ("Linnea", "linnea")],
    last: &[
        ("Åkesson", "akesson"), ("Sørensen", "sorensen"), ("Jónsdóttir", "jonsdottir"), ("Mäkelä", "makela"), ("Ødegård", "odegard"), ("Lindqvist", "lindqvist"),
        ("Bērziņš", "berzins"), ("Holm", "holm"),
    ],
    phones: &["+46 8 465 00# ##", "+45 32 00 ## ##", "+358 9 4245 ####"],
};

#[rustfmt::skip]
const SLAVIC: Culture = Culture {
    first: &[("Łukasz", "lukasz"), ("Agnieszka", "agnieszka"), ("Jiří", "jiri"), ("Šárka", "sarka"), ("Željko", "zeljko"), ("Małgorzata", "malgorzata"), ("Ștefan", "stefan"), ("Zsófia", "zsofia")],
    last: &[
        ("Wójcik", "wojcik"), ("Dvořák", "dvorak"), ("Kovačić", "kovacic"), ("Szczęsny", "szczesny"), ("Nowak", "nowak"), ("Černý", "cerny"), ("Ionescu", "ionescu"),
        ("Nagy", "nagy"),
    ],
    phones: &["+48 22 555 0# ##", "+420 200 000 ###", "00385 1 555 0###"],
};

#[rustfmt::skip]
const INDIAN: Culture = Culture {
    first: &[("Priya", "priya"), ("Arjun", "arjun"), ("Ananya", "ananya"), ("Rahul", "rahul"), ("Lakshmi", "lakshmi"), ("Vikram", "vikram"), ("Meera", "meera"), ("Imran", "imran")],
    last: &[("Sharma", "sharma"), ("Iyer", "iyer"), ("Patel", "patel"), ("Nair", "nair"), ("Khan", "khan"), ("Reddy", "reddy"), ("Das Gupta", "dasgupta"), ("Singh", "singh")],
    phones: &["+91 22 5555 0###", "022-5555-0###"],
};

#[rustfmt::skip]
const JAPANESE: Culture = Culture {
    first: &[("陽子", "yoko"), ("健太", "kenta"), ("さくら", "sakura"), ("大輔", "daisuke"), ("伟", "wei"), ("芳", "fang"), ("지민", "jimin"), ("서연", "seoyeon")],
    last: &[("田中", "tanaka"), ("佐藤", "sato"), ("鈴木", "suzuki"), ("王", "wang"), ("李", "li"), ("김", "kim"), ("박", "park"), ("山本", "yamamoto")],
    phones: &["+81 3-5550-0###", "03-5550-0###", "+82 2-555-0###"],
};

#[rustfmt::skip]
const CYRILLIC: Culture = Culture {
    first: &[("Ольга", "olga"), ("Дмитро", "dmytro"), ("Александър", "aleksandar"), ("Наталія", "nataliia"), ("Јелена", "jelena"), ("Тарас", "taras")],
    last: &[("Шевченко", "shevchenko"), ("Коваленко", "kovalenko"), ("Петрова", "petrova"), ("Димитров", "dimitrov"), ("Јовановић", "jovanovic"), ("Щербак", "shcherbak")],
    phones: &["+380 44 555 0###", "+359 2 555 0###"],
};

#[rustfmt::skip]
const TURKISH: Culture = Culture {
    first: &[("Ayşe", "ayse"), ("İbrahim", "ibrahim"), ("Gökçe", "gokce"), ("Çağlar", "caglar"), ("Nguyên", "nguyen"), ("Thị Hồng", "thihong")],
    last: &[("Yılmaz", "yilmaz"), ("Öztürk", "ozturk"), ("Şahin", "sahin"), ("Çelik", "celik"), ("Trần", "tran"), ("Phạm", "pham")],
    phones: &["+90 212 555 0###", "+84 24 5550 ###"],
};

/// First words of a company's name.
#[rustfmt::skip]
pub const COMPANY_HEADS: &[&str] = &[
    "Northwind", "Blue Harbour", "Keller & Söhne", "Apex", "Stonebridge", "Grünwald", "L'Atelier", "Sierra Norte", "Helios", "Ørsund", "Vektor", "Lumen", "Cedar Lane",
    "Santa Fé", "Ironwood", "Maple & Finch", "Quantum", "Río Claro", "Brightwater", "Falcon", "さくら", "Вектор", "O'Malley", "Pioneer", "Île-de-Mer", "Tundra", "Orchid",
    "Copperfield", "Zenith", "Harrow",
];

/// Second words of a company's name.
#[rustfmt::skip]
pub const COMPANY_TAILS: &[&str] = &[
    "Logistics", "Software", "Foods", "Robotics", "Consulting", "Textiles", "Energy", "Health", "Media", "Instruments", "Analytics", "Bank", "Marine", "Optics", "Packaging",
    "Research", "Studios", "Systems", "Tools", "Ventures",
];

/// Legal forms, several with the commas that trip up naive CSV readers.
pub const COMPANY_FORMS: &[&str] = &[
    ", Inc.",
    " GmbH",
    " GmbH & Co. KG",
    ", LLC",
    " Ltd.",
    " S.A.",
    " AB",
    " Oy",
    ", S.L.",
    "",
    "",
    " Group",
    " 株式会社",
    " & Sons, Ltd.",
];

/// Job titles. Some hold a newline, a comma or quotes.
#[rustfmt::skip]
pub const TITLES: &[&str] = &[
    "Account Executive", "VP Sales", "Chief Executive Officer", "Head of Sales\nEMEA", "Marketing Manager", "Director, Business Development", "Einkaufsleiterin",
    "Responsable achats", "Sales Operations Analyst", "CTO", "Founder & CEO", "Office Manager", "\"Growth\" Lead", "Procurement Specialist", "Jefe de compras",
    "Senior Engineer", "Product Owner", "営業部長", "Customer Success Manager", "Consultant\n(part time)", "Regional Manager, North", "Data Protection Officer",
];

/// Salesforce's usual lead sources and a few of a customer's own.
pub const LEAD_SOURCES: &[&str] =
    &["Web", "Phone Inquiry", "Partner Referral", "Purchased List", "Trade Show", "Webinar, Spring", "Employee Referral", "Other"];

/// Domains reserved for documentation (RFC 2606).
pub const DOMAINS: &[&str] = &["example.com", "example.com", "example.org", "example.net", "sales.example.com", "mail.example.org"];
