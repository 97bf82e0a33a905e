package keys_test

import (
	"encoding/base64"
	"encoding/hex"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/keys"
)

func TestStrength(t *testing.T) {
	for text, strong := range map[string]bool{
		"":                                   false,
		"public":                             false,
		"master":                             false,
		legacyText[4:]:                       true,
		strings.Repeat("a", 256):             false,
		strings.Repeat("ab12", 64):           false,
		strings.Repeat("password", 20) + "1": false,
		"abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRS": false,
		"0123456789012345678901234567890123456789":                false,
		"correct horse battery staple 2024 and one more":          false,
		"thisismyverysecretkeyforthewebsite":                      false,
		"00000000-0000-0000-0000-000000000001":                    false,
		"f47ac10b-58cc-4372-a567-0e02b2c3d479":                    true,
		"36<$:48#;7*+!1(09&=)5%2-/":                               true, // from 43 characters, not from 16
	} {
		require.Equal(t, strong, keys.Strength(text) >= 112, "%q: %.0f bits", text, keys.Strength(text))
	}
	// Random texts pass: Cockpit's 40 hex digits, 32 hex digits, 24 bytes in base64; 13 bytes never do.
	seed := uint64(time.Now().UnixNano())
	rnd := rand.New(rand.NewPCG(seed, 0))
	t.Log("seed", seed)
	var missed [3]int
	const n = 5000
	for range n {
		b := make([]byte, 24)
		for i := range b {
			b[i] = byte(rnd.Uint32())
		}
		for i, text := range []string{hex.EncodeToString(b[:20]), hex.EncodeToString(b[:16]), base64.RawURLEncoding.EncodeToString(b)} {
			if keys.Strength(text) < 112 {
				missed[i]++
			}
		}
		require.Less(t, keys.Strength(hex.EncodeToString(b[:13])), 112.0)
	}
	t.Log("missed of", n, missed)
	require.Zero(t, missed[0])
	require.Less(t, missed[1], n/50)
	require.Less(t, missed[2], n/50)
}
