SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;

CREATE FUNCTION public.latchkey_change() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
	PERFORM public.latchkey_touch();
	RETURN NULL;
END $$;

CREATE FUNCTION public.latchkey_change_key() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
	INSERT INTO public.latchkey_changes (revision, id, space) SELECT currval('public.latchkey_revision'), NEW.id, NEW.space
		WHERE NOT EXISTS (SELECT FROM public.latchkey_keys WHERE previous = NEW.digest AND space || '' = NEW.space AND id <> NEW.id);
	IF NOT FOUND THEN
		RAISE unique_violation USING MESSAGE = 'latchkey: the digest is taken';
	END IF;
	RETURN NEW;
END $$;

CREATE FUNCTION public.latchkey_change_keys() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
	IF pg_advisory_xact_lock(hashtextextended('public.latchkey_changes', 0)) IS NULL THEN END IF;
	IF pg_notify('latchkey_changes', nextval('public.latchkey_revision')::text) IS NULL THEN END IF;
	IF currval('public.latchkey_revision') % 997 = 0 THEN
		DELETE FROM public.latchkey_changes WHERE revision < currval('public.latchkey_revision') - 10000;
	END IF;
	RETURN NULL;
END $$;

CREATE FUNCTION public.latchkey_change_previous() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
	IF EXISTS (SELECT FROM public.latchkey_keys WHERE digest = NEW.previous AND space || '' = NEW.space AND id <> NEW.id) THEN
		RAISE unique_violation USING MESSAGE = 'latchkey: the digest is taken';
	END IF;
	RETURN NEW;
END $$;

CREATE FUNCTION public.latchkey_change_roles() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
	PERFORM public.latchkey_touch();
	UPDATE public.latchkey_state SET roles_revision = roles_revision + 1;
	RETURN NULL;
END $$;

CREATE FUNCTION public.latchkey_count_change() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
	NEW.generation := OLD.generation + 1;
	RETURN NEW;
END $$;

CREATE FUNCTION public.latchkey_delete_key() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
	INSERT INTO public.latchkey_changes (revision, id, space) VALUES (currval('public.latchkey_revision'), OLD.id, OLD.space);
	RETURN OLD;
END $$;

CREATE FUNCTION public.latchkey_drop_role() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
	UPDATE public.latchkey_keys SET role = '' WHERE role = OLD.appid AND role <> '';
	UPDATE public.latchkey_public_api SET role = '', revision = revision + 1,
		changed_at = (extract(epoch FROM clock_timestamp()) * 1000000)::bigint,
		changed_by = 'role ' || OLD.appid || ' was deleted' WHERE role = OLD.appid AND role <> '';
	RETURN NULL;
END $$;

CREATE FUNCTION public.latchkey_insert_sole() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
	IF EXISTS (SELECT FROM public.latchkey_keys WHERE user_id = NEW.user_id AND user_id <> '' AND space || '' = NEW.space
			AND invalidated_at IS NULL AND id <> NEW.id) THEN
		RAISE unique_violation USING MESSAGE = 'latchkey: the user has a key';
	END IF;
	RETURN NEW;
END $$;

CREATE FUNCTION public.latchkey_lock() RETURNS void
    LANGUAGE plpgsql
    AS $$
BEGIN
	PERFORM pg_advisory_xact_lock(hashtextextended('public.latchkey_changes', 0));
END $$;

CREATE FUNCTION public.latchkey_refuse() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
	RAISE EXCEPTION 'latchkey: %', TG_ARGV[0];
END $$;

CREATE FUNCTION public.latchkey_touch() RETURNS void
    LANGUAGE plpgsql
    AS $$
BEGIN
	PERFORM public.latchkey_lock();
	INSERT INTO public.latchkey_changes (revision, id, space) VALUES (nextval('public.latchkey_revision'), '', '');
	PERFORM pg_notify('latchkey_changes', currval('public.latchkey_revision')::text);
	IF currval('public.latchkey_revision') % 997 = 0 THEN
		DELETE FROM public.latchkey_changes WHERE revision < currval('public.latchkey_revision') - 10000;
	END IF;
END $$;

CREATE FUNCTION public.latchkey_use() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
	PERFORM public.latchkey_lock();
	RETURN NULL;
END $$;

