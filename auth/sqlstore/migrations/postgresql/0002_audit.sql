-- The audit log. A record is added and never changed. It does not change the revision, because no node caches it.

CREATE TABLE latchkey_audit (
	id         text COLLATE "C" PRIMARY KEY,
	space      text COLLATE "C" NOT NULL,
	at         bigint NOT NULL,
	actor      text COLLATE "C" NOT NULL,
	actor_name text COLLATE "C" NOT NULL,
	action     text COLLATE "C" NOT NULL,
	object     text COLLATE "C" NOT NULL,
	peer       text COLLATE "C" NOT NULL, -- the address that asked for it
	old_values text COLLATE "C",          -- JSON object
	new_values text COLLATE "C"           -- JSON object
);
CREATE INDEX latchkey_audit_space ON latchkey_audit (space, id);
CREATE INDEX latchkey_audit_at ON latchkey_audit (space, at, id);
CREATE INDEX latchkey_audit_actor ON latchkey_audit (space, actor, id);
CREATE INDEX latchkey_audit_action ON latchkey_audit (space, action, id);
CREATE INDEX latchkey_audit_object ON latchkey_audit (space, object, id);

CREATE TRIGGER latchkey_update_audit BEFORE UPDATE ON latchkey_audit
	FOR EACH ROW EXECUTE FUNCTION latchkey_refuse('a record of the audit log does not change');
CREATE TRIGGER latchkey_truncate BEFORE TRUNCATE ON latchkey_audit
	FOR EACH STATEMENT EXECUTE FUNCTION latchkey_refuse('TRUNCATE would empty the audit log; use DELETE');
