-- The audit log. A record is added and never changed. It does not change the revision, because no node caches it.

CREATE TABLE latchkey_audit (
	id         TEXT NOT NULL PRIMARY KEY,
	space      TEXT NOT NULL,
	at         INTEGER NOT NULL,
	actor      TEXT NOT NULL,
	actor_name TEXT NOT NULL,
	action     TEXT NOT NULL,
	object     TEXT NOT NULL,
	peer       TEXT NOT NULL, -- the address that asked for it
	old_values TEXT,          -- JSON object
	new_values TEXT           -- JSON object
) STRICT;
CREATE INDEX latchkey_audit_space ON latchkey_audit (space, id);
CREATE INDEX latchkey_audit_at ON latchkey_audit (space, at, id);
CREATE INDEX latchkey_audit_actor ON latchkey_audit (space, actor, id);
CREATE INDEX latchkey_audit_action ON latchkey_audit (space, action, id);
CREATE INDEX latchkey_audit_object ON latchkey_audit (space, object, id);

CREATE TRIGGER latchkey_update_audit BEFORE UPDATE ON latchkey_audit BEGIN
	SELECT RAISE(ABORT, 'latchkey: a record of the audit log does not change');
END;
-- REPLACE would delete the record that is there, without a trigger.
CREATE TRIGGER latchkey_insert_audit BEFORE INSERT ON latchkey_audit
	WHEN EXISTS (SELECT 1 FROM latchkey_audit WHERE id = NEW.id) BEGIN
	SELECT RAISE(ABORT, 'latchkey: the audit log has a record with this id');
END;
