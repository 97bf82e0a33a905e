-- The names below begin with the default prefix, and what functions name, with the default schema. Both are
-- replaced by those in use.
--
-- All times are microseconds since 1970-01-01 UTC; NULL means "not". Texts are compared byte by byte.

CREATE TABLE latchkey_schema (
	version integer PRIMARY KEY -- one row for each migration that was applied
);

-- The log of changes. Its highest revision is the revision of the whole. A row without an id says that something
-- else than a key was changed. Old rows are dropped now and then, from the lower end.
CREATE SEQUENCE latchkey_revision;
CREATE TABLE latchkey_changes (
	revision bigint NOT NULL,
	id       text COLLATE "C" NOT NULL,
	space    text COLLATE "C" NOT NULL
);
CREATE INDEX latchkey_changes_revision ON latchkey_changes (revision);
INSERT INTO latchkey_changes VALUES (nextval('latchkey_revision'), '', '');

CREATE TABLE latchkey_state (
	only_row       smallint PRIMARY KEY DEFAULT 1 CHECK (only_row = 1),
	roles_revision bigint NOT NULL DEFAULT 1 -- moved by changes of roles alone
);
INSERT INTO latchkey_state DEFAULT VALUES;

CREATE TABLE latchkey_keys (
	id             text COLLATE "C" PRIMARY KEY,
	space          text COLLATE "C" NOT NULL,
	kind           text COLLATE "C" NOT NULL, -- user or custom
	name           text COLLATE "C" NOT NULL,
	user_id        text COLLATE "C" NOT NULL,
	role           text COLLATE "C" NOT NULL,
	foreign_id     text COLLATE "C" NOT NULL,
	scopes         text COLLATE "C" NOT NULL, -- JSON array of patterns
	allowed_ips    text COLLATE "C" NOT NULL, -- JSON array of networks
	hint           text COLLATE "C" NOT NULL,
	digest         text COLLATE "C" NOT NULL, -- algorithm, a colon, 64 lower-case hex digits
	legacy         smallint NOT NULL,
	weak           smallint NOT NULL,
	sole           smallint NOT NULL,
	generation     bigint NOT NULL,
	created_at     bigint,
	created_by     text COLLATE "C" NOT NULL,
	refreshed_at   bigint,
	expires_at     bigint,
	disabled_at    bigint,
	invalidated_at bigint,
	last_used_at   bigint,
	previous       text COLLATE "C",
	previous_until bigint,
	overlap        bigint NOT NULL -- nanoseconds
) WITH (fillfactor = 85); -- room for last-used times beside the row they replace
CREATE UNIQUE INDEX latchkey_keys_digest ON latchkey_keys (digest, space);
CREATE UNIQUE INDEX latchkey_keys_previous ON latchkey_keys (previous, space) WHERE previous IS NOT NULL;
CREATE UNIQUE INDEX latchkey_keys_foreign_id ON latchkey_keys (foreign_id, space) WHERE foreign_id <> '';
CREATE INDEX latchkey_keys_space ON latchkey_keys (space, id);
CREATE INDEX latchkey_keys_user_id ON latchkey_keys (user_id, space, id) WHERE user_id <> '';
CREATE INDEX latchkey_keys_role ON latchkey_keys (role, space, id) WHERE role <> '';

CREATE TABLE latchkey_roles (
	appid       text COLLATE "C" PRIMARY KEY,
	name        text COLLATE "C" NOT NULL,
	info        text COLLATE "C" NOT NULL,
	permissions text COLLATE "C" NOT NULL, -- JSON object of true and false
	inherits    text COLLATE "C" NOT NULL  -- JSON array of appids
);

CREATE TABLE latchkey_public_api (
	only_row   smallint PRIMARY KEY DEFAULT 1 CHECK (only_row = 1),
	role       text COLLATE "C" NOT NULL DEFAULT '', -- '' is closed
	changed_at bigint,
	changed_by text COLLATE "C" NOT NULL DEFAULT '',
	revision   bigint NOT NULL DEFAULT 0 -- of this setting alone
);
INSERT INTO latchkey_public_api DEFAULT VALUES;

-- What follows holds for every way of changing a row, an operator's own statements included.

