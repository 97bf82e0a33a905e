package sqlstore

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/keys"
)

// anyRecord returns a record with any content that can be stored.
func anyRecord(r *rand.Rand) keys.Record {
	text := func() string { return []string{"", "a", "Ärger ", `"'\<&>`, strings.Repeat("€", 60)}[r.IntN(5)] }
	at := func() time.Time {
		if r.IntN(3) == 0 {
			return time.Time{}
		}
		return time.UnixMicro(r.Int64N(1<<54) - 1<<50).UTC()
	}
	digest := func() keys.Digest {
		var sum [32]byte
		for i := range sum {
			sum[i] = byte(r.Uint32())
		}
		return keys.NewDigest([]string{keys.SHA256, "hmac-sha256:2026", "hmac-sha256:a:b"}[r.IntN(3)], sum)
	}
	record := keys.Record{
		ID: "id" + text(), Space: text(), Kind: []keys.Kind{keys.KindUser, keys.KindCustom}[r.IntN(2)], Name: text(), UserID: text(),
		Role: text(), ForeignID: text(), Hint: text(), Digest: digest(), Legacy: r.IntN(2) == 0, Weak: r.IntN(2) == 0,
		Sole: r.IntN(2) == 0, Generation: 1 + r.Uint64N(1<<62), CreatedAt: at(), CreatedBy: text(), RefreshedAt: at(), ExpiresAt: at(),
		DisabledAt: at(), InvalidatedAt: at(), LastUsedAt: at(), PreviousUntil: at(), Overlap: time.Duration(r.Int64N(1 << 60)),
	}
	for range r.IntN(3) {
		record.Scopes = append(record.Scopes, text())
		record.AllowedIPs = append(record.AllowedIPs, netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(r.Uint32())}), r.IntN(33)))
	}
	if r.IntN(2) == 0 {
		record.Previous = digest()
	}
	return record
}

// requireSame compares digests too, which require.Equal cannot.
func requireSame(t *testing.T, want, got keys.Record, why ...any) {
	t.Helper()
	require.True(t, want.Digest.Equal(got.Digest) && want.Previous.Equal(got.Previous), why...)
	want.Digest, want.Previous, got.Digest, got.Previous = keys.Digest{}, keys.Digest{}, keys.Digest{}, keys.Digest{}
	require.Equal(t, want, got, why...)
}

func TestWhatIsEncodedDecodesToTheSame(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	r := rand.New(rand.NewPCG(seed, 0))
	for range 5000 {
		want := anyRecord(r)
		w, err := encode(&want)
		require.NoError(t, err, "seed %d", seed)
		got, err := w.decode()
		require.NoError(t, err, "seed %d", seed)
		requireSame(t, want, got, "seed %d", seed)
		for i, cell := range w { // drivers may give texts as bytes
			if s, ok := cell.(string); ok {
				w[i] = []byte(s)
			}
		}
		got, err = w.decode()
		require.NoError(t, err, "seed %d", seed)
		requireSame(t, want, got, "seed %d", seed)
	}
}

func TestARowHasACellForEachColumn(t *testing.T) {
	require.Len(t, strings.Split(columns, ","), len(row{}))
	require.Contains(t, strings.Split(columns, ",")[updatedColumns], "kind")
	fields := reflect.TypeFor[keys.Record]().NumField()
	require.Equal(t, fields, len(row{}), "a field of keys.Record that is not stored would be lost")
}

func TestCorruptRecordsAreNotStored(t *testing.T) {
	good := anyRecord(rand.New(rand.NewPCG(1, 1)))
	for name, spoil := range map[string]func(*keys.Record){
		"no digest":         func(r *keys.Record) { r.Digest = keys.Digest{} },
		"unknown algorithm": func(r *keys.Record) { r.Previous = keys.NewDigest("md5", [32]byte{}) },
		"unknown kind":      func(r *keys.Record) { r.Kind = "robot" },
		"no generation":     func(r *keys.Record) { r.Generation = 0 },
		"huge generation":   func(r *keys.Record) { r.Generation = 1 << 63 },
		"invalid network":   func(r *keys.Record) { r.AllowedIPs = []netip.Prefix{{}} },
		"negative overlap":  func(r *keys.Record) { r.Overlap = -1 },
	} {
		r := good
		spoil(&r)
		_, err := encode(&r)
		require.ErrorContains(t, err, "cannot be stored", name)
	}
}