SET default_tablespace = '';

SET default_table_access_method = heap;

CREATE TABLE public.latchkey_audit (
    id text NOT NULL COLLATE pg_catalog."C",
    space text NOT NULL COLLATE pg_catalog."C",
    at bigint NOT NULL,
    actor text NOT NULL COLLATE pg_catalog."C",
    actor_name text NOT NULL COLLATE pg_catalog."C",
    action text NOT NULL COLLATE pg_catalog."C",
    object text NOT NULL COLLATE pg_catalog."C",
    peer text NOT NULL COLLATE pg_catalog."C",
    old_values text COLLATE pg_catalog."C",
    new_values text COLLATE pg_catalog."C"
);

CREATE TABLE public.latchkey_changes (
    revision bigint NOT NULL,
    id text NOT NULL COLLATE pg_catalog."C",
    space text NOT NULL COLLATE pg_catalog."C"
);

CREATE TABLE public.latchkey_keys (
    id text NOT NULL COLLATE pg_catalog."C",
    space text NOT NULL COLLATE pg_catalog."C",
    kind text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL COLLATE pg_catalog."C",
    user_id text NOT NULL COLLATE pg_catalog."C",
    role text NOT NULL COLLATE pg_catalog."C",
    foreign_id text NOT NULL COLLATE pg_catalog."C",
    scopes text NOT NULL COLLATE pg_catalog."C",
    allowed_ips text NOT NULL COLLATE pg_catalog."C",
    hint text NOT NULL COLLATE pg_catalog."C",
    digest text NOT NULL COLLATE pg_catalog."C",
    legacy smallint NOT NULL,
    weak smallint NOT NULL,
    sole smallint NOT NULL,
    generation bigint NOT NULL,
    created_at bigint,
    created_by text NOT NULL COLLATE pg_catalog."C",
    refreshed_at bigint,
    expires_at bigint,
    disabled_at bigint,
    invalidated_at bigint,
    last_used_at bigint,
    previous text COLLATE pg_catalog."C",
    previous_until bigint,
    overlap bigint NOT NULL
)
WITH (fillfactor='85');

CREATE TABLE public.latchkey_public_api (
    only_row smallint DEFAULT 1 NOT NULL,
    role text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    changed_at bigint,
    changed_by text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    revision bigint DEFAULT 0 NOT NULL,
    CONSTRAINT latchkey_public_api_only_row_check CHECK ((only_row = 1))
);

CREATE SEQUENCE public.latchkey_revision
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

CREATE TABLE public.latchkey_roles (
    appid text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL COLLATE pg_catalog."C",
    info text NOT NULL COLLATE pg_catalog."C",
    permissions text NOT NULL COLLATE pg_catalog."C",
    inherits text NOT NULL COLLATE pg_catalog."C"
);

CREATE TABLE public.latchkey_schema (
    version integer NOT NULL
);

CREATE TABLE public.latchkey_state (
    only_row smallint DEFAULT 1 NOT NULL,
    roles_revision bigint DEFAULT 1 NOT NULL,
    CONSTRAINT latchkey_state_only_row_check CHECK ((only_row = 1))
);

INSERT INTO public.latchkey_audit VALUES ('019b7630-0000-7000-8000-000000000001', '', 1767225700000000, 'ada', 'Ada', 'public.set', 'public', '192.0.2.1', '{"role":""}', '{"role":"editor"}');

INSERT INTO public.latchkey_changes VALUES (1, '', '');
INSERT INTO public.latchkey_changes VALUES (2, '0198c0de-0000-7000-8000-000000000001', '');
INSERT INTO public.latchkey_changes VALUES (3, '0198c0de-0000-7000-8000-000000000002', '');
INSERT INTO public.latchkey_changes VALUES (4, '0198c0de-0000-7000-8000-000000000003', '');
INSERT INTO public.latchkey_changes VALUES (5, '0198c0de-0000-7000-8000-000000000002', '');
INSERT INTO public.latchkey_changes VALUES (6, '', '');
INSERT INTO public.latchkey_changes VALUES (7, '', '');

