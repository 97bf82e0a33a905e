package ask_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/internal/ask"
)

type memory struct{ full bool }

func (*memory) Ask() {}

func init() { ask.DeclareBounded(func(m *memory) bool { return m.full }) }

func TestBounded(t *testing.T) {
	require.True(t, ask.Bounded(&memory{true}))
	require.False(t, ask.Bounded(&memory{}))
	require.False(t, ask.Bounded(nil))
	require.False(t, ask.Bounded(struct{ *memory }{&memory{true}}), "another type may override every method")
}
