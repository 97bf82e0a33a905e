package sessions

import (
	"context"
	"database/sql"
	"encoding/base64"
	"errors"
	"time"

	"github.com/alexedwards/scs/v2"

	"github.com/latchkey-go/latchkey/auth/sqlstore"
)

// Schema creates the table if it is missing. It is the same for both engines.
const Schema = `
CREATE TABLE IF NOT EXISTS cms_sessions (
	token  TEXT NOT NULL PRIMARY KEY, -- a digest of it
	data   TEXT NOT NULL,             -- base64 of what scs stores
	expiry BIGINT NOT NULL            -- Unix seconds
);
CREATE INDEX IF NOT EXISTS cms_sessions_expiry ON cms_sessions (expiry);
`

var _ scs.CtxStore = (*rows)(nil)

// rows are the sessions in the table.
type rows struct{ store *sqlstore.Store }

// FindCtx implements [scs.CtxStore].
func (s *rows) FindCtx(ctx context.Context, token string) ([]byte, bool, error) {
	var data string
	err := s.store.Executor(ctx).QueryRowContext(ctx, `SELECT data FROM cms_sessions WHERE token = $1 AND expiry > $2`,
		token, time.Now().Unix()).Scan(&data)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	b, err := base64.StdEncoding.DecodeString(data)
	return b, err == nil, err
}

// CommitCtx implements [scs.CtxStore]. It also deletes expired sessions.
func (s *rows) CommitCtx(ctx context.Context, token string, b []byte, expiry time.Time) error {
	db := s.store.Executor(ctx)
	if _, err := db.ExecContext(ctx, `DELETE FROM cms_sessions WHERE expiry <= $1`, time.Now().Unix()); err != nil {
		return err
	}
	_, err := db.ExecContext(ctx, `INSERT INTO cms_sessions (token, data, expiry) VALUES ($1, $2, $3)
		ON CONFLICT (token) DO UPDATE SET data = excluded.data, expiry = excluded.expiry`,
		token, base64.StdEncoding.EncodeToString(b), expiry.Unix())
	return err
}

// DeleteCtx implements [scs.CtxStore].
func (s *rows) DeleteCtx(ctx context.Context, token string) error {
	_, err := s.store.Executor(ctx).ExecContext(ctx, `DELETE FROM cms_sessions WHERE token = $1`, token)
	return err
}

// Find implements [scs.Store].
func (s *rows) Find(token string) ([]byte, bool, error) {
	return s.FindCtx(context.Background(), token)
}

// Commit implements [scs.Store].
func (s *rows) Commit(token string, b []byte, expiry time.Time) error {
	return s.CommitCtx(context.Background(), token, b, expiry)
}

// Delete implements [scs.Store].
func (s *rows) Delete(token string) error { return s.DeleteCtx(context.Background(), token) }
