package engines_test

import (
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/latchkey-go/latchkey/auth/sqlstore"
	"github.com/latchkey-go/latchkey/keys"
)

// The benchmarks time an operation of the store and the statement that does it by hand, in turns, on tables
// that are alike but for the triggers, and report both and their ratio. With LATCHKEY_LONG=1 they do so with a
// million keys as well.

func sizes() []int {
	if long {
		return []int{1_000, 1_000_000}
	}
	return []int{1_000}
}

// A bench is a store full of keys, and beside it the same keys in a table without triggers.
type bench struct {
	keys *sqlstore.Keys
	hand place
	size int
	next int
}

// key returns one of the keys that are there.
func (b *bench) key() (id string, d keys.Digest) {
	i := rand.IntN(b.size)
	return keyID(i), digestOf("key ", i)
}

// fresh returns a digest that no key has.
func (b *bench) fresh() keys.Digest {
	b.next++
	return digestOf("fresh ", b.next)
}

func keyID(i int) string { return fmt.Sprintf("0198c0de-0000-7000-8000-%012x", i) }

func digestOf(text ...any) keys.Digest {
	return keys.NewDigest(keys.SHA256, sha256.Sum256(fmt.Append(nil, text...)))
}

func digestText(d keys.Digest) string {
	algorithm, sum := d.Reveal()
	return fmt.Sprintf("%s:%x", algorithm, sum)
}

const (
	handColumns = `id, space, kind, name, user_id, role, foreign_id, scopes, allowed_ips, hint, digest, legacy, weak, sole,
		generation, created_at, created_by, refreshed_at, expires_at, disabled_at, invalidated_at, last_used_at, previous,
		previous_until, overlap`
	fillColumns = `INSERT INTO latchkey_keys (` + handColumns + `) SELECT u.id, '', 'custom', 'Website build', '', 'editor', '',
		'["content/**"]', '[]', 'API-…0f3a', u.digest, 0, 0, 0, 1, 1767225600000000, 'ada', NULL, NULL, NULL, NULL, NULL,
		NULL, NULL, 0 FROM `
)

// fill puts n keys into the place.
func (p place) fill(tb testing.TB, e engine, n int) {
	text := fillColumns + `(SELECT value ->> 'id' AS id, value ->> 'digest' AS digest FROM json_each($1)) AS u`
	if e.dialect == sqlstore.PostgreSQL {
		text = fillColumns + `json_to_recordset($1::json) AS u (id text, digest text)`
	}
	type made struct {
		ID     string `json:"id"`
		Digest string `json:"digest"`
	}
	var batch []made
	for i := range n {
		if batch = append(batch, made{keyID(i), digestText(digestOf("key ", i))}); len(batch) == 20_000 || i == n-1 {
			list, err := json.Marshal(batch)
			if err != nil {
				tb.Fatal(err)
			}
			p.exec(tb, text, string(list))
			batch = batch[:0]
		}
	}
	if e.dialect == sqlstore.PostgreSQL {
		p.exec(tb, "VACUUM ANALYZE latchkey_keys")
	} else {
		p.exec(tb, "PRAGMA wal_checkpoint(TRUNCATE)")
	}
}

// bare drops what a table by hand would not have.
func (p place) bare(tb testing.TB, e engine) {
	if e.dialect == sqlstore.PostgreSQL {
		p.exec(tb, "ALTER TABLE latchkey_keys DISABLE TRIGGER USER")
		return
	}
	for _, name := range []string{"insert_key", "update_key", "delete_key", "invalidated", "moved_key"} {
		p.exec(tb, "DROP TRIGGER latchkey_"+name)
	}
}

// onKeys runs a benchmark on each engine and size.
func onKeys(b *testing.B, run func(b *testing.B, e engine, k *bench)) {
	for _, e := range engines {
		for _, n := range sizes() {
			b.Run(fmt.Sprintf("%s/%d", e.name, n), func(b *testing.B) {
				s, filled := e.fresh(b)
				filled.fill(b, e, n)
				_, hand := e.fresh(b)
				hand.bare(b, e)
				hand.fill(b, e, n)
				run(b, e, &bench{keys: s.Keys(), hand: hand, size: n})
			})
		}
	}
}

// prepare prepares a statement over the table without triggers.
func (b *bench) prepare(tb testing.TB, text string) *sql.Stmt {
	st, err := b.hand.db.Prepare(b.hand.text(text))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { st.Close() })
	return st
}

