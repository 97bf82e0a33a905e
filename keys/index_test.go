package keys

import (
	"context"
	"encoding/binary"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
)

// TestDigestIndexAgainstMap: after any puts and removes the index holds what a map holds.
func TestDigestIndexAgainstMap(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	type at struct {
		space string
		d     rawDigest
	}
	var x digestIndex
	want := map[at]*indexed{}
	some := func() at {
		d := rawDigest{algorithm: []string{SHA256, "hmac-sha256:2026"}[rnd.IntN(2)]}
		binary.LittleEndian.PutUint16(d.sum[rnd.IntN(2)*20:], uint16(rnd.IntN(400)))
		return at{[]string{"", "acme"}[rnd.IntN(2)], d}
	}
	for range 50_000 {
		a := some()
		if rnd.IntN(3) > 0 {
			want[a] = newIndexed(&Record{Space: a.space}, a.d, false)
			x.put(want[a])
		} else {
			delete(want, a)
			x.remove(a.space, &a.d)
		}
		b := some()
		require.Same(t, want[b], x.get(b.space, &b.d))
	}
	require.Len(t, want, x.live)
	for a, e := range want {
		require.Same(t, e, x.get(a.space, &a.d))
	}
	require.LessOrEqual(t, len(x.table.Load().slots), 16*(x.live+1), "removed entries must not pile up")
}

// TestDigestIndexShrinks: the memory of many entries is freed when they are removed, even if no entry follows.
func TestDigestIndexShrinks(t *testing.T) {
	var x digestIndex
	ds := make([]rawDigest, 10_000)
	for i := range ds {
		binary.LittleEndian.PutUint32(ds[i].sum[:], uint32(i)+1)
		x.put(newIndexed(&Record{}, ds[i], false))
	}
	for i := range ds {
		x.remove("", &ds[i])
		require.LessOrEqual(t, len(x.table.Load().slots), 16*(x.live+1), "after %d of %d", i+1, len(ds))
		require.Nil(t, x.get("", &ds[i]))
	}
	require.Zero(t, x.live)
}

// TestLookupNeverMisses: a digest that is valid before and after every change is always found, while the table
// grows and other keys are added and removed.
func TestLookupNeverMisses(t *testing.T) {
	ctx, m := context.Background(), NewMemoryStore()
	one, other := rawDigest{SHA256, [32]byte{1}}, rawDigest{SHA256, [32]byte{2}}
	r := Record{ID: uuid.Must(uuid.NewV7()).String(), Digest: one.seal(), Previous: other.seal(), Generation: 1}
	require.NoError(t, m.Insert(ctx, r))
	stop := make(chan struct{})
	var readers sync.WaitGroup
	for range 2 {
		readers.Go(func() {
			last := uint64(0)
			for {
				select {
				case <-stop:
					return
				default:
				}
				e := m.found.get("", &one)
				if e == nil || e.by != one || e.previous != (e.rec.Previous.raw() == one) || e.rec.Generation < last {
					t.Errorf("found %v after generation %d", e != nil, last)
					return
				}
				last = e.rec.Generation
			}
		})
	}
	for i := range 3000 {
		r.Generation++
		r.Digest, r.Previous = r.Previous, r.Digest
		require.NoError(t, m.Update(ctx, r))
		d := rawDigest{SHA256, [32]byte{3, byte(i), byte(i >> 8)}}
		o := Record{ID: uuid.Must(uuid.NewV7()).String(), Digest: d.seal(), Generation: 1, InvalidatedAt: time.Unix(1, 0)}
		require.NoError(t, m.Insert(ctx, o))
		if i%3 == 0 {
			require.NoError(t, m.Delete(ctx, "", o.ID))
			require.Nil(t, m.found.get("", &d))
		}
	}
	close(stop)
	readers.Wait()
}

// TestEntries: a change of a record makes new entries for its digests; recording a use does not.
func TestEntries(t *testing.T) {
	ctx, m := context.Background(), NewMemoryStore()
	one, two, three := rawDigest{SHA256, [32]byte{1}}, rawDigest{SHA256, [32]byte{2}}, rawDigest{SHA256, [32]byte{3}}
	r := Record{ID: uuid.Must(uuid.NewV7()).String(), Space: "acme", UserID: "ada", Role: "editor", Digest: one.seal(), Generation: 1}
	require.NoError(t, m.Insert(ctx, r))
	first := m.found.get("acme", &one)
	require.False(t, first.previous)
	require.Nil(t, m.found.get("", &one), "another space")
	require.Nil(t, m.found.get("acme", &rawDigest{}), "the zero digest, though the record has no previous one")

	at := time.Unix(100, 0).UTC()
	require.NoError(t, m.RecordUse(ctx, []Use{{"acme", r.ID, at}}))
	require.Same(t, first, m.found.get("acme", &one))

	r.Digest, r.Previous, r.Generation = two.seal(), one.seal(), 2 // a refresh with overlap
	require.NoError(t, m.Update(ctx, r))
	old, now := m.found.get("acme", &one), m.found.get("acme", &two)
	require.True(t, old.previous)
	require.False(t, now.previous)
	require.Same(t, old.rec, now.rec)
	require.Equal(t, uint64(1), first.rec.Generation, "an old entry still has the old record")
	require.Equal(t, at, now.rec.LastUsedAt)

	r.Digest, r.Previous, r.Generation = three.seal(), Digest{}, 3 // a refresh without
	require.NoError(t, m.Update(ctx, r))
	require.Nil(t, m.found.get("acme", &one))
	require.Nil(t, m.found.get("acme", &two))

	n, err := m.DropRole(ctx, "editor")
	require.NoError(t, err)
	require.Equal(t, 1, n)
	require.Empty(t, m.found.get("acme", &three).rec.Role)
	require.Equal(t, at, m.found.get("acme", &three).rec.LastUsedAt)

	_, err = m.InvalidateUser(ctx, "acme", "ada", at)
	require.NoError(t, err)
	require.Equal(t, StateInvalidated, m.found.get("acme", &three).rec.State(at))
	require.NoError(t, m.Delete(ctx, "acme", r.ID))
	require.Nil(t, m.found.get("acme", &three))
	require.Empty(t, m.spaces, "nothing is left of an empty space")
	require.Empty(t, m.byID)

	custom := Record{ID: r.ID, Digest: one.seal(), Previous: one.seal(), Generation: 1}
	require.NoError(t, m.Insert(ctx, custom))
	require.False(t, m.found.get("", &one).previous, "a value that is both is the current one")
	ended, err := m.InvalidateUser(ctx, "", "", at)
	require.NoError(t, err)
	require.Empty(t, ended, "the user ID \"\" has no keys")
}

// TestNothingIsLeftOfAUser: a space that others use holds nothing for a user whose keys were removed.
func TestNothingIsLeftOfAUser(t *testing.T) {
	ctx, m := context.Background(), NewMemoryStore()
	for i, user := range []string{"ada", "bert"} {
		d := rawDigest{SHA256, [32]byte{byte(i + 1)}}
		require.NoError(t, m.Insert(ctx, Record{ID: user, Space: "acme", UserID: user, Digest: d.seal(), Generation: 1, InvalidatedAt: time.Unix(1, 0)}))
	}
	require.NoError(t, m.Delete(ctx, "acme", "ada"))
	require.Len(t, m.spaces["acme"].user, 1)
}
