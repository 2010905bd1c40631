use super::Met;

/// Title and text in French.
pub(super) fn told(met: Met) -> (&'static str, &'static str) {
    match met {
        Met::LinkUnknown => ("Ce lien d'activation est inconnu", "Utilisez tel quel le lien du message d'invitation le plus récent."),
        Met::LinkUsed => ("Ce lien d'activation a déjà été utilisé", "Si c'était vous, connectez-vous."),
        Met::LinkExpired => ("Ce lien d'activation a expiré", "Demandez une nouvelle invitation à la personne qui vous a invité."),
        Met::LinkRevoked => {
            ("Cette invitation a été révoquée", "Adressez-vous à la personne qui vous a invité si vous pensez qu'il s'agit d'une erreur.")
        }
        Met::LinkReplaced => {
            ("Un lien plus récent a remplacé celui-ci", "Un message plus récent contient un autre lien, qui fonctionne. Ouvrez celui-là.")
        }
        Met::OnlySalesforceActivates => ("Ce mode d'activation est désactivé", "Connectez-vous à Salesforce pour activer votre compte."),
        Met::OtherAddress => (
            "L'utilisateur Salesforce a une autre adresse e-mail",
            "L'invitation a été envoyée à une autre adresse. Connectez-vous à Salesforce avec l'utilisateur dont l'adresse e-mail a \
             été invitée, puis ouvrez de nouveau le lien.",
        ),
        Met::ResetLinkUnusable => {
            ("Ce lien ne peut pas être utilisé", "Il est inconnu, a déjà été utilisé ou date de plus d'une heure. Demandez-en un autre.")
        }
        Met::PasswordsSwitchedOff => (
            "La connexion par mot de passe est désactivée",
            "Seule la connexion par Salesforce est autorisée ici. Connectez-vous à Salesforce.",
        ),
        Met::AuthorizationNotBegun => (
            "Cette autorisation ne peut pas être terminée",
            "Elle n'a pas été commencée dans ce navigateur, est déjà terminée ou date de plus de dix minutes. Recommencez.",
        ),
        Met::SessionMissing => (
            "Connectez-vous d'abord",
            "Cette autorisation appartient à un membre qui n'est pas connecté dans ce navigateur. Connectez-vous ici, puis recommencez.",
        ),
        Met::AuthorizationRefused => {
            ("L'autorisation a été refusée", "Recommencez si vous souhaitez l'accorder. La raison (en anglais)\u{a0}:")
        }
        Met::SalesforceNotConfigured => {
            ("L'application Salesforce de ce service n'est pas configurée", "Adressez-vous à l'exploitant de ce service.")
        }
        Met::Unavailable => ("Le service ne peut pas répondre pour le moment", "Réessayez dans quelques secondes."),
        Met::Fault => {
            ("Une erreur s'est produite de notre côté", "Réessayez. Si cela se reproduit, adressez-vous à l'exploitant de ce service.")
        }
        Met::PasswordTooShortOrLong => ("Ce mot de passe ne peut pas être utilisé", "Le mot de passe est trop court ou trop long."),
        Met::PasswordGuessable => (
            "Ce mot de passe est trop facile à deviner",
            "Ce mot de passe est l'un de ceux qui seraient essayés en premier. Choisissez plusieurs mots sans rapport entre eux, ou \
             laissez un programme en générer un.",
        ),
        Met::NoSalesforceHost => {
            ("Cette adresse n'appartient pas à Salesforce", "Indiquez votre adresse My Domain, par exemple acme.my.salesforce.com.")
        }
        Met::Other => ("Cela n'a pas fonctionné", "Ce qui s'est passé (en anglais)\u{a0}:"),
    }
}
