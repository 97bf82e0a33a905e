package sqlstore

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"strings"
)

// A statement is one text for the database in use. Those that are used often are prepared, once.
type statement struct {
	text string
	run  runnable // outside of transactions
}

// A runnable is a prepared statement, or an unprepared one.
type runnable interface {
	ExecContext(ctx context.Context, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, args ...any) (*sql.Rows, error)
}

// An unprepared statement is compiled each time that it runs.
type unprepared struct {
	on   Executor
	text string
}

func (u unprepared) ExecContext(ctx context.Context, args ...any) (sql.Result, error) {
	return u.on.ExecContext(ctx, u.text, args...)
}

func (u unprepared) QueryContext(ctx context.Context, args ...any) (*sql.Rows, error) {
	return u.on.QueryContext(ctx, u.text, args...)
}

// statements are all that this package runs beside its migrations and the lists of the audit log. The
// WHERE clause of each contains its preconditions. If no row matches, a second query finds the reason.
type statements struct {
	find                                       [3]statement // by that many digests less one
	get, list, listUser, listRole, listForeign statement
	listIssued                                 statement
	insert, update, updateAll, look            statement
	invalidateUser, dropRole, erase            statement
	use                                        statement
	changes, revision, touch, lock             statement
	roles, rolesRevision, saveRole, deleteRole statement
	setting, saveSetting                       statement
	append                                     statement
}

// A look-up by a unique value takes one value at a time, and compares the space in a form that no index serves (space ||
// ”). Without statistics, after a large import and until its next ANALYZE, PostgreSQL would otherwise read the whole
// table, or all keys in the space.
const (
	findText = `SELECT ` + columns + ` FROM latchkey_keys WHERE digest = %[1]s AND space || '' = ?1 UNION ALL
		SELECT ` + columns + ` FROM latchkey_keys WHERE previous = %[1]s AND space || '' = ?1`

	// What a list has in common: space, After, Limit, Kind, UserID, Role, ForeignID, Legacy, State, At, IssuedUntil. The
	// further condition names the index to go by.
	listText = `SELECT ` + columns + ` FROM latchkey_keys WHERE space = ?1 AND %[2]s > ?2
		AND (?4 = '' OR kind = ?4) AND (?5 = '' OR user_id = ?5) AND (?6 = '' OR role = ?6) AND (?7 = '' OR foreign_id = ?7)
		AND (?8 = 0 OR legacy = 1) AND (?9 = '' OR ?9 = CASE WHEN invalidated_at IS NOT NULL THEN 'invalidated'
			WHEN disabled_at IS NOT NULL THEN 'disabled' WHEN expires_at <= ?10 THEN 'expired' ELSE 'active' END)
		AND (coalesce(refreshed_at, created_at, 0) <= ?11 OR ?11 IS NULL)
		%[1]s ORDER BY %[2]s LIMIT ?3`

	// byID is an ID that no index serves: few values are older than IssuedUntil, and else all would be read in order.
	byID = `(id || '')`

	// free is true if no other key than ?1 in space ?2 holds the digests ?9 and ?10, freeForeign if none holds the
	// foreign ID ?5.
	free = `NOT EXISTS (SELECT 1 FROM latchkey_keys k WHERE k.digest = ?9 AND k.space || '' = ?2 AND k.id <> ?1)
		AND NOT EXISTS (SELECT 1 FROM latchkey_keys k WHERE k.digest = ?10 AND k.space || '' = ?2 AND k.id <> ?1)
		AND NOT EXISTS (SELECT 1 FROM latchkey_keys k WHERE k.previous = ?9 AND k.space || '' = ?2 AND k.id <> ?1)
		AND NOT EXISTS (SELECT 1 FROM latchkey_keys k WHERE k.previous = ?10 AND k.space || '' = ?2 AND k.id <> ?1)`
	freeForeign = `NOT EXISTS (SELECT 1 FROM latchkey_keys k
		WHERE k.foreign_id = ?5 AND k.foreign_id <> '' AND k.space || '' = ?2 AND k.id <> ?1)`

	insertText = `INSERT INTO latchkey_keys (` + columns + `) SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13,
		?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25
		WHERE NOT EXISTS (SELECT 1 FROM latchkey_keys k WHERE k.id = ?1) AND ` + free + ` AND ` + freeForeign + `
		AND NOT (CAST(?15 AS smallint) = 1 AND EXISTS (SELECT 1 FROM latchkey_keys k
			WHERE k.user_id = ?23 AND k.user_id <> '' AND k.space || '' = ?2 AND k.invalidated_at IS NULL))
		ON CONFLICT DO NOTHING`

	// updateSQLite and updatePostgreSQL are for a key that keeps its role and foreign ID, as in every refresh: SQLite writes each index of
	// which a column is set, whether it changes or not. In PostgreSQL, indexes and triggers refuse what is not free. That
	// would end a transaction, so in one it is updateAllText for any key, with which nothing is refused that way.
	updateSQLite     = updatePostgreSQL + ` AND ` + free
	updatePostgreSQL = updateHead + ` WHERE role = ?4 AND foreign_id = ?5 AND ` + updateTail
	updateAllText    = updateHead + `, role = ?4, foreign_id = ?5 WHERE ` + updateTail + ` AND ` + free + ` AND ` + freeForeign
	updateHead       = `UPDATE latchkey_keys SET name = ?3, scopes = ?6, allowed_ips = ?7, hint = ?8,
		digest = ?9, previous = ?10, previous_until = ?11, overlap = ?12, legacy = ?13, weak = ?14, sole = ?15, generation = ?16,
		created_by = ?17, refreshed_at = ?18, expires_at = ?19, disabled_at = ?20, invalidated_at = ?21`
	updateTail = `id = ?1 AND space = ?2 AND generation + 1 = ?16 AND invalidated_at IS NULL`

	useSQLite = `UPDATE latchkey_keys AS k SET last_used_at = u.at
		FROM (SELECT value ->> 'id' AS id, value ->> 'space' AS space, value ->> 'at' AS at FROM json_each(?1)) AS u
		WHERE k.id = u.id AND k.space = u.space AND (k.last_used_at IS NULL OR k.last_used_at < u.at)`
	usePostgreSQL = `UPDATE latchkey_keys AS k SET last_used_at = u.at
		FROM json_to_recordset(CAST(?1 AS json)) AS u (id text, space text, at bigint)
		WHERE k.id = u.id AND k.space = u.space AND (k.last_used_at IS NULL OR k.last_used_at < u.at)`

	revisionText = `SELECT revision, min(tag) AS tag FROM latchkey_changes
		WHERE revision = (SELECT max(revision) FROM latchkey_changes) GROUP BY revision`
	touchSQLite     = `INSERT INTO latchkey_changes (id, space) VALUES ('', '')`
	touchPostgreSQL = `SELECT latchkey_touch()`
	lockSQLite      = `UPDATE latchkey_schema SET version = version WHERE 1 = 0` // any write does
	lockPostgreSQL  = `SELECT latchkey_lock()`
)

