package engines_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/publicapi"
	"github.com/latchkey-go/latchkey/roles"
)

func TestInvalidatedIsForGoodInSQLToo(t *testing.T) {
	onEach(t, func(t *testing.T, e engine) {
		s, p := e.fresh(t)
		r := custom(1)
		r.InvalidatedAt = noon
		require.NoError(t, s.Keys().Insert(t.Context(), r))
		for _, text := range []string{"invalidated_at = NULL", "invalidated_at = 1", "name = '', invalidated_at = NULL", "id = 'x'", "space = 'x'"} {
			_, err := p.db.Exec(p.text("UPDATE latchkey_keys SET " + text))
			require.Error(t, err, text)
		}
		got, err := s.Keys().Get(t.Context(), "", r.ID)
		require.NoError(t, err)
		require.Equal(t, noon, got.InvalidatedAt)
	})
}

func TestAnOperatorsChangeIsNotOverwritten(t *testing.T) {
	onEach(t, func(t *testing.T, e engine) {
		s, p := e.fresh(t)
		r := custom(1)
		require.NoError(t, s.Keys().Insert(t.Context(), r))
		p.exec(t, "UPDATE latchkey_keys SET disabled_at = 1767225600000000")
		r.Generation++ // by who read it before
		require.ErrorIs(t, s.Keys().Update(t.Context(), r), keys.ErrConflict)
	})
}

func TestPostgreSQLRefusesTruncate(t *testing.T) {
	_, p := engines[1].fresh(t)
	for _, table := range []string{"keys", "roles"} {
		_, err := p.db.Exec(p.text("TRUNCATE latchkey_" + table))
		require.ErrorContains(t, err, "use DELETE")
	}
}

func TestADeletedRoleIsTakenFromItsKeysAndThePublicAPI(t *testing.T) {
	onEach(t, func(t *testing.T, e engine) {
		for _, public := range []string{"editor", "viewer"} {
			s, _ := e.fresh(t)
			ctx := t.Context()
			here, elsewhere, other := custom(1), custom(2), custom(3)
			elsewhere.Space, other.Role = "acme", "viewer"
			for _, r := range []keys.Record{here, elsewhere, other} {
				require.NoError(t, s.Keys().Insert(ctx, r))
			}
			for _, appid := range []string{"editor", "viewer"} {
				at, err := s.Roles().Revision(ctx)
				require.NoError(t, err)
				require.NoError(t, s.Roles().Save(ctx, roles.Role{AppID: appid}, at))
			}
			require.NoError(t, s.PublicAPI().Save(ctx, publicapi.Setting{Role: public}))
			at, err := s.Roles().Revision(ctx)
			require.NoError(t, err)

			// Undone with the transaction around it.
			require.ErrorIs(t, s.InTx(ctx, func(ctx context.Context) error {
				return errors.Join(s.Roles().Delete(ctx, "editor", at), errSpoilt)
			}), errSpoilt)
			got, err := s.Keys().Get(ctx, "", here.ID)
			require.NoError(t, err)
			require.Equal(t, "editor", got.Role)

			require.NoError(t, s.Roles().Delete(ctx, "editor", at))
			for _, r := range []keys.Record{here, elsewhere} {
				got, err := s.Keys().Get(ctx, r.Space, r.ID)
				require.NoError(t, err)
				require.Empty(t, got.Role)
				require.EqualValues(t, 2, got.Generation)
			}
			got, err = s.Keys().Get(ctx, "", other.ID)
			require.NoError(t, err)
			require.True(t, got.Digest.Equal(other.Digest))
			got.Digest, other.Digest = keys.Digest{}, keys.Digest{} // which require.Equal cannot compare
			require.Equal(t, other, got)
			setting, err := s.PublicAPI().Load(ctx)
			require.NoError(t, err)
			if public == "viewer" {
				require.Equal(t, publicapi.Setting{Role: "viewer", Revision: publicapi.Revision{Number: 1, Tag: setting.Revision.Tag}}, setting)
				continue
			}
			require.Empty(t, setting.Role)
			require.EqualValues(t, 2, setting.Revision.Number)
			require.Equal(t, "role editor was deleted", setting.ChangedBy)
			require.False(t, setting.ChangedAt.IsZero())
		}
	})
}

