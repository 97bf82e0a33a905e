package sqlstore

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth/audit"
)

func TestAnAuditRowHasACellForEachColumn(t *testing.T) {
	require.Len(t, strings.Split(auditColumns, ","), len(auditRow{}))
	text, err := json.Marshal(audit.Record{ActorName: "a", Space: "b", From: "c",
		Before: map[string]any{"x": 1}, After: map[string]any{"x": 1}})
	require.NoError(t, err)
	var fields map[string]any
	require.NoError(t, json.Unmarshal(text, &fields))
	require.Len(t, fields, len(auditRow{}), "a field of audit.Record that is not stored would be lost")
}

// FuzzAuditScan gives the reader rows with any values. What it does not refuse comes back the same when it is stored
// again.
func FuzzAuditScan(f *testing.F) {
	f.Add("id", int64(1), "user:ada", `{"a":1}`, `{"b":[null,{"c":"\u0000"}]}`)
	f.Add("", int64(-62135596800000000), "\xff", `{}`, `null`)
	f.Add("x", int64(-1), "", `{"a":1e400}`, `{"a":1,"a":2}`)
	f.Fuzz(func(t *testing.T, id string, at int64, actor, before, after string) {
		w := auditRow{id, "", at, []byte(actor), "", "", "", "", before, nil}
		if after != "" {
			w[9] = after
		}
		r, err := w.decode()
		if err != nil {
			require.ErrorIs(t, err, errCorrupt)
			return
		}
		require.Equal(t, time.UTC, r.At.Location())
		again, err := encodeAudit(r)
		if unstorable(id, actor) {
			require.Error(t, err)
			return
		}
		require.NoError(t, err)
		same, err := again.decode()
		require.NoError(t, err)
		require.Equal(t, r, same)
	})
}
