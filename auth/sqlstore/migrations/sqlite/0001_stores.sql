-- The names below begin with the default prefix, which is replaced by the one in use.
--
-- All times are microseconds since 1970-01-01 UTC; NULL means "not". Texts are compared byte by byte.

CREATE TABLE latchkey_schema (
	version INTEGER PRIMARY KEY -- one row for each migration that was applied
) STRICT;

-- The log of changes. Its highest revision is the revision of the whole. A row without an id says that something
-- else than a key was changed. Old rows are dropped now and then, from the lower end.
CREATE TABLE latchkey_changes (
	revision INTEGER PRIMARY KEY, -- one more than the highest, by itself
	id       TEXT NOT NULL,
	space    TEXT NOT NULL
) STRICT;
INSERT INTO latchkey_changes (id, space) VALUES ('', '');

CREATE TABLE latchkey_state (
	only_row       INTEGER PRIMARY KEY DEFAULT 1 CHECK (only_row = 1),
	roles_revision INTEGER NOT NULL DEFAULT 1 -- moved by changes of roles alone
) STRICT;
INSERT INTO latchkey_state DEFAULT VALUES;

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
CREATE UNIQUE INDEX latchkey_keys_digest ON latchkey_keys (digest, space);
CREATE UNIQUE INDEX latchkey_keys_previous ON latchkey_keys (previous, space) WHERE previous IS NOT NULL;
CREATE UNIQUE INDEX latchkey_keys_foreign_id ON latchkey_keys (foreign_id, space) WHERE foreign_id <> '';
CREATE INDEX latchkey_keys_space ON latchkey_keys (space, id);
CREATE INDEX latchkey_keys_user_id ON latchkey_keys (user_id, space, id) WHERE user_id <> '';
CREATE INDEX latchkey_keys_role ON latchkey_keys (role, space, id) WHERE role <> '';

CREATE TABLE latchkey_roles (
	appid       TEXT NOT NULL PRIMARY KEY,
	name        TEXT NOT NULL,
	info        TEXT NOT NULL,
	permissions TEXT NOT NULL, -- JSON object of true and false
	inherits    TEXT NOT NULL  -- JSON array of appids
) STRICT;

CREATE TABLE latchkey_public_api (
	only_row   INTEGER PRIMARY KEY DEFAULT 1 CHECK (only_row = 1),
	role       TEXT NOT NULL DEFAULT '', -- '' is closed
	changed_at INTEGER,
	changed_by TEXT NOT NULL DEFAULT '',
	revision   INTEGER NOT NULL DEFAULT 0 -- of this setting alone
) STRICT;
INSERT INTO latchkey_public_api DEFAULT VALUES;

-- What follows holds for every way of changing a row, an operator's own statements included.

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
-- A role that is gone leaves its keys without a role, and closes the public API if it was its role.
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
