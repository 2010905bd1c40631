use super::Met;

/// Title and text in Italian.
pub(super) fn told(met: Met) -> (&'static str, &'static str) {
    match met {
        Met::LinkUnknown => ("Questo link di attivazione non è noto", "Usa senza modifiche il link del messaggio di invito più recente."),
        Met::LinkUsed => ("Questo link di attivazione è già stato usato", "Se sei stato tu, accedi."),
        Met::LinkExpired => ("Questo link di attivazione è scaduto", "Chiedi un nuovo invito alla persona che ti ha invitato."),
        Met::LinkRevoked => ("Questo invito è stato revocato", "Se pensi che sia un errore, chiedi alla persona che ti ha invitato."),
        Met::LinkReplaced => (
            "Un link più recente ha sostituito questo",
            "Un messaggio più recente contiene un altro link, che è quello che funziona. Apri quello.",
        ),
        Met::OnlySalesforceActivates => ("Questo modo di attivazione è disattivato", "Accedi a Salesforce per attivare il tuo account."),
        Met::OtherAddress => (
            "L'utente di Salesforce ha un altro indirizzo e-mail",
            "L'invito è stato inviato a un altro indirizzo. Accedi a Salesforce con l'utente il cui indirizzo e-mail è stato \
             invitato, poi apri di nuovo il link.",
        ),
        Met::ResetLinkUnusable => {
            ("Il link non può essere usato", "Non è noto, è già stato usato o ha più di un'ora. Richiedine un altro.")
        }
        Met::PasswordsSwitchedOff => {
            ("L'accesso con password è disattivato", "Qui è consentito solo l'accesso con Salesforce. Accedi a Salesforce.")
        }
        Met::AuthorizationNotBegun => (
            "Questa autorizzazione non può essere completata",
            "Non è stata iniziata in questo browser, è già stata completata o ha più di dieci minuti. Ricomincia.",
        ),
        Met::SessionMissing => (
            "Accedi prima",
            "Questa autorizzazione appartiene a un membro che non ha effettuato l'accesso in questo browser. Accedi qui e ricomincia.",
        ),
        Met::AuthorizationRefused => ("L'autorizzazione è stata rifiutata", "Ricomincia se vuoi concederla. Il motivo (in inglese):"),
        Met::SalesforceNotConfigured => {
            ("L'app Salesforce di questo servizio non è configurata", "Rivolgiti al gestore di questo servizio.")
        }
        Met::Unavailable => ("Il servizio non può rispondere in questo momento", "Riprova tra qualche secondo."),
        Met::Fault => {
            ("Si è verificato un errore da parte nostra", "Riprova. Se succede di nuovo, rivolgiti al gestore di questo servizio.")
        }
        Met::PasswordTooShortOrLong => ("Questa password non può essere usata", "La password è troppo corta o troppo lunga."),
        Met::PasswordGuessable => (
            "Questa password è troppo facile da indovinare",
            "Questa password è una di quelle che verrebbero provate per prime. Scegli più parole che non hanno nulla in comune, o \
             fai generare una password da un programma.",
        ),
        Met::NoSalesforceHost => {
            ("Questo indirizzo non appartiene a Salesforce", "Indica il tuo indirizzo My Domain, per esempio acme.my.salesforce.com.")
        }
        Met::Other => ("Non ha funzionato", "Che cosa è successo (in inglese):"),
    }
}