-- A transaction that changes a row holds one lock from before its first row until commit. So changes become visible in
-- the order of their revisions, a trigger reads what others have committed, and transactions do not deadlock.
CREATE FUNCTION latchkey_lock() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	PERFORM pg_advisory_xact_lock(hashtextextended('public.latchkey_changes', 0));
END $$;

-- Moves the revision for something else than a key, and tells listeners when that is committed.
CREATE FUNCTION latchkey_touch() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	PERFORM public.latchkey_lock();
	INSERT INTO public.latchkey_changes (revision, id, space) VALUES (nextval('public.latchkey_revision'), '', '');
	PERFORM pg_notify('latchkey_changes', currval('public.latchkey_revision')::text);
END $$;

CREATE FUNCTION latchkey_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	PERFORM public.latchkey_touch();
	RETURN NULL;
END $$;
CREATE FUNCTION latchkey_change_roles() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	PERFORM public.latchkey_touch();
	UPDATE public.latchkey_state SET roles_revision = roles_revision + 1;
	RETURN NULL;
END $$;
-- Before the first of some keys is changed: takes the lock, and the revision that they will have in common. It
-- counts only if there is such a key. An IF costs less than PERFORM, and every refresh comes by here.
CREATE FUNCTION latchkey_change_keys() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF pg_advisory_xact_lock(hashtextextended('public.latchkey_changes', 0)) IS NULL THEN END IF;
	IF pg_notify('latchkey_changes', nextval('public.latchkey_revision')::text) IS NULL THEN END IF;
	IF currval('public.latchkey_revision') % 997 = 0 THEN
		DELETE FROM public.latchkey_changes WHERE revision < currval('public.latchkey_revision') - 10000;
	END IF;
	RETURN NULL;
END $$;
CREATE FUNCTION latchkey_use() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	PERFORM public.latchkey_lock();
	RETURN NULL;
END $$;
CREATE TRIGGER latchkey_change_keys BEFORE INSERT OR DELETE OR UPDATE OF id, space, kind, name, user_id, role, foreign_id,
	scopes, allowed_ips, hint, digest, legacy, weak, sole, generation, created_at, created_by, refreshed_at, expires_at,
	disabled_at, invalidated_at, previous, previous_until, overlap ON latchkey_keys
	FOR EACH STATEMENT EXECUTE FUNCTION latchkey_change_keys();
CREATE TRIGGER latchkey_use BEFORE UPDATE OF last_used_at ON latchkey_keys
	FOR EACH STATEMENT EXECUTE FUNCTION latchkey_use();
CREATE TRIGGER latchkey_change_roles BEFORE INSERT OR DELETE OR UPDATE ON latchkey_roles
	FOR EACH STATEMENT EXECUTE FUNCTION latchkey_change_roles();
CREATE TRIGGER latchkey_change BEFORE INSERT OR DELETE OR UPDATE ON latchkey_public_api
	FOR EACH STATEMENT EXECUTE FUNCTION latchkey_change();

-- One key: it goes to the log, unless one of its digests is another key's. Each of the two has an index that keeps it
-- unique, but none keeps one from being the other of another key. Every refresh comes by here, so what few changes
-- need has triggers with conditions of their own.
CREATE FUNCTION latchkey_change_key() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO public.latchkey_changes (revision, id, space) SELECT currval('public.latchkey_revision'), NEW.id, NEW.space
		WHERE NOT EXISTS (SELECT FROM public.latchkey_keys WHERE previous = NEW.digest AND space || '' = NEW.space AND id <> NEW.id);
	IF NOT FOUND THEN
		RAISE unique_violation USING MESSAGE = 'latchkey: the digest is taken';
	END IF;
	RETURN NEW;
END $$;
CREATE FUNCTION latchkey_change_previous() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF EXISTS (SELECT FROM public.latchkey_keys WHERE digest = NEW.previous AND space || '' = NEW.space AND id <> NEW.id) THEN
		RAISE unique_violation USING MESSAGE = 'latchkey: the digest is taken';
	END IF;
	RETURN NEW;
END $$;
CREATE FUNCTION latchkey_insert_sole() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF EXISTS (SELECT FROM public.latchkey_keys WHERE user_id = NEW.user_id AND user_id <> '' AND space || '' = NEW.space
			AND invalidated_at IS NULL AND id <> NEW.id) THEN
		RAISE unique_violation USING MESSAGE = 'latchkey: the user has a key';
	END IF;
	RETURN NEW;
