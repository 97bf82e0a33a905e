package users

import "github.com/latchkey-go/latchkey/auth/sqlstore"

// Schema returns the statements that create missing tables, and the triggers that clear deleted roles. The library's
// own tables must exist, under their default prefix.
func Schema(d sqlstore.Dialect) string {
	if d == sqlstore.PostgreSQL {
		return tables + postgresTriggers
	}
	return tables + sqliteTriggers
}

// Passwords have a table of their own, so that no query for users reads one.
const tables = `
CREATE TABLE IF NOT EXISTS cms_users (
	id     TEXT NOT NULL PRIMARY KEY,
	login  TEXT NOT NULL,
	name   TEXT NOT NULL,
	role   TEXT NOT NULL,
	active INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS cms_users_role ON cms_users (role);
CREATE TABLE IF NOT EXISTS cms_passwords (
	login    TEXT NOT NULL PRIMARY KEY,
	user_id  TEXT NOT NULL UNIQUE,
	password TEXT NOT NULL,   -- argon2id, with its parameters and salt
	epoch    INTEGER NOT NULL -- sessions of an earlier one are over
);
`

// When a role is deleted, its users lose it in the same transaction, however it is deleted: by the console, by a key,
// or by an operator's statement. A new role also starts without users, whatever a row says: otherwise choosing its
// appid would grant it to users.
const (
	sqliteTriggers = `
CREATE TRIGGER IF NOT EXISTS cms_users_role_deleted AFTER DELETE ON latchkey_roles BEGIN
	UPDATE cms_users SET role = '' WHERE role = OLD.appid;
END;
CREATE TRIGGER IF NOT EXISTS cms_users_role_made AFTER INSERT ON latchkey_roles BEGIN
	UPDATE cms_users SET role = '' WHERE role = NEW.appid;
END;
`
	postgresTriggers = `
CREATE OR REPLACE FUNCTION cms_users_without_role() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF TG_OP = 'DELETE' THEN
		UPDATE cms_users SET role = '' WHERE role = OLD.appid;
	ELSE
		UPDATE cms_users SET role = '' WHERE role = NEW.appid;
	END IF;
	RETURN NULL;
END $$;
DO $$ BEGIN
	IF NOT EXISTS (SELECT FROM pg_trigger WHERE tgname = 'cms_users_role' AND tgrelid = 'latchkey_roles'::regclass) THEN
		CREATE TRIGGER cms_users_role AFTER INSERT OR DELETE ON latchkey_roles
			FOR EACH ROW EXECUTE FUNCTION cms_users_without_role();
	END IF;
END $$;
`
)
