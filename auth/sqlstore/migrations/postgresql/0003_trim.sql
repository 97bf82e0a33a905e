-- The log of changes is kept short by changes of keys alone. Where only roles, the setting or the host's own tables
-- change, it has to be kept short as well.

CREATE OR REPLACE FUNCTION latchkey_touch() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	PERFORM public.latchkey_lock();
	INSERT INTO public.latchkey_changes (revision, id, space) VALUES (nextval('public.latchkey_revision'), '', '');
	PERFORM pg_notify('latchkey_changes', currval('public.latchkey_revision')::text);
	IF currval('public.latchkey_revision') % 997 = 0 THEN
		DELETE FROM public.latchkey_changes WHERE revision < currval('public.latchkey_revision') - 10000;
	END IF;
END $$;
