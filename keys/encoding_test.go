package keys_test

import (
	"fmt"
	"net/netip"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/keys"
)

// fullRecord has a value in every field.
func fullRecord(t *testing.T) keys.Record {
	at := time.Date(2026, 1, 2, 3, 4, 5, 678_901_000, time.UTC)
	r := keys.Record{
		ID: "0190", Space: "acme", Kind: keys.KindCustom, Name: "Ünïcode \u2028", UserID: "ada", Role: "editor", ForeignID: "f",
		Scopes: []string{"content/**"}, AllowedIPs: []netip.Prefix{netip.MustParsePrefix("2001:db8::/32")}, Hint: "API-…abcd",
		Digest: keys.NewDigest("hmac-sha256:2026", [32]byte{1, 2, 3}), Previous: keys.NewDigest(keys.SHA256, [32]byte{4}),
		Legacy: true, Weak: true, Sole: true, Generation: 1<<64 - 1, CreatedAt: at, CreatedBy: "root", RefreshedAt: at, ExpiresAt: at,
		DisabledAt: at, InvalidatedAt: at, LastUsedAt: at, PreviousUntil: at, Overlap: time.Hour,
	}
	v := reflect.ValueOf(r)
	for i := range v.NumField() {
		require.False(t, v.Field(i).IsZero(), v.Type().Field(i).Name)
	}
	return r
}

func requireSameRecord(t *testing.T, want, got keys.Record) {
	t.Helper()
	require.True(t, want.Digest.Equal(got.Digest))
	require.True(t, want.Previous.Equal(got.Previous))
	want.Digest, want.Previous, got.Digest, got.Previous = keys.Digest{}, keys.Digest{}, keys.Digest{}, keys.Digest{}
	require.Equal(t, want, got)
}

func TestEncodedRecord(t *testing.T) {
	for _, r := range []keys.Record{{}, fullRecord(t)} {
		data, err := keys.EncodeRecord(r)
		require.NoError(t, err)
		got, err := keys.DecodeRecord(data)
		require.NoError(t, err)
		requireSameRecord(t, r, got)
	}
	for _, bad := range []string{
		"", "{}", "null", `{"v":2}`, `{"v":1,"Later":1}`, `{"v":1} {}`, `{"v":1,"Digest":{"Sum":"00"}}`,
		`{"v":1,"Digest":{"Algorithm":"sha256"}}`, `{"v":1,"AllowedIPs":["everywhere"]}`,
	} {
		_, err := keys.DecodeRecord([]byte(bad))
		require.Error(t, err, bad)
	}
}

// Later versions must read today's data.
func TestEncodedRecordOfVersion1(t *testing.T) {
	data, err := keys.EncodeRecord(fullRecord(t))
	require.NoError(t, err)
	const stored = `{"v":1,"ID":"0190","Space":"acme","Kind":"custom","Name":"Ünïcode \u2028","UserID":"ada","Role":"editor",` +
		`"ForeignID":"f","Scopes":["content/**"],"AllowedIPs":["2001:db8::/32"],"Hint":"API-…abcd","Legacy":true,"Weak":true,` +
		`"Sole":true,"Generation":18446744073709551615,"CreatedAt":"2026-01-02T03:04:05.678901Z","CreatedBy":"root",` +
		`"RefreshedAt":"2026-01-02T03:04:05.678901Z","ExpiresAt":"2026-01-02T03:04:05.678901Z",` +
		`"DisabledAt":"2026-01-02T03:04:05.678901Z","InvalidatedAt":"2026-01-02T03:04:05.678901Z",` +
		`"LastUsedAt":"2026-01-02T03:04:05.678901Z","PreviousUntil":"2026-01-02T03:04:05.678901Z","Overlap":3600000000000,` +
		`"Digest":{"Algorithm":"hmac-sha256:2026","Sum":"0102030000000000000000000000000000000000000000000000000000000000"},` +
		`"Previous":{"Algorithm":"sha256","Sum":"0400000000000000000000000000000000000000000000000000000000000000"}}`
	require.JSONEq(t, stored, string(data))
	got, err := keys.DecodeRecord([]byte(stored))
	require.NoError(t, err)
	requireSameRecord(t, fullRecord(t), got)
}

func FuzzDecodeRecord(f *testing.F) {
	f.Add([]byte(`{"v":1,"ID":"x","CreatedAt":"2026-01-02T03:04:05.678901234+02:00","Scopes":[]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := keys.DecodeRecord(data)
		if err != nil {
			return
		}
		again, err := keys.EncodeRecord(r)
		if err != nil {
			t.Skip() // a year that JSON can't encode
		}
		got, err := keys.DecodeRecord(again)
		require.NoError(t, err)
		requireSameRecord(t, r, got)
	})
}

// A store over a key-value database writes the whole record.
func ExampleEncodeRecord() {
	bucket := map[string][]byte{}
	data, err := keys.EncodeRecord(keys.Record{ID: "0190", Digest: keys.NewDigest(keys.SHA256, [32]byte{1})})
	if err != nil {
		fmt.Println(err)
		return
	}
	bucket["0190"] = data
	r, err := keys.DecodeRecord(bucket["0190"])
	fmt.Println(r.ID, !r.Digest.IsZero(), err)
	// Output: 0190 true <nil>
}
