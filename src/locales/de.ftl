### German.

## Mails

date-and-time =
    { $day }. { $month ->
        [1] Januar
        [2] Februar
        [3] März
        [4] April
        [5] Mai
        [6] Juni
        [7] Juli
        [8] August
        [9] September
        [10] Oktober
        [11] November
       *[12] Dezember
    } { $year }, { $time } UTC

mail =
    .greeting = Guten Tag,
    .link-works-until = Der Link funktioniert einmal, bis { $until }.

inviter =
    .named = { $name }
    .marketo-admin = Ihr Marketo-Administrator
    .admin = Ein Administrator

invitation-mail =
    .subject = Einladung zu { $instance } in Sales Insight Actions
    .invited = { $inviter } hat Sie zu { $instance } in Sales Insight Actions eingeladen.
    .open-link = Öffnen Sie diesen Link, um Ihr Konto zu aktivieren:
    .unexpected = Wenn Sie diese Nachricht nicht erwartet haben, ignorieren Sie sie: Es geschieht nichts, solange der Link nicht benutzt wird.

password-reset-mail =
    .subject = Ein neues Passwort für { $instance } in Sales Insight Actions
    .requested = für Ihr Konto bei { $instance } in Sales Insight Actions wurde ein neues Passwort angefordert.
    .open-link = Öffnen Sie diesen Link, um eines zu wählen:
    .unexpected = Wenn Sie das nicht waren, ignorieren Sie diese Nachricht: Ihr Passwort bleibt, wie es ist.

sync-complete-mail =
    .subject = Die Personensynchronisierung von { $instance } ist abgeschlossen
    .ending = die Personensynchronisierung von { $instance } ist abgeschlossen.

sync-failed-mail =
    .subject = Die Personensynchronisierung von { $instance } ist fehlgeschlagen
    .ending = die Personensynchronisierung von { $instance } ist fehlgeschlagen.
    .what = Was geschehen ist (auf Englisch): { $what }
    .remedy = Was zu tun ist (auf Englisch): { $remedy }

sync-notice-mail =
    .run = Lauf { $run }
    .read = Aus Marketo gelesen: { $count }
    .qualified = Qualifiziert: { $count }
    .added = Hinzugefügt: { $count }
    .changed = Geändert: { $count }
    .unchanged = Unverändert: { $count }
    .removed = Entfernt: { $count }
    .rejected = Nicht verwendbare Zeilen: { $count }

## Pages

activation-page =
    .title = Aktivieren Sie Ihr Konto bei { $instance }
    .invited = { $email } wurde zu { $instance } in Sales Insight Actions eingeladen.
    .log-in-as = Melden Sie sich bei Salesforce als der Benutzer an, dessen E-Mail-Adresse { $email } ist.
    .log-in-production = Mit Salesforce anmelden
    .log-in-sandbox = Mit einer Salesforce-Sandbox anmelden
    .log-in-my-domain = Mit My Domain anmelden
    .my-domain-label = My Domain, zum Beispiel acme.my.salesforce.com
    .password-label = Oder wählen Sie ein Passwort mit mindestens { $shortest } Zeichen
    .use-password = Mit diesem Passwort aktivieren

activated-page =
    .title = Ihr Konto ist aktiv
    .text = Sie sind als { $email } angemeldet. Sie können dieses Fenster schließen.

password-reset-page =
    .title = Wählen Sie ein neues Passwort
    .text = Für { $email }. Sie werden überall abgemeldet und melden sich mit dem neuen Passwort an.
    .password-label = Ein Passwort mit mindestens { $shortest } Zeichen
    .button = Dieses Passwort setzen

password-set-page =
    .title = Ihr Passwort ist gesetzt
    .text = Melden Sie sich damit an. Überall sonst wurden Sie abgemeldet.

salesforce-connected-page =
    .title = Salesforce ist verbunden
    .text = Ein Testaufruf war erfolgreich. Sie können dieses Fenster schließen und mit der Einrichtung fortfahren.