INSERT INTO public.latchkey_keys VALUES ('0198c0de-0000-7000-8000-000000000001', '', 'custom', 'old', '', 'editor', '', '[]', '[]', '', 'sha256:227ba5f2c6c9109fe5c44a0696f393379607493a377f522ee27d9a7ae3227d89', 0, 0, 0, 7, 1767225600000000, 'user:ada', NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0);
INSERT INTO public.latchkey_keys VALUES ('0198c0de-0000-7000-8000-000000000003', '', 'custom', 'old', '', 'editor', '', '[]', '[]', '', 'sha256:3d3ee11c2fbf7f6a6b1e6aa16c382631ec5f1fbfc50ca3ba5a89d366d22eeaef', 0, 0, 0, 7, 1767225600000000, 'user:ada', NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0);
INSERT INTO public.latchkey_keys VALUES ('0198c0de-0000-7000-8000-000000000002', '', 'custom', 'old', '', 'editor', '', '[]', '[]', '', 'sha256:08f225fe08e94a5b1da2da4079fcd1a7647d375cc95624a6c6d65a6fc84b3243', 0, 0, 0, 8, 1767225600000000, 'user:ada', NULL, NULL, NULL, 1767225700000000, NULL, NULL, NULL, 0);

INSERT INTO public.latchkey_public_api VALUES (1, 'editor', 1767225700000000, 'ada', 1);

INSERT INTO public.latchkey_roles VALUES ('editor', 'Editor', '', '{"a/b":true}', '[]');

INSERT INTO public.latchkey_schema VALUES (1);
INSERT INTO public.latchkey_schema VALUES (2);
INSERT INTO public.latchkey_schema VALUES (3);
INSERT INTO public.latchkey_schema VALUES (4);

INSERT INTO public.latchkey_state VALUES (1, 2);

SELECT pg_catalog.setval('public.latchkey_revision', 7, true);

ALTER TABLE ONLY public.latchkey_audit
    ADD CONSTRAINT latchkey_audit_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.latchkey_keys
    ADD CONSTRAINT latchkey_keys_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.latchkey_public_api
    ADD CONSTRAINT latchkey_public_api_pkey PRIMARY KEY (only_row);

ALTER TABLE ONLY public.latchkey_roles
    ADD CONSTRAINT latchkey_roles_pkey PRIMARY KEY (appid);

ALTER TABLE ONLY public.latchkey_schema
    ADD CONSTRAINT latchkey_schema_pkey PRIMARY KEY (version);

ALTER TABLE ONLY public.latchkey_state
    ADD CONSTRAINT latchkey_state_pkey PRIMARY KEY (only_row);

CREATE INDEX latchkey_audit_action ON public.latchkey_audit USING btree (space, action, id);

CREATE INDEX latchkey_audit_actor ON public.latchkey_audit USING btree (space, actor, id);

CREATE INDEX latchkey_audit_at ON public.latchkey_audit USING btree (space, at, id);

CREATE INDEX latchkey_audit_object ON public.latchkey_audit USING btree (space, object, id);

CREATE INDEX latchkey_audit_space ON public.latchkey_audit USING btree (space, id);

CREATE INDEX latchkey_changes_revision ON public.latchkey_changes USING btree (revision);

CREATE UNIQUE INDEX latchkey_keys_digest ON public.latchkey_keys USING btree (digest, space);

CREATE UNIQUE INDEX latchkey_keys_foreign_id ON public.latchkey_keys USING btree (foreign_id, space) WHERE (foreign_id <> ''::text);

CREATE INDEX latchkey_keys_issued ON public.latchkey_keys USING btree (space, COALESCE(refreshed_at, created_at, (0)::bigint), id);

CREATE UNIQUE INDEX latchkey_keys_previous ON public.latchkey_keys USING btree (previous, space) WHERE (previous IS NOT NULL);

CREATE INDEX latchkey_keys_role ON public.latchkey_keys USING btree (role, space, id) WHERE (role <> ''::text);

CREATE INDEX latchkey_keys_space ON public.latchkey_keys USING btree (space, id);

CREATE INDEX latchkey_keys_user_id ON public.latchkey_keys USING btree (user_id, space, id) WHERE (user_id <> ''::text);

CREATE TRIGGER latchkey_change BEFORE INSERT OR DELETE OR UPDATE ON public.latchkey_public_api FOR EACH STATEMENT EXECUTE FUNCTION public.latchkey_change();

