package admin_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth/admin"
	"github.com/latchkey-go/latchkey/publicapi"
	"github.com/latchkey-go/latchkey/roles"
)

func TestPublic(t *testing.T) {
	w := newWorld(t, nil)
	ctx, by := t.Context(), w.root()
	setting, report, err := w.service.Public(ctx, by)
	require.NoError(t, err)
	require.Empty(t, setting.Role)
	require.Empty(t, report.Token)
	preview, err := w.service.PreviewPublic(ctx, by, "editor")
	require.NoError(t, err)
	require.Equal(t, []string{"content/posts/create"}, preview.Writes)
	require.Len(t, preview.Routes, 3)
	open := func(appid string, seen admin.Confirmation) error {
		_, err := w.service.OpenPublic(ctx, by, appid, seen)
		return err
	}
	for _, seen := range []admin.Confirmation{{}, {Acknowledged: preview.Writes}, {Token: preview.Token}, {Token: preview.Token, Acknowledged: []string{"x"}}} {
		unconfirmed, ok := errors.AsType[*publicapi.UnconfirmedError](open("editor", seen))
		require.True(t, ok)
		require.Equal(t, preview, unconfirmed.Preview)
	}
	require.Error(t, open("viewer", admin.Confirmation{Token: preview.Token}), "a token is for one role")
	require.ErrorIs(t, open("editor", admin.Confirmation{Match: "x", Token: preview.Token, Acknowledged: preview.Writes}), admin.ErrChanged)
	require.NoError(t, open("editor", admin.Confirmation{Match: admin.Revision(setting), Token: preview.Token, Acknowledged: preview.Writes}))
	require.NoError(t, open("editor", admin.Confirmation{}), "it is so already")
	setting, report, err = w.service.Public(ctx, by)
	require.NoError(t, err)
	require.Equal(t, "editor", setting.Role)
	require.Empty(t, report.Token, "there is nothing to confirm")
	require.Len(t, w.records(), 1)
	require.Equal(t, "public.set public  editor", fmt.Sprint(w.records()[0].Action, " ", w.records()[0].Object, " ", w.records()[0].Before["role"], " ", w.records()[0].After["role"]))

	_, err = w.service.ClosePublic(ctx, by, "x")
	require.ErrorIs(t, err, admin.ErrChanged)
	for _, match := range []admin.Tag{admin.Revision(setting), ""} { // a second call changes nothing
		closed, err := w.service.ClosePublic(ctx, by, match)
		require.NoError(t, err)
		require.Empty(t, closed.Role)
	}
	require.Len(t, w.records(), 2)
	require.Equal(t, "public.close", w.records()[0].Action)

	_, err = w.service.OpenPublic(ctx, w.as("keeper"), "warden", admin.Confirmation{})
	require.ErrorIs(t, err, admin.ErrForbidden, "the caller does not cover it")
	bare := newWorld(t, nil, func(c *admin.Config) { c.Public = nil })
	_, _, err = bare.service.Public(ctx, bare.root())
	require.ErrorIs(t, err, admin.ErrNotFound)
}

// TestAStalePreview changes something after the preview that the caller confirms.
func TestAStalePreview(t *testing.T) {
	editor := roles.Role{AppID: "editor", Permissions: roles.Grants{"content/posts/read": true, "content/posts/create": true, "content/secret/read": true}}
	for name, change := range map[string]func(*world) error{
		"a read":      func(w *world) error { return w.roles.Save(t.Context(), editor) },
		"the setting": func(w *world) error { return w.open(w.root(), "viewer") },
		"a model": func(w *world) error {
			w.names = func() (map[string][]string, error) {
				return map[string][]string{"model": {"pages", "posts", "secret"}}, nil
			}
			return nil
		},
	} {
		w := newWorld(t, nil)
		stale, err := w.service.PreviewPublic(t.Context(), w.root(), "keeper") // inherits from editor
		require.NoError(t, err)
		require.NoError(t, change(w), name)
		before, err := w.public.Current(t.Context())
		require.NoError(t, err)
		_, err = w.service.OpenPublic(t.Context(), w.root(), "keeper", admin.Confirmation{Token: stale.Token, Acknowledged: stale.Writes})
		unconfirmed, ok := errors.AsType[*publicapi.UnconfirmedError](err)
		require.True(t, ok, name)
		after, err := w.public.Current(t.Context())
		require.NoError(t, err)
		require.Equal(t, before, after, name)
		fresh, err := w.service.PreviewPublic(t.Context(), w.root(), "keeper")
		require.NoError(t, err)
		require.Equal(t, fresh, unconfirmed.Preview, name)
		require.NoError(t, w.open(w.root(), "keeper"))
	}
}

