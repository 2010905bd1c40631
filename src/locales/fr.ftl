### French. Before a colon stands a no-break space (U+00A0).

## Mails

date-and-time =
    { $day } { $month ->
        [1] janvier
        [2] février
        [3] mars
        [4] avril
        [5] mai
        [6] juin
        [7] juillet
        [8] août
        [9] septembre
        [10] octobre
        [11] novembre
       *[12] décembre
    } { $year } à { $time } UTC

mail =
    .greeting = Bonjour,
    .link-works-until = Le lien fonctionne une seule fois, jusqu'au { $until }.

inviter =
    .named = { $name }
    .marketo-admin = Votre administrateur Marketo
    .admin = Un administrateur

invitation-mail =
    .subject = Invitation à { $instance } dans Sales Insight Actions
    .invited = { $inviter } vous invite à rejoindre { $instance } dans Sales Insight Actions.
    .open-link = Ouvrez ce lien pour activer votre compte :
    .unexpected = Si vous n'attendiez pas ce message, ignorez-le : rien ne se passe tant que le lien n'est pas utilisé.

password-reset-mail =
    .subject = Un nouveau mot de passe pour { $instance } dans Sales Insight Actions
    .requested = un nouveau mot de passe a été demandé pour votre compte { $instance } dans Sales Insight Actions.
    .open-link = Ouvrez ce lien pour en choisir un :
    .unexpected = Si ce n'était pas vous, ignorez ce message : votre mot de passe reste inchangé.

sync-complete-mail =
    .subject = La synchronisation des personnes de { $instance } est terminée
    .ending = la synchronisation des personnes de { $instance } est terminée.

sync-failed-mail =
    .subject = La synchronisation des personnes de { $instance } a échoué
    .ending = la synchronisation des personnes de { $instance } a échoué.
    .what = Ce qui s'est passé (en anglais) : { $what }
    .remedy = Ce qu'il faut faire (en anglais) : { $remedy }

sync-notice-mail =
    .run = Exécution { $run }
    .read = Lues dans Marketo : { $count }
    .qualified = Qualifiées : { $count }
    .added = Ajoutées : { $count }
    .changed = Modifiées : { $count }
    .unchanged = Inchangées : { $count }
    .removed = Supprimées : { $count }
    .rejected = Lignes inutilisables : { $count }

## Pages

activation-page =
    .title = Activez votre compte { $instance }
    .invited = { $email } est invité à rejoindre { $instance } dans Sales Insight Actions.
    .log-in-as = Connectez-vous à Salesforce avec l'utilisateur dont l'adresse e-mail est { $email }.
    .log-in-production = Se connecter avec Salesforce
    .log-in-sandbox = Se connecter avec une sandbox Salesforce
    .log-in-my-domain = Se connecter avec My Domain
    .my-domain-label = My Domain, par exemple acme.my.salesforce.com
    .password-label = Ou choisissez un mot de passe d'au moins { $shortest } caractères
    .use-password = Activer avec ce mot de passe

activated-page =
    .title = Votre compte est actif
    .text = Vous êtes connecté en tant que { $email }. Vous pouvez fermer cette fenêtre.

password-reset-page =
    .title = Choisissez un nouveau mot de passe
    .text = Pour { $email }. Vous serez déconnecté partout et vous connecterez avec le nouveau mot de passe.
    .password-label = Un mot de passe d'au moins { $shortest } caractères
    .button = Définir ce mot de passe

password-set-page =
    .title = Votre mot de passe est défini
    .text = Connectez-vous avec celui-ci. Vous avez été déconnecté partout ailleurs.

salesforce-connected-page =
    .title = Salesforce est connecté
    .text = Un appel de test a réussi. Vous pouvez fermer cette fenêtre et poursuivre la configuration.

salesforce-needs-attention-page =
    .title = Salesforce demande votre attention
    .text = L'autorisation est terminée, mais un appel de test a échoué (en anglais) :

## Problems

problem-link-unknown =
    .title = Ce lien d'activation est inconnu
    .text = Utilisez tel quel le lien du message d'invitation le plus récent.

problem-link-used =
    .title = Ce lien d'activation a déjà été utilisé
    .text = Si c'était vous, connectez-vous.

problem-link-expired =
    .title = Ce lien d'activation a expiré
    .text = Demandez une nouvelle invitation à la personne qui vous a invité.

problem-link-revoked =
    .title = Cette invitation a été révoquée
    .text = Adressez-vous à la personne qui vous a invité si vous pensez qu'il s'agit d'une erreur.

problem-link-replaced =
    .title = Un lien plus récent a remplacé celui-ci
    .text = Un message plus récent contient un autre lien, qui fonctionne. Ouvrez celui-là.

problem-password-activation-off =
    .title = Ce mode d'activation est désactivé
    .text = Connectez-vous à Salesforce pour activer votre compte.

problem-email-mismatch =
    .title = L'utilisateur Salesforce a une autre adresse e-mail
    .text = L'invitation a été envoyée à une autre adresse. Connectez-vous à Salesforce avec l'utilisateur dont l'adresse e-mail a été invitée, puis ouvrez de nouveau le lien.

problem-reset-link-unusable =
    .title = Ce lien ne peut pas être utilisé
    .text = Il est inconnu, a déjà été utilisé ou date de plus d'une heure. Demandez-en un autre.

problem-password-login-off =
    .title = La connexion par mot de passe est désactivée
    .text = Seule la connexion par Salesforce est autorisée ici. Connectez-vous à Salesforce.

problem-authorization-state-invalid =
    .title = Cette autorisation ne peut pas être terminée
    .text = Elle n'a pas été commencée dans ce navigateur, est déjà terminée ou date de plus de dix minutes. Recommencez.

problem-session-required =
    .title = Connectez-vous d'abord
    .text = Cette autorisation appartient à un membre qui n'est pas connecté dans ce navigateur. Connectez-vous ici, puis recommencez.

problem-authorization-denied =
    .title = L'autorisation a été refusée
    .text = Recommencez si vous souhaitez l'accorder. La raison (en anglais) : { $detail }

problem-salesforce-not-configured =
    .title = L'application Salesforce de ce service n'est pas configurée
    .text = Adressez-vous à l'exploitant de ce service.

problem-unavailable =
    .title = Le service ne peut pas répondre pour le moment
    .text = Réessayez dans quelques secondes.

problem-internal =
    .title = Une erreur s'est produite de notre côté
    .text = Réessayez. Si cela se reproduit, adressez-vous à l'exploitant de ce service.

problem-password-length =
    .title = Ce mot de passe ne peut pas être utilisé
    .text = Le mot de passe est trop court ou trop long.

problem-password-guessable =
    .title = Ce mot de passe est trop facile à deviner
    .text = Ce mot de passe est l'un de ceux qui seraient essayés en premier. Choisissez plusieurs mots sans rapport entre eux, ou laissez un programme en générer un.

problem-salesforce-host =
    .title = Cette adresse n'appartient pas à Salesforce
    .text = Indiquez votre adresse My Domain, par exemple acme.my.salesforce.com.

problem-other =
    .title = Cela n'a pas fonctionné
    .text = Ce qui s'est passé (en anglais) : { $detail }
