package cockpit_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth/audit"
	"github.com/latchkey-go/latchkey/auth/cockpit"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/roles"
)

// The fixture's key that these tests meddle with.
const (
	editorKey = "6b048abb686c828f7b4cc2c5"
	edID      = "6b048aba686c828f7b8a73e9"
)

// onlyUnchanged checks that a report holds nothing else.
func onlyUnchanged(t *testing.T, r *cockpit.Report) {
	t.Helper()
	for _, e := range r.Entries {
		require.Equal(t, cockpit.VerdictUnchanged, e.Verdict, "%v", e)
	}
}

func TestASecondImportWritesNothing(t *testing.T) {
	for _, overwrite := range []bool{false, true} {
		w := newWorld(t)
		w.Overwrite = overwrite
		w.bring(t, fixture(t))
		require.Equal(t, 2*(5+12+24+1), w.writes, "each change and its record")
		report := w.bring(t, fixture(t))
		onlyUnchanged(t, report)
		require.Len(t, report.Entries, 42)
		require.Equal(t, 84, w.writes)
	}
}

func TestARefreshedKeyKeepsItsNewText(t *testing.T) {
	for _, overwrite := range []bool{false, true} {
		w := newWorld(t)
		w.Overwrite = overwrite
		w.bring(t, fixture(t))
		issued, err := w.Into.Keys.Refresh(t.Context(), w.record(t, editorKey).ID, keys.Renewal{})
		require.NoError(t, err)
		writes := w.writes
		report := w.bring(t, fixture(t))
		onlyUnchanged(t, report)
		require.Contains(t, reasons(report, cockpit.AboutKey, editorKey)[cockpit.VerdictUnchanged], "refreshed here")
		require.Equal(t, writes, w.writes)
		server := w.server(t)
		require.Equal(t, unknown, ask(server, fixtureKeys(t)["k-editor"], "content/posts/read"))
		require.Equal(t, ok, ask(server, issued.Key.Reveal(), "content/posts/read"))
	}
}

func TestAnEndedKeyStaysEnded(t *testing.T) {
	for _, overwrite := range []bool{false, true} {
		w := newWorld(t)
		w.Overwrite = overwrite
		w.bring(t, fixture(t))
		custom, user := w.record(t, editorKey), w.record(t, edID)
		require.NoError(t, w.Into.Keys.Invalidate(t.Context(), custom.ID))
		_, err := w.Into.Keys.InvalidateUser(t.Context(), user.UserID)
		require.NoError(t, err)
		disabled := w.record(t, "6b048abb686c828f7b8ea3a1")
		require.NoError(t, w.Into.Keys.Disable(t.Context(), disabled.ID))
		dead := func() {
			server := w.server(t)
			for _, name := range []string{"k-editor", "ed", "k-reader"} {
				require.Equal(t, unknown, ask(server, fixtureKeys(t)[name], "content/posts/read"), name)
			}
		}
		report := w.bring(t, fixture(t))
		onlyUnchanged(t, report)
		require.Contains(t, reasons(report, cockpit.AboutKey, editorKey)[cockpit.VerdictUnchanged], "ended here")
		dead()

		// Removed altogether, they are known by the records of the first import.
		require.NoError(t, w.Into.Keys.Remove(t.Context(), custom.ID))
		require.NoError(t, w.Into.Keys.Remove(t.Context(), user.ID))
		for range 2 {
			report = w.bring(t, fixture(t))
			require.Contains(t, reasons(report, cockpit.AboutKey, editorKey)[cockpit.VerdictRefused], "removed here since")
			require.Contains(t, reasons(report, cockpit.AboutKey, edID)[cockpit.VerdictRefused], "removed here since")
			require.Equal(t, 2, report.Count(cockpit.AboutKey, cockpit.VerdictRefused))
			require.Empty(t, report.Warnings[1:])
			dead()
		}
	}
}

// What is removed and not on record cannot be told, and the report says so.
func TestWithoutALogRemovedKeysCannotBeTold(t *testing.T) {
	for name, log := range map[string]audit.Log{
		"none": nil, "one that cannot be listed": audit.Slog(slog.New(slog.NewTextHandler(io.Discard, nil))),
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.Audit = log
			require.Contains(t, w.bring(t, fixture(t)).Warnings[0], "no audit log tells")
			require.NotContains(t, fmt.Sprint(w.bring(t, fixture(t)).Warnings), "no audit log", "nothing is new")
			id := w.record(t, editorKey).ID
			require.NoError(t, w.Into.Keys.Invalidate(t.Context(), id))
			require.NoError(t, w.Into.Keys.Remove(t.Context(), id))
			report := w.bring(t, fixture(t))
			require.Contains(t, report.Warnings[0], "no audit log tells")
			require.Equal(t, 1, report.Count(cockpit.AboutKey, cockpit.VerdictNew))
		})
	}
}