CREATE TRIGGER latchkey_change_key BEFORE INSERT OR UPDATE OF id, space, kind, name, user_id, role, foreign_id, scopes, allowed_ips, hint, digest, legacy, weak, sole, generation, created_at, created_by, refreshed_at, expires_at, disabled_at, invalidated_at, previous, previous_until, overlap ON public.latchkey_keys FOR EACH ROW EXECUTE FUNCTION public.latchkey_change_key();

CREATE TRIGGER latchkey_change_keys BEFORE INSERT OR DELETE OR UPDATE OF id, space, kind, name, user_id, role, foreign_id, scopes, allowed_ips, hint, digest, legacy, weak, sole, generation, created_at, created_by, refreshed_at, expires_at, disabled_at, invalidated_at, previous, previous_until, overlap ON public.latchkey_keys FOR EACH STATEMENT EXECUTE FUNCTION public.latchkey_change_keys();

CREATE TRIGGER latchkey_change_previous BEFORE INSERT OR UPDATE OF previous ON public.latchkey_keys FOR EACH ROW WHEN ((new.previous IS NOT NULL)) EXECUTE FUNCTION public.latchkey_change_previous();

CREATE TRIGGER latchkey_change_roles BEFORE INSERT OR DELETE OR UPDATE ON public.latchkey_roles FOR EACH STATEMENT EXECUTE FUNCTION public.latchkey_change_roles();

CREATE TRIGGER latchkey_count_change BEFORE UPDATE OF kind, name, user_id, role, foreign_id, scopes, allowed_ips, hint, digest, legacy, weak, sole, created_at, created_by, refreshed_at, expires_at, disabled_at, invalidated_at, previous, previous_until, overlap ON public.latchkey_keys FOR EACH ROW WHEN ((new.generation = old.generation)) EXECUTE FUNCTION public.latchkey_count_change();

CREATE TRIGGER latchkey_delete_key BEFORE DELETE ON public.latchkey_keys FOR EACH ROW EXECUTE FUNCTION public.latchkey_delete_key();

CREATE TRIGGER latchkey_drop_role AFTER DELETE ON public.latchkey_roles FOR EACH ROW EXECUTE FUNCTION public.latchkey_drop_role();

CREATE TRIGGER latchkey_insert_sole BEFORE INSERT ON public.latchkey_keys FOR EACH ROW WHEN ((new.sole = 1)) EXECUTE FUNCTION public.latchkey_insert_sole();

CREATE TRIGGER latchkey_invalidated BEFORE UPDATE OF invalidated_at ON public.latchkey_keys FOR EACH ROW WHEN (((old.invalidated_at IS NOT NULL) AND (new.invalidated_at IS DISTINCT FROM old.invalidated_at))) EXECUTE FUNCTION public.latchkey_refuse('a key that was invalidated stays so');

CREATE TRIGGER latchkey_moved_key BEFORE UPDATE OF id, space ON public.latchkey_keys FOR EACH ROW WHEN (((new.id <> old.id) OR (new.space <> old.space))) EXECUTE FUNCTION public.latchkey_refuse('id and space of a key do not change');

CREATE TRIGGER latchkey_truncate BEFORE TRUNCATE ON public.latchkey_audit FOR EACH STATEMENT EXECUTE FUNCTION public.latchkey_refuse('TRUNCATE would empty the audit log; use DELETE');

CREATE TRIGGER latchkey_truncate BEFORE TRUNCATE ON public.latchkey_keys FOR EACH STATEMENT EXECUTE FUNCTION public.latchkey_refuse('TRUNCATE would not be noticed by running nodes; use DELETE');

CREATE TRIGGER latchkey_truncate BEFORE TRUNCATE ON public.latchkey_roles FOR EACH STATEMENT EXECUTE FUNCTION public.latchkey_refuse('TRUNCATE would not be noticed by running nodes; use DELETE');

CREATE TRIGGER latchkey_update_audit BEFORE UPDATE ON public.latchkey_audit FOR EACH ROW EXECUTE FUNCTION public.latchkey_refuse('a record of the audit log does not change');

CREATE TRIGGER latchkey_use BEFORE UPDATE OF last_used_at ON public.latchkey_keys FOR EACH STATEMENT EXECUTE FUNCTION public.latchkey_use();