// versus times both in turns, and reports the medians: means tell more about the neighbours on a shared machine.
func versus(b *testing.B, store, hand func() error) {
	var ours, theirs []float64
	timed := func(f func() error, into *[]float64) {
		begin := time.Now()
		if err := f(); err != nil {
			b.Fatal(err)
		}
		*into = append(*into, float64(time.Since(begin)))
	}
	for range 20 { // plans are made
		timed(store, &ours)
		timed(hand, &theirs)
	}
	ours, theirs = nil, nil
	for b.Loop() {
		timed(store, &ours)
		timed(hand, &theirs)
	}
	median := func(of []float64) float64 { slices.Sort(of); return of[len(of)/2] }
	b.ReportMetric(0, "ns/op") // both together say nothing
	b.ReportMetric(median(ours), "store-ns")
	b.ReportMetric(median(theirs), "hand-ns")
	b.ReportMetric(median(ours)/median(theirs), "ratio")
}

func BenchmarkFind(b *testing.B) {
	onKeys(b, func(b *testing.B, _ engine, k *bench) {
		st := k.prepare(b, `SELECT `+handColumns+` FROM latchkey_keys WHERE digest = $1 AND space = $2`)
		versus(b, func() error {
			_, d := k.key()
			_, err := k.keys.Find(b.Context(), "", []keys.Digest{d})
			return err
		}, func() error {
			_, d := k.key()
			var text [13]string
			var previous sql.NullString
			var number [5]int64
			var at [7]sql.NullInt64
			err := st.QueryRowContext(b.Context(), digestText(d), "").Scan(&text[0], &text[1], &text[2], &text[3], &text[4], &text[5],
				&text[6], &text[7], &text[8], &text[9], &text[10], &number[0], &number[1], &number[2], &number[3], &at[0], &text[11],
				&at[1], &at[2], &at[3], &at[4], &at[5], &previous, &at[6], &number[4])
			return err
		})
	})
}

func BenchmarkRefresh(b *testing.B) {
	onKeys(b, func(b *testing.B, _ engine, k *bench) {
		st := k.prepare(b, `UPDATE latchkey_keys SET digest = $1, hint = $2, generation = generation + 1, refreshed_at = $3
			WHERE id = $4 AND space = $5 AND generation = $6 AND invalidated_at IS NULL`)
		generations := map[string]int64{}
		records := map[string]keys.Record{}
		record, err := k.keys.Get(b.Context(), "", keyID(0)) // they are alike
		if err != nil {
			b.Fatal(err)
		}
		versus(b, func() error {
			id, _ := k.key()
			r := record
			r.ID = id
			if done, ok := records[id]; ok {
				r = done
			}
			r.Digest, r.RefreshedAt = k.fresh(), time.Now().UTC().Truncate(time.Microsecond)
			r.Generation++
			records[id] = r
			return k.keys.Update(b.Context(), r)
		}, func() error {
			id, _ := k.key()
			generations[id]++
			_, err := st.ExecContext(b.Context(), digestText(k.fresh()), "API-…0f3b", time.Now().UnixMicro(), id, "", generations[id])
			return err
		})
	})
}

func BenchmarkLastUsed(b *testing.B) {
	const batch = 1000
	onKeys(b, func(b *testing.B, e engine, k *bench) {
		from := `(SELECT value ->> 'id' AS id, value ->> 'space' AS space, value ->> 'at' AS at FROM json_each($1)) AS u`
		if e.dialect == sqlstore.PostgreSQL {
			from = `json_to_recordset($1::json) AS u (id text, space text, at bigint)`
		}
		st := k.prepare(b, `UPDATE latchkey_keys AS k SET last_used_at = u.at FROM `+from+`
			WHERE k.id = u.id AND k.space = u.space AND (k.last_used_at IS NULL OR k.last_used_at < u.at)`)
		at := time.Now().UTC().Truncate(time.Second)
		pick := func() []string {
			ids := make([]string, batch)
			for i := range ids {
				ids[i] = keyID((i*(k.size/batch) + k.next) % k.size)
			}
			k.next++
			at = at.Add(time.Second)
			return ids
		}
		versus(b, func() error {
			uses := make([]keys.Use, batch)
			for i, id := range pick() {
				uses[i] = keys.Use{ID: id, At: at}
			}
			return k.keys.RecordUse(b.Context(), uses)
		}, func() error {
			type use struct {
				ID    string `json:"id"`
				Space string `json:"space"`
				At    int64  `json:"at"`
			}
			uses := make([]use, batch)
			for i, id := range pick() {
				uses[i] = use{id, "", at.UnixMicro()}
			}
			text, err := json.Marshal(uses)
			if err == nil {
				_, err = st.ExecContext(b.Context(), string(text))
			}
			return err
		})
	})
}
