package auth_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/internal/ask"
)

// The users of this package answer without a goroutine for each call. A host's type that embeds one does not.
func TestUsersThatNeedNoLimit(t *testing.T) {
	require.True(t, ask.Bounded(auth.UserMap{}))
	require.True(t, ask.Bounded(auth.CacheUsers(auth.UserMap{}, time.Minute)))
	require.False(t, ask.Bounded(struct{ *auth.UserCache }{}))
	require.False(t, ask.Bounded(&hostCode{}))
}