// TestAnEditOpensOnlyWhatWasConfirmed edits a role that the public role inherits from.
func TestAnEditOpensOnlyWhatWasConfirmed(t *testing.T) {
	w := newWorld(t, nil)
	require.NoError(t, w.open(w.root(), "rolemaker")) // inherits from editor
	edited := func(more ...string) roles.Role {
		r := roles.Role{AppID: "editor", Permissions: roles.Grants{"content/posts/read": true, "content/posts/create": true}}
		for _, grant := range more {
			r.Permissions[grant] = true
		}
		return r
	}
	save := func(r roles.Role, seen admin.Confirmation) (publicapi.Report, error) {
		err := w.service.UpdateRole(t.Context(), w.root(), r, seen)
		if unconfirmed, ok := errors.AsType[*publicapi.UnconfirmedError](err); ok {
			return unconfirmed.Preview, nil
		}
		require.NoError(t, err)
		return publicapi.Report{}, errors.New("saved")
	}
	for _, c := range []struct {
		role   roles.Role
		writes []string
		routes int
	}{
		{edited("content/posts/delete"), []string{"content/posts/delete"}, 0},
		{edited("content/posts/delete", "content/pages/read"), nil, 0},
	} {
		before := w.roles.Policy()
		preview, err := save(c.role, admin.Confirmation{})
		require.NoError(t, err, "it is not saved")
		require.Equal(t, c.writes, preview.Writes)
		require.Len(t, preview.Routes, c.routes)
		_, err = save(c.role, admin.Confirmation{Token: "x", Acknowledged: preview.Writes})
		require.NoError(t, err, "it is not saved")
		require.Same(t, before, w.roles.Policy())
		_, err = save(c.role, admin.Confirmation{Token: preview.Token, Acknowledged: preview.Writes})
		require.EqualError(t, err, "saved")
	}
	_, err := save(edited(), admin.Confirmation{})
	require.EqualError(t, err, "saved", "less needs no confirmation")
	_, err = save(roles.Role{AppID: "viewer", Permissions: roles.Grants{"content/secret/read": true}}, admin.Confirmation{})
	require.EqualError(t, err, "saved", "viewer is not public")

	preview, err := save(edited("content/pages/read"), admin.Confirmation{})
	require.NoError(t, err)
	require.NoError(t, w.roles.Save(t.Context(), roles.Role{AppID: "rolemaker", Inherits: []string{"editor"}, Permissions: roles.Grants{"content/secret/read": true}}))
	_, err = save(edited("content/pages/read"), admin.Confirmation{Token: preview.Token, Acknowledged: preview.Writes})
	require.NoError(t, err, "another caller opened more since the preview")
	_, err = w.service.ClosePublic(t.Context(), w.root(), "")
	require.NoError(t, err)
	_, err = save(edited("content/**"), admin.Confirmation{})
	require.EqualError(t, err, "saved", "no role is public")
}

// Two catalogs would disagree about what has to be acknowledged.
func TestThereIsOneCatalog(t *testing.T) {
	w := newWorld(t, nil)
	c := admin.Config{Keys: w.ring, Guard: w.guard, Roles: w.roles, RoleStore: w.rows, Audit: w.log, Catalog: catalog(t)}
	names := func(context.Context) (map[string][]string, error) { return nil, nil }
	_, err := admin.New(c)
	require.NoError(t, err, "the public API is not managed")
	c.Public = w.public
	_, err = admin.New(c)
	require.ErrorContains(t, err, "set them in publicapi.Config alone")
	c.Catalog, c.Names = nil, names
	_, err = admin.New(c)
	require.ErrorContains(t, err, "set them in publicapi.Config alone")

	bare, err := publicapi.New(publicapi.Config{Store: publicapi.NewMemoryStore(), Directory: w.roles})
	require.NoError(t, err)
	c.Public, c.Names = bare, nil
	service, err := admin.New(c)
	require.NoError(t, err)
	preview, err := service.PreviewPublic(t.Context(), w.root(), "viewer")
	require.NoError(t, err)
	require.Equal(t, []string{"content/posts/read"}, preview.Writes, "nothing is listed as reading")
	_, err = service.OpenPublic(t.Context(), w.root(), "viewer", admin.Confirmation{Token: preview.Token, Acknowledged: preview.Writes})
	require.NoError(t, err)
}
