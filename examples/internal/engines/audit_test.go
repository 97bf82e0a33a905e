package engines_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth/audit"
	"github.com/latchkey-go/latchkey/auth/sqlstore"
	"github.com/latchkey-go/latchkey/roles"
)

// changed is a record of a change to object.
func changed(t *testing.T, object string) audit.Record {
	t.Helper()
	r, err := audit.Stamp(audit.Record{Actor: "user:ada", Action: "role.update", Object: object})
	require.NoError(t, err)
	return r
}

// requireRecords checks which objects the log has records of, newest first.
func requireRecords(t *testing.T, s *sqlstore.Store, objects ...string) {
	t.Helper()
	page, err := s.Audit().List(t.Context(), audit.Filter{})
	require.NoError(t, err)
	got := []string{}
	for _, r := range page {
		got = append(got, r.Object)
	}
	require.Equal(t, append([]string{}, objects...), got)
}

func TestAChangeAndItsRecordAreThereBothOrNeither(t *testing.T) {
	onEach(t, func(t *testing.T, e engine) {
		s, _ := e.fresh(t)
		save := func(appid string, after error) error {
			at, err := s.Roles().Revision(t.Context())
			require.NoError(t, err)
			return s.InTx(t.Context(), func(ctx context.Context) error {
				require.NoError(t, s.Roles().Save(ctx, roles.Role{AppID: appid}, at))
				require.NoError(t, s.Audit().Append(ctx, changed(t, appid)))
				inside, err := s.Audit().List(ctx, audit.Filter{Object: appid})
				require.NoError(t, err)
				require.Len(t, inside, 1, "the transaction sees its own record")
				outside, err := s.Audit().List(t.Context(), audit.Filter{Object: appid})
				require.NoError(t, err)
				require.Empty(t, outside, "no other caller does")
				return after
			})
		}
		require.ErrorIs(t, save("editor", errSpoilt), errSpoilt)
		rs, _, err := s.Roles().Load(t.Context())
		require.NoError(t, err)
		require.Empty(t, rs)
		requireRecords(t, s)

		require.NoError(t, save("viewer", nil))
		rs, _, err = s.Roles().Load(t.Context())
		require.NoError(t, err)
		require.Len(t, rs, 1)
		requireRecords(t, s, "viewer")
	})
}

// A record that is refused is an answer: who asked for it decides what becomes of the transaction.
func TestATakenIDDoesNotEndTheTransaction(t *testing.T) {
	onEach(t, func(t *testing.T, e engine) {
		s, _ := e.fresh(t)
		first := changed(t, "first")
		require.NoError(t, s.Audit().Append(t.Context(), first))
		require.NoError(t, s.InTx(t.Context(), func(ctx context.Context) error {
			require.ErrorContains(t, s.Audit().Append(ctx, first), "with this ID exists")
			return s.Audit().Append(ctx, changed(t, "second"))
		}))
		requireRecords(t, s, "second", "first")
	})
}

func TestOfManyRecordsWithOneIDOneGoesIn(t *testing.T) {
	onEach(t, func(t *testing.T, e engine) {
		s, _ := e.fresh(t)
		r := changed(t, "contested")
		var in atomic.Int64
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				if err := s.Audit().Append(t.Context(), r); err == nil {
					in.Add(1)
				}
			})
		}
		all.Wait()
		require.EqualValues(t, 1, in.Load())
		requireRecords(t, s, "contested")
	})
}

// Nothing caches records, so a new one wakes no listener.
func TestARecordMovesNoRevision(t *testing.T) {
	onEach(t, func(t *testing.T, e engine) {
		s, _ := e.fresh(t)
		before := revisionOf(t, s)
		woken := 0
		defer s.Keys().Watch(func() { woken++ })()
		require.NoError(t, s.Audit().Append(t.Context(), changed(t, "alone")))
		require.NoError(t, s.InTx(t.Context(), func(ctx context.Context) error {
			return s.Audit().Append(ctx, changed(t, "in a transaction"))
		}))
		after := revisionOf(t, s)
		require.Equal(t, before, after)
		require.Zero(t, woken)
	})
}

