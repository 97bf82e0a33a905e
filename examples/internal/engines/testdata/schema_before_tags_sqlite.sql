BEGIN TRANSACTION;
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
INSERT INTO "latchkey_audit" VALUES('019b7630-0000-7000-8000-000000000001','',1767225700000000,'ada','Ada','public.set','public','192.0.2.1','{"role":""}','{"role":"editor"}');
CREATE TABLE latchkey_changes (
	revision INTEGER PRIMARY KEY, -- one more than the highest, by itself
	id       TEXT NOT NULL,
	space    TEXT NOT NULL
) STRICT;
INSERT INTO "latchkey_changes" VALUES(1,'','');
INSERT INTO "latchkey_changes" VALUES(2,'0198c0de-0000-7000-8000-000000000001','');
INSERT INTO "latchkey_changes" VALUES(3,'0198c0de-0000-7000-8000-000000000002','');
INSERT INTO "latchkey_changes" VALUES(4,'0198c0de-0000-7000-8000-000000000003','');
INSERT INTO "latchkey_changes" VALUES(5,'0198c0de-0000-7000-8000-000000000002','');
INSERT INTO "latchkey_changes" VALUES(6,'','');
INSERT INTO "latchkey_changes" VALUES(7,'','');
CREATE TABLE latchkey_keys (
	id             TEXT NOT NULL PRIMARY KEY,
	space          TEXT NOT NULL,
	kind           TEXT NOT NULL, -- user or custom
	name           TEXT NOT NULL,
	user_id        TEXT NOT NULL,
	role           TEXT NOT NULL,
	foreign_id     TEXT NOT NULL,
	scopes         TEXT NOT NULL, -- JSON array of patterns
	allowed_ips    TEXT NOT NULL, -- JSON array of networks
	hint           TEXT NOT NULL,
	digest         TEXT NOT NULL, -- algorithm, a colon, 64 lower-case hex digits
	legacy         INTEGER NOT NULL,
	weak           INTEGER NOT NULL,
	sole           INTEGER NOT NULL,
	generation     INTEGER NOT NULL,
	created_at     INTEGER,
	created_by     TEXT NOT NULL,
	refreshed_at   INTEGER,
	expires_at     INTEGER,
	disabled_at    INTEGER,
	invalidated_at INTEGER,
	last_used_at   INTEGER,
	previous       TEXT,
	previous_until INTEGER,
	overlap        INTEGER NOT NULL -- nanoseconds
) STRICT;
INSERT INTO "latchkey_keys" VALUES('0198c0de-0000-7000-8000-000000000001','','custom','old','','editor','','[]','[]','','sha256:227ba5f2c6c9109fe5c44a0696f393379607493a377f522ee27d9a7ae3227d89',0,0,0,7,1767225600000000,'user:ada',NULL,NULL,NULL,NULL,NULL,NULL,NULL,0);
INSERT INTO "latchkey_keys" VALUES('0198c0de-0000-7000-8000-000000000002','','custom','old','','editor','','[]','[]','','sha256:08f225fe08e94a5b1da2da4079fcd1a7647d375cc95624a6c6d65a6fc84b3243',0,0,0,8,1767225600000000,'user:ada',NULL,NULL,NULL,1767225700000000,NULL,NULL,NULL,0);
INSERT INTO "latchkey_keys" VALUES('0198c0de-0000-7000-8000-000000000003','','custom','old','','editor','','[]','[]','','sha256:3d3ee11c2fbf7f6a6b1e6aa16c382631ec5f1fbfc50ca3ba5a89d366d22eeaef',0,0,0,7,1767225600000000,'user:ada',NULL,NULL,NULL,NULL,NULL,NULL,NULL,0);
CREATE TABLE latchkey_public_api (
	only_row   INTEGER PRIMARY KEY DEFAULT 1 CHECK (only_row = 1),
	role       TEXT NOT NULL DEFAULT '', -- '' is closed
	changed_at INTEGER,
	changed_by TEXT NOT NULL DEFAULT '',
	revision   INTEGER NOT NULL DEFAULT 0 -- of this setting alone
) STRICT;
INSERT INTO "latchkey_public_api" VALUES(1,'editor',1767225700000000,'ada',1);
CREATE TABLE latchkey_roles (
	appid       TEXT NOT NULL PRIMARY KEY,
	name        TEXT NOT NULL,
	info        TEXT NOT NULL,
	permissions TEXT NOT NULL, -- JSON object of true and false
	inherits    TEXT NOT NULL  -- JSON array of appids
) STRICT;
INSERT INTO "latchkey_roles" VALUES('editor','Editor','','{"a/b":true}','[]');
CREATE TABLE latchkey_schema (
	version INTEGER PRIMARY KEY -- one row for each migration that was applied
) STRICT;
INSERT INTO "latchkey_schema" VALUES(1);
INSERT INTO "latchkey_schema" VALUES(2);
INSERT INTO "latchkey_schema" VALUES(3);
CREATE TABLE latchkey_state (
	only_row       INTEGER PRIMARY KEY DEFAULT 1 CHECK (only_row = 1),
	roles_revision INTEGER NOT NULL DEFAULT 1 -- moved by changes of roles alone
) STRICT;
INSERT INTO "latchkey_state" VALUES(1,2);
CREATE UNIQUE INDEX latchkey_keys_digest ON latchkey_keys (digest, space);
CREATE UNIQUE INDEX latchkey_keys_previous ON latchkey_keys (previous, space) WHERE previous IS NOT NULL;
CREATE UNIQUE INDEX latchkey_keys_foreign_id ON latchkey_keys (foreign_id, space) WHERE foreign_id <> '';
CREATE INDEX latchkey_keys_space ON latchkey_keys (space, id);
CREATE INDEX latchkey_keys_user_id ON latchkey_keys (user_id, space, id) WHERE user_id <> '';
CREATE INDEX latchkey_keys_role ON latchkey_keys (role, space, id) WHERE role <> '';
CREATE TRIGGER latchkey_trim AFTER INSERT ON latchkey_changes WHEN NEW.revision % 997 = 0 BEGIN
	DELETE FROM latchkey_changes WHERE revision < NEW.revision - 10000;
