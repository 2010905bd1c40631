### English: what the other languages are translated from, and what is shown where one of them lacks a text. A text stands on one line.

## Mails

# In UTC; $month is its number.
date-and-time =
    { $day } { $month ->
        [1] January
        [2] February
        [3] March
        [4] April
        [5] May
        [6] June
        [7] July
        [8] August
        [9] September
        [10] October
        [11] November
       *[12] December
    } { $year }, { $time } UTC

mail =
    .greeting = Hello,
    .link-works-until = The link works once, until { $until }.

# Who invited, in the sentence of the invitation.
inviter =
    .named = { $name }
    .marketo-admin = Your Marketo administrator
    .admin = An administrator

invitation-mail =
    .subject = You are invited to { $instance } in Sales Insight Actions
    .invited = { $inviter } invited you to { $instance } in Sales Insight Actions.
    .open-link = Open this link to activate your account:
    .unexpected = If you did not expect this message, ignore it: nothing happens until the link is used.

password-reset-mail =
    .subject = A new password for { $instance } in Sales Insight Actions
    .requested = somebody asked for a new password for your account of { $instance } in Sales Insight Actions.
    .open-link = Open this link to choose one:
    .unexpected = If it was not you, ignore this message: your password stays as it is.

sync-complete-mail =
    .subject = The people sync of { $instance } is complete
    .ending = the people sync of { $instance } is complete.

# $what and $remedy are in English: much of them is the vendors' own words.
sync-failed-mail =
    .subject = The people sync of { $instance } failed
    .ending = the people sync of { $instance } failed.
    .what = What happened: { $what }
    .remedy = What to do: { $remedy }

# The name comes before the figure, so that no language has to bend it to the number.
sync-notice-mail =
    .run = Run { $run }
    .read = Read from Marketo: { $count }
    .qualified = Qualified: { $count }
    .added = Added: { $count }
    .changed = Changed: { $count }
    .unchanged = Unchanged: { $count }
    .removed = Removed: { $count }
    .rejected = Rows that could not be used: { $count }

## Pages

activation-page =
    .title = Activate your account of { $instance }
    .invited = { $email } was invited to { $instance } in Sales Insight Actions.
    .log-in-as = Log in to Salesforce as the user whose e-mail address is { $email }.
    .log-in-production = Log in with Salesforce
    .log-in-sandbox = Log in with a Salesforce sandbox
    .log-in-my-domain = Log in with My Domain
    .my-domain-label = My Domain, for example acme.my.salesforce.com
    .password-label = Or choose a password of at least { $shortest } characters
    .use-password = Activate with this password

activated-page =
    .title = Your account is active
    .text = You are logged in as { $email }. You can close this window.

password-reset-page =
    .title = Choose a new password
    .text = For { $email }. You are logged out everywhere, and log in with the new password.
    .password-label = A password of at least { $shortest } characters
    .button = Set this password

password-set-page =
    .title = Your password is set
    .text = Log in with it. You were logged out everywhere else.

salesforce-connected-page =
    .title = Salesforce is connected
    .text = A test call succeeded. You can close this window and go on with the set-up.

# What Salesforce said follows, in English.
salesforce-needs-attention-page =
    .title = Salesforce needs attention
    .text = The authorization is complete, but a test call failed:

## Problems
## English pages repeat what the problem itself says, in $title and $detail. The comments tell what the other languages say.

# No invitation has this link. Use the one in the newest invitation mail, unchanged.
problem-link-unknown =
    .title = { $title }
    .text = { $detail }

# The link of the invitation was used before. If it was you, log in.
problem-link-used =
    .title = { $title }
    .text = { $detail }

# The link of the invitation is too old. Ask whoever invited you for a new one.
problem-link-expired =
    .title = { $title }
    .text = { $detail }

# The invitation was taken back. If that seems wrong, ask whoever invited you.
problem-link-revoked =
    .title = { $title }
    .text = { $detail }

# A newer mail holds another link, which works.
problem-link-replaced =
    .title = { $title }
    .text = { $detail }

# Only a login at Salesforce activates.
problem-password-activation-off =
    .title = { $title }
    .text = { $detail }

# Another person has logged in at Salesforce than was invited.
problem-email-mismatch =
    .title = { $title }
    .text = { $detail }

# The link for a new password is unknown, used or older than an hour.
problem-reset-link-unusable =
    .title = { $title }
    .text = { $detail }

# Only a login at Salesforce is allowed.
problem-password-login-off =
    .title = { $title }
    .text = { $detail }

# The authorization was begun in another browser, is complete, or is older than ten minutes.
problem-authorization-state-invalid =
    .title = { $title }
    .text = { $detail }

# A member's own authorization, in a browser where that member is not logged in.
problem-session-required =
    .title = { $title }
    .text = { $detail }

# The authorization was denied at Salesforce. Begin again to grant it. $detail: Salesforce's reason, in English.
problem-authorization-denied =
    .title = { $title }
    .text = { $detail }

# This service has no Salesforce app. Its operator can set one up.
problem-salesforce-not-configured =
    .title = { $title }
    .text = { $detail }

# The service can't answer right now. Try again in some seconds.
problem-unavailable =
    .title = { $title }
    .text = { $detail }

# Something went wrong on our side. Try again; if it happens again, ask the operator.
problem-internal =
    .title = { $title }
    .text = { $detail }

# The password is too short or too long.
problem-password-length =
    .title = { $title }
    .text = { $detail }

# The password is among those tried first. Take several unrelated words, or let a program make one.
problem-password-guessable =
    .title = { $title }
    .text = { $detail }

# The address is not Salesforce's. Give your My Domain, for example acme.my.salesforce.com.
problem-salesforce-host =
    .title = { $title }
    .text = { $detail }

# Whatever else. $detail: what happened, in English.
problem-other =
    .title = { $title }
    .text = { $detail }