// The error of a corrupt row names the row first, then the column and its mistake.
func TestTheErrorOfACorruptRowSaysWhereItIs(t *testing.T) {
	r := anyRecord(rand.New(rand.NewPCG(1, 1)))
	r.ID = "k1"
	w, err := encode(&r)
	require.NoError(t, err)
	w[15] = int64(0)
	_, err = w.decode()
	require.EqualError(t, err, `sqlstore: corrupt row: key "k1": generation: not a number of its range`)
	_, err = (&auditRow{"a1", "", "yesterday", "", "", "", "", "", nil, nil}).decode()
	require.EqualError(t, err, `sqlstore: corrupt row: audit record "a1": at: not a time`)

	appid, text, none := "editor", "", "[]"
	for _, role := range [][4]*string{
		{nil, &text, &text, &none}, {&text, nil, &text, &none}, {&text, &text, nil, &none}, {&text, &text, &text, nil},
	} {
		_, err = decodeRole(&appid, role[0], role[1], role[2], role[3])
		require.EqualError(t, err, `sqlstore: corrupt row: role "editor" has a column without a value`)
	}
}

// FuzzScan gives the reader rows of any content. It must not panic, must refuse what it could not have written, and
// must not tell what is in the row but its ID.
func FuzzScan(f *testing.F) {
	r := rand.New(rand.NewPCG(7, 7))
	for range 20 {
		record := anyRecord(r)
		w, err := encode(&record)
		require.NoError(f, err)
		f.Add(flatten(w))
	}
	f.Add([]byte(nil))
	f.Fuzz(func(t *testing.T, data []byte) {
		w := unflatten(data)
		got, err := w.decode()
		if err != nil {
			require.ErrorIs(t, err, errCorrupt)
			w[0] = "its-id" // which may be told
			_, err = w.decode()
			for _, cell := range w[1:] {
				if text, ok := cell.(string); ok && len(text) > 40 && err != nil {
					require.NotContains(t, err.Error(), text)
				}
			}
			return
		}
		again, err := encode(&got)
		require.NoError(t, err)
		same, err := again.decode()
		require.NoError(t, err)
		requireSame(t, got, same)
		require.Equal(t, w[20] != nil, !got.InvalidatedAt.IsZero(), "SQL and Go agree on what is invalidated")
	})
}

// flatten writes a row as bytes: for each cell a letter and, for a number, 8 bytes, or for a text its length and it.
func flatten(w *row) (data []byte) {
	for _, cell := range w {
		switch v := cell.(type) {
		case nil:
			data = append(data, 'n')
		case int64:
			data = binary.BigEndian.AppendUint64(append(data, 'i'), uint64(v))
		case string:
			data = append(binary.BigEndian.AppendUint16(append(data, 's'), uint16(len(v))), v...)
		default:
			panic(fmt.Sprintf("%T", v))
		}
	}
	return data
}

// unflatten reads any bytes as a row. What is missing is NULL.
func unflatten(data []byte) *row {
	w := row{}
	take := func(n int) []byte {
		n = min(n, len(data))
		taken := data[:n]
		data = data[n:]
		return taken
	}
	for i := range w {
		switch letter := take(1); string(letter) {
		case "i":
			var n [8]byte
			copy(n[:], take(8))
			w[i] = int64(binary.BigEndian.Uint64(n[:]))
		case "s", "b":
			var n [2]byte
			copy(n[:], take(2))
			text := take(int(binary.BigEndian.Uint16(n[:])))
			if w[i] = string(text); letter[0] == 'b' {
				w[i] = text
			}
		case "f":
			w[i] = 1.5
		case "t":
			w[i] = true
		}
	}
	return &w
}