// findAny finds the key that has one of these digests.
func findAny(digests ...string) string {
	var parts []string
	for _, digest := range digests {
		parts = append(parts, fmt.Sprintf(findText, digest))
	}
	return strings.Join(parts, " UNION ALL ") + " LIMIT 1"
}

// prepare makes the statements, and prepares those on the way of requests and those that nodes and imports repeat.
func (s *Store) prepare(ctx context.Context) error {
	const often = true
	update, use, touch, lock := updateSQLite, useSQLite, touchSQLite, lockSQLite
	if s.dialect == PostgreSQL {
		update, use, touch, lock = updatePostgreSQL, usePostgreSQL, touchPostgreSQL, lockPostgreSQL
	}
	for _, st := range []struct {
		into  *statement
		often bool
		text  string
	}{
		{&s.find[0], often, findAny("?2")},
		{&s.find[1], often, findAny("?2", "?3")},
		{&s.find[2], often, findAny("?2", "?3", "?4")},
		{&s.get, often, `SELECT ` + columns + ` FROM latchkey_keys WHERE id = ?2 AND space = ?1`},
		{&s.list, !often, fmt.Sprintf(listText, "", "id")},
		{&s.listUser, !often, fmt.Sprintf(listText, "AND user_id <> '' AND user_id = ?5", "id")},
		{&s.listRole, !often, fmt.Sprintf(listText, "AND role <> '' AND role = ?6", "id")},
		{&s.listForeign, !often, fmt.Sprintf(listText, "AND foreign_id <> '' AND foreign_id = ?7", "id")},
		{&s.listIssued, !often, fmt.Sprintf(listText, "AND coalesce(refreshed_at, created_at, 0) <= ?11", byID)},
		{&s.insert, often, insertText},
		{&s.update, often, update},
		{&s.updateAll, !often, updateAllText},
		// It tells why a change of a key missed.
		{&s.look, !often, `SELECT generation, invalidated_at FROM latchkey_keys WHERE id = ?2 AND space = ?1`},
		{&s.invalidateUser, !often, `UPDATE latchkey_keys SET invalidated_at = ?3, generation = generation + 1
			WHERE user_id = ?2 AND user_id <> '' AND space = ?1 AND invalidated_at IS NULL RETURNING ` + columns},
		// A trigger does the same after the role itself is deleted.
		{&s.dropRole, !often, `UPDATE latchkey_keys SET role = '', generation = generation + 1 WHERE role = ?1 AND role <> ''`},
		{&s.erase, !often, `DELETE FROM latchkey_keys WHERE id = ?2 AND space = ?1 AND invalidated_at IS NOT NULL`},
		{&s.use, often, use},
		// It reads the revision, whether the log has the pair ?1 and ?2, and the keys that were changed after it, in
		// one snapshot. In PostgreSQL a revision may have several rows, and each has its own tag. The upper bound has it use the
		// index also without statistics.
		{&s.changes, often, `SELECT now.revision, now.tag, EXISTS (SELECT 1 FROM latchkey_changes WHERE revision = ?1 AND tag = ?2), c.space, c.id
			FROM (` + revisionText + `) now LEFT JOIN latchkey_changes c
			ON c.revision > ?1 AND c.revision <= now.revision AND c.id <> '' LIMIT ?3`},
		{&s.revision, often, revisionText},
		{&s.touch, !often, touch},
		{&s.lock, !often, lock},
		{&s.roles, !often, `SELECT s.roles_revision, s.roles_tag, r.appid, r.name, r.info, r.permissions, r.inherits FROM latchkey_state s
			LEFT JOIN latchkey_roles r ON 1 = 1`},
		{&s.rolesRevision, often, `SELECT roles_revision, roles_tag FROM latchkey_state`},
		{&s.saveRole, !often, `INSERT INTO latchkey_roles (appid, name, info, permissions, inherits) VALUES (?1, ?2, ?3, ?4, ?5)
			ON CONFLICT (appid) DO UPDATE SET name = excluded.name, info = excluded.info, permissions = excluded.permissions,
			inherits = excluded.inherits`},
		{&s.deleteRole, !often, `DELETE FROM latchkey_roles WHERE appid = ?1`},
		{&s.setting, often, `SELECT role, changed_at, changed_by, revision, tag FROM latchkey_public_api`},
		{&s.saveSetting, !often, `UPDATE latchkey_public_api SET role = ?1, changed_at = ?2, changed_by = ?3, revision = revision + 1
			WHERE revision = ?4 AND tag = ?5`},
		{&s.append, !often, appendText},
	} {
		*st.into = s.unprepared(st.text)
		if !st.often || s.unprepares {
			continue
		}
		prepared, err := s.db.PrepareContext(ctx, st.into.text)
		if err != nil {
			return storeError(ctx, "prepare", err)
		}
		st.into.run = prepared
		s.prepared = append(s.prepared, prepared)
	}
	return nil
}