salesforce-needs-attention-page =
    .title = Salesforce braucht Ihre Aufmerksamkeit
    .text = Die Autorisierung ist abgeschlossen, aber ein Testaufruf ist fehlgeschlagen (auf Englisch):

## Problems

problem-link-unknown =
    .title = Dieser Aktivierungslink ist nicht bekannt
    .text = Benutzen Sie den Link der neuesten Einladungsnachricht unverändert.

problem-link-used =
    .title = Dieser Aktivierungslink wurde bereits benutzt
    .text = Wenn Sie es waren, melden Sie sich an.

problem-link-expired =
    .title = Dieser Aktivierungslink ist abgelaufen
    .text = Bitten Sie die Person, die Sie eingeladen hat, um eine neue Einladung.

problem-link-revoked =
    .title = Diese Einladung wurde zurückgezogen
    .text = Wenden Sie sich an die Person, die Sie eingeladen hat, wenn Sie das für einen Irrtum halten.

problem-link-replaced =
    .title = Ein neuerer Link hat diesen ersetzt
    .text = Eine neuere Nachricht enthält einen anderen Link, der funktioniert. Öffnen Sie diesen.

problem-password-activation-off =
    .title = Diese Art der Aktivierung ist ausgeschaltet
    .text = Melden Sie sich bei Salesforce an, um Ihr Konto zu aktivieren.

problem-email-mismatch =
    .title = Der Salesforce-Benutzer hat eine andere E-Mail-Adresse
    .text = Die Einladung ging an eine andere Adresse. Melden Sie sich bei Salesforce als der Benutzer an, dessen E-Mail-Adresse eingeladen wurde, und öffnen Sie den Link dann noch einmal.

problem-reset-link-unusable =
    .title = Der Link kann nicht verwendet werden
    .text = Er ist nicht bekannt, wurde bereits benutzt oder ist älter als eine Stunde. Fordern Sie einen neuen an.

problem-password-login-off =
    .title = Die Anmeldung mit Passwort ist ausgeschaltet
    .text = Hier ist nur die Anmeldung über Salesforce erlaubt. Melden Sie sich bei Salesforce an.

problem-authorization-state-invalid =
    .title = Diese Autorisierung kann nicht abgeschlossen werden
    .text = Sie wurde nicht in diesem Browser begonnen, ist bereits abgeschlossen oder älter als zehn Minuten. Beginnen Sie noch einmal.

problem-session-required =
    .title = Melden Sie sich zuerst an
    .text = Diese Autorisierung gehört einem Mitglied, das in diesem Browser nicht angemeldet ist. Melden Sie sich hier an und beginnen Sie noch einmal.

problem-authorization-denied =
    .title = Die Autorisierung wurde abgelehnt
    .text = Beginnen Sie noch einmal, wenn Sie sie erteilen möchten. Der Grund (auf Englisch): { $detail }

problem-salesforce-not-configured =
    .title = Die Salesforce-App dieses Dienstes ist nicht eingerichtet
    .text = Wenden Sie sich an den Betreiber dieses Dienstes.

problem-unavailable =
    .title = Der Dienst kann gerade nicht antworten
    .text = Versuchen Sie es in einigen Sekunden noch einmal.

problem-internal =
    .title = Bei uns ist etwas schiefgegangen
    .text = Versuchen Sie es noch einmal. Wenn es wieder geschieht, wenden Sie sich an den Betreiber dieses Dienstes.

problem-password-length =
    .title = Dieses Passwort kann nicht verwendet werden
    .text = Das Passwort ist zu kurz oder zu lang.

problem-password-guessable =
    .title = Dieses Passwort ist zu leicht zu erraten
    .text = Dieses Passwort gehört zu denen, die zuerst versucht würden. Nehmen Sie mehrere Wörter, die nichts miteinander zu tun haben, oder lassen Sie ein Programm eines erzeugen.

problem-salesforce-host =
    .title = Diese Adresse gehört nicht zu Salesforce
    .text = Geben Sie Ihre My-Domain-Adresse an, zum Beispiel acme.my.salesforce.com.

problem-other =
    .title = Das hat nicht funktioniert
    .text = Was geschehen ist (auf Englisch): { $detail }
