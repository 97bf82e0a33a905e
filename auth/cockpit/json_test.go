package cockpit_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth/cockpit"
)

func TestWhatIsNoCockpit(t *testing.T) {
	key := good("API-", 1)
	for text, want := range map[string]string{
		"":                                     "no JSON object",
		"null":                                 "no JSON object",
		`["` + key + `"]`:                      "no JSON object",
		`"` + key + `"`:                        "no JSON object",
		key:                                    "no JSON object",
		`{"roles": [], "roles": []}`:           `"roles" is there twice`,
		`{"roles": {"a": {}}}`:                 `"roles" is no list`,
		`{"users": "` + key + `"}`:             `"users" is no list`,
		`{"api_keys": 7}`:                      `"api_keys" is no list`,
		`{"public": ["` + key + `"]}`:          `"public" is no appid`,
		`{"api_keys": [{"key": "` + key:        "mistake at byte",
		`{"api_keys": [{"key": ` + key + `}]}`: "mistake at byte",
		`{"api_keys": [`:                       "mistake at byte",
		`{"api_keys": []`:                      "mistake at byte",
		`{"items": {"a": [` + key:              "mistake at byte",
		`{"items": [}`:                         "mistake at byte",
		`{` + key:                              "mistake at byte",
		`{} {"api_keys": []}`:                  "something stands behind",
		`{} ` + key:                            "something stands behind",
	} {
		_, err := cockpit.ReadJSON(strings.NewReader(text))
		require.ErrorContains(t, err, want, text)
		require.NotContains(t, err.Error(), key)
		require.NotContains(t, err.Error(), key[4:])
	}
}

func TestAReaderThatFails(t *testing.T) {
	broken := errors.New("connection reset")
	for _, text := range []string{"", `{"roles": [`, `{"items": {"a": [1, 2`, `{"public": "we`} {
		_, err := cockpit.ReadJSON(io.MultiReader(strings.NewReader(text), iotest.ErrReader(broken)))
		require.ErrorIs(t, err, broken)
	}
}

func TestMembersMayBeMissingNullOrEmpty(t *testing.T) {
	for _, text := range []string{
		"{}", `{"roles": null, "users": null, "api_keys": null, "public": null}`,
		`{"roles": {}, "users": [], "api_keys": {}, "other": {"deep": [{}, [1, {"x": null}]]}, "last": "x"}`,
	} {
		require.Equal(t, "cockpit: 0 roles, 0 users, 0 keys", read(t, text).String())
	}
	// Nothing was said of the public API, so nothing becomes of it.
	require.Empty(t, newWorld(t).bring(t, read(t, `{"roles": []}`)).Entries)
}

func TestNestingThatNeverEnds(t *testing.T) {
	deep := strings.Repeat("[", 1_000_000)
	for _, member := range []string{"items", "api_keys", "public"} {
		_, err := cockpit.ReadJSON(strings.NewReader(`{"` + member + `": ` + deep))
		require.Error(t, err)
	}
}

// A whole Cockpit goes through, and its items are not kept. LATCHKEY_LONG=1 has 100,000 of them, and 10,000 keys.
func TestReadingKeepsNoMoreThanItNeeds(t *testing.T) {
	n := 1000
	if os.Getenv("LATCHKEY_LONG") != "" {
		n = 5000
	}
	large := newCockpit(n, n, 20*n)
	s, err := cockpit.ReadJSON(large)
	require.NoError(t, err)
	require.Equal(t, fmt.Sprintf("cockpit: 1 roles, %d users, %d keys", n, 2*n), s.String())
	t.Logf("%d bytes read; the heap grew by %d KiB at its peak", large.read, large.peak()>>10)
	require.Less(t, large.peak(), large.read)
	require.Less(t, large.peak(), int64(2<<20)+int64(n)<<11, "two kilobytes for a user and a key")
	runtime.KeepAlive(s)
}
