-- A tag is drawn at random for each change and stands beside its revision. A database that was restored from a backup, or
-- lost changes, continues from an older revision; the tags tell its new changes from those it lost.

ALTER TABLE latchkey_changes ADD COLUMN tag INTEGER NOT NULL DEFAULT 0;
ALTER TABLE latchkey_state ADD COLUMN roles_tag INTEGER NOT NULL DEFAULT 0;
ALTER TABLE latchkey_public_api ADD COLUMN tag INTEGER NOT NULL DEFAULT 0;
UPDATE latchkey_changes SET tag = random();
UPDATE latchkey_state SET roles_tag = random();

CREATE TRIGGER latchkey_tag_change AFTER INSERT ON latchkey_changes BEGIN
	UPDATE latchkey_changes SET tag = random() WHERE revision = NEW.revision;
END;
CREATE TRIGGER latchkey_tag_roles AFTER UPDATE OF roles_revision ON latchkey_state BEGIN
	UPDATE latchkey_state SET roles_tag = random();
END;
-- A new tag is not a change of its own.
DROP TRIGGER latchkey_update_public_api;
CREATE TRIGGER latchkey_update_public_api AFTER UPDATE OF role, changed_at, changed_by, revision ON latchkey_public_api BEGIN
	INSERT INTO latchkey_changes (id, space) VALUES ('', '');
	UPDATE latchkey_public_api SET tag = random();
END;
CREATE TRIGGER latchkey_insert_public_api AFTER INSERT ON latchkey_public_api BEGIN
	INSERT INTO latchkey_changes (id, space) VALUES ('', '');
	UPDATE latchkey_public_api SET tag = random();
END;
CREATE TRIGGER latchkey_delete_public_api AFTER DELETE ON latchkey_public_api BEGIN
	INSERT INTO latchkey_changes (id, space) VALUES ('', '');
END;