// unprepared translates text for the database in use.
func (s *Store) unprepared(text string) statement {
	text = s.settings.statement(text)
	return statement{text, unprepared{s.db, text}}
}

// run calls f with st: in the transaction that ctx carries, else by itself. It does nothing when ctx is done. A transaction
// is locked until f returns, because a prepared statement has one result at a time.
func (s *Store) run(ctx context.Context, st *statement, f func(runnable) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	t := s.tx(ctx)
	if t == nil {
		return f(st.run)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.usable(); err != nil {
		return err
	}
	run, err := t.prepare(ctx, st.text)
	if err != nil {
		return err
	}
	return f(run)
}

// exec runs a statement that writes and has no answer, in its turn, and returns how many rows it changed.
func (s *Store) exec(ctx context.Context, st *statement, args ...any) (changed int64, err error) {
	if err := s.enter(ctx); err != nil {
		return 0, err
	}
	defer s.leave(ctx)
	err = s.run(ctx, st, func(run runnable) error {
		done, err := run.ExecContext(ctx, args...)
		if err == nil {
			changed, err = done.RowsAffected()
		}
		return err
	})
	return changed, err
}

// each runs st, reads each row into into, and calls row.
func (s *Store) each(ctx context.Context, st *statement, args, into []any, row func() error) error {
	return s.run(ctx, st, func(run runnable) error {
		rows, err := run.QueryContext(ctx, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			if err := rows.Scan(into...); err != nil {
				return err
			}
			if err := row(); err != nil {
				return err
			}
		}
		return cmp.Or(rows.Err(), rows.Close())
	})
}

// one runs st, which answers with one row at most, and reads that.
func (s *Store) one(ctx context.Context, st *statement, args []any, into ...any) (found bool, err error) {
	err = s.each(ctx, st, args, into, func() error {
		found = true
		return nil
	})
	return found, err
}

// all runs st, reads each row into values, and returns what decode makes of each.
func all[T any](ctx context.Context, s *Store, st *statement, args, values []any, decode func() (T, error)) ([]T, error) {
	var read []T
	err := s.each(ctx, st, args, destinations(values), func() error {
		r, err := decode()
		read = append(read, r)
		return err
	})
	if err != nil {
		return nil, err
	}
	return read, nil
}

// destinations returns where a query writes the columns of a row.
func destinations(row []any) []any {
	into := make([]any, len(row))
	for i := range row {
		into[i] = &row[i]
	}
	return into
}
