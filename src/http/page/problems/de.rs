use super::Met;

/// Title and text in German.
pub(super) fn told(met: Met) -> (&'static str, &'static str) {
    match met {
        Met::LinkUnknown => {
            ("Dieser Aktivierungslink ist nicht bekannt", "Benutzen Sie den Link der neuesten Einladungsnachricht unverändert.")
        }
        Met::LinkUsed => ("Dieser Aktivierungslink wurde bereits benutzt", "Wenn Sie es waren, melden Sie sich an."),
        Met::LinkExpired => {
            ("Dieser Aktivierungslink ist abgelaufen", "Bitten Sie die Person, die Sie eingeladen hat, um eine neue Einladung.")
        }
        Met::LinkRevoked => (
            "Diese Einladung wurde zurückgezogen",
            "Wenden Sie sich an die Person, die Sie eingeladen hat, wenn Sie das für einen Irrtum halten.",
        ),
        Met::LinkReplaced => (
            "Ein neuerer Link hat diesen ersetzt",
            "Eine neuere Nachricht enthält einen anderen Link, der funktioniert. Öffnen Sie diesen.",
        ),
        Met::OnlySalesforceActivates => {
            ("Diese Art der Aktivierung ist ausgeschaltet", "Melden Sie sich bei Salesforce an, um Ihr Konto zu aktivieren.")
        }
        Met::OtherAddress => (
            "Der Salesforce-Benutzer hat eine andere E-Mail-Adresse",
            "Die Einladung ging an eine andere Adresse. Melden Sie sich bei Salesforce als der Benutzer an, dessen E-Mail-Adresse \
             eingeladen wurde, und öffnen Sie den Link dann noch einmal.",
        ),
        Met::ResetLinkUnusable => (
            "Der Link kann nicht verwendet werden",
            "Er ist nicht bekannt, wurde bereits benutzt oder ist älter als eine Stunde. Fordern Sie einen neuen an.",
        ),
        Met::PasswordsSwitchedOff => (
            "Die Anmeldung mit Passwort ist ausgeschaltet",
            "Hier ist nur die Anmeldung über Salesforce erlaubt. Melden Sie sich bei Salesforce an.",
        ),
        Met::AuthorizationNotBegun => (
            "Diese Autorisierung kann nicht abgeschlossen werden",
            "Sie wurde nicht in diesem Browser begonnen, ist bereits abgeschlossen oder älter als zehn Minuten. Beginnen Sie noch \
             einmal.",
        ),
        Met::SessionMissing => (
            "Melden Sie sich zuerst an",
            "Diese Autorisierung gehört einem Mitglied, das in diesem Browser nicht angemeldet ist. Melden Sie sich hier an und beginnen Sie noch \
             einmal.",
        ),
        Met::AuthorizationRefused => {
            ("Die Autorisierung wurde abgelehnt", "Beginnen Sie noch einmal, wenn Sie sie erteilen möchten. Der Grund (auf Englisch):")
        }
        Met::SalesforceNotConfigured => {
            ("Die Salesforce-App dieses Dienstes ist nicht eingerichtet", "Wenden Sie sich an den Betreiber dieses Dienstes.")
        }
        Met::Unavailable => ("Der Dienst kann gerade nicht antworten", "Versuchen Sie es in einigen Sekunden noch einmal."),
        Met::Fault => (
            "Bei uns ist etwas schiefgegangen",
            "Versuchen Sie es noch einmal. Wenn es wieder geschieht, wenden Sie sich an den Betreiber dieses Dienstes.",
        ),
        Met::PasswordTooShortOrLong => ("Dieses Passwort kann nicht verwendet werden", "Das Passwort ist zu kurz oder zu lang."),
        Met::PasswordGuessable => (
            "Dieses Passwort ist zu leicht zu erraten",
            "Dieses Passwort gehört zu denen, die zuerst versucht würden. Nehmen Sie mehrere Wörter, die nichts miteinander zu tun \
             haben, oder lassen Sie ein Programm eines erzeugen.",
        ),
        Met::NoSalesforceHost => {
            ("Diese Adresse gehört nicht zu Salesforce", "Geben Sie Ihre My-Domain-Adresse an, zum Beispiel acme.my.salesforce.com.")
        }
        Met::Other => ("Das hat nicht funktioniert", "Was geschehen ist (auf Englisch):"),
    }
}