// What a statement of an operator's can do to the log: drop old records, and nothing else.
func TestARecordDoesNotChangeInSQLEither(t *testing.T) {
	onEach(t, func(t *testing.T, e engine) {
		s, p := e.fresh(t)
		r := changed(t, "kept")
		old := r
		old.ID, old.At, old.Object = "0", r.At.AddDate(-1, 0, 0), "old"
		require.NoError(t, s.Audit().Append(t.Context(), r))
		require.NoError(t, s.Audit().Append(t.Context(), old))
		const again = " INTO latchkey_audit SELECT id, space, at, 'forged', actor_name, action, object, peer, old_values, new_values FROM latchkey_audit"
		refused := []string{"UPDATE latchkey_audit SET actor = 'forged'", "UPDATE latchkey_audit SET id = '1' WHERE object = 'kept'", "INSERT" + again}
		if e.dialect == sqlstore.SQLite {
			refused = append(refused, "REPLACE"+again, "INSERT"+again+" WHERE 1 ON CONFLICT (id) DO UPDATE SET actor = 'forged'")
		} else {
			refused = append(refused, "TRUNCATE latchkey_audit", "INSERT"+again+" ON CONFLICT (id) DO UPDATE SET actor = 'forged'")
		}
		for _, text := range refused {
			_, err := p.db.Exec(p.text(text))
			require.Error(t, err, text)
		}
		forged, err := s.Audit().List(t.Context(), audit.Filter{Actor: "forged"})
		require.NoError(t, err)
		require.Empty(t, forged)
		requireRecords(t, s, "kept", "old")
		p.exec(t, fmt.Sprintf("DELETE FROM latchkey_audit WHERE at < %d", r.At.UnixMicro()))
		requireRecords(t, s, "kept")
	})
}

func TestAuditRowsThatMakeNoSense(t *testing.T) {
	onEach(t, func(t *testing.T, e engine) {
		s, p := e.fresh(t)
		for _, c := range []struct{ column, id, at, before, after string }{
			{"id", "''", "1", "NULL", "NULL"},
			{"at", "'x'", "-62135596800000000", "NULL", "NULL"},
			{"old_values", "'x'", "1", "'{}'", "NULL"},
			{"old_values", "'x'", "1", "'null'", "NULL"},
			{"new_values", "'x'", "1", "NULL", "'[\"5ec2e7\"]'"},
			{"new_values", "'x'", "1", "NULL", "'{\"5ec2e7\"'"},
		} {
			p.exec(t, "DELETE FROM latchkey_audit")
			p.exec(t, fmt.Sprintf("INSERT INTO latchkey_audit VALUES (%s, '', %s, '', '', '', '', '', %s, %s)", c.id, c.at, c.before, c.after))
			_, err := s.Audit().List(t.Context(), audit.Filter{})
			require.ErrorContains(t, err, "corrupt row", "%+v", c)
			require.ErrorContains(t, err, c.column+":")
			require.NotContains(t, err.Error(), "5ec2e7", "what is in it is not told")
		}
	})
}