// A row that the store cannot have written is a store error. The error says where the row is, but not what it holds.
func TestRowsThatMakeNoSense(t *testing.T) {
	const secret = "5ec2e7"
	onEach(t, func(t *testing.T, e engine) {
		for _, wrong := range []string{
			"kind = 'robot'", "scopes = 'content'", "scopes = '[null]'", "scopes = 'null'", "scopes = '{}'", "allowed_ips = '[\"10.0.0.0\"]'",
			"generation = 0", "generation = -1", "legacy = 2", "weak = -1", "overlap = -1", "expires_at = -62135596800000000",
			"previous = 'sha256:5ec2e7'", "previous = 'md5:" + strings.Repeat("5ec2e7", 11)[:64] + "'", "previous = ''",
			"previous = 'sha256:" + strings.Repeat("5EC2E7", 11)[:64] + "'", "previous = 'sha256:" + strings.Repeat("x5ec2e7", 11)[:64] + "'",
		} {
			s, p := e.fresh(t)
			r := custom(1)
			require.NoError(t, s.Keys().Insert(t.Context(), r))
			p.exec(t, "UPDATE latchkey_keys SET "+wrong)
			_, got := s.Keys().Get(t.Context(), "", r.ID)
			_, found := s.Keys().Find(t.Context(), "", []keys.Digest{r.Digest})
			_, listed := s.Keys().List(t.Context(), "", keys.Filter{})
			for what, err := range map[string]error{"Get": got, "Find": found, "List": listed} {
				require.ErrorContains(t, err, "corrupt row", "%s: %s", what, wrong)
				require.ErrorContains(t, err, r.ID)
				require.NotErrorIs(t, err, keys.ErrNotFound)
				require.NotContains(t, strings.ToLower(fmt.Sprintf("%+v", err)), secret, "%s: %s", what, wrong)
			}
		}
		s, p := e.fresh(t)
		p.exec(t, "INSERT INTO latchkey_roles VALUES ('editor', '', '', '{\"a\": 1}', '[]')")
		_, _, err := s.Roles().Load(t.Context())
		require.ErrorContains(t, err, "corrupt row")
		p.exec(t, "UPDATE latchkey_roles SET permissions = '{}', inherits = '[1]'")
		_, _, err = s.Roles().Load(t.Context())
		require.ErrorContains(t, err, "corrupt row")
		p.exec(t, "UPDATE latchkey_public_api SET revision = -1")
		_, err = s.PublicAPI().Load(t.Context())
		require.ErrorContains(t, err, "corrupt row")
		p.exec(t, "DELETE FROM latchkey_public_api")
		_, err = s.PublicAPI().Load(t.Context())
		require.ErrorContains(t, err, "corrupt row")
		p.exec(t, "DELETE FROM latchkey_changes")
		_, err = s.Keys().Changes(t.Context(), keys.Revision{})
		require.ErrorContains(t, err, "lost its revision")
		_, err = s.Keys().Changes(t.Context(), keys.Revision{Number: 1})
		require.ErrorContains(t, err, "lost its revision")
	})
}

// A table that an operator created again with another collation may return a key with a similar digest. Such a key is
// refused.
func TestFindComparesTheDigestThatTheDatabaseFound(t *testing.T) {
	s, p := engines[0].fresh(t)
	theirs := custom(1)
	_, sum := theirs.Digest.Reveal()
	_, old := custom(2).Digest.Reveal()
	theirs.Digest, theirs.Previous = keys.NewDigest("hmac-sha256:Pepper", sum), keys.NewDigest("hmac-sha256:Pepper", old)
	require.NoError(t, s.Keys().Insert(t.Context(), theirs))
	p.exec(t, "ALTER TABLE latchkey_keys RENAME TO latchkey_table")
	p.exec(t, "CREATE VIEW latchkey_keys AS SELECT "+strings.NewReplacer("digest", "digest COLLATE NOCASE AS digest",
		"previous,", "previous COLLATE NOCASE AS previous,").Replace(handColumns)+" FROM latchkey_table")
	for _, digest := range []keys.Digest{theirs.Digest, theirs.Previous} {
		got, err := s.Keys().Find(t.Context(), "", []keys.Digest{digest})
		require.NoError(t, err)
		require.Equal(t, theirs.ID, got.ID)

		_, sum := digest.Reveal()
		digest = keys.NewDigest("hmac-sha256:pepper", sum)
		for _, asked := range [][]keys.Digest{{digest}, {custom(3).Digest, digest}} {
			_, err = s.Keys().Find(t.Context(), "", asked)
			require.ErrorContains(t, err, "was not requested")
			require.NotErrorIs(t, err, keys.ErrNotFound, "no verdict")
		}
	}
}

func TestTextsThatNoDatabaseHasAreNotThere(t *testing.T) {
	onEach(t, func(t *testing.T, e engine) {
		s, _ := e.fresh(t)
		ctx := t.Context()
		for _, text := range []string{"a\x00", "\xff"} {
			_, err := s.Keys().Get(ctx, "", text)
			require.ErrorIs(t, err, keys.ErrNotFound)
			require.ErrorIs(t, s.Keys().Delete(ctx, "", text), keys.ErrNotFound)
			_, err = s.Keys().Find(ctx, text, []keys.Digest{custom(1).Digest})
			require.ErrorIs(t, err, keys.ErrNotFound)
			list, err := s.Keys().List(ctx, "", keys.Filter{UserID: text})
			require.NoError(t, err)
			require.Empty(t, list)
			ended, err := s.Keys().InvalidateUser(ctx, "", text, noon)
			require.NoError(t, err)
			require.Empty(t, ended)
			require.NoError(t, s.Keys().RecordUse(ctx, []keys.Use{{ID: text, At: noon}}))
			at, err := s.Roles().Revision(ctx)
			require.NoError(t, err)
			require.ErrorIs(t, s.Roles().Delete(ctx, text, at), roles.ErrNotFound)
		}
	})
}

// PostgreSQL's own errors quote the row that breaks a constraint, digest and all.
func TestErrorsHoldNoDigest(t *testing.T) {
	s, p := engines[1].fresh(t)
	p.exec(t, "ALTER TABLE latchkey_keys ADD CONSTRAINT short CHECK (length(name) < 5)")
	r := custom(1)
	err := s.Keys().Insert(t.Context(), r)
	require.Error(t, err)
	for e := err; e != nil; e = errors.Unwrap(e) {
		require.NotContains(t, fmt.Sprintf("%+v %#v", e, e), digestText(r.Digest))
	}
	require.ErrorContains(t, err, "23514")
}