END $$;
CREATE FUNCTION latchkey_delete_key() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO public.latchkey_changes (revision, id, space) VALUES (currval('public.latchkey_revision'), OLD.id, OLD.space);
	RETURN OLD;
END $$;
CREATE FUNCTION latchkey_count_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	NEW.generation := OLD.generation + 1;
	RETURN NEW;
END $$;
CREATE FUNCTION latchkey_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	RAISE EXCEPTION 'latchkey: %', TG_ARGV[0];
END $$;
CREATE TRIGGER latchkey_change_key BEFORE INSERT OR UPDATE OF id, space, kind, name, user_id, role, foreign_id,
	scopes, allowed_ips, hint, digest, legacy, weak, sole, generation, created_at, created_by, refreshed_at, expires_at,
	disabled_at, invalidated_at, previous, previous_until, overlap ON latchkey_keys
	FOR EACH ROW EXECUTE FUNCTION latchkey_change_key();
CREATE TRIGGER latchkey_change_previous BEFORE INSERT OR UPDATE OF previous ON latchkey_keys
	FOR EACH ROW WHEN (NEW.previous IS NOT NULL) EXECUTE FUNCTION latchkey_change_previous();
CREATE TRIGGER latchkey_insert_sole BEFORE INSERT ON latchkey_keys
	FOR EACH ROW WHEN (NEW.sole = 1) EXECUTE FUNCTION latchkey_insert_sole();
CREATE TRIGGER latchkey_delete_key BEFORE DELETE ON latchkey_keys
	FOR EACH ROW EXECUTE FUNCTION latchkey_delete_key();
-- A statement that does not count its change is an operator's. A ring that has read the key before must see that.
CREATE TRIGGER latchkey_count_change BEFORE UPDATE OF kind, name, user_id, role, foreign_id,
	scopes, allowed_ips, hint, digest, legacy, weak, sole, created_at, created_by, refreshed_at, expires_at,
	disabled_at, invalidated_at, previous, previous_until, overlap ON latchkey_keys
	FOR EACH ROW WHEN (NEW.generation = OLD.generation) EXECUTE FUNCTION latchkey_count_change();
CREATE TRIGGER latchkey_invalidated BEFORE UPDATE OF invalidated_at ON latchkey_keys
	FOR EACH ROW WHEN (OLD.invalidated_at IS NOT NULL AND NEW.invalidated_at IS DISTINCT FROM OLD.invalidated_at)
	EXECUTE FUNCTION latchkey_refuse('a key that was invalidated stays so');
CREATE TRIGGER latchkey_moved_key BEFORE UPDATE OF id, space ON latchkey_keys
	FOR EACH ROW WHEN (NEW.id <> OLD.id OR NEW.space <> OLD.space)
	EXECUTE FUNCTION latchkey_refuse('id and space of a key do not change');

CREATE TRIGGER latchkey_truncate BEFORE TRUNCATE ON latchkey_keys
	FOR EACH STATEMENT EXECUTE FUNCTION latchkey_refuse('TRUNCATE would not be noticed by running nodes; use DELETE');
CREATE TRIGGER latchkey_truncate BEFORE TRUNCATE ON latchkey_roles
	FOR EACH STATEMENT EXECUTE FUNCTION latchkey_refuse('TRUNCATE would not be noticed by running nodes; use DELETE');

-- A role that is gone leaves its keys without a role, and closes the public API if it was its role.
CREATE FUNCTION latchkey_drop_role() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	UPDATE public.latchkey_keys SET role = '' WHERE role = OLD.appid AND role <> '';
	UPDATE public.latchkey_public_api SET role = '', revision = revision + 1,
		changed_at = (extract(epoch FROM clock_timestamp()) * 1000000)::bigint,
		changed_by = 'role ' || OLD.appid || ' was deleted' WHERE role = OLD.appid AND role <> '';
	RETURN NULL;
END $$;
CREATE TRIGGER latchkey_drop_role AFTER DELETE ON latchkey_roles
	FOR EACH ROW EXECUTE FUNCTION latchkey_drop_role();
