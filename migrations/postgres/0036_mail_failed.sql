-- A message whose job is a dead letter.
ALTER TABLE mail_messages DROP CONSTRAINT mail_messages_status_check;
ALTER TABLE mail_messages ADD CONSTRAINT mail_messages_status_check
    CHECK (status IN ('queued', 'sending', 'sent', 'unconfirmed', 'refused', 'ran_out', 'cancelled', 'failed'));