func TestRecordsThatNoDatabaseStores(t *testing.T) {
	onEach(t, func(t *testing.T, e engine) {
		s, _ := e.fresh(t)
		for name, spoil := range map[string]func(*audit.Record){
			"not stamped":            func(r *audit.Record) { r.ID = "" },
			"no time":                func(r *audit.Record) { r.At = time.Time{} },
			"a time near none":       func(r *audit.Record) { r.At = time.Time{}.Add(time.Nanosecond) },
			"a time too far":         func(r *audit.Record) { r.At = time.Date(400_000, 1, 1, 0, 0, 0, 0, time.UTC) },
			"a zero byte":            func(r *audit.Record) { r.Object = "a\x00" },
			"not UTF-8":              func(r *audit.Record) { r.Actor = "\xff" },
			"an ID with a zero byte": func(r *audit.Record) { r.ID = "a\x00" },
		} {
			r := changed(t, "x")
			spoil(&r)
			require.NoError(t, s.InTx(t.Context(), func(ctx context.Context) error {
				require.Error(t, s.Audit().Append(ctx, r), name)
				return nil
			}))
		}
		requireRecords(t, s)
		for _, f := range []audit.Filter{{Space: "\x00"}, {Actor: "\xff"}, {Before: "\xff"}} {
			page, err := s.Audit().List(t.Context(), f)
			require.NoError(t, err)
			require.Empty(t, page)
		}
	})
}

// Whatever is asked, the log in SQL answers as one that looks at each record. A seed makes a failure come again.
func TestAuditFiltersAgreeWithALogInMemory(t *testing.T) {
	onEach(t, func(t *testing.T, e engine) {
		seed := uint64(time.Now().UnixNano())
		t.Logf("seed %d", seed)
		r := rand.New(rand.NewPCG(seed, 0))
		s := e.empty(t)
		naive := audit.NewMemoryLog(0)
		texts := []string{"a", "A", "a ", "ä", "%", "_", "a'--", "\\", "z\u2028"}
		text := func() string { return texts[r.IntN(len(texts))] }
		at := func() time.Time {
			whole := noon.Add(time.Duration(r.IntN(60)) * time.Microsecond)
			return whole.Add(time.Duration(r.IntN(2)*r.IntN(1000)) * time.Nanosecond).In(time.FixedZone("", r.IntN(24)*3600-12*3600))
		}
		var ids []string
		for range 300 {
			record := audit.Record{At: at(), Space: []string{"", "", text()}[r.IntN(3)], Actor: text(), Action: text(), Object: text()}
			if r.IntN(2) == 0 {
				record.ID = fmt.Sprintf("%s%d", text(), r.IntN(1000)) // a host's own
			}
			if r.IntN(3) == 0 {
				record.Before, record.After = map[string]any{text(): r.Float64()}, map[string]any{"list": []any{text(), nil, true}}
			}
			record, err := audit.Stamp(record)
			require.NoError(t, err)
			ids = append(ids, record.ID)
			want, got := naive.Append(t.Context(), record), s.Audit().Append(t.Context(), record)
			require.Equal(t, want == nil, got == nil, "%v, %v", want, got)
		}
		some := func(value func() string) string {
			if r.IntN(3) > 0 {
				return ""
			}
			return value()
		}
		for range 400 {
			f := audit.Filter{Space: some(text), Actor: some(text), Action: some(text), Object: some(text), Limit: r.IntN(50) - 5,
				Before: some(func() string { return ids[r.IntN(len(ids))] })}
			if r.IntN(3) == 0 {
				f.Since = at()
			}
			if r.IntN(3) == 0 {
				f.Until = at()
			}
			want, err := naive.List(t.Context(), f)
			require.NoError(t, err)
			got, err := s.Audit().List(t.Context(), f)
			require.NoError(t, err)
			require.Equal(t, want, got, "%+v", f)
		}
	})
}

func TestAuditTimesBeyondWhatIsStored(t *testing.T) {
	onEach(t, func(t *testing.T, e engine) {
		s := e.empty(t)
		require.NoError(t, s.Audit().Append(t.Context(), changed(t, "x")))
		early, late := time.Unix(math.MinInt64/2, 0), time.Unix(math.MaxInt64/2, 0)
		for f, want := range map[audit.Filter]int{
			{Since: early}: 1, {Since: late}: 0, {Until: early}: 0, {Until: late}: 1, {Since: early, Until: late}: 1,
		} {
			page, err := s.Audit().List(t.Context(), f)
			require.NoError(t, err)
			require.Len(t, page, want, "%+v", f)
		}
	})
}
