-- A tag is drawn at random for each change and stands beside its revision. A database that was restored from a backup, or
-- lost changes, continues from an older revision; the tags tell its new changes from those it lost.

-- 64 bits of the 122 that are random in a UUID.
CREATE FUNCTION latchkey_tag() RETURNS bigint LANGUAGE sql VOLATILE AS $$
	SELECT uuid_hash_extended(gen_random_uuid(), 0)
$$;

ALTER TABLE latchkey_changes ADD COLUMN tag bigint NOT NULL DEFAULT public.latchkey_tag();
ALTER TABLE latchkey_state ADD COLUMN roles_tag bigint NOT NULL DEFAULT public.latchkey_tag();
ALTER TABLE latchkey_public_api ADD COLUMN tag bigint NOT NULL DEFAULT 0; -- it may never have been saved

CREATE FUNCTION latchkey_tag_roles() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	NEW.roles_tag := public.latchkey_tag();
	RETURN NEW;
END $$;
CREATE FUNCTION latchkey_tag_public_api() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	NEW.tag := public.latchkey_tag();
	RETURN NEW;
END $$;
CREATE TRIGGER latchkey_tag_roles BEFORE UPDATE OF roles_revision ON latchkey_state
	FOR EACH ROW EXECUTE FUNCTION latchkey_tag_roles();
CREATE TRIGGER latchkey_tag_public_api BEFORE INSERT OR UPDATE OF role, changed_at, changed_by, revision ON latchkey_public_api
	FOR EACH ROW EXECUTE FUNCTION latchkey_tag_public_api();
