package existing

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/auth/setup"
	"github.com/latchkey-go/latchkey/auth/sqlstore"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/roles"
)

// The keys of the old table. Each has 160 bits or more.
const (
	build    = "tok_3b9f01c44ad2e5786fe0a91d27c8b35419fe6a02"
	report   = "tok_c07d5e8832fb14a96e90b3d7f1254cc8ab06e73d"
	paused   = "tok_81e4ad960b37f2c5d81360ef9a4b72c5e03d16f8"
	ended    = "tok_5fa2c99d07e3b4168bd45e10fc72a39630d8be41"
	adaOne   = "tok_e61b30d7a984cf5207bb8e3c19f4d05a62e87c91"
	adaTwo   = "tok_0d94e7b26fc1538ae42b7096dd5f83a1c7e20b6f"
	stranger = "tok_9ac0f35e71d8b2469be5170f4d23c8a6f90e74b2"
)

func openDB(t *testing.T) *sql.DB {
	file := filepath.Join(t.TempDir(), "app.db")
	db, err := sql.Open("sqlite", "file:"+file+"?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

// hostTable makes the table of keys that the program had before.
func hostTable(t *testing.T, db *sql.DB) {
	_, err := db.ExecContext(t.Context(), `CREATE TABLE api_tokens (
		id TEXT PRIMARY KEY, name TEXT NOT NULL, owner TEXT NOT NULL, role TEXT NOT NULL, sha256 TEXT NOT NULL,
		disabled BOOLEAN NOT NULL, expires_at TIMESTAMP)`)
	require.NoError(t, err)
	add := func(id, owner, role, text string, disabled bool, expires any) {
		sum := sha256.Sum256([]byte(text))
		_, err := db.ExecContext(t.Context(), `INSERT INTO api_tokens VALUES (?, ?, ?, ?, ?, ?, ?)`,
			id, "the key "+id, owner, role, hex.EncodeToString(sum[:]), disabled, expires)
		require.NoError(t, err)
	}
	add("1", "", "clerk", build, false, nil)
	add("2", "", "reader", report, false, time.Now().Add(time.Hour).UTC())
	add("3", "", "clerk", paused, true, nil)
	add("4", "", "clerk", ended, false, time.Now().Add(-time.Hour).UTC())
	add("5", "ada", "ignored", adaOne, false, nil)
	add("6", "ada", "ignored", adaTwo, false, nil)
}

// importTable imports the whole table. It returns the number of keys that were added, and the IDs of the others.
func importTable(t *testing.T, db *sql.DB, ring *keys.Ring) (added int, skipped []string, err error) {
	rows, err := db.QueryContext(t.Context(), `SELECT id, name, owner, role, sha256, disabled, expires_at FROM api_tokens ORDER BY id`)
	require.NoError(t, err)
	defer rows.Close()
	var old []keys.Imported
	var digests []string
	for rows.Next() {
		k, digest, expires := keys.Imported{Kind: keys.KindCustom}, "", sql.NullTime{}
		require.NoError(t, rows.Scan(&k.ForeignID, &k.Name, &k.UserID, &k.Role, &digest, &k.Disabled, &expires))
		if k.ExpiresAt = expires.Time; k.UserID != "" {
			k.Kind, k.Role = keys.KindUser, ""
		}
		old, digests = append(old, k), append(digests, digest)
	}
	require.NoError(t, rows.Err())
	for i, k := range old {
		ok, err := Import(t.Context(), ring, k, digests[i])
		switch {
		case err != nil:
			return added, skipped, err
		case ok:
			added++
		default:
			skipped = append(skipped, k.ForeignID)
		}
	}
	return added, skipped, nil
}

func install(t *testing.T, db *sql.DB, k keys.Config) *setup.Installation {
	lk, err := setup.Open(t.Context(), setup.Config{
		DB: db, Dialect: sqlstore.SQLite, Logger: slog.New(slog.DiscardHandler), Keys: k,
		Users: auth.UserMap{"ada": {Name: "Ada", Role: "clerk", Active: true}},
		Start: setup.Start{Roles: []roles.Role{
			{AppID: "reader", Permissions: roles.Grants{"orders/read": true}},
			{AppID: "clerk", Permissions: roles.Grants{"orders/read": true, "orders/update": true}},
		}},
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, lk.Close(context.Background())) })
	return lk
}

// statuses returns those of a read and a write with a key.
func statuses(lk *setup.Installation, key string) [2]int {
	var got [2]int
	for i, permission := range []string{"orders/read", "orders/update"} {
		w, r := httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Authorization", "Bearer "+key)
		lk.Guard.Require(permission, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") })).ServeHTTP(w, r)
		got[i] = w.Code
	}
	return got
}

func TestOldKeysKeepWorking(t *testing.T) {
	db := openDB(t)
	hostTable(t, db)
	config := keys.Config{ImportedKeys: true, SeveralPerUser: true}
	lk := install(t, db, config)
	added, skipped, err := importTable(t, db, lk.Keys)
	require.NoError(t, err)
	require.Empty(t, skipped)
	require.Equal(t, 6, added)

	want := map[string][2]int{
		build: {200, 200}, report: {200, 403}, paused: {401, 401}, ended: {401, 401}, adaOne: {200, 200}, adaTwo: {200, 200},
		stranger: {401, 401}, build + "0": {401, 401}, build[:40]: {401, 401}, "": {401, 401},
	}
	check := func(lk *setup.Installation) {
		t.Helper()
		for key, status := range want {
			require.Equal(t, status, statuses(lk, key), key)
		}
	}
	check(lk)

	// To run it again changes nothing.
	before := records(t, lk)
	_, skipped, err = importTable(t, db, lk.Keys)
	require.NoError(t, err)
	require.Equal(t, []string{"1", "2", "3", "4", "5", "6"}, skipped)
	require.Equal(t, before, records(t, lk))
	check(lk)

	// A refreshed key has a new value. The old one does not come back, whatever the old table says.
	first, err := lk.Keys.List(t.Context(), keys.Filter{ForeignID: "1"})
	require.NoError(t, err)
	require.Len(t, first, 1)
	require.True(t, first[0].Legacy)
	refreshed, err := lk.Keys.Refresh(t.Context(), first[0].ID, keys.Renewal{})
	require.NoError(t, err)
	require.False(t, refreshed.Record.Legacy)
	require.True(t, lk.Keys.Format().Valid(refreshed.Key.Reveal()))
	want[refreshed.Key.Reveal()], want[build] = want[build], [2]int{401, 401}
	adas, err := lk.Keys.List(t.Context(), keys.Filter{ForeignID: "6"})
	require.NoError(t, err)
	require.NoError(t, lk.Keys.Invalidate(t.Context(), adas[0].ID))
	want[adaTwo] = [2]int{401, 401}
	check(lk)
	before = records(t, lk)
	_, skipped, err = importTable(t, db, lk.Keys)
	require.NoError(t, err)
	require.Len(t, skipped, 6)
	require.Equal(t, before, records(t, lk))
	check(lk)

	// A program that starts later finds the same keys, and one without ImportedKeys only those in the new format.
	check(install(t, db, config))
	strict := install(t, db, keys.Config{})
	require.Equal(t, [2]int{401, 401}, statuses(strict, report))
	require.Equal(t, [2]int{200, 200}, statuses(strict, refreshed.Key.Reveal()))
}

// records returns all records without the times of last use, which are written in the background.
func records(t *testing.T, lk *setup.Installation) []keys.Record {
	all, err := lk.Keys.List(t.Context(), keys.Filter{})
	require.NoError(t, err)
	for i := range all {
		all[i].LastUsedAt = time.Time{}
	}
	return all
}

// Without SeveralPerUser the second key of a user is in the list of skipped keys, which the guide says to look at.
func TestTheFirstRunTellsWhatItSkips(t *testing.T) {
	db := openDB(t)
	hostTable(t, db)
	lk := install(t, db, keys.Config{ImportedKeys: true})
	added, skipped, err := importTable(t, db, lk.Keys)
	require.NoError(t, err)
	require.Equal(t, 5, added)
	require.Equal(t, []string{"6"}, skipped)
	require.Equal(t, [2]int{401, 401}, statuses(lk, adaTwo))
}

// As the guide says: with the texts, Text is in place of Digest and Strong.
func TestOldKeysByText(t *testing.T) {
	lk := install(t, openDB(t), keys.Config{ImportedKeys: true})
	for range 2 {
		for _, k := range []keys.Imported{
			{Kind: keys.KindCustom, ForeignID: "1", Role: "clerk", Text: keys.NewKey(build)},
			{Kind: keys.KindUser, ForeignID: "5", UserID: "ada", Text: keys.NewKey(adaOne)},
		} {
			if _, err := lk.Keys.Import(t.Context(), k); err != nil {
				require.ErrorIs(t, err, keys.ErrExists)
			}
		}
		require.Len(t, records(t, lk), 2)
		require.Equal(t, [2]int{200, 200}, statuses(lk, build))
		require.Equal(t, [2]int{200, 200}, statuses(lk, adaOne))
		require.Equal(t, [2]int{401, 401}, statuses(lk, stranger))
	}
	_, err := lk.Keys.Import(t.Context(), keys.Imported{Kind: keys.KindCustom, Text: keys.NewKey("letmein")})
	require.ErrorIs(t, err, keys.ErrRefused, "a weak key")
}

// As the guide says: the secret of an HMAC-SHA-256 becomes a pepper.
func TestOldKeysByHMAC(t *testing.T) {
	const secret = "a secret of the old program"
	lk := install(t, openDB(t), keys.Config{ImportedKeys: true, Peppers: []keys.Pepper{keys.NewPepper("old", []byte(secret))}})
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(build))
	_, err := lk.Keys.Import(t.Context(), keys.Imported{
		Kind: keys.KindCustom, ForeignID: "1", Role: "clerk", Digest: keys.NewDigest("hmac-sha256:old", [32]byte(mac.Sum(nil))), Strong: true,
	})
	require.NoError(t, err)
	require.Equal(t, [2]int{200, 200}, statuses(lk, build))
}

// The import stops at a row that it can't take, and names it.
func TestAnImportStopsAtABadRow(t *testing.T) {
	for _, digest := range []string{"", "12", "not hex at all", hex.EncodeToString(make([]byte, 31)), hex.EncodeToString(make([]byte, 33))} {
		db := openDB(t)
		hostTable(t, db)
		_, err := db.ExecContext(t.Context(), `UPDATE api_tokens SET sha256 = ? WHERE id = '3'`, digest)
		require.NoError(t, err)
		lk := install(t, db, keys.Config{ImportedKeys: true, SeveralPerUser: true})
		added, skipped, err := importTable(t, db, lk.Keys)
		require.EqualError(t, err, "key 3: not a SHA-256 in hex")
		require.Equal(t, 2, added)
		require.Empty(t, skipped)
		require.Len(t, records(t, lk), 2)
	}
	db := openDB(t)
	hostTable(t, db)
	_, _, err := importTable(t, db, install(t, db, keys.Config{}).Keys)
	require.ErrorIs(t, err, keys.ErrRefused, "ImportedKeys is not set")
}