func TestRolesAndUsersThatWereRemovedHereComeBackOnlyWhenAskedTo(t *testing.T) {
	w := newWorld(t)
	w.bring(t, fixture(t))
	revision, err := w.roles.Revision(t.Context())
	require.NoError(t, err)
	require.NoError(t, w.roles.Delete(t.Context(), "editor", revision))
	delete(w.users, edID)
	report := w.bring(t, fixture(t))
	require.Contains(t, reasons(report, cockpit.AboutRole, "editor")[cockpit.VerdictRefused], "removed here since")
	require.Contains(t, reasons(report, cockpit.AboutUser, edID)[cockpit.VerdictRefused], "removed here since")
	require.Contains(t, reasons(report, cockpit.AboutKey, edID)[cockpit.VerdictRefused], "its user is refused")
	require.Equal(t, unknown, ask(w.server(t), fixtureKeys(t)["ed"], "content/posts/read"))

	w.Overwrite = true
	w.bring(t, fixture(t))
	require.Equal(t, ok, ask(w.server(t), fixtureKeys(t)["ed"], "content/posts/read"))
}

func TestWhatDiffersIsLeftAlone(t *testing.T) {
	w := newWorld(t)
	w.bring(t, fixture(t))
	revision, err := w.roles.Revision(t.Context())
	require.NoError(t, err)
	require.NoError(t, w.roles.Save(t.Context(), roles.Role{AppID: "editor", Name: "Editor"}, revision)) // rights taken away
	_, err = w.Into.Keys.Update(t.Context(), w.record(t, editorKey).ID, func(s *keys.Settings) error {
		s.Role = "reader"
		return nil
	})
	require.NoError(t, err)
	ed := w.users[edID]
	ed.Active = false
	w.users[edID] = ed

	writes := w.writes
	report := w.bring(t, fixture(t))
	require.Equal(t, writes, w.writes)
	for what, id := range map[cockpit.What]string{cockpit.AboutRole: "editor", cockpit.AboutUser: edID, cockpit.AboutKey: editorKey} {
		require.Regexp(t, "^different in (permissions|active|role): what is here stays as it is$",
			reasons(report, what, id)[cockpit.VerdictChanged], what)
	}
	server := w.server(t)
	require.Equal(t, forbidden, ask(server, fixtureKeys(t)["k-editor"], "content/posts/create"))
	require.Equal(t, unknown, ask(server, fixtureKeys(t)["ed"], "content/posts/read"))

	w.Overwrite = true
	report = w.bring(t, fixture(t))
	require.Equal(t, "different in role: Cockpit's is taken", reasons(report, cockpit.AboutKey, editorKey)[cockpit.VerdictChanged])
	require.Equal(t, writes+6, w.writes)
	server = w.server(t)
	require.Equal(t, ok, ask(server, fixtureKeys(t)["k-editor"], "content/posts/create"))
	require.Equal(t, ok, ask(server, fixtureKeys(t)["ed"], "content/posts/create"))
	onlyUnchanged(t, w.bring(t, fixture(t)))
}

// A key that was refreshed in Cockpit after it came over still has its old value here: the report must say so in case it
// leaked.
func TestAKeyThatWasRefreshedInCockpitIsNamed(t *testing.T) {
	document := func(text string) string { return `{"api_keys": [{"_id": "k", "name": "k", "key": "` + text + `"}]}` }
	w := newWorld(t)
	w.bring(t, read(t, document(good("API-", 1))))
	for _, overwrite := range []bool{false, true} {
		w.Overwrite = overwrite
		report := w.bring(t, read(t, document(good("API-", 2))))
		require.Contains(t, reasons(report, cockpit.AboutKey, "k")[cockpit.VerdictChanged], "refresh it here, too")
		require.Equal(t, unknown, ask(w.server(t), good("API-", 2), "a/b"))
		require.Equal(t, forbidden, ask(w.server(t), good("API-", 1), "a/b"))
	}
}

func TestEachChangeLeavesARecord(t *testing.T) {
	w := newWorld(t)
	w.By = "ada"
	w.Keys = w.Keys.In("tenant")
	w.bring(t, fixture(t))
	records, err := w.log.List(t.Context(), audit.Filter{Space: "tenant", Actor: "ada"})
	require.NoError(t, err)
	require.Len(t, records, 42)
	require.Equal(t, "public.set", records[0].Action)
	r := w.record(t, editorKey)
	require.Equal(t, "ada", r.CreatedBy)
	of, err := w.log.List(t.Context(), audit.Filter{Space: "tenant", Object: r.ID})
	require.NoError(t, err)
	require.Len(t, of, 1)
	require.Equal(t, "key.import", of[0].Action)
	require.Equal(t, map[string]any{
		"kind": "custom", "name": "k-editor", "role": "editor", "foreign_id": editorKey, "hint": "API-…baec", "weak": false,
	}, of[0].After)
}

