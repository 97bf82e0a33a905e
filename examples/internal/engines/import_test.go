package engines_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth/cockpit"
	"github.com/latchkey-go/latchkey/keys"
)

// Other writers wait for one transaction of an import, and not for the whole.
func TestAnImportLetsOtherWritersThrough(t *testing.T) {
	var text strings.Builder
	text.WriteString(`{"api_keys": [`)
	for i := range manyKeys() {
		value := sha256.Sum256(fmt.Append(nil, i))
		fmt.Fprintf(&text, `{"_id": "k%d", "name": "key %d", "key": "API-%x"},`, i, i, value[:20])
	}
	document := strings.TrimSuffix(text.String(), ",") + `]}`
	onEach(t, func(t *testing.T, e engine) {
		source, err := cockpit.ReadJSON(strings.NewReader(document))
		require.NoError(t, err)
		s, _ := e.fresh(t)
		ring, err := keys.Open(keys.Config{Store: s.Keys(), ImportedKeys: true})
		require.NoError(t, err)
		began, ended := time.Now(), make(chan error)
		go func() {
			_, err := cockpit.Import(t.Context(), source, cockpit.Into{Keys: ring, Roles: s.Roles(), InTx: s.InTx, Audit: s.Audit()})
			ended <- err
		}()
		slowest, n := time.Duration(0), 0
		for running := true; running; n++ {
			select {
			case err := <-ended:
				require.NoError(t, err)
				running = false
			case <-time.After(10 * time.Millisecond):
			}
			asked := time.Now()
			require.NoError(t, s.InTx(t.Context(), func(ctx context.Context) error {
				_, err := ring.IssueCustom(ctx, keys.Custom{Name: "Website build"})
				return err
			}))
			slowest = max(slowest, time.Since(asked))
		}
		t.Logf("%d keys in %v; the slowest of %d other writes took %v", manyKeys(), time.Since(began), n, slowest)
		require.Less(t, slowest, slower*3*time.Second)
	})
}