END;
CREATE TRIGGER latchkey_insert_key AFTER INSERT ON latchkey_keys BEGIN
	INSERT INTO latchkey_changes (id, space) VALUES (NEW.id, NEW.space);
END;
CREATE TRIGGER latchkey_update_key AFTER UPDATE OF id, space, kind, name, user_id, role, foreign_id,
	scopes, allowed_ips, hint, digest, legacy, weak, sole, generation, created_at, created_by, refreshed_at, expires_at,
	disabled_at, invalidated_at, previous, previous_until, overlap ON latchkey_keys BEGIN
	INSERT INTO latchkey_changes (id, space) VALUES (NEW.id, NEW.space);
	UPDATE latchkey_keys SET generation = generation + 1 WHERE id = NEW.id AND NEW.generation = OLD.generation;
END;
CREATE TRIGGER latchkey_delete_key AFTER DELETE ON latchkey_keys BEGIN
	INSERT INTO latchkey_changes (id, space) VALUES (OLD.id, OLD.space);
END;
CREATE TRIGGER latchkey_invalidated BEFORE UPDATE OF invalidated_at ON latchkey_keys
	WHEN OLD.invalidated_at IS NOT NULL AND NEW.invalidated_at IS NOT OLD.invalidated_at BEGIN
	SELECT RAISE(ABORT, 'latchkey: a key that was invalidated stays so');
END;
CREATE TRIGGER latchkey_moved_key BEFORE UPDATE OF id, space ON latchkey_keys
	WHEN NEW.id <> OLD.id OR NEW.space <> OLD.space BEGIN
	SELECT RAISE(ABORT, 'latchkey: id and space of a key do not change');
END;
CREATE TRIGGER latchkey_insert_role AFTER INSERT ON latchkey_roles BEGIN
	INSERT INTO latchkey_changes (id, space) VALUES ('', '');
	UPDATE latchkey_state SET roles_revision = roles_revision + 1;
END;
CREATE TRIGGER latchkey_update_role AFTER UPDATE ON latchkey_roles BEGIN
	INSERT INTO latchkey_changes (id, space) VALUES ('', '');
	UPDATE latchkey_state SET roles_revision = roles_revision + 1;
END;
CREATE TRIGGER latchkey_delete_role AFTER DELETE ON latchkey_roles BEGIN
	INSERT INTO latchkey_changes (id, space) VALUES ('', '');
	UPDATE latchkey_state SET roles_revision = roles_revision + 1;
	UPDATE latchkey_keys SET role = '' WHERE role = OLD.appid AND role <> '';
	UPDATE latchkey_public_api SET role = '', revision = revision + 1,
		changed_at = CAST(unixepoch('subsec') * 1000000 AS INTEGER),
		changed_by = 'role ' || OLD.appid || ' was deleted' WHERE role = OLD.appid AND role <> '';
END;
CREATE TRIGGER latchkey_update_public_api AFTER UPDATE ON latchkey_public_api BEGIN
	INSERT INTO latchkey_changes (id, space) VALUES ('', '');
END;
CREATE INDEX latchkey_audit_space ON latchkey_audit (space, id);
CREATE INDEX latchkey_audit_at ON latchkey_audit (space, at, id);
CREATE INDEX latchkey_audit_actor ON latchkey_audit (space, actor, id);
CREATE INDEX latchkey_audit_action ON latchkey_audit (space, action, id);
CREATE INDEX latchkey_audit_object ON latchkey_audit (space, object, id);
CREATE TRIGGER latchkey_update_audit BEFORE UPDATE ON latchkey_audit BEGIN
	SELECT RAISE(ABORT, 'latchkey: a record of the audit log does not change');
END;
CREATE TRIGGER latchkey_insert_audit BEFORE INSERT ON latchkey_audit
	WHEN EXISTS (SELECT 1 FROM latchkey_audit WHERE id = NEW.id) BEGIN
	SELECT RAISE(ABORT, 'latchkey: the audit log has a record with this id');
END;
CREATE INDEX latchkey_keys_issued ON latchkey_keys (space, coalesce(refreshed_at, created_at, 0), id);
COMMIT;