// Without transactions what was written before a fault stays, and the next import does the rest.
func TestAnImportThatBrokeGoesOn(t *testing.T) {
	for failAt := 1; failAt <= 84; failAt += 3 {
		w := newWorld(t)
		w.failAt = failAt
		report, err := cockpit.Import(t.Context(), fixture(t), w.Into)
		require.ErrorIs(t, err, errBroken)
		require.Nil(t, report)
		require.Equal(t, failAt, w.writes, "nothing is tried after a fault")
		for name, text := range fixtureKeys(t) {
			require.NotContains(t, err.Error(), text, name)
		}
		w.bring(t, fixture(t))
		server, texts := w.server(t), fixtureKeys(t)
		require.Equal(t, ok, ask(server, texts["ed"], "content/posts/create"))
		require.Equal(t, ok, ask(server, texts["k-utf8"], "content/posts/read"))
		require.Equal(t, ok, ask(server, "", "content/menu/read"))
	}
}

// Other writers need not wait for a whole import, and what its transactions do together is what one would.
func TestALargeImportIsManyTransactions(t *testing.T) {
	large := func() *cockpit.Source {
		s, err := cockpit.ReadJSON(newCockpit(300, 1300, 0))
		require.NoError(t, err)
		return s
	}
	w := newWorld(t)
	var sizes []int
	w.InTx = func(ctx context.Context, f func(context.Context) error) error {
		before := w.writes
		defer func() { sizes = append(sizes, w.writes-before) }()
		return f(ctx)
	}
	w.failAt = 2500
	_, err := cockpit.Import(t.Context(), large(), w.Into)
	require.ErrorIs(t, err, errBroken)
	require.Equal(t, []int{1000, 1000, 500}, sizes, "a change and its record are two writes")

	w.failAt, sizes = 0, nil
	report, err := cockpit.Import(t.Context(), large(), w.Into)
	require.NoError(t, err)
	require.Less(t, len(sizes), 4, "the rest")
	require.Zero(t, report.Count(cockpit.AboutKey, cockpit.VerdictRefused))
	onlyUnchanged(t, w.bring(t, large()))
}

// A public role is judged by the roles that the import began with, so it is not opened after these have changed.
func TestThePublicAPIIsNotOpenedAfterAnotherChangeOfRoles(t *testing.T) {
	source := func() *cockpit.Source {
		var text strings.Builder
		text.WriteString(`{"roles": [{"appid": "reader", "permissions": {"content/posts/read": true}}], "public": "reader", "api_keys": [`)
		for i := range 600 {
			fmt.Fprintf(&text, `{"_id": "k%d", "name": "k", "role": "reader", "key": %q},`, i, good("API-", i))
		}
		return read(t, strings.TrimSuffix(text.String(), ",")+`]}`)
	}
	w := newWorld(t)
	n := 0
	w.InTx = func(ctx context.Context, f func(context.Context) error) error {
		if n++; n == 2 {
			revision, err := w.roles.Revision(ctx)
			require.NoError(t, err)
			require.NoError(t, w.roles.Save(ctx, roles.Role{AppID: "reader", Permissions: roles.Grants{"content/**": true}}, revision))
		}
		return f(ctx)
	}
	_, err := cockpit.Import(t.Context(), source(), w.Into)
	require.ErrorIs(t, err, roles.ErrConflict)
	setting, err := w.Public.Load(t.Context())
	require.NoError(t, err)
	require.Zero(t, setting)

	report, err := cockpit.Import(t.Context(), source(), w.Into)
	require.NoError(t, err)
	require.Equal(t, 1, report.Count(cockpit.AboutPublic, cockpit.VerdictRefused), "it allows more than in Cockpit now")
}

func TestATransactionMayRunTwice(t *testing.T) {
	w := newWorld(t)
	w.InTx = func(ctx context.Context, f func(context.Context) error) error {
		if err := f(ctx); err != nil {
			return err
		}
		return f(ctx)
	}
	report, err := cockpit.Import(t.Context(), fixture(t), w.Into)
	require.NoError(t, err)
	onlyUnchanged(t, report)
}

func TestAStoreErrorIsNoVerdict(t *testing.T) {
	w := newWorld(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := cockpit.Plan(ctx, fixture(t), w.Into)
	require.ErrorIs(t, err, context.Canceled)
	_, err = cockpit.Import(ctx, fixture(t), w.Into)
	require.ErrorIs(t, err, context.Canceled)
	require.Zero(t, w.writes)
	require.NoError(t, w.Into.Keys.Close(t.Context()))
	_, err = cockpit.Plan(t.Context(), fixture(t), w.Into)
	require.ErrorIs(t, err, keys.ErrClosed)
	require.False(t, strings.Contains(err.Error(), "USR-"))
}

// The log calls a change of a user's key what the console and package admin call it.
func TestAUsersKeyIsRenamed(t *testing.T) {
	source := func(login string) *cockpit.Source {
		return read(t, `{"users": [{"_id": "u", "user": "`+login+`", "active": true, "apiKey": "`+good("USR-", 1)+`"}]}`)
	}
	w := newWorld(t)
	w.bring(t, source("ada"))
	w.Overwrite = true
	w.bring(t, source("ada.l"))
	records, err := w.Audit.List(t.Context(), audit.Filter{Action: "userkey.update", Limit: 10})
	require.NoError(t, err)
	require.Len(t, records, 1)
	require.Equal(t, "ada.l", records[0].After["name"])
}
