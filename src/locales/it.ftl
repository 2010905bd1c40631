### Italian.

## Mails

date-and-time =
    { $day } { $month ->
        [1] gennaio
        [2] febbraio
        [3] marzo
        [4] aprile
        [5] maggio
        [6] giugno
        [7] luglio
        [8] agosto
        [9] settembre
        [10] ottobre
        [11] novembre
       *[12] dicembre
    } { $year }, { $time } UTC

mail =
    .greeting = Buongiorno,
    .link-works-until = Il link funziona una sola volta, fino al { $until }.

inviter =
    .named = { $name }
    .marketo-admin = L'amministratore di Marketo
    .admin = Un amministratore

invitation-mail =
    .subject = Invito a { $instance } in Sales Insight Actions
    .invited = { $inviter } ti ha invitato a { $instance } in Sales Insight Actions.
    .open-link = Apri questo link per attivare il tuo account:
    .unexpected = Se non ti aspettavi questo messaggio, ignoralo: non succede nulla finché il link non viene usato.

password-reset-mail =
    .subject = Una nuova password per { $instance } in Sales Insight Actions
    .requested = è stata richiesta una nuova password per il tuo account di { $instance } in Sales Insight Actions.
    .open-link = Apri questo link per sceglierla:
    .unexpected = Se non sei stato tu, ignora questo messaggio: la tua password resta invariata.

sync-complete-mail =
    .subject = La sincronizzazione delle persone di { $instance } è completa
    .ending = la sincronizzazione delle persone di { $instance } è completa.

sync-failed-mail =
    .subject = La sincronizzazione delle persone di { $instance } non è riuscita
    .ending = la sincronizzazione delle persone di { $instance } non è riuscita.
    .what = Che cosa è successo (in inglese): { $what }
    .remedy = Che cosa fare (in inglese): { $remedy }

sync-notice-mail =
    .run = Esecuzione { $run }
    .read = Lette da Marketo: { $count }
    .qualified = Qualificate: { $count }
    .added = Aggiunte: { $count }
    .changed = Modificate: { $count }
    .unchanged = Invariate: { $count }
    .removed = Rimosse: { $count }
    .rejected = Righe non utilizzabili: { $count }

## Pages

activation-page =
    .title = Attiva il tuo account di { $instance }
    .invited = { $email } ha ricevuto un invito a { $instance } in Sales Insight Actions.
    .log-in-as = Accedi a Salesforce con l'utente il cui indirizzo e-mail è { $email }.
    .log-in-production = Accedi con Salesforce
    .log-in-sandbox = Accedi con una sandbox di Salesforce
    .log-in-my-domain = Accedi con My Domain
    .my-domain-label = My Domain, per esempio acme.my.salesforce.com
    .password-label = Oppure scegli una password di almeno { $shortest } caratteri
    .use-password = Attiva con questa password

activated-page =
    .title = Il tuo account è attivo
    .text = Hai effettuato l'accesso come { $email }. Puoi chiudere questa finestra.

password-reset-page =
    .title = Scegli una nuova password
    .text = Per { $email }. La tua sessione verrà chiusa ovunque e accederai con la nuova password.
    .password-label = Una password di almeno { $shortest } caratteri
    .button = Imposta questa password

password-set-page =
    .title = La tua password è impostata
    .text = Usala per accedere. In tutti gli altri luoghi la tua sessione è stata chiusa.

salesforce-connected-page =
    .title = Salesforce è connesso
    .text = Una chiamata di prova è riuscita. Puoi chiudere questa finestra e continuare con la configurazione.

salesforce-needs-attention-page =
    .title = Salesforce richiede attenzione
    .text = L'autorizzazione è completa, ma una chiamata di prova non è riuscita (in inglese):

## Problems

problem-link-unknown =
    .title = Questo link di attivazione non è noto
    .text = Usa senza modifiche il link del messaggio di invito più recente.

problem-link-used =
    .title = Questo link di attivazione è già stato usato
    .text = Se sei stato tu, accedi.

problem-link-expired =
    .title = Questo link di attivazione è scaduto
    .text = Chiedi un nuovo invito alla persona che ti ha invitato.

problem-link-revoked =
    .title = Questo invito è stato revocato
    .text = Se pensi che sia un errore, chiedi alla persona che ti ha invitato.

problem-link-replaced =
    .title = Un link più recente ha sostituito questo
    .text = Un messaggio più recente contiene un altro link, che è quello che funziona. Apri quello.

problem-password-activation-off =
    .title = Questo modo di attivazione è disattivato
    .text = Accedi a Salesforce per attivare il tuo account.

problem-email-mismatch =
    .title = L'utente di Salesforce ha un altro indirizzo e-mail
    .text = L'invito è stato inviato a un altro indirizzo. Accedi a Salesforce con l'utente il cui indirizzo e-mail è stato invitato, poi apri di nuovo il link.

problem-reset-link-unusable =
    .title = Il link non può essere usato
    .text = Non è noto, è già stato usato o ha più di un'ora. Richiedine un altro.

problem-password-login-off =
    .title = L'accesso con password è disattivato
    .text = Qui è consentito solo l'accesso con Salesforce. Accedi a Salesforce.

problem-authorization-state-invalid =
    .title = Questa autorizzazione non può essere completata
    .text = Non è stata iniziata in questo browser, è già stata completata o ha più di dieci minuti. Ricomincia.

problem-session-required =
    .title = Accedi prima
    .text = Questa autorizzazione appartiene a un membro che non ha effettuato l'accesso in questo browser. Accedi qui e ricomincia.

problem-authorization-denied =
    .title = L'autorizzazione è stata rifiutata
    .text = Ricomincia se vuoi concederla. Il motivo (in inglese): { $detail }

problem-salesforce-not-configured =
    .title = L'app Salesforce di questo servizio non è configurata
    .text = Rivolgiti al gestore di questo servizio.

problem-unavailable =
    .title = Il servizio non può rispondere in questo momento
    .text = Riprova tra qualche secondo.

problem-internal =
    .title = Si è verificato un errore da parte nostra
    .text = Riprova. Se succede di nuovo, rivolgiti al gestore di questo servizio.

problem-password-length =
    .title = Questa password non può essere usata
    .text = La password è troppo corta o troppo lunga.

problem-password-guessable =
    .title = Questa password è troppo facile da indovinare
    .text = Questa password è una di quelle che verrebbero provate per prime. Scegli più parole che non hanno nulla in comune, o fai generare una password da un programma.

problem-salesforce-host =
    .title = Questo indirizzo non appartiene a Salesforce
    .text = Indica il tuo indirizzo My Domain, per esempio acme.my.salesforce.com.

problem-other =
    .title = Non ha funzionato
    .text = Che cosa è successo (in inglese): { $detail }
