package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/auth/admin"
	"github.com/latchkey-go/latchkey/examples/cms/users"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/roles"
)

// A screen repeats what the user "admin" of the fixture did on Cockpit's screens, by the operations that this
// program's pages use.
type screen struct {
	*node
	by    auth.Principal
	saved map[string]document // users and keys as last recorded, by _id
}

func newScreen(t *testing.T, n *node) *screen {
	t.Helper()
	s := &screen{node: n, saved: map[string]document{}}
	text, err := os.ReadFile(fixture)
	require.NoError(t, err)
	var documents struct {
		Users []document
		Keys  []document `json:"api_keys"`
	}
	require.NoError(t, json.Unmarshal(text, &documents))
	for _, d := range append(documents.Users, documents.Keys...) {
		s.saved[d.ID] = d
		if d.User == "admin" {
			s.by, err = n.lk.Guard.PrincipalForUser(t.Context(), d.ID)
			require.NoError(t, err)
		}
	}
	require.NotEmpty(t, s.by.UserID())
	return s
}

// public sets the public API to its recorded state as far as the library allows: it opens with an existing role, and
// is closed otherwise.
func (s *screen) public(t *testing.T, state string) {
	t.Helper()
	role, named := strings.CutPrefix(state, "role ")
	role, _, _ = strings.Cut(role, " ") // of "vanished (no document)"
	setting, err := s.node.lk.Public.Current(t.Context())
	require.NoError(t, err)
	switch {
	case role == "removed":
		require.Empty(t, setting.Role, "closed by the removal of its role")
		return
	case named && role != "null" && role != `""`:
		if setting.Role == role {
			return
		}
		err := s.savePublic(t.Context(), role)
		if err == nil {
			return
		}
		require.ErrorIs(t, err, admin.ErrInput, "%q", state)
	}
	require.NoError(t, s.savePublic(t.Context(), ""))
}

// savePublic is Cockpit's screen of the public API.
func (s *screen) savePublic(ctx context.Context, role string) error {
	if role == "" {
		_, err := s.lk.Admin.ClosePublic(ctx, s.by, "")
		return err
	}
	preview, err := s.lk.Admin.PreviewPublic(ctx, s.by, role)
	if err != nil {
		return err
	}
	_, err = s.lk.Admin.OpenPublic(ctx, s.by, role, admin.Confirmation{Token: preview.Token})
	return err
}

// A document is the data of a screen; Role and APIKey are nil for null.
type document struct {
	ID           string `json:"_id"`
	Key          string
	User         string
	Name         string
	Role, APIKey *string
	Active       bool
}

// do performs a recorded change. Its error is the library's refusal.
func (s *screen) do(t *testing.T, e exchange, ids *renamed) error {
	t.Helper()
	var sent struct{ User, Key, Role json.RawMessage }
	require.NoError(t, json.Unmarshal([]byte(e.Request.Body), &sent))
	text := sent.User
	for _, other := range []json.RawMessage{sent.Key, sent.Role} {
		if text == nil {
			text = other
		}
	}
	var d document
	if sent.Role == nil {
		require.NoError(t, json.Unmarshal(text, &d))
	}
	ctx := t.Context()
	switch e.Request.Path {
	case "/system/api/save":
		if d.Key == "public" {
			return s.savePublic(ctx, plain(d.Role))
		}
		return s.saveKey(t, d, ids)
	case "/system/api/remove":
		if d.Key == "public" {
			return s.savePublic(ctx, "")
		}
		return s.removeKey(ctx, s.key(t, d.ID).ID)
	case "/system/users/save":
		return s.saveUser(t, d, ids)
	case "/system/users/remove":
		return s.removeUser(t, d.ID)
	case "/system/users/roles/save":
		var role roles.Role
		require.NoError(t, json.Unmarshal(text, &role))
		return s.lk.Admin.UpdateRole(ctx, s.by, role, admin.Confirmation{})
	case "/system/users/roles/remove":
		var role roles.Role
		require.NoError(t, json.Unmarshal(text, &role))
		return s.removeRole(ctx, role.AppID)
	}
	t.Fatalf("%s: no such screen: %s", e.ID, e.Request.Path)
	return nil
}

func plain(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// key finds a custom key by its _id in Cockpit.
func (s *screen) key(t *testing.T, id string) keys.Record {
	t.Helper()
	found, err := s.lk.Keys.List(t.Context(), keys.Filter{ForeignID: id, Kind: keys.KindCustom})
	require.NoError(t, err)
	require.Len(t, found, 1)
	return found[0]
}

// saveKey issues a new key if the document has a new text. Cockpit's browsers make the text up; here the issued key
// stands for the recorded one.
func (s *screen) saveKey(t *testing.T, d document, ids *renamed) error {
	t.Helper()
	before := s.saved[d.ID]
	s.saved[d.ID] = d
	require.NotEqual(t, before.Key, d.Key, "no other change of a key was recorded")
	issued, err := s.lk.Admin.RefreshKey(t.Context(), s.by, s.key(t, d.ID).ID, "", keys.Renewal{})
	if err == nil {
		ids.ours[d.Key] = issued.Key.Reveal()
	}
	return err
}

func (s *screen) removeKey(ctx context.Context, id string) error {
	if _, err := s.lk.Admin.SetKeyState(ctx, s.by, id, "", keys.StateInvalidated); err != nil {
		return err
	}
	return s.lk.Admin.RemoveKey(ctx, s.by, id, "")
}

// saveUser applies the differences from the earlier document.
func (s *screen) saveUser(t *testing.T, d document, ids *renamed) error {
	t.Helper()
	ctx, before := t.Context(), s.saved[d.ID]
	s.saved[d.ID] = d
	if plain(d.Role) != plain(before.Role) || d.Name != before.Name || d.Active != before.Active {
		manager := users.Manager{Table: s.users, Store: s.store, Audit: s.store.Audit()}
		err := manager.Update(ctx, s.by, users.User{ID: d.ID, Name: d.Name, Role: plain(d.Role), Active: d.Active})
		if err != nil {
			return err
		}
	}
	switch {
	case plain(d.APIKey) == plain(before.APIKey):
		return nil
	case d.APIKey == nil:
		_, err := s.lk.Admin.InvalidateUserKeys(ctx, s.by, d.ID, "")
		return err
	}
	rec, err := s.lk.Admin.UserKey(ctx, s.by, d.ID)
	if err != nil {
		return err
	}
	issued, err := s.lk.Admin.RefreshKey(ctx, s.by, rec.ID, "", keys.Renewal{})
	if err == nil {
		ids.ours[*d.APIKey] = issued.Key.Reveal()
	}
	return err
}

// removeUser deletes a row of the host's own table; this program's pages only deactivate users.
func (s *screen) removeUser(t *testing.T, id string) error {
	t.Helper()
	return s.store.InTx(t.Context(), func(ctx context.Context) error {
		if _, err := s.store.Executor(ctx).ExecContext(ctx, `DELETE FROM cms_users WHERE id = $1`, id); err != nil {
			return err
		}
		return s.store.Touch(ctx)
	})
}

// removeRole asks twice, as the pages do: the first answer says what the deletion affects.
func (s *screen) removeRole(ctx context.Context, appid string) error {
	err := s.lk.Admin.DeleteRole(ctx, s.by, appid, admin.Confirmation{})
	var used *admin.Error
	if errors.As(err, &used) && used.Usage != nil {
		return s.lk.Admin.DeleteRole(ctx, s.by, appid, admin.Confirmation{Token: used.Usage.Confirm})
	}
	return err
}
